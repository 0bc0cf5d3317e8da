import { createContext, useContext } from 'react';
import type { Frame, FrameJSON, Notice } from './frames';
import { decode, notices } from './frames';
import type { Theme } from './theme';
import { dark } from './theme';
import type { Zone } from './format';

/** Kind of question; what each answers is in docs/query.md. */
export type Kind =
  | 'fleet' | 'health_matrix' | 'drift_series' | 'drift_rank' | 'drift_heatmap' | 'distribution' | 'distribution_series'
  | 'performance' | 'infra' | 'pipeline' | 'events' | 'incidents' | 'incident_causes' | 'logs';

/** Filter is one condition of an ad-hoc filter. */
export interface Filter {
  key: string;
  operator: string;
  value?: string;
  values?: string[];
}

/** Question is one query. Empty lists stand for all. */
export interface Question {
  v?: number;
  kind: Kind;
  tenant?: string;
  models?: string[];
  versions?: string[];
  segments?: string[];
  features?: string[];
  detectors?: string[];
  states?: string[];
  metrics?: string[];
  id?: string;
  measure?: string;
  presets?: string[];
  filters?: Filter[];
  limit?: number;
}

/** TimeRange in milliseconds. */
export interface TimeRange {
  from: number;
  to: number;
}

/** Request is several questions about one time. */
export interface Request extends TimeRange {
  questions: Record<string, Question>;
  maxDataPoints?: number;
}

/** Answer to one question. */
export interface Answer {
  frames: Frame[];
  error: string;
}

/** Message of the live stream. */
export type Message = { type: 'incident' | 'signal'; model: string } | { type: 'beat' } | { type: 'lost' };

/** Place is a page and what it is about. */
export type Place =
  | { page: 'fleet' }
  | { page: 'model'; model: string; tenant?: string; feature?: string }
  | { page: 'incident'; id: string }
  | { page: 'pipeline' };

/** Host is what the pages run in: Grafana, or the console. */
export interface Host {
  query(request: Request, signal?: AbortSignal): Promise<Record<string, Answer>>;
  call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>;
  stream(on: (m: Message) => void): () => void;
  navigate(to: Place): void;
  href(to: Place): string;
  timeRange: TimeRange;
  setTimeRange(range: TimeRange): void;
  theme: Theme;
  zone: Zone;
}

/** HostContext carries the host to the pages. */
export const HostContext = createContext<Host | null>(null);

/** useHost is the host that a page runs in. */
export function useHost(): Host {
  const host = useContext(HostContext);
  if (!host) {
    throw new Error('a page needs a HostContext around it');
  }
  return host;
}

/** ThemeContext carries the theme to views. */
export const ThemeContext = createContext<Theme>(dark);

/** useTheme is the theme that a view is shown in. */
export function useTheme(): Theme {
  return useContext(ThemeContext);
}

/** body of the request as both hosts send it. */
export function body(r: Request): { from: string; to: string; queries: object[] } {
  const maxDataPoints = r.maxDataPoints ?? 500;
  return {
    from: String(Math.floor(r.from)), to: String(Math.ceil(r.to)),
    queries: Object.entries(r.questions).map(([refId, q]) => ({ refId, intervalMs: Math.max(1, Math.floor((r.to - r.from) / maxDataPoints)), maxDataPoints, v: 1, ...q })),
  };
}

/** answers as both hosts receive them. */
export function answers(json: { results?: Record<string, { frames?: FrameJSON[] | null; error?: string }> }): Record<string, Answer> {
  return Object.fromEntries(Object.entries(json.results ?? {}).map(([ref, r]) => [ref, { frames: (r.frames ?? []).map(decode), error: r.error ?? '' }]));
}

/** noticesOf an answer. */
export function noticesOf(a: Answer | undefined): Notice[] {
  return a ? notices(a.frames) : [];
}
