import { useMemo, useState } from 'react';
import type { Frame } from './frames';
import { rows, series } from './frames';
import { LineChart } from './LineChart';
import { Table } from './Table';
import { useTheme } from './host';
import type { Zone } from './format';
import { clock, num, share, span, timeTicks } from './format';

/** Cause as a row of the frame "causes" of incident_causes. */
export interface Cause {
  rank: number;
  entity: string;
  kind: string;
  mechanism: string;
  title: string;
  metric: string;
  score: number;
  confidence: number;
  onset: number;
  lead_s: number;
  path: string;
}

/** Proof as a row of its frame "evidence". */
export interface Proof {
  rank: number;
  entity: string;
  metric: string;
  before: number;
  after: number;
  z: number;
  n: number;
  onset: number;
  lead_s: number;
  text: string;
}

/** Incident as the API and the first frame have it, as far as it is shown. */
export interface Incident {
  id: string;
  revision: number;
  tenant: string;
  model: string;
  state: string;
  severity: string;
  title: string;
  summary: string;
  onset: string;
  opened_at: string;
  updated_at: string;
  resolved_at: string | null;
  versions: string[] | null;
  features: string[] | null;
  signals: Signal[] | null;
  diagnosis: { at: string; advice: string; retrain: boolean; causes: unknown[] | null; learnt: number } | null;
  actions: { id: string; timestamp: string; kind: string; author: string; comment: string; until: string | null }[] | null;
}

/** Signal as the API has it. */
export interface Signal {
  window_start: string;
  window_end: string;
  version: string;
  segment: string;
  feature: string;
  detector: string;
  score: number;
  unit: string;
  threshold: number;
  p_value: number;
  n_reference: number;
  n_window: number;
  state: string;
  reason: string;
}

/** incidentOf the frames of incident_causes. */
export function incidentOf(frames: readonly Frame[]): Incident | undefined {
  return frames.find((f) => f.meta?.custom?.incident)?.meta?.custom?.incident as Incident | undefined;
}

export interface EvidenceProps {
  frames: readonly Frame[];
  width: number;
  zone?: Zone;
}

/** Evidence shows why an incident is thought to have its causes: ranked, on one axis of time, with what speaks against others. */
export function Evidence({ frames, width, zone = '' }: EvidenceProps) {
  const theme = useTheme();
  const named = (name: string) => frames.find((f) => f.name === name);
  const causes = rows<Cause>(named('causes'));
  const proofs = rows<Proof>(named('evidence'));
  const out = rows<{ entity: string; metric: string; reason: string }>(named('ruled_out'));
  const unseen = rows<{ entity: string }>(named('unobserved'));
  const charts = useMemo(() => series(frames.filter((f) => f.name === 'series')), [frames]);
  const incident = incidentOf(frames);
  const [chosen, setChosen] = useState(1);
  if (causes.length === 0) {
    return <p className="dl-empty">Causes were not looked for yet, or nothing that is observed explains it.</p>;
  }
  const onset = incident ? Date.parse(incident.onset) : undefined;
  const known = causes.map((c) => c.onset).filter((t) => t > 0);
  const spans = charts.flatMap((s) => [s.times[0]!, s.times.at(-1)!]).filter((t) => Number.isFinite(t));
  const from = Math.min(...known, ...spans, onset ?? Infinity) - 60_000;
  const to = Math.max(...known, ...spans, (onset ?? 0) + 60_000, incident ? Date.parse(incident.updated_at) : 0) + 60_000;
  const about = proofs.filter((p) => p.rank === chosen);
  const symptoms = charts.filter((s) => s.labels.rank === '0');
  const shown = charts.filter((s) => s.labels.rank === String(chosen));
  const marks = [
    ...(onset ? [{ time: onset, title: 'the model alarms', colour: theme.alarm }] : []),
    ...causes.filter((c) => c.rank === chosen && c.onset > 0).map((c) => ({ time: c.onset, title: `${c.title}: begins`, colour: theme.accent })),
  ];
  return (
    <div className="dl-evidence" style={{ width }}>
      <ol className="dl-causes">
        {causes.map((c) => (
          <li key={c.rank}>
            <button type="button" aria-pressed={c.rank === chosen} onClick={() => setChosen(c.rank)}>
              <span className="dl-rank">{c.rank}</span>
              <span className="dl-cause-text"><b>{c.title}</b><small>{[c.kind, c.mechanism.replaceAll('_', ' '), c.lead_s > 0 ? `${span(c.lead_s * 1000)} before the symptom` : c.lead_s < 0 ? `${span(-c.lead_s * 1000)} after the symptom` : ''].filter(Boolean).join(' · ')}</small></span>
              <span className="dl-confidence"><svg width="72" height="10" aria-hidden="true"><rect className="dl-track" width="72" height="10" rx="2" /><rect width={72 * c.confidence} height="10" rx="2" fill={theme.accent} /></svg>{share(Math.round(c.confidence * 100) / 100)}</span>
            </button>
          </li>
        ))}
      </ol>
      <Axis causes={causes} onset={onset} from={from} to={to} width={width} zone={zone} chosen={chosen} />
      <div className="dl-proofs" aria-live="polite">
        {about.length === 0 && <p className="dl-empty">Cause {chosen} has no evidence of its own: it is what is left when nothing else explains the incident.</p>}
        {about.map((p, i) => (
          <p key={i}><b>{p.metric.replaceAll('_', ' ')}</b>{p.entity && <> of <code>{p.entity}</code></>}: {p.text}{p.n > 0 && <small> {num(p.before)} → {num(p.after)}, z {num(p.z)}, n {num(p.n)}{p.lead_s ? `, ${span(Math.abs(p.lead_s) * 1000)} ${p.lead_s > 0 ? 'before' : 'after'}` : ''}</small>}</p>
        ))}
      </div>
      <div className="dl-stack">
        {[...shown, ...symptoms].map((s, i) => (
          <div key={i}>
            <h3 className="dl-small">{s.labels.rank === '0' ? 'Symptom: ' : ''}{s.name}</h3>
            <LineChart label={s.name} lines={[{ name: s.name, times: s.times, values: s.values, colour: s.labels.rank === '0' ? theme.series[6] : theme.series[0] }]} width={width} height={110} from={from} to={to} zone={zone} unit={s.unit} threshold={s.labels.rank === '0' ? s.threshold : null} events={marks} legend={false} />
          </div>
        ))}
      </div>
      {out.length > 0 && <><h3 className="dl-small">Ruled out</h3><Table label="Ruled out" id={(_, i) => String(i)} rows={out} columns={[{ name: 'Candidate', cell: (r) => <code>{r.entity}</code> }, { name: 'Shown by', cell: (r) => r.metric }, { name: 'Why it is not the cause', cell: (r) => r.reason }]} /></>}
      {unseen.length > 0 && <p className="dl-unseen"><b>Could not be observed:</b> {unseen.map((u) => <code key={u.entity}>{u.entity}</code>)}</p>}
    </div>
  );
}

function Axis({ causes, onset, from, to, width, zone, chosen }: { causes: readonly Cause[]; onset?: number; from: number; to: number; width: number; zone: Zone; chosen: number }) {
  const theme = useTheme();
  const left = 40;
  const x = (t: number) => left + ((t - from) / (to - from)) * (width - left - 16);
  const timed = causes.filter((c) => c.onset > 0);
  if (timed.length === 0 || !onset) {
    return null;
  }
  const height = 22 + timed.length * 18;
  return (
    <svg className="dl-axis" width={width} height={height} role="img" aria-label={`When each cause began: ${timed.map((c) => `${c.title} at ${clock(c.onset, zone, true)}`).join('; ')}. The model alarms at ${clock(onset, zone, true)}.`}>
      <line x1={x(onset)} x2={x(onset)} y1={0} y2={height - 16} stroke={theme.alarm} strokeDasharray="2 3" strokeWidth={1.5} />
      {timed.map((c, i) => {
        const y = 10 + i * 18;
        const on = c.rank === chosen;
        return (
          <g key={c.rank}>
            <text x={left - 10} y={y + 4} textAnchor="end" fontWeight={on ? 700 : 400}>{c.rank}</text>
            <line x1={left} x2={width - 16} y1={y} y2={y} className="dl-rule" />
            <line x1={Math.min(x(c.onset), x(onset))} x2={Math.max(x(c.onset), x(onset))} y1={y} y2={y} stroke={theme.accent} strokeWidth={on ? 4 : 2} opacity={on ? 1 : 0.55} />
            <path d={`M${x(c.onset)} ${y - 6}l6 6l-6 6l-6 -6z`} fill={on ? theme.accent : theme.faint} />
          </g>
        );
      })}
      {timeTicks(from, to, Math.max(2, width / 110), zone).map((t) => <text key={t.at} x={x(t.at)} y={height - 3} textAnchor="middle">{t.text}</text>)}
    </svg>
  );
}
