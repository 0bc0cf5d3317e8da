const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** number for people: few digits, none lost that matter. */
export function num(v: number | null | undefined): string {
  if (v === null || v === undefined || Number.isNaN(v)) {
    return '–';
  }
  if (!Number.isFinite(v)) {
    return v > 0 ? '∞' : '−∞';
  }
  const a = Math.abs(v);
  if (a === 0) {
    return '0';
  }
  if (a >= 10_000) {
    for (const [size, letter] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const) {
      if (a >= size) {
        return trim((v / size).toPrecision(3)) + letter;
      }
    }
  }
  return a < 0.001 ? v.toExponential(1) : trim(v.toPrecision(3));
}

function trim(s: string): string {
  return s.includes('.') && !s.includes('e') ? s.replace(/\.?0+$/, '') : String(Number(s));
}

/** share as per cent. */
export function share(v: number | null | undefined): string {
  return v === null || v === undefined || Number.isNaN(v) ? '–' : `${num(Math.round(v * 1000) / 10)} %`;
}

/** value in one of Grafana's units. */
export function value(v: number | null | undefined, unit: string): string {
  if (v === null || v === undefined) {
    return '–';
  }
  switch (unit) {
    case 'percentunit':
      return share(v);
    case 'percent':
      return `${num(v)} %`;
    case 's':
      return span(v * 1000);
    case 'ms':
      return span(v);
    case 'celsius':
      return `${num(v)} °C`;
    case 'watt':
      return `${num(v)} W`;
    case 'rotmhz':
      return `${num(v)} MHz`;
    case 'mbytes':
      return `${num(v)} MiB`;
    case 'bytes':
      return `${num(v)} B`;
    default:
      return num(v);
  }
}

/** span of time, in one or two units. */
export function span(ms: number): string {
  const a = Math.abs(ms);
  const sign = ms < 0 ? '−' : '';
  if (a === 0) {
    return '0 s';
  }
  if (a < 1000) {
    return `${sign}${Math.round(a)} ms`;
  }
  if (a < minute) {
    return `${sign}${trim((a / 1000).toPrecision(3))} s`;
  }
  const two = (big: number, b: string, small: number, s: string) => {
    const whole = Math.floor(a / big);
    const rest = Math.round((a - whole * big) / small);
    return rest === 0 || rest * small >= big ? `${sign}${Math.round(a / big)} ${b}` : `${sign}${whole} ${b} ${rest} ${s}`;
  };
  if (a < hour) {
    return two(minute, 'min', 1000, 's');
  }
  return a < day ? two(hour, 'h', minute, 'min') : two(day, 'd', hour, 'h');
}

/** ago is how long before now something was. */
export function ago(time: number | null | undefined, now: number): string {
  if (!time) {
    return '–';
  }
  const past = now - time;
  if (past < -minute) {
    return `in ${span(Math.round(-past / 1000) * 1000)}`;
  }
  return past < minute ? 'just now' : `${span(past < hour ? Math.round(past / minute) * minute : past).split(' ').slice(0, 2).join(' ')} ago`;
}

/** Zone in which times are shown: the browser's when empty. */
export type Zone = string;

function parts(ms: number, zone: Zone): Record<string, string> {
  const options: Intl.DateTimeFormatOptions = {
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone: zone || undefined,
  };
  return Object.fromEntries(formatter(options).formatToParts(ms).map((p) => [p.type, p.value]));
}

const made = new Map<string, Intl.DateTimeFormat>();

function formatter(o: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = o.timeZone ?? '';
  let f = made.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', o);
    made.set(key, f);
  }
  return f;
}

/** clock is the time of day. */
export function clock(ms: number, zone: Zone = '', seconds = false): string {
  const p = parts(ms, zone);
  return `${p.hour}:${p.minute}${seconds ? `:${p.second}` : ''}`;
}

/** short is date and time to the minute, without the year. */
export function short(ms: number | null | undefined, zone: Zone = ''): string {
  return ms ? moment(ms, zone).slice(5, 16) : '–';
}

/** moment is date and time. */
export function moment(ms: number | null | undefined, zone: Zone = ''): string {
  if (!ms) {
    return '–';
  }
  const p = parts(ms, zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
}

const steps = [1000, 5000, 10_000, 30_000, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day, 30 * day];

/** timeTicks are round times of a range, at most about as many as asked for. */
export function timeTicks(from: number, to: number, most: number, zone: Zone = ''): { at: number; text: string }[] {
  const step = steps.find((s) => (to - from) / s <= most) ?? Math.ceil((to - from) / most / day) * day;
  const p = parts(from, zone);
  const offset = Date.UTC(+p.year!, +p.month! - 1, +p.day!, +p.hour!, +p.minute!, +p.second!) - Math.floor(from / 1000) * 1000;
  const out = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) {
    const q = parts(at, zone);
    const midnight = q.hour === '00' && q.minute === '00';
    out.push({ at, text: step >= day || midnight ? `${q.month}-${q.day}` : `${q.hour}:${q.minute}${step < minute ? `:${q.second}` : ''}` });
  }
  return out;
}

/** ticks are round numbers that span a range; of seconds, round times. */
export function ticks(low: number, high: number, most: number, unit = ''): number[] {
  const raw = (high - low) / Math.max(1, most);
  if (!(raw > 0) || !Number.isFinite(raw)) {
    return [low];
  }
  const size = 10 ** Math.floor(Math.log10(raw));
  const time = unit === 's' && raw > 10 ? steps.find((s) => s / 1000 >= raw) : undefined;
  const step = time ? time / 1000 : ([1, 2, 2.5, 5, 10].map((m) => m * size).find((s) => s >= raw) ?? 10 * size);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    out.push(Number((k * step).toPrecision(12)));
  }
  return out;
}
