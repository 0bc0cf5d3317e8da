import { useEffect, useState } from 'react';
import { noticesOf, useHost } from '../host';
import type { Incident, Signal } from '../Evidence';
import { Evidence, incidentOf } from '../Evidence';
import { Table } from '../Table';
import { Badge, Card, Notes, Stat } from '../parts';
import { moment, num, short, span } from '../format';
import { useAnswers, useRevision } from '../useAnswers';
import { Link } from './Link';

interface Export {
  incident: Incident;
  timeline: { timestamp: string; what: string; who: string; text: string }[] | null;
  blast_radius: string[] | null;
}

const deeds = [
  { kind: 'acknowledge', name: 'Acknowledge', open: true }, { kind: 'mute', name: 'Mute for 4 h', open: true, why: true }, { kind: 'comment', name: 'Comment', why: true },
  { kind: 'confirm', name: 'Cause is right' }, { kind: 'wrong_cause', name: 'Wrong cause', why: true }, { kind: 'false_positive', name: 'False positive', why: true },
];

/** IncidentPage says what broke, why, since when and what to do about it, and takes what people do. */
export function IncidentPage({ id }: { id: string }) {
  const host = useHost();
  const [done, setDone] = useState(0);
  const revision = useRevision((m) => m.type === 'lost' || m.type === 'incident') + done;
  const { answers, loading, error } = useAnswers({ causes: { kind: 'incident_causes', id } }, revision);
  const frames = answers.causes?.frames ?? [];
  const [known, setKnown] = useState<Export | null>(null);
  const [failed, setFailed] = useState('');
  const { call } = host;
  useEffect(() => {
    let gone = false;
    call<Export>('GET', `/incidents/${encodeURIComponent(id)}/export`).then((x) => !gone && (setKnown(x), setFailed('')), (e: Error) => !gone && setFailed(e.message));
    return () => {
      gone = true;
    };
    // The host's functions are made anew with every time range; only who is asked about matters.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id, revision]);
  const inc = known?.incident ?? incidentOf(frames);
  if (!inc) {
    return <div className="dl-page"><p className="dl-trail"><Link to={{ page: 'fleet' }}>Fleet</Link> / </p><h1>Incident</h1><Notes error={failed || error || answers.causes?.error} />{loading && <p className="dl-empty">Loading …</p>}</div>;
  }
  const onset = Date.parse(inc.onset);
  const end = inc.resolved_at ? Date.parse(inc.resolved_at) : null;
  return (
    <div className="dl-page" aria-busy={loading}>
      <p className="dl-trail"><Link to={{ page: 'fleet' }}>Fleet</Link> / <Link to={{ page: 'model', model: inc.model, tenant: inc.tenant }}>{inc.model}</Link> / </p>
      <h1>{inc.title}</h1>
      <p className="dl-summary">{inc.summary}</p>
      {inc.diagnosis && <p className={`dl-advice ${inc.diagnosis.retrain ? 'dl-edge-ok' : 'dl-edge-warn'}`}><b>{inc.diagnosis.advice}</b></p>}
      <dl className="dl-stats">
        <Stat name="state"><Badge state={inc.state} /></Stat>
        <Stat name="severity"><Badge state={inc.severity} /></Stat>
        <Stat name="since">{moment(onset, host.zone)}</Stat>
        <Stat name={end ? 'lasted' : 'found after'}>{end ? span(end - onset) : span(Date.parse(inc.opened_at) - onset)}</Stat>
        <Stat name="features">{inc.features?.filter(Boolean).length ?? 0}</Stat>
        <Stat name="versions">{inc.versions?.filter(Boolean).join(', ') || '–'}</Stat>
      </dl>
      {(known?.blast_radius?.length ?? 0) > 0 && <p className="dl-unseen"><small>touches</small>{known!.blast_radius!.map((b) => <code key={b}>{b}</code>)}</p>}
      <Notes error={failed || error} />
      <Actions incident={inc} onDone={() => setDone((d) => d + 1)} />
      <Card title="Why" aside={<small>likeliest first</small>}>{(width) => <><Notes error={answers.causes?.error} notices={noticesOf(answers.causes)} />{frames.length > 0 ? <Evidence frames={frames} width={width} zone={host.zone} /> : <p className="dl-empty">Loading …</p>}</>}</Card>
      <Card title="Signals">
        {() => (
          <Table<Signal> label="Signals" rows={inc.signals ?? []} id={(s, i) => `${i}${s.feature}${s.detector}`} height={360}
            columns={[
              { name: 'Feature', by: (s) => s.feature, cell: (s) => (s.feature ? <Link to={{ page: 'model', model: inc.model, tenant: inc.tenant, feature: s.feature }}>{s.feature}</Link> : '(model)') },
              { name: 'By', by: (s) => s.detector, cell: (s) => s.detector }, { name: 'Version', by: (s) => s.version, cell: (s) => s.version || '–' },
              { name: 'Score', by: (s) => s.score, right: true, cell: (s) => <span title={s.unit}>{num(s.score)} <small>of {num(s.threshold)}</small></span> },
              { name: 'p', by: (s) => s.p_value, right: true, cell: (s) => (s.p_value === 1 ? '–' : num(s.p_value)) }, { name: 'n', by: (s) => s.n_window, right: true, cell: (s) => num(s.n_window) },
              { name: 'Window', by: (s) => s.window_start, right: true, cell: (s) => short(Date.parse(s.window_start), host.zone) }, { name: 'Why', cell: (s) => <span className="dl-why">{s.reason}</span> },
            ]} />
        )}
      </Card>
      {known && <Card title="Timeline">{() => <ol className="dl-timeline">{(known.timeline ?? []).filter((m) => !(m.what === 'told' && m.text.endsWith(': pending'))).map((m, i) => <li key={i}><time>{moment(Date.parse(m.timestamp), host.zone)}</time><span className="dl-tag">{m.what}</span><span>{m.who && <b>{m.who}: </b>}{m.text}</span></li>)}</ol>}</Card>}
    </div>
  );
}

function Actions({ incident, onDone }: { incident: Incident; onDone: () => void }) {
  const host = useHost();
  const [asked, setAsked] = useState('');
  const [comment, setComment] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const over = incident.state === 'resolved';
  const act = async (path: string, body: object) => {
    setBusy(true);
    setError('');
    try {
      await host.call('POST', `/incidents/${encodeURIComponent(incident.id)}${path}`, body);
      setAsked('');
      setComment('');
      onDone();
    } catch (e) {
      setError(e instanceof Error ? e.message : String(e));
    } finally {
      setBusy(false);
    }
  };
  const retraining = [{ kind: 'approval', name: 'Approve retraining' }, { kind: 'denial', name: 'Deny retraining' }];
  const send = (kind: string) => (retraining.some((r) => r.kind === kind) ? act('/retraining', { decision: kind, comment }) : act('/actions', { kind, comment }));
  const name = [...deeds, ...retraining].find((d) => d.kind === asked)?.name;
  return (
    <div className="dl-actions">
      <div role="group" aria-label="Act on the incident">
        {deeds.filter((d) => !(d.open && over)).map((d) => {
          const undo = d.kind === 'acknowledge' && incident.state === 'acknowledged';
          return <button key={d.kind} type="button" disabled={busy} aria-pressed={asked === d.kind} onClick={() => (d.why ? setAsked(d.kind) : void act('/actions', { kind: undo ? 'unacknowledge' : d.kind }))}>{undo ? 'Hand back' : d.name}</button>;
        })}
        {incident.diagnosis?.retrain && !over && retraining.map((r) => <button key={r.kind} type="button" disabled={busy} aria-pressed={asked === r.kind} onClick={() => setAsked(r.kind)}>{r.name}</button>)}
      </div>
      {asked && (
        <form onSubmit={(e) => { e.preventDefault(); void send(asked); }}>
          <label>Why, for whoever reads it later <input value={comment} required maxLength={4000} onChange={(e) => setComment(e.target.value)} autoFocus /></label>
          <button type="submit" className="dl-primary" disabled={busy}>{name}</button><button type="button" className="dl-quiet" onClick={() => setAsked('')}>Cancel</button>
        </form>
      )}
      <Notes error={error} />
      {(incident.actions?.length ?? 0) > 0 && <ul className="dl-said">{incident.actions!.map((a) => <li key={a.id}><time>{moment(Date.parse(a.timestamp), host.zone)}</time> <b>{a.author}</b> {a.kind.replaceAll('_', ' ')}{a.until && ` until ${moment(Date.parse(a.until), host.zone)}`}{a.comment && <>: {a.comment}</>}</li>)}</ul>}
    </div>
  );
}
