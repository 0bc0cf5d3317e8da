import { useEffect, useMemo, useState } from 'react';
import type { QueryEditorProps } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Combobox, InlineField, InlineFieldRow, InlineSwitch, Input, MultiCombobox } from '@grafana/ui';
import type { DataSource } from './datasource';
import type { KindInfo, Query, Settings } from './query';
import { lists, usual } from './query';

/** QueryEditor builds a question; the choices are those of the dashboard's time. */
export function QueryEditor({ datasource, query, onChange, onRunQuery, range, app }: QueryEditorProps<DataSource, Query, Settings>) {
  const q: Query = { ...usual, ...query } as Query;
  const [kinds, setKinds] = useState<KindInfo[]>([]);
  const [failed, setFailed] = useState('');
  useEffect(() => {
    let gone = false;
    datasource.kinds().then((all) => !gone && (setKinds(all), setFailed('')), (e: { data?: { message?: string }; message?: string }) => !gone && setFailed(e.data?.message ?? e.message ?? String(e)));
    return () => {
      gone = true;
    };
  }, [datasource]);
  const kind = kinds.find((k) => k.kind === q.kind);
  const choices = useMemo(() => (kinds.length ? kinds : [{ kind: q.kind, title: q.kind, description: '' }]).map((k) => ({ value: k.kind, label: k.title, description: k.description })), [kinds, q.kind]);
  const needs = kind?.needs ?? [];
  const isNeeded = (name: string) => needs.includes(`${name}*`);
  const set = (part: Partial<Query>) => {
    onChange({ ...q, ...part });
    onRunQuery();
  };
  const change = (to: Query['kind']) => {
    const next = kinds.find((k) => k.kind === to);
    const keep: Query = { refId: q.refId, datasource: q.datasource, hide: q.hide, v: 1, kind: to };
    for (const l of lists) { // what the new kind takes too
      if (next?.needs?.some((n) => n.replace('*', '') === l) && q[l]) {
        keep[l] = q[l];
      }
    }
    onChange(keep);
    onRunQuery();
  };
  const narrow = { model: q.models };
  return (
    <div>
      {failed && <Alert severity="error" title={t('query.no-kinds', 'The back end does not answer')}>{failed}</Alert>}
      <InlineFieldRow>
        <InlineField label={t('query.kind', 'Question')} labelWidth={14} tooltip={kind?.description}><Combobox id={`kind-${q.refId}`} aria-label={t('query.kind', 'Question')} options={choices} value={q.kind} width={40} onChange={(o) => change(o.value)} /></InlineField>
        {kind?.measures?.length ? <InlineField label={t('query.measure', 'Measure')} labelWidth={14}><Combobox id={`measure-${q.refId}`} aria-label={t('query.measure', 'Measure')} options={kind.measures.map((value) => ({ value, label: value }))} value={q.measure || kind.measures[0]!} width={24} onChange={(o) => set({ measure: o.value })} /></InlineField> : null}
        {(q.kind === 'drift_series' || q.kind === 'incidents') && app !== 'unified-alerting' && <InlineField label={t('query.live', 'Live')} tooltip={t('query.live-hint', 'New points are sent as they come, without asking again')}><InlineSwitch aria-label={t('query.live', 'Live')} value={q.live ?? false} onChange={(e) => set({ live: e.currentTarget.checked })} /></InlineField>}
      </InlineFieldRow>
      <InlineFieldRow>
        {lists.filter((l) => needs.some((n) => n.replace('*', '') === l)).map((l) => (
          <InlineField key={l} label={labels()[l]} labelWidth={14} required={isNeeded(l)} invalid={isNeeded(l) && !q[l]?.length} error={t('query.needed', 'This question needs one')}>
            <MultiCombobox id={`${l}-${q.refId}`} aria-label={labels()[l]} width={30} createCustomValue isClearable value={q[l] ?? []} placeholder={isNeeded(l) ? t('query.choose', 'choose') : t('query.all', 'all')}
              options={async (typed) => (await datasource.options(l === 'metrics' && q.kind === 'performance' ? 'performance' : l, range, l === 'models' ? {} : narrow)).filter((v) => v.includes(typed)).slice(0, 500).map((value) => ({ value, label: value }))}
              onChange={(all) => set({ [l]: all.map((o) => o.value) })} />
          </InlineField>
        ))}
        {needs.includes('presets') && <InlineField label={t('query.presets', 'Events')} labelWidth={14}><MultiCombobox id={`presets-${q.refId}`} aria-label={t('query.presets', 'Events')} width={44} isClearable options={(kind?.presets ?? []).map((value) => ({ value, label: value.replace('_', ' ') }))} value={q.presets ?? []} placeholder={t('query.all-but-jobs', 'all but jobs')} onChange={(all) => set({ presets: all.map((o) => o.value) })} /></InlineField>}
        {needs.includes('id*') && <InlineField label={t('query.id', 'Incident')} labelWidth={14} required invalid={!q.id} error={t('query.needed', 'This question needs one')}><Input aria-label={t('query.id', 'Incident')} width={30} value={q.id ?? ''} placeholder="$incident" onChange={(e) => onChange({ ...q, id: e.currentTarget.value })} onBlur={onRunQuery} /></InlineField>}
        <InlineField label={t('query.limit', 'Limit')} tooltip={t('query.limit-hint', 'Series or rows, 1 to 1000')}><Input id={`limit-${q.refId}`} aria-label={t('query.limit', 'Limit')} type="number" min={1} max={1000} width={12} value={q.limit ?? ''} placeholder={t('query.auto', 'auto')} onChange={(e) => onChange({ ...q, limit: e.currentTarget.value ? Number(e.currentTarget.value) : undefined })} onBlur={onRunQuery} /></InlineField>
      </InlineFieldRow>
      {kind && !kind.alertable && app === 'unified-alerting' && <Alert severity="warning" title={t('query.not-alertable', 'This question is no series of numbers, and cannot be alerted on.')} />}
    </div>
  );
}

function labels(): Record<(typeof lists)[number], string> {
  return { models: t('query.models', 'Models'), versions: t('query.versions', 'Versions'), segments: t('query.segments', 'Segments'), features: t('query.features', 'Features'), detectors: t('query.detectors', 'Detectors'), states: t('query.states', 'States'), metrics: t('query.metrics', 'Metrics') };
}
