import { axis, axisOf, largest, pixels, runs, stepOf, widthOf } from '../raster';

const minute = 60_000;
const times = (n: number, step = minute) => Array.from({ length: n }, (_, i) => i * step);
const row = (...values: (number | null)[]) => ({ key: 'r', label: 'r', values });

test('an alarm is never averaged or passed over, however coarse the raster', () => {
  for (const [columns, height] of [[500, 500], [100, 40], [7, 3], [1, 1]] as const) {
    const rows = Array.from({ length: 500 }, (_, r) => ({ key: String(r), label: '', values: Array.from({ length: 500 }, (_, c) => (r === 317 && c === 411 ? 9 : 0.1)) }));
    const a = axis(times(500), minute, columns);
    const grid = largest(rows, a, height);
    expect(grid.length).toBe(a.columns * height);
    expect(grid.filter((v) => v === 9).length).toBe(1);
  }
});

test('500 features of 500 windows make one small picture', () => {
  const rows = Array.from({ length: 500 }, (_, r) => ({ key: String(r), label: '', values: Array.from({ length: 500 }, (_, c) => (r * c) % 7) }));
  expect(pixels(largest(rows, axis(times(500), minute, 1200), 500), () => [1, 2, 3]).length).toBe(500 * 500 * 4);
});

test('a value holds as long as its row usually waits for the next, and no longer', () => {
  const t = times(12);
  const r = row(1, null, null, 2, null, null, null, null, null, 3, null, null); // every 3 minutes, one left out
  const a = axisOf([r], t, minute, 100);
  expect(widthOf(r, a)).toBe(6);
  const often = row(1, null, 2, null, 3, null, null, null, 4, null, null, null);
  const b = axisOf([often], t, minute, 100);
  expect(widthOf(often, b)).toBe(2);
  expect([...largest([often], b, 1)].slice(0, 10)).toEqual([1, 1, 2, 2, 3, 3, NaN, NaN, 4, 4]);
});

test('where nothing was judged there is no colour', () => {
  const grid = largest([row(null, 0.5)], axis(times(2), minute, 2), 1);
  expect([...pixels(grid, () => [10, 20, 30])]).toEqual([0, 0, 0, 0, 10, 20, 30, 255]);
});

test('runs are whole', () => {
  const grid = Float32Array.from([1, 1, 0, NaN, 2, 2, 2]);
  expect(runs(grid, 7, 0, (v) => v >= 1)).toEqual([{ from: 0, to: 2 }, { from: 4, to: 7 }]);
});

test('steps', () => {
  expect(stepOf([0, 300, 600, 1200])).toBe(300);
  expect(stepOf([5])).toBe(60_000);
});
