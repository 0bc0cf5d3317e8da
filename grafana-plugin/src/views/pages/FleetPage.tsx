import type { Question } from '../host';
import { noticesOf, useHost } from '../host';
import { rows } from '../frames';
import { HealthMatrix } from '../HealthMatrix';
import { Table } from '../Table';
import { Badge, Card, Notes, Ratio, Stat } from '../parts';
import { ago, num, share } from '../format';
import { useAnswers, useRevision } from '../useAnswers';
import type { IncidentRow } from './IncidentList';
import { IncidentList } from './IncidentList';
import { Link } from './Link';

interface FleetRow {
  tenant: string;
  model: string;
  versions: string;
  state: string;
  incidents: number;
  events_s: number;
  last_event: number | null;
  worst_feature: string;
  worst_ratio: number;
  worst_detector: string;
  metric: string;
  estimated: number | null;
  realised: number | null;
  coverage: number | null;
  n: number;
  evaluated: number | null;
}

/** isModel tells models from what rules over silence watch too: sources, and Driftline itself. Nobody asks those. */
function isModel(m: FleetRow): boolean {
  return !/^(source|monitor)\//.test(m.model);
}

const questions: Record<string, Question> = { fleet: { kind: 'fleet' }, health: { kind: 'health_matrix' }, incidents: { kind: 'incidents' } };

/** FleetPage is the first page: every model at a glance, the worst first. */
export function FleetPage() {
  const host = useHost();
  const revision = useRevision((m) => m.type !== 'beat');
  const { answers, loading, error } = useAnswers(questions, revision, 240);
  const models = rows<FleetRow>(answers.fleet?.frames[0]).map((m) => (isModel(m) || m.state !== 'silent' ? m : { ...m, state: 'ok' }));
  const incidents = rows<IncidentRow>(answers.incidents?.frames[0]);
  const open = incidents.filter((i) => i.state !== 'resolved');
  const now = host.timeRange.to;
  const several = new Set(models.map((m) => m.tenant)).size > 1;
  const count = (state: string) => models.filter((m) => isModel(m) && m.state === state).length;
  return (
    <div className="dl-page" aria-busy={loading}>
      <h1>Fleet</h1>
      <Notes error={error} />
      <dl className="dl-stats">
        <Stat name="models" hint="that were asked or judged in this time">{models.filter(isModel).length}</Stat>
        <Stat name="alarming" tone={count('alarm') ? 'alarm' : 'ok'} hint="with an open incident, or a series that alarmed last">{count('alarm')}</Stat>
        <Stat name="silent" tone={count('silent') ? 'warn' : 'ok'} hint="that nothing asked in this time">{count('silent')}</Stat>
        <Stat name="not judged" tone={count('no_data') ? 'warn' : 'ok'} hint="asked, but no window could be judged">{count('no_data')}</Stat>
        <Stat name="open incidents" tone={open.length ? 'alarm' : 'ok'}>{open.length}</Stat>
        <Stat name="events / s" hint="of all models, on average over this time">{num(models.reduce((sum, m) => sum + m.events_s, 0))}</Stat>
      </dl>
      <Card title="Incidents">{() => <><Notes error={answers.incidents?.error} notices={noticesOf(answers.incidents)} /><IncidentList rows={incidents} zone={host.zone} empty={loading ? 'Loading …' : 'Nothing was wrong in this time.'} /></>}</Card>
      <Card title="Models">
        {() => (
          <>
            <Notes error={answers.fleet?.error} notices={noticesOf(answers.fleet)} />
            <Table<FleetRow> label="Models, the worst first" rows={models} id={(m) => `${m.tenant}/${m.model}`} empty={loading ? 'Loading …' : 'No model was asked or judged in this time. Choose a longer one.'}
              columns={[
                { name: 'Model', by: (m) => m.model, cell: (m) => <><Link to={{ page: 'model', model: m.model, tenant: m.tenant }}>{m.model}</Link>{several && <small> {m.tenant}</small>}{m.versions && <small> {m.versions}</small>}</> },
                { name: 'State', by: (m) => m.state, cell: (m) => <Badge state={m.state} /> },
                { name: 'Incidents', by: (m) => m.incidents, right: true, cell: (m) => m.incidents || '' },
                { name: 'Worst feature', by: (m) => m.worst_feature, cell: (m) => (m.worst_detector ? <>{m.worst_feature || '(model)'} <small>{m.worst_detector}</small></> : '–') },
                { name: 'Score ÷ threshold', by: (m) => m.worst_ratio, hint: 'an alarm at 1 and above', cell: (m) => (m.worst_detector ? <Ratio value={m.worst_ratio} text={num(m.worst_ratio)} /> : '–') },
                { name: 'n', by: (m) => m.n, right: true, hint: 'rows of the largest newest window', cell: (m) => num(m.n) },
                { name: 'Performance', by: (m) => m.realised ?? m.estimated, right: true, hint: 'by labels; in brackets what is estimated without them', cell: (m) => (m.metric ? <>{num(m.realised)} <small>({num(m.estimated)}) {m.metric}</small></> : '–') },
                { name: 'Labels', by: (m) => m.coverage, right: true, hint: 'share of the newest window that has labels', cell: (m) => share(m.coverage) },
                { name: 'Events / s', by: (m) => m.events_s, right: true, cell: (m) => num(m.events_s) },
                { name: 'Last event', by: (m) => m.last_event, right: true, cell: (m) => ago(m.last_event, now) },
                { name: 'Judged', by: (m) => m.evaluated, right: true, cell: (m) => ago(m.evaluated, now) },
              ]} />
          </>
        )}
      </Card>
      <Card title="Health">{(width) => <><Notes error={answers.health?.error} notices={noticesOf(answers.health)} /><HealthMatrix frames={answers.health?.frames ?? []} width={width} zone={host.zone} onSelect={(model) => host.navigate({ page: 'model', model })} /></>}</Card>
    </div>
  );
}
