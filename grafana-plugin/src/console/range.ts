import type { TimeRange } from '../views/host';
import { moment } from '../views/format';

/** Span is a time range as it is kept in the address: relative to now, or fixed. */
export interface Span {
  from: string;
  to: string;
}

/** presets of the picker. */
export const presets: readonly [from: string, name: string][] = [
  ['now-15m', 'Last 15 minutes'], ['now-1h', 'Last hour'], ['now-3h', 'Last 3 hours'], ['now-6h', 'Last 6 hours'], ['now-24h', 'Last 24 hours'], ['now-2d', 'Last 2 days'], ['now-7d', 'Last 7 days'], ['now-30d', 'Last 30 days'], ['now-90d', 'Last 90 days'],
];

/** usual is the span without any in the address. */
export const usual: Span = { from: 'now-3h', to: 'now' };

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** at is a time of a span in milliseconds; NaN when it is none. */
export function at(text: string, now: number): number {
  const relative = /^now(?:-(\d+)([smhd]))?$/.exec(text);
  if (relative) {
    return now - (relative[1] ? Number(relative[1]) * units[relative[2]!]! : 0);
  }
  return /^\d+$/.test(text) ? Number(text) : Date.parse(/Z|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`);
}

/** resolve a span; a bad one is the usual one. */
export function resolve(s: Span, now: number): TimeRange {
  const from = at(s.from, now);
  const to = at(s.to, now);
  return from < to ? { from, to } : { from: at(usual.from, now), to: now };
}

/** isLive tells whether a span goes on with the time. */
export function isLive(s: Span): boolean {
  return s.to === 'now';
}

/** named is how a span is called. */
export function named(s: Span, zone: string): string {
  const known = isLive(s) && presets.find(([from]) => from === s.from);
  if (known) {
    return known[1];
  }
  const r = resolve(s, Date.now());
  return `${moment(r.from, zone)} to ${isLive(s) ? 'now' : moment(r.to, zone)}`;
}
