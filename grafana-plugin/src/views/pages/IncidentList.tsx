import { Badge } from '../parts';
import { moment, share, span } from '../format';
import type { Zone } from '../format';
import { Link } from './Link';

/** IncidentRow is a row of the frame of incidents. */
export interface IncidentRow {
  id: string;
  state: string;
  severity: string;
  title: string;
  tenant: string;
  model: string;
  cause: string;
  cause_kind: string;
  confidence: number | null;
  retrain: boolean;
  advice: string;
  onset: number;
  opened: number;
  updated: number;
  resolved: number | null;
  features: string;
  n_signals: number;
  merged_into?: string;
}

/** IncidentList shows incidents as a list, those that are open first. */
export function IncidentList({ rows, zone, empty }: { rows: readonly IncidentRow[]; zone: Zone; empty: string }) {
  if (rows.length === 0) {
    return <p className="dl-empty">{empty}</p>;
  }
  const open = (r: IncidentRow) => (r.state === 'resolved' ? 1 : 0);
  return (
    <ul className="dl-incidents">
      {[...rows].sort((a, b) => open(a) - open(b) || b.onset - a.onset).map((r) => (
        <li key={r.id} className={r.state === 'resolved' ? 'dl-over' : `dl-edge-${r.severity === 'error' || r.severity === 'critical' ? 'alarm' : 'warn'}`}>
          <div className="dl-incident-head">
            <Badge state={r.state === 'open' ? r.severity : r.state} />
            <Link to={{ page: 'incident', id: r.id }}>{r.title}</Link>
          </div>
          <p>
            {r.cause ? <><b>{r.cause}</b>{r.confidence !== null && <> ({share(Math.round(r.confidence * 100) / 100)})</>}. </> : 'The cause is being looked for. '}
            {r.advice && !r.advice.includes(r.cause) ? r.advice : r.advice.split(':')[0] && r.cause ? `${r.advice.split(':')[0]}.` : ''}
          </p>
          <small>{r.model} · since {moment(r.onset, zone)}{r.resolved ? `, over after ${span(r.resolved - r.onset)}` : ''} · {r.n_signals} signals{r.merged_into && <> · of the same cause as <Link to={{ page: 'incident', id: r.merged_into }}>{r.merged_into}</Link></>}</small>
        </li>
      ))}
    </ul>
  );
}
