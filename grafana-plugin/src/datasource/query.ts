import type { AdHocVariableFilter, DataSourceJsonData, MetricFindValue, ScopedVars } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import type { Filter, Question } from '../views/host';

/** Query is a question in a panel, an alert rule or a variable. */
export interface Query extends DataQuery, Question {
  /** new points are sent as they come; drift_series and incidents alone */
  live?: boolean;
}

/** Settings of a data source, as its provisioning has them. */
export interface Settings extends DataSourceJsonData {
  addr?: string;
  database?: string;
  username?: string;
  tls?: boolean;
  tlsServerName?: string;
  tenant?: string;
  timeoutS?: number;
  apiUrl?: string;
}

/** Secrets of a data source, which Grafana encrypts and never shows. */
export interface Secrets {
  clickhousePassword?: string;
  apiToken?: string;
}

/** KindInfo is what the back end says of a kind of question. */
export interface KindInfo {
  kind: Question['kind'];
  title: string;
  description: string;
  alertable: boolean;
  needs: string[] | null;
  measures: string[] | null;
  presets: string[] | null;
}

/** lists of a question, whose values come from resources of the same name. */
export const lists = ['models', 'versions', 'segments', 'features', 'detectors', 'states', 'metrics'] as const;

/** usual question: something useful at once. */
export const usual: Partial<Query> = { v: 1, kind: 'drift_series' };

/** Replace interpolates variables in a text. */
export type Replace = (text: string, scoped?: ScopedVars, format?: (v: string | string[]) => string) => string;

const mark = '\u0000';

/** values of a list, variables replaced; those of several values are several, and "All" is none. */
export function values(list: readonly string[] | undefined, replace: Replace, scoped?: ScopedVars): string[] {
  const out = (list ?? []).flatMap((one) => replace(one, scoped, (v) => (Array.isArray(v) ? v.join(mark) : String(v))).split(mark)).filter((v) => v !== '');
  return out.some((v) => v === '$__all' || v === '*' || v === '.*') ? [] : [...new Set(out)];
}

const operators: Record<string, string> = { '=': '=', '!=': '!=', '=~': '=~', '!~': '!~', '=|': '=|', '!=|': '!=|' };

/** filtersOf ad-hoc filters of a dashboard; those without a value yet are left out. */
export function filtersOf(all: readonly AdHocVariableFilter[] | undefined): Filter[] {
  return (all ?? []).filter((f) => f.key && operators[f.operator] && (f.value !== '' || f.values?.length)).map((f) => ({ key: f.key, operator: f.operator, value: f.value, ...(f.values?.length ? { values: f.values } : {}) }));
}

/** interpolate a query: its lists, its text and its filters. */
export function interpolate(q: Query, replace: Replace, scoped?: ScopedVars, filters?: readonly AdHocVariableFilter[]): Query {
  const out: Query = { ...q, v: 1 };
  for (const l of lists) {
    if (q[l]) {
      out[l] = values(q[l], replace, scoped);
    }
  }
  for (const t of ['id', 'tenant'] as const) {
    if (q[t]) {
      const text = replace(q[t], scoped);
      out[t] = text === '$__all' ? '' : text;
    }
  }
  const own = (q.filters ?? []).map((f) => ({ ...f, value: f.value && replace(f.value, scoped), ...(f.values ? { values: values(f.values, replace, scoped) } : {}) }));
  const all = [...own, ...filtersOf(filters)];
  if (all.length > 0) {
    out.filters = all;
  } else {
    delete out.filters;
  }
  return out;
}

/** isAsked tells whether a query is whole enough to be asked. */
export function isAsked(q: Query): boolean {
  switch (q.kind) {
    case undefined:
      return false;
    case 'incident_causes':
      return Boolean(q.id);
    case 'distribution':
      return Boolean(q.models?.length);
    case 'distribution_series':
      return Boolean(q.models?.length && q.features?.length);
    default:
      return !q.hide;
  }
}

/** pathOf a list with what narrows it, of a time. */
export function pathOf(list: string, range: { from: number; to: number } | undefined, narrow: Record<string, readonly string[] | undefined> = {}): [path: string, params: Record<string, string | string[]>] {
  const params: Record<string, string | string[]> = range ? { from: String(Math.floor(range.from)), to: String(Math.ceil(range.to)) } : {};
  for (const [key, vs] of Object.entries(narrow)) {
    if (vs?.length) {
      params[key] = [...vs];
    }
  }
  return [list, params];
}

/** found values as Grafana's choices. */
export function found(vs: readonly string[]): MetricFindValue[] {
  return vs.map((text) => ({ text, value: text }));
}

/** channelOf a query that is live; its hash is part of the path, for paths are short. */
export function channelOf(q: Query): { path: string; data?: Question } | undefined {
  if (q.kind === 'incidents') {
    return { path: 'incidents' };
  }
  if (q.kind !== 'drift_series') {
    return undefined;
  }
  const data: Question = { kind: 'drift_series' };
  for (const key of ['tenant', 'models', 'versions', 'features', 'detectors'] as const) {
    if (q[key]?.length) {
      Object.assign(data, { [key]: q[key] });
    }
  }
  return { path: `signals/${hash(JSON.stringify(data))}`, data };
}

/** hash of a text: FNV-1a of 64 bits, in hexadecimal. It keeps channels apart, and secures nothing. */
export function hash(text: string): string {
  let h = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    h = ((h ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return h.toString(16).padStart(16, '0');
}
