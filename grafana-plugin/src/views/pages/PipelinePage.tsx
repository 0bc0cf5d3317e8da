import { useEffect, useState } from 'react';
import type { Question } from '../host';
import { noticesOf, useHost } from '../host';
import { rows, series } from '../frames';
import { LineChart } from '../LineChart';
import { Table } from '../Table';
import { Card, Notes, Stat } from '../parts';
import { moment, num, short } from '../format';
import { useAnswers, useRevision } from '../useAnswers';

interface Pipeline {
  version: string;
  sources: { kind: string; topic: string; rows: number; newest: string }[];
}

const charts = [
  { measure: 'events', title: 'Records per second', unit: '', hint: 'by source' },
  { measure: 'freshness', title: 'Seconds since the newest record', unit: 's', hint: 'by source' },
  { measure: 'delay', title: 'From the end of a window to its verdict', unit: 's', hint: 'the longest, by model' },
  { measure: 'signals', title: 'Verdicts', unit: '', hint: 'by state' },
  { measure: 'notifications', title: 'Told to receivers', unit: '', hint: 'by receiver and status' },
];

const questions: Record<string, Question> = { ...Object.fromEntries(charts.map((c) => [c.measure, { kind: 'pipeline', measure: c.measure } satisfies Question])), logs: { kind: 'logs', limit: 200 } };

/** PipelinePage is how Driftline itself is: what comes in, how late verdicts are, what it decided. */
export function PipelinePage() {
  const host = useHost();
  const revision = useRevision((m) => m.type !== 'beat');
  const { answers, loading, error } = useAnswers(questions, revision, 240);
  const [known, setKnown] = useState<Pipeline | null>(null);
  const { call } = host;
  useEffect(() => {
    let gone = false;
    call<Pipeline>('GET', '/pipeline').then((p) => !gone && setKnown(p), () => undefined);
    return () => {
      gone = true;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [revision, host.timeRange.to]);
  const logs = rows<{ timestamp: number; body: string; severity: string; id: string }>(answers.logs?.frames[0]);
  const last = (measure: string) => series(answers[measure]?.frames ?? []).map((s) => ({ name: s.name, v: s.values.filter((v) => v !== null).at(-1) ?? null }));
  return (
    <div className="dl-page" aria-busy={loading}>
      <h1>Pipeline</h1>
      <Notes error={error} />
      <dl className="dl-stats">
        {last('events').map((s) => <Stat key={s.name} name={`${s.name} / s`}>{num(s.v)}</Stat>)}
        {known && <Stat name="version">{known.version}</Stat>}
      </dl>
      <div className="dl-columns">
        {charts.map((c) => (
          <Card key={c.measure} title={c.title} aside={<small>{c.hint}</small>}>
            {(width) => <><Notes error={answers[c.measure]?.error} notices={noticesOf(answers[c.measure])} /><LineChart label={c.title} lines={series(answers[c.measure]?.frames ?? [])} width={width} height={170} from={host.timeRange.from} to={host.timeRange.to} zone={host.zone} unit={c.unit} zero /></>}
          </Card>
        ))}
        <Card title="Sources" aside={<small>of the last hour, by topic</small>}>
          {() => <Table label="Sources" rows={known?.sources ?? []} id={(s) => s.kind + s.topic} empty="Nothing came in the last hour." columns={[{ name: 'Kind', cell: (s) => s.kind }, { name: 'Topic', cell: (s) => <code>{s.topic}</code> }, { name: 'Rows', right: true, by: (s) => s.rows, cell: (s) => num(s.rows) }, { name: 'Newest', right: true, by: (s) => s.newest, cell: (s) => short(Date.parse(s.newest), host.zone) }]} />}
        </Card>
      </div>
      <Card title="Decisions" aside={<small>retrainings and why not, what receivers were told, what people did</small>}>
        {() => (
          <>
            <Notes error={answers.logs?.error} notices={noticesOf(answers.logs)} />
            <Table label="Decisions" rows={logs} id={(l, i) => `${l.id}${i}`} height={420} empty={loading ? 'Loading …' : 'Nothing was decided in this time.'}
              columns={[{ name: 'Time', by: (l) => l.timestamp, cell: (l) => <time>{moment(l.timestamp, host.zone)}</time> }, { name: 'What', cell: (l) => <span className={l.severity === 'error' ? 'dl-said-long dl-tone-alarm' : 'dl-said-long'}>{l.body}</span> }]} />
          </>
        )}
      </Card>
    </div>
  );
}
