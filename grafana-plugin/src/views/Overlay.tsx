import { useState } from 'react';
import type { Frame } from './frames';
import { number, rows } from './frames';
import { useTheme } from './host';
import { num, share, ticks } from './format';

/** Bin of a distribution: shares of the reference and of now, and what it adds to the PSI. */
export interface Bin {
  bin_lo: number | null;
  bin_hi: number | null;
  label: string;
  reference: number;
  current: number;
  contribution: number;
}

export interface OverlayProps {
  frame: Frame;
  width: number;
  height?: number;
  title?: boolean;
}

/** Overlay shows reference and current distribution of a feature bin by bin, and below which bins the PSI comes from. */
export function Overlay({ frame, width, height = 260, title = true }: OverlayProps) {
  const theme = useTheme();
  const [at, setAt] = useState<number | null>(null);
  const bins = rows<Bin>(frame);
  const custom = frame.meta?.custom ?? {};
  const feature = String(custom.feature ?? frame.name ?? '');
  if (bins.length === 0) {
    return <p className="dl-empty">No rows of {feature || 'the feature'} in this time.</p>;
  }
  const psi = number(custom.psi) ?? bins.reduce((sum, b) => sum + (b.contribution || 0), 0);
  const hasReference = bins.some((b) => b.reference > 0);
  const high = Math.max(0.01, ...bins.flatMap((b) => [b.reference, b.current]));
  const most = Math.max(1e-9, ...bins.map((b) => Math.abs(b.contribution || 0)));
  const left = 46;
  const below = Math.max(34, Math.round(height * 0.2));
  const plot = { w: Math.max(40, width - left - 8), h: Math.max(40, height - below - (title ? 68 : 44)) };
  const each = plot.w / bins.length;
  const bar = Math.max(1, Math.min(22, each * 0.36));
  const y = (v: number) => 6 + plot.h - (v / high) * plot.h;
  const labels = bins.map(nameOf);
  const every = Math.ceil((Math.max(...labels.map((l) => Math.min(12, l.length))) * 6.6 + 8) / each);
  const [ref, cur] = [theme.isDark ? '#8ea3b8' : '#7b8ba0', theme.series[1]!];
  const on = at === null ? null : bins[at]!;
  return (
    <figure className="dl-overlay" style={{ width }}>
      {title && (
        <figcaption><b>{feature}</b> <span>PSI {num(psi)} · reference {hasReference ? <>{String(custom.reference || 'unnamed')}, {num(number(custom.n_reference))} rows</> : 'none'} · now {num(number(custom.n_current))} rows</span></figcaption>
      )}
      <svg width={width} height={plot.h + below + 28} role="img" tabIndex={0} aria-label={`${feature}: reference against current in ${bins.length} bins, PSI ${num(psi)}. Most comes from ${labels[bins.findIndex((b) => Math.abs(b.contribution) === most)] ?? 'none'}.`}
        onPointerLeave={() => setAt(null)} onBlur={() => setAt(null)}
        onPointerMove={(e) => { const k = Math.floor((e.clientX - e.currentTarget.getBoundingClientRect().left - left) / each); setAt(k >= 0 && k < bins.length ? k : null); }}
        onKeyDown={(e) => {
          const to = { ArrowLeft: (at ?? bins.length) - 1, ArrowRight: (at ?? -1) + 1 }[e.key];
          if (to !== undefined) {
            e.preventDefault();
            setAt(Math.max(0, Math.min(bins.length - 1, to)));
          }
        }}>
        {ticks(0, high, 3).map((t) => <g key={t}><line className="dl-rule" x1={left} x2={width - 8} y1={y(t)} y2={y(t)} /><text x={left - 6} y={y(t) + 4} textAnchor="end">{share(t)}</text></g>)}
        <text x={left - 6} y={plot.h + 6 + below / 2 + 4} textAnchor="end">PSI</text>
        {bins.map((b, i) => {
          const middle = left + (i + 0.5) * each;
          const size = (Math.abs(b.contribution || 0) / most) * (below - 10);
          return (
            <g key={i}>
              {i === at && <rect className="dl-band" x={left + i * each} y={2} width={each} height={plot.h + below + 4} />}
              <rect x={middle - bar - 0.5} width={bar} y={y(b.reference)} height={Math.max(0, 6 + plot.h - y(b.reference))} fill={ref} fillOpacity={0.45} stroke={ref} />
              <rect x={middle + 0.5} width={bar} y={y(b.current)} height={Math.max(0, 6 + plot.h - y(b.current))} fill={cur} />
              <rect x={middle - Math.min(each * 0.4, bar)} width={Math.min(each * 0.8, bar * 2)} y={plot.h + 12} height={size} fill={theme.alarm} opacity={0.3 + 0.7 * (Math.abs(b.contribution || 0) / most)} />
              {i % every === 0 && <text x={middle} y={plot.h + below + 22} textAnchor="middle">{clipped(labels[i]!)}</text>}
            </g>
          );
        })}
      </svg>
      <ul className="dl-legend">
        <li><i style={{ background: ref, opacity: 0.7 }} />reference</li><li><i style={{ background: cur }} />current</li><li><i style={{ background: theme.alarm }} />contribution to the PSI</li>
      </ul>
      {on && at !== null && (
        <div className="dl-tip" role="status" style={{ left: left + (at + 0.5) * each, top: 40, transform: at > bins.length * 0.6 ? 'translateX(calc(-100% - 12px))' : 'translateX(12px)' }}>
          <b>{on.bin_lo !== null && on.bin_hi !== null && Number.isFinite(on.bin_lo) ? `${num(on.bin_lo)} to ${num(on.bin_hi)}` : labels[at]}</b>
          <span>reference {share(on.reference)}</span><span>current {share(on.current)}</span><span>adds {num(on.contribution)} of {num(psi)}</span>
        </div>
      )}
    </figure>
  );
}

function nameOf(b: Bin): string {
  if (b.label) {
    return b.label;
  }
  const lo = number(b.bin_lo);
  const hi = number(b.bin_hi);
  return lo === null ? (hi === null ? '–' : `< ${num(hi)}`) : hi === null ? `≥ ${num(lo)}` : num(lo);
}

function clipped(s: string): string {
  return s.length > 12 ? `${s.slice(0, 11)}…` : s;
}
