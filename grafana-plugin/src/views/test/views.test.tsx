import { fireEvent, render, screen, within } from '@testing-library/react';
import { decode } from '../frames';
import { Evidence } from '../Evidence';
import { HeatMap } from '../HeatMap';
import { LineChart } from '../LineChart';
import { Overlay } from '../Overlay';
import { Ridgelines, median, ridges } from '../Ridgelines';
import { Table } from '../Table';

beforeAll(() => {
  HTMLCanvasElement.prototype.getContext = () => null; // drawing is looked at in Chromium
});

const fields = (...names: [string, string][]) => names.map(([name, type]) => ({ name, type }));

test('the heat map is worked by keyboard, and says where one is', () => {
  const f = decode({ schema: { fields: fields(['time', 'time'], ['income', 'number'], ['age', 'number']) }, data: { values: [[Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 5)], [0.5, 3], [0.1, null]] } });
  const chosen: string[] = [];
  render(<HeatMap frames={[f]} width={600} zone="UTC" onSelect={(name) => chosen.push(name)} />);
  const map = screen.getByRole('application');
  expect(map.getAttribute('aria-label')).toContain('2 rows, 2 times');
  fireEvent.keyDown(map, { key: 'ArrowDown' });
  fireEvent.keyDown(map, { key: 'Home' });
  fireEvent.keyDown(map, { key: 'End' });
  expect(screen.getByText(/income, 2026-01-01 00:05:00: alarm, 3 × its threshold/)).toBeTruthy();
  fireEvent.keyDown(map, { key: 'ArrowDown' });
  expect(screen.getByText(/age, .*not judged/)).toBeTruthy();
  fireEvent.keyDown(map, { key: 'Enter' });
  expect(chosen).toEqual(['age']);
});

test('without data views say so', () => {
  render(<><HeatMap frames={[]} width={300} /><Evidence frames={[]} width={300} /><Ridgelines frame={undefined} width={300} /><LineChart label="x" lines={[]} width={300} /></>);
  expect(screen.getAllByText(/No feature|not looked for|No numeric|Nothing in/)).toHaveLength(4);
});

test('the overlay names the bins and what they add', () => {
  const f = decode({ schema: { fields: fields(['bin_lo', 'number'], ['bin_hi', 'number'], ['label', 'string'], ['reference', 'number'], ['current', 'number'], ['contribution', 'number']), meta: { custom: { feature: 'device', psi: 0.42, n_reference: 20000, n_current: 500, reference: 'training@1' } } },
    data: { values: [[null, null], [null, null], ['phone', 'tv'], [0.9, 0.1], [0.5, 0.5], [0.1, 0.32]] } });
  render(<Overlay frame={f} width={400} />);
  const chart = screen.getByRole('img', { name: /device: .*2 bins, PSI 0.42. Most comes from tv/ });
  fireEvent.keyDown(chart, { key: 'ArrowRight' });
  expect(screen.getByRole('status').textContent).toBe('phonereference 90 %current 50 %adds 0.1 of 0.42');
});

test('ridges are slices of time', () => {
  const f = decode({ schema: { fields: fields(['x', 'time'], ['xMax', 'time'], ['yMin', 'number'], ['yMax', 'number'], ['count', 'number']) }, data: { values: [[2, 2, 1, 1], [3, 3, 2, 2], [0, 1, 0, 1], [1, 2, 1, 2], [0.1, 0.9, 0.8, 0.2]] } });
  const all = ridges(f);
  expect(all.map((r) => [r.from, median(r)])).toEqual([[1, 0.5], [2, 1.5]]);
});

test('a table is sorted by its heads', () => {
  render(<Table label="t" rows={[{ n: 1 }, { n: 3 }, { n: 2 }]} id={(r) => String(r.n)} columns={[{ name: 'N', by: (r) => r.n, right: true, cell: (r) => r.n }]} />);
  const cells = () => screen.getAllByRole('cell').map((c) => c.textContent);
  fireEvent.click(screen.getByRole('button', { name: 'N' }));
  expect(cells()).toEqual(['3', '2', '1']);
  fireEvent.click(screen.getByRole('button', { name: /N/ }));
  expect(cells()).toEqual(['1', '2', '3']);
  expect(screen.getByRole('columnheader').getAttribute('aria-sort')).toBe('ascending');
});

test('evidence shows causes by rank, their proofs, and what was ruled out', () => {
  const at = Date.UTC(2026, 0, 1, 12);
  const named = (name: string, columns: Record<string, unknown[]>, custom?: object) => decode({ schema: { name, fields: Object.entries(columns).map(([n, v]) => ({ name: n, type: typeof v[0] === 'number' ? 'number' : 'string' })), meta: { custom: custom as Record<string, unknown> } }, data: { values: Object.values(columns) } });
  const frames = [
    named('causes', { rank: [1, 2], entity: ['gpu/n1:0', ''], kind: ['infrastructure', 'data'], mechanism: ['thermal_throttle', 'shift'], title: ['GPU 0 of n1 throttles', 'the population moved'], metric: ['t', ''], score: [9, 1], confidence: [0.8, 0.1], onset: [at, at], lead_s: [300, 0], path: ['', ''] }, { incident: { id: 'inc-1', onset: new Date(at + 300_000).toISOString(), updated_at: new Date(at + 600_000).toISOString() } }),
    named('evidence', { rank: [1], entity: ['gpu/n1:0'], metric: ['gpu_temperature'], before: [65], after: [92], z: [12], n: [40], onset: [at], lead_s: [300], text: ['it rose from 65 to 92'] }),
    named('ruled_out', { entity: ['node/n2'], metric: ['cpu'], reason: ['healthy peers show it too'] }),
    named('unobserved', { entity: ['pod/p1'] }),
  ];
  render(<Evidence frames={frames} width={800} zone="UTC" />);
  expect(screen.getAllByRole('button').map((b) => b.getAttribute('aria-pressed'))).toEqual(['true', 'false']);
  expect(screen.getByText(/it rose from 65 to 92/)).toBeTruthy();
  expect(screen.getByText(/infrastructure · thermal throttle · 5 min before the symptom/)).toBeTruthy();
  expect(within(screen.getByRole('table', { name: 'Ruled out' })).getByText(/healthy peers/)).toBeTruthy();
  expect(screen.getByText('pod/p1')).toBeTruthy();
  fireEvent.click(screen.getAllByRole('button')[1]!);
  expect(screen.getByText(/Cause 2 has no evidence/)).toBeTruthy();
});
