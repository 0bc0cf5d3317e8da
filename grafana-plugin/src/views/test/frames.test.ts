import { decode, notices, rows, series } from '../frames';
import { answers, body } from '../host';
import { ago, num, share, span, ticks, timeTicks, value } from '../format';
import { dark, heat, light } from '../theme';
import { healthRows } from '../HealthMatrix';
import { heatRows } from '../HeatMap';
import { performance, ratios } from '../pages/ModelPage';

const frame = (fields: { name: string; type: string; labels?: Record<string, string>; config?: object }[], values: unknown[][], custom?: object) => decode({ schema: { fields, meta: { custom: custom as Record<string, unknown> } }, data: { values } });

test('what is no number arrives as what it is', () => {
  const f = decode({ schema: { fields: [{ name: 'v', type: 'number' }] }, data: { values: [[1, null, null, null]], entities: [{ NaN: [1], Inf: [2], NegInf: [3] }] } });
  expect(Array.from(f.fields[0]!.values)).toEqual([1, NaN, Infinity, -Infinity]);
  expect(decode({ schema: { fields: [] } }).length).toBe(0);
});

test('rows and series', () => {
  const f = frame([{ name: 'time', type: 'time' }, { name: 'score', type: 'number', labels: { feature: 'a' }, config: { displayNameFromDS: 'A', thresholds: { steps: [{ value: null }, { value: 0.2 }] } } }], [[1, 2], [0.1, null]]);
  expect(rows(f)).toEqual([{ time: 1, score: 0.1 }, { time: 2, score: null }]);
  expect(series([f])).toEqual([{ name: 'A', of: 'score', labels: { feature: 'a' }, unit: '', threshold: 0.2, times: [1, 2], values: [0.1, null] }]);
  expect(ratios([f])[0]!.values[0]).toBeCloseTo(0.5);
});

test('requests and answers have the form of the contract', () => {
  const b = body({ from: 0, to: 1000, questions: { A: { kind: 'fleet' } }, maxDataPoints: 10 });
  expect(b).toEqual({ from: '0', to: '1000', queries: [{ refId: 'A', intervalMs: 100, maxDataPoints: 10, v: 1, kind: 'fleet' }] });
  const a = answers({ results: { A: { error: 'no' }, B: { frames: [{ schema: { fields: [], meta: { notices: [{ severity: 'info', text: 'x' }] } } }, { schema: { fields: [], meta: { notices: [{ severity: 'info', text: 'x' }] } } }] } } });
  expect(a.A).toEqual({ frames: [], error: 'no' });
  expect(notices(a.B!.frames)).toHaveLength(1);
});

test('the heat map keeps the order of the answer', () => {
  const f = frame([{ name: 'time', type: 'time' }, { name: 'z', type: 'number' }, { name: 'a', type: 'number' }], [[0, 300_000], [2, null], [0.1, 0.2]], { step: 300_000 });
  const { rows: r, step } = heatRows([f]);
  expect(r.map((x) => x.key)).toEqual(['z', 'a']);
  expect(step).toBe(300_000);
  expect(heatRows([frame([], [])]).rows).toEqual([]);
});

test('a model is as bad as the worst of what holds', () => {
  const one = (dimension: string, times: number[], states: number[]) => frame([{ name: 'time', type: 'time' }, { name: 'state', type: 'number', labels: { model: 'm', dimension } }], [times, states]);
  const frames = [one('drift', [0, 300, 600], [0, 3, 0]), one('silent', [100, 400], [2, 0])];
  expect(healthRows(frames, false).rows[0]!.values).toEqual([0, 2, 3, 3, 0]);
  expect(healthRows(frames, true).rows.map((r) => r.label)).toEqual(['m · drift', 'm · silent']);
});

test('performance is a chart a metric, with its bands', () => {
  const l = { model: 'm', version: '1', metric: 'roc_auc' };
  const f = frame(['time', 'realised', 'realised_lower', 'realised_upper', 'estimated'].map((name, i) => ({ name, type: i ? 'number' : 'time', labels: i ? l : undefined })), [[1], [0.8], [0.7], [0.9], [null]]);
  const charts = performance([f], dark);
  expect(charts).toHaveLength(1);
  expect(charts[0]!.lines.map((x) => [x.name, x.lower])).toEqual([['by labels', [0.7]]]);
});

test('numbers for people', () => {
  expect([0, 0.12345, 1234, 12_345, 2e6, 1e-7, null, NaN, Infinity].map(num)).toEqual(['0', '0.123', '1230', '12.3k', '2M', '1.0e-7', '–', '–', '∞']);
  expect([share(0.1234), share(null), value(75, 'celsius'), value(0.5, 'percentunit')]).toEqual(['12.3 %', '–', '75 °C', '50 %']);
  expect([0, 500, 1500, 90_000, 3_600_000, 90_000_000].map(span)).toEqual(['0 s', '500 ms', '1.5 s', '1 min 30 s', '1 h', '1 d 1 h']);
  expect(ago(0, 5)).toBe('–');
  expect(ago(1_000_000, 1_300_000)).toBe('5 min ago');
});

test('ticks are round and within', () => {
  expect(ticks(0, 1, 4)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(ticks(0, 3000, 3, 's').every((t) => t % 60 === 0)).toBe(true);
  const t = timeTicks(Date.UTC(2026, 0, 1, 22, 7), Date.UTC(2026, 0, 2, 2, 7), 6, 'UTC');
  expect(t.map((x) => x.text)).toEqual(['23:00', '01-02', '01:00', '02:00']);
});

test('the threshold is where blue ends, in both themes', () => {
  for (const theme of [dark, light]) {
    const [below, above] = [heat(0.99, theme), heat(1, theme)];
    expect(below[2]).toBeGreaterThan(below[0]);
    expect(above[0]).toBeGreaterThan(above[2]);
  }
});
