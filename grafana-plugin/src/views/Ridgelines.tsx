import { useMemo, useState } from 'react';
import type { Frame } from './frames';
import { field, number } from './frames';
import { useTheme } from './host';
import type { Zone } from './format';
import { clock, moment, num, share, ticks } from './format';

/** Ridge is the distribution of one slice of time. */
export interface Ridge {
  from: number;
  to: number;
  low: number[];
  high: number[];
  share: number[];
}

/** ridges of a frame of distribution_series, the earliest first. */
export function ridges(frame: Frame | undefined): Ridge[] {
  const [x, end, lo, hi, n] = ['x', 'xMax', 'yMin', 'yMax', 'count'].map((name) => field(frame, name)?.values);
  const out = new Map<number, Ridge>();
  for (let i = 0; frame && x && i < frame.length; i++) {
    const from = Number(x[i]);
    const r = out.get(from) ?? { from, to: Number(end?.[i] ?? from), low: [], high: [], share: [] };
    r.low.push(Number(lo?.[i]));
    r.high.push(Number(hi?.[i]));
    r.share.push(number(n?.[i]) ?? 0);
    out.set(from, r);
  }
  return [...out.values()].sort((a, b) => a.from - b.from);
}

/** median of a ridge, to half a bin. */
export function median(r: Ridge): number {
  let sum = 0;
  for (let i = 0; i < r.share.length; i++) {
    sum += r.share[i]!;
    if (sum >= 0.5) {
      return (r.low[i]! + r.high[i]!) / 2;
    }
  }
  return r.high.at(-1) ?? 0;
}

export interface RidgelinesProps {
  frame: Frame | undefined;
  width: number;
  height?: number;
  zone?: Zone;
}

/** Ridgelines shows how a distribution moves: one outline a slice of time, the newest below. Heights are square roots of shares, so that flat slices keep their form beside steep ones. */
export function Ridgelines({ frame, width, height = 320, zone = '' }: RidgelinesProps) {
  const theme = useTheme();
  const [at, setAt] = useState<number | null>(null);
  const all = useMemo(() => ridges(frame), [frame]);
  if (all.length === 0) {
    return <p className="dl-empty">No numeric values in this time.</p>;
  }
  const left = 56;
  const foot = 22;
  const low = Math.min(...all.map((r) => r.low[0]!));
  const high = Math.max(...all.map((r) => r.high.at(-1)!));
  const peak = Math.max(...all.flatMap((r) => r.share), 1e-9);
  const w = Math.max(40, width - left - 8);
  const gap = (height - foot) / (all.length + 1.6);
  const tall = gap * 2.4;
  const x = (v: number) => left + ((v - low) / (high - low || 1)) * w;
  const base = (i: number) => gap * 2.4 + i * gap;
  const every = Math.max(1, Math.ceil(16 / gap));
  const from = median(all[0]!);
  const to = median(all.at(-1)!);
  return (
    <figure className="dl-ridges" style={{ width }}>
      <svg width={width} height={height} role="img" tabIndex={0} aria-label={`Distribution over ${all.length} slices of time. The median goes from ${num(from)} to ${num(to)}.`}
        onPointerMove={(e) => { const k = Math.round((e.clientY - e.currentTarget.getBoundingClientRect().top - gap * 2.4 + gap / 3) / gap); setAt(k >= 0 && k < all.length ? k : null); }}
        onPointerLeave={() => setAt(null)} onBlur={() => setAt(null)}
        onKeyDown={(e) => {
          const next = { ArrowUp: (at ?? all.length) - 1, ArrowDown: (at ?? -1) + 1 }[e.key];
          if (next !== undefined) {
            e.preventDefault();
            setAt(Math.max(0, Math.min(all.length - 1, next)));
          }
        }}>
        {ticks(low, high, Math.max(2, w / 90)).map((t) => <g key={t}><line className="dl-rule" x1={x(t)} x2={x(t)} y1={4} y2={height - foot} /><text x={x(t)} y={height - 6} textAnchor="middle">{num(t)}</text></g>)}
        {all.map((r, i) => {
          const y = base(i);
          const points = r.share.map((s, k) => `${x((r.low[k]! + r.high[k]!) / 2).toFixed(1)} ${(y - Math.sqrt(s / peak) * tall).toFixed(1)}`);
          const on = i === at;
          return (
            <g key={r.from}>
              <path d={`M${x(r.low[0]!).toFixed(1)} ${y}L${points.join('L')}L${x(r.high.at(-1)!).toFixed(1)} ${y}Z`} fill={on ? theme.accent : theme.surface} fillOpacity={on ? 0.5 : 0.86} />
              <path d={`M${x(r.low[0]!).toFixed(1)} ${y}L${points.join('L')}L${x(r.high.at(-1)!).toFixed(1)} ${y}`} fill={theme.series[0]} fillOpacity={0.12 + (0.4 * i) / all.length} stroke={theme.series[0]} strokeWidth={on ? 2 : 1.1} />
              {(all.length - 1 - i) % every === 0 && <text x={left - 6} y={y + 3} textAnchor="end">{clock(r.from, zone)}</text>}
            </g>
          );
        })}
        {all.map((r, i) => <line key={r.from} x1={x(median(r))} x2={x(median(r))} y1={base(i)} y2={base(i) - Math.min(8, gap)} stroke={theme.text} strokeWidth={1.5} />)}
      </svg>
      {at !== null && <div className="dl-tip" role="status" style={{ left: width - 10, top: Math.max(0, base(at) - tall), transform: 'translateX(-100%)' }}><b>{moment(all[at]!.from, zone)}</b><span>median {num(median(all[at]!))}</span><span>largest bin {share(Math.max(...all[at]!.share))}</span></div>}
    </figure>
  );
}
