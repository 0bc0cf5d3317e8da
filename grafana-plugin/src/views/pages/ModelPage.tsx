import { useState } from 'react';
import type { Question } from '../host';
import { noticesOf, useHost } from '../host';
import type { Frame } from '../frames';
import { number, rows, series } from '../frames';
import { HeatMap } from '../HeatMap';
import type { Event, Line } from '../LineChart';
import { LineChart } from '../LineChart';
import { Overlay } from '../Overlay';
import { Ridgelines } from '../Ridgelines';
import { Table } from '../Table';
import { Badge, Card, Notes, Ratio } from '../parts';
import { ago, num, short } from '../format';
import type { Theme } from '../theme';
import { useTheme } from '../host';
import { useAnswers, useRevision } from '../useAnswers';
import type { IncidentRow } from './IncidentList';
import { IncidentList } from './IncidentList';
import { Link } from './Link';

interface RankRow {
  version: string;
  segment: string;
  feature: string;
  detector: string;
  score: number;
  unit: string;
  threshold: number;
  ratio: number;
  p_value: number;
  importance: number;
  impact: number;
  n: number;
  n_reference: number;
  state: string;
  first_seen: number | null;
  evaluated: number;
  reason: string;
}

/** ModelPage is all about one model: what moved, what that does to it, and what was different before. */
export function ModelPage({ model, tenant, feature }: { model: string; tenant?: string; feature?: string }) {
  const host = useHost();
  const theme = useTheme();
  const [picked, setPicked] = useState(feature ?? '');
  const revision = useRevision((m) => m.type === 'lost' || (m.type !== 'beat' && m.model === model));
  const of = { models: [model], ...(tenant ? { tenant } : {}) };
  const ask = (q: Question): Question => ({ ...q, ...of });
  const overview = useAnswers({
    rank: ask({ kind: 'drift_rank' }), heat: ask({ kind: 'drift_heatmap', filters: [{ key: 'detector', operator: '!~', value: 'silent_.*' }] }), performance: ask({ kind: 'performance' }), incidents: ask({ kind: 'incidents' }), events: ask({ kind: 'events', presets: ['deploys', 'changes', 'retrains', 'incidents'] }),
  }, revision, 300);
  const { answers, loading, error } = overview;
  const ranked = rows<RankRow>(answers.rank?.frames[0]);
  const chosen = picked || ranked.find((r) => r.feature && !r.feature.startsWith('_'))?.feature || ranked[0]?.feature || '';
  const detail = useAnswers(chosen ? {
    series: ask({ kind: 'drift_series', features: [chosen], limit: 12 }), distribution: ask({ kind: 'distribution', features: [chosen] }), ridges: ask({ kind: 'distribution_series', features: [chosen] }),
  } : {}, revision, 300);
  const infra = useAnswers({ infra: ask({ kind: 'infra', measure: 'mean', limit: 12 }) }, revision, 300);
  const incidents = rows<IncidentRow>(answers.incidents?.frames[0]);
  const events = eventsOf(answers.events?.frames[0], theme);
  const { from, to } = host.timeRange;
  const time = { from, to, zone: host.zone };
  return (
    <div className="dl-page" aria-busy={loading}>
      <p className="dl-trail"><Link to={{ page: 'fleet' }}>Fleet</Link> / </p>
      <h1>{model}{tenant && tenant !== 'default' && <small> {tenant}</small>}</h1>
      <Notes error={error} />
      {incidents.length > 0 && <Card title="Incidents">{() => <IncidentList rows={incidents} zone={host.zone} empty="" />}</Card>}
      <Card title="Drift by feature and time" aside={<small>the greatest impact first; choose a row</small>}>
        {(width) => <><Notes error={answers.heat?.error} notices={noticesOf(answers.heat)} /><HeatMap frames={answers.heat?.frames ?? []} width={width} zone={host.zone} selected={chosen} onSelect={(f) => setPicked(f)} /></>}
      </Card>
      <div className="dl-columns">
        <Card title={`${chosen || 'Feature'}: reference against now`}>
          {(width) => <><Notes error={detail.answers.distribution?.error} notices={noticesOf(detail.answers.distribution)} />{detail.answers.distribution?.frames[0] ? <Overlay frame={detail.answers.distribution.frames[0]} width={width} height={300} /> : <p className="dl-empty">{detail.loading ? 'Loading …' : 'Nothing to show.'}</p>}</>}
        </Card>
        <Card title={`${chosen || 'Feature'}: distribution over time`} aside={<small>newest below; the tick is the median</small>}>
          {(width) => <><Notes error={detail.answers.ridges?.error} /><Ridgelines frame={detail.answers.ridges?.frames.find((f) => f.length > 0)} width={width} zone={host.zone} /></>}
        </Card>
      </div>
      <Card title={`${chosen || 'Feature'}: scores`} aside={<small>each against its own threshold, which is 1</small>}>
        {(width) => <><Notes error={detail.answers.series?.error} /><LineChart label={`Scores of ${chosen} against their thresholds`} lines={ratios(detail.answers.series?.frames ?? [])} width={width} height={190} {...time} threshold={1} zero events={events} /></>}
      </Card>
      <Card title="Performance" aside={<small>by labels with 95 % bands; dashed: estimated without labels</small>}>
        {(width) => (
          <>
            <Notes error={answers.performance?.error} notices={noticesOf(answers.performance)} />
            <div className="dl-charts">
              {performance(answers.performance?.frames ?? [], theme).map((p) => <div key={p.name}><h3 className="dl-small">{p.name}</h3><LineChart label={p.name} lines={p.lines} width={width >= 900 ? Math.floor(width / 2) - 10 : width} height={170} {...time} events={events} /></div>)}
              {!answers.performance?.frames.some((f) => f.fields.length) && <p className="dl-empty">{loading ? 'Loading …' : 'Neither labels nor estimates in this time.'}</p>}
            </div>
          </>
        )}
      </Card>
      <Card title="Features by impact">
        {() => (
          <>
            <Notes error={answers.rank?.error} notices={noticesOf(answers.rank)} />
            <Table<RankRow> label="Features by impact" rows={ranked} id={(r) => [r.version, r.segment, r.feature].join('/')} empty={loading ? 'Loading …' : 'No feature was judged in this time.'} height={420} selected={ranked.filter((r) => r.feature === chosen).map((r) => [r.version, r.segment, r.feature].join('/'))[0]} onSelect={(r) => setPicked(r.feature)}
              columns={[
                { name: 'Feature', by: (r) => r.feature, cell: (r) => <><button type="button" className="dl-as-link" onClick={(e) => { e.stopPropagation(); setPicked(r.feature); }}>{r.feature || '(model)'}</button>{r.version && <small> {r.version}</small>}{r.segment && <small> {r.segment}</small>}</> },
                { name: 'State', by: (r) => r.state, cell: (r) => <Badge state={r.state} /> },
                { name: 'Impact', by: (r) => r.impact, right: true, hint: 'score ÷ threshold × importance', cell: (r) => num(r.impact) },
                { name: 'Score ÷ threshold', by: (r) => r.ratio, cell: (r) => <Ratio value={r.ratio} text={num(r.ratio)} /> },
                { name: 'By', by: (r) => r.detector, cell: (r) => r.detector },
                { name: 'Score', by: (r) => r.score, right: true, cell: (r) => <span title={r.unit}>{num(r.score)} <small>of {num(r.threshold)}</small></span> },
                { name: 'p', by: (r) => r.p_value, right: true, hint: 'adjusted for all that was tested', cell: (r) => (r.p_value === 1 ? '–' : num(r.p_value)) },
                { name: 'n', by: (r) => r.n, right: true, hint: 'rows of the newest window', cell: (r) => num(r.n) },
                { name: 'First seen', by: (r) => r.first_seen, right: true, cell: (r) => short(r.first_seen, host.zone) },
                { name: 'Judged', by: (r) => r.evaluated, right: true, cell: (r) => ago(r.evaluated, to) },
                { name: 'Why', cell: (r) => <span className="dl-why">{r.reason}</span> },
              ]} />
          </>
        )}
      </Card>
      {series(infra.answers.infra?.frames ?? []).length > 0 && (
        <Card title="Telemetry" aside={<small>mean of each point</small>}>
          {(width) => <div className="dl-charts">{series(infra.answers.infra?.frames ?? []).map((s) => <div key={s.name}><h3 className="dl-small">{s.name}</h3><LineChart label={s.name} lines={[s]} width={width >= 900 ? Math.floor(width / 2) - 10 : width} height={120} {...time} unit={s.unit} events={events} legend={false} /></div>)}</div>}
        </Card>
      )}
    </div>
  );
}

/** ratios are scores against their own thresholds, so that detectors share an axis. */
export function ratios(frames: readonly Frame[]): Line[] {
  return series(frames).filter((s) => s.threshold).map((s) => ({ name: [s.labels.detector ?? s.name, s.labels.segment].filter(Boolean).join(' '), times: s.times, values: s.values.map((v) => (v === null ? null : v / s.threshold!)) }));
}

/** performance is a chart a metric and version. */
export function performance(frames: readonly Frame[], theme: Theme): { name: string; lines: Line[] }[] {
  const groups = new Map<string, Record<string, Line>>();
  for (const s of series(frames)) {
    const name = [s.labels.metric, s.labels.version && `version ${s.labels.version}`, s.labels.segment].filter(Boolean).join(' · ');
    groups.set(name, { ...groups.get(name), [s.of]: { name: s.of, times: s.times, values: s.values } });
  }
  return [...groups].map(([name, g]) => ({
    name,
    lines: (['realised', 'estimated'] as const).flatMap((k) => (g[k]?.values.some((v) => v !== null) ? [{ ...g[k], name: k === 'realised' ? 'by labels' : 'estimated', lower: g[`${k}_lower`]?.values, upper: g[`${k}_upper`]?.values, dashed: k === 'estimated', colour: theme.series[k === 'realised' ? 0 : 1] }] : [])),
  }));
}

/** eventsOf a frame of events, for charts. */
export function eventsOf(frame: Frame | undefined, theme: Theme): Event[] {
  const named: Record<string, string> = { red: theme.alarm, orange: theme.warn, blue: theme.accent, purple: theme.series[3]! };
  return rows<{ time: number; timeEnd: number | null; title: string; color: string }>(frame).map((e) => ({ time: e.time, timeEnd: number(e.timeEnd), title: e.title, colour: named[e.color] ?? theme.accent }));
}
