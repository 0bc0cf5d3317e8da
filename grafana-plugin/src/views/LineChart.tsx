import { useId, useMemo, useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import { useTheme } from './host';
import type { Zone } from './format';
import { moment, num, ticks, timeTicks, value } from './format';

/** Line of a chart; null values leave gaps. */
export interface Line {
  name: string;
  times: readonly number[];
  values: readonly (number | null)[];
  /** edges of a band around it */
  lower?: readonly (number | null)[];
  upper?: readonly (number | null)[];
  colour?: string;
  dashed?: boolean;
  steps?: boolean;
}

/** Event is a time that is marked, or a span of it. */
export interface Event {
  time: number;
  timeEnd?: number | null;
  title: string;
  colour?: string;
}

export interface LineChartProps {
  label: string;
  lines: readonly Line[];
  width: number;
  height?: number;
  from?: number;
  to?: number;
  zone?: Zone;
  unit?: string;
  threshold?: number | null;
  events?: readonly Event[];
  /** least top of the axis of values */
  top?: number;
  zero?: boolean;
  legend?: boolean;
}

/** LineChart is a small chart of lines with bands, a threshold and events. */
export function LineChart({ label, lines, width, height = 180, from, to, zone = '', unit = '', threshold, events = [], top, zero = false, legend = true }: LineChartProps) {
  const theme = useTheme();
  const clip = useId().replaceAll(':', '');
  const [at, setAt] = useState<number | null>(null);
  const bounds = useMemo(() => {
    let low = zero ? 0 : Infinity;
    let high = top ?? -Infinity;
    let first = Infinity;
    let last = -Infinity;
    for (const l of lines) {
      l.values.forEach((v, i) => {
        if (v === null) {
          return;
        }
        low = Math.min(low, v, l.lower?.[i] ?? v);
        high = Math.max(high, v, l.upper?.[i] ?? v);
        first = Math.min(first, l.times[i]!);
        last = Math.max(last, l.times[i]!);
      });
    }
    if (threshold !== null && threshold !== undefined) {
      low = Math.min(low, threshold);
      high = Math.max(high, threshold);
    }
    if (!(low <= high)) {
      return null;
    }
    const room = high === low ? Math.abs(high) * 0.1 || 1 : (high - low) * 0.06;
    return { low: zero && low >= 0 ? 0 : low - room, high: high + room, first: from ?? first, last: to ?? (last > first ? last : first + 60_000) };
  }, [lines, threshold, from, to, top, zero]);
  if (!bounds) {
    return <p className="dl-empty" style={{ minHeight: Math.min(80, height) }}>Nothing in this time.</p>;
  }
  const marks = ticks(bounds.low, bounds.high, Math.max(2, Math.floor(height / 45)), unit);
  const texts = marks.map((m) => value(m, unit));
  const left = 12 + 7 * Math.max(...texts.map((t) => t.length));
  const plot = { x: left, y: 8, w: Math.max(20, width - left - 10), h: height - 30 };
  const x = (t: number) => plot.x + ((t - bounds.first) / (bounds.last - bounds.first)) * plot.w;
  const y = (v: number) => plot.y + plot.h - ((v - bounds.low) / (bounds.high - bounds.low)) * plot.h;
  const colour = (l: Line, i: number) => l.colour ?? theme.series[i % theme.series.length]!;
  const times = [...new Set(lines.flatMap((l) => l.times))].sort((a, b) => a - b);
  const nearest = (t: number) => times.reduce((best, one) => (Math.abs(one - t) < Math.abs(best - t) ? one : best), times[0] ?? t);
  const move = (e: PointerEvent<SVGSVGElement>) => {
    const r = e.currentTarget.getBoundingClientRect();
    const t = bounds.first + ((e.clientX - r.left - plot.x) / plot.w) * (bounds.last - bounds.first);
    setAt(times.length ? nearest(t) : null);
  };
  const press = (e: KeyboardEvent) => {
    const k = at === null ? times.length - 1 : times.indexOf(at);
    const to = { ArrowLeft: k - 1, ArrowRight: k + 1, Home: 0, End: times.length - 1 }[e.key];
    if (to !== undefined) {
      e.preventDefault();
      setAt(times[Math.max(0, Math.min(times.length - 1, to))] ?? null);
    } else if (e.key === 'Escape') {
      setAt(null);
    }
  };
  const said = lines.map((l) => {
    const seen = l.values.filter((v) => v !== null);
    return seen.length ? `${l.name}: last ${value(seen[seen.length - 1]!, unit)}, ${num(Math.min(...seen))} to ${num(Math.max(...seen))}` : `${l.name}: nothing`;
  });
  const here = at === null ? [] : lines.map((l, i) => ({ l, i, v: l.values[l.times.indexOf(at)] ?? null })).filter((o) => o.v !== null);
  const close = at === null ? [] : events.filter((e) => (e.timeEnd ? at >= e.time && at <= e.timeEnd : Math.abs(x(e.time) - x(at)) < 6));
  return (
    <div className="dl-chart" style={{ width }}>
      <svg width={width} height={height} tabIndex={0} role="img" aria-label={`${label}. ${said.slice(0, 8).join('; ')}`} onPointerMove={move} onPointerLeave={() => setAt(null)} onKeyDown={press} onBlur={() => setAt(null)}>
        <clipPath id={clip}><rect x={plot.x} y={plot.y - 2} width={plot.w} height={plot.h + 4} /></clipPath>
        {marks.map((m, i) => <g key={m}><line className="dl-rule" x1={plot.x} x2={plot.x + plot.w} y1={y(m)} y2={y(m)} /><text x={plot.x - 6} y={y(m) + 4} textAnchor="end">{texts[i]}</text></g>)}
        {timeTicks(bounds.first, bounds.last, Math.max(2, plot.w / 80), zone).map((t) => <text key={t.at} x={x(t.at)} y={height - 6} textAnchor="middle">{t.text}</text>)}
        <g clipPath={`url(#${clip})`}>
          {events.map((e, i) => e.timeEnd
            ? <rect key={i} x={x(e.time)} y={plot.y} width={Math.max(2, x(e.timeEnd) - x(e.time))} height={plot.h} fill={e.colour ?? theme.alarm} opacity={0.1} />
            : <line key={i} x1={x(e.time)} x2={x(e.time)} y1={plot.y} y2={plot.y + plot.h} stroke={e.colour ?? theme.accent} strokeWidth={1.5} strokeDasharray="2 3" />)}
          {threshold !== null && threshold !== undefined && <line x1={plot.x} x2={plot.x + plot.w} y1={y(threshold)} y2={y(threshold)} stroke={theme.alarm} strokeWidth={1.5} strokeDasharray="6 4" />}
          {lines.map((l, i) => l.lower && l.upper && <path key={`b${i}`} d={band(l, x, y)} fill={colour(l, i)} opacity={0.16} />)}
          {lines.map((l, i) => <path key={i} d={path(l, x, y)} fill="none" stroke={colour(l, i)} strokeWidth={1.8} strokeLinejoin="round" strokeLinecap="round" strokeDasharray={l.dashed ? '5 4' : undefined} />)}
          {lines.map((l, i) => l.values.filter((v) => v !== null).length <= 40 && l.values.map((v, k) => v !== null && <circle key={`${i}/${k}`} cx={x(l.times[k]!)} cy={y(v)} r={2.2} fill={colour(l, i)} />))}
          {at !== null && <line className="dl-cross" x1={x(at)} x2={x(at)} y1={plot.y} y2={plot.y + plot.h} />}
          {here.map((o) => <circle key={o.i} cx={x(at!)} cy={y(o.v!)} r={3.5} fill={colour(o.l, o.i)} />)}
        </g>
      </svg>
      {legend && lines.length > 0 && (
        <ul className="dl-legend">
          {lines.map((l, i) => <li key={i}><svg width="18" height="8" aria-hidden="true"><line x1="0" x2="18" y1="4" y2="4" stroke={colour(l, i)} strokeWidth="2.5" strokeDasharray={l.dashed ? '5 3' : undefined} /></svg>{l.name}</li>)}
          {threshold !== null && threshold !== undefined && <li><svg width="18" height="8" aria-hidden="true"><line x1="0" x2="18" y1="4" y2="4" stroke={theme.alarm} strokeWidth="2" strokeDasharray="6 4" /></svg>threshold {value(threshold, unit)}</li>}
        </ul>
      )}
      {at !== null && (here.length > 0 || close.length > 0) && (
        <div className="dl-tip" role="status" style={{ left: x(at), top: plot.y, transform: x(at) > width * 0.6 ? 'translateX(calc(-100% - 10px))' : 'translateX(10px)' }}>
          <span>{moment(at, zone)}</span>
          {here.slice(0, 10).map((o) => <span key={o.i}><i style={{ background: colour(o.l, o.i) }} />{o.l.name} <b>{value(o.v, unit)}</b>{o.l.lower && ` (${value(o.l.lower[o.l.times.indexOf(at)], unit)} to ${value(o.l.upper?.[o.l.times.indexOf(at)], unit)})`}</span>)}
          {close.map((e, i) => <span key={`e${i}`}>{e.title}</span>)}
        </div>
      )}
    </div>
  );
}

type Scale = (v: number) => number;

function path(l: Line, x: Scale, y: Scale): string {
  let out = '';
  let pen = false;
  let before = 0;
  l.values.forEach((v, i) => {
    if (v === null) {
      pen = false;
      return;
    }
    const px = x(l.times[i]!).toFixed(1);
    if (l.steps && pen) {
      out += `L${px} ${y(before).toFixed(1)}`;
    }
    const alone = !pen && (l.values[i + 1] ?? null) === null;
    out += `${pen ? 'L' : 'M'}${px} ${y(v).toFixed(1)}${alone ? 'h0.01' : ''}`;
    pen = true;
    before = v;
  });
  return out;
}

function band(l: Line, x: Scale, y: Scale): string {
  let out = '';
  let part: number[] = [];
  const end = () => {
    if (part.length > 1) {
      out += `M${part.map((i) => `${x(l.times[i]!).toFixed(1)} ${y(l.upper![i]!).toFixed(1)}`).join('L')}L${part.reverse().map((i) => `${x(l.times[i]!).toFixed(1)} ${y(l.lower![i]!).toFixed(1)}`).join('L')}Z`;
    }
    part = [];
  };
  l.values.forEach((_, i) => {
    if ((l.lower?.[i] ?? null) === null || (l.upper?.[i] ?? null) === null) {
      end();
    } else {
      part.push(i);
    }
  });
  end();
  return out;
}
