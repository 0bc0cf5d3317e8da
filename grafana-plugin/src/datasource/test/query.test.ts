import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Query, Replace } from '../query';
import { channelOf, filtersOf, hash, interpolate, isAsked, pathOf, values } from '../query';

const vars: Record<string, string | string[]> = { $model: 'credit', $models: ['a', 'b'], $all: '$__all', $none: '' };
const replace: Replace = (text, _, format) => {
  const v = vars[text];
  return v === undefined ? text : format ? format(v) : String(v);
};
const q = (part: Partial<Query>): Query => ({ refId: 'A', kind: 'fleet', ...part });

test('variables of several values are several, and all is none', () => {
  expect(values(['$model', 'x', 'x'], replace)).toEqual(['credit', 'x']);
  expect(values(['$models'], replace)).toEqual(['a', 'b']);
  expect(values(['$all', 'x'], replace)).toEqual([]);
  expect(values(['$none'], replace)).toEqual([]);
  expect(values(undefined, replace)).toEqual([]);
});

test('a query is interpolated whole, and the original left alone', () => {
  const original = q({ models: ['$models'], id: '$model', tenant: '$all', filters: [{ key: 'gpu', operator: '=', value: '$model' }] });
  const kept = JSON.stringify(original);
  expect(interpolate(original, replace, undefined, [{ key: 'node', operator: '=|', value: 'n1', values: ['n1', 'n2'] }])).toMatchObject({
    v: 1, models: ['a', 'b'], id: 'credit', tenant: '', filters: [{ key: 'gpu', operator: '=', value: 'credit' }, { key: 'node', operator: '=|', values: ['n1', 'n2'] }],
  });
  expect(JSON.stringify(original)).toBe(kept);
});

test('filters that are being typed are not asked', () => {
  expect(filtersOf([{ key: '', operator: '=', value: 'x' }, { key: 'model', operator: '=', value: '' }, { key: 'model', operator: '<', value: 'x' }])).toEqual([]);
});

test('only whole questions are asked', () => {
  expect([q({}), q({ hide: true }), q({ kind: 'incident_causes' }), q({ kind: 'incident_causes', id: 'x' }), q({ kind: 'distribution' }), q({ kind: 'distribution_series', models: ['m'] }), q({ kind: 'distribution_series', models: ['m'], features: ['f'] })].map(isAsked)).toEqual([true, false, false, true, false, false, true]);
});

test('channels are named after what they tell, within what Live takes', () => {
  const one = channelOf(q({ kind: 'drift_series', models: ['m'] }))!;
  expect(one.path).toMatch(/^signals\/[0-9a-f]{16}$/);
  expect(one.data).toEqual({ kind: 'drift_series', models: ['m'] });
  expect(channelOf(q({ kind: 'drift_series', models: ['m'], refId: 'B', limit: 3 }))!.path).toBe(one.path);
  expect(channelOf(q({ kind: 'drift_series', models: ['n'] }))!.path).not.toBe(one.path);
  expect(channelOf(q({ kind: 'incidents' }))).toEqual({ path: 'incidents' });
  expect(channelOf(q({ kind: 'fleet' }))).toBeUndefined();
  expect(hash('')).toBe('cbf29ce484222325');
  expect(hash('a')).toBe('af63dc4c8601ec8c');
});

test('options are asked for the time that is shown', () => {
  expect(pathOf('features', { from: 1.5, to: 2.5 }, { model: ['m'], version: [] })).toEqual(['features', { from: '1', to: '3', model: ['m'] }]);
});

test('every text of the editors is in the locale, and no other', () => {
  const dir = join(__dirname, '..');
  const texts: Record<string, string> = {};
  for (const f of readdirSync(dir).filter((n) => n.endsWith('.tsx'))) {
    for (const [, key, text] of readFileSync(join(dir, f), 'utf8').matchAll(/\bt\('([^']+)', '([^']*)'\)/g)) {
      texts[key!] = text!;
    }
  }
  const flat: Record<string, string> = {};
  const walk = (o: Record<string, unknown>, at: string) => Object.entries(o).forEach(([k, v]) => (typeof v === 'string' ? (flat[at + k] = v) : walk(v as Record<string, unknown>, `${at}${k}.`)));
  walk(JSON.parse(readFileSync(join(dir, 'locales/en-US/driftline-datasource.json'), 'utf8')) as Record<string, unknown>, '');
  expect(flat).toEqual(texts);
});
