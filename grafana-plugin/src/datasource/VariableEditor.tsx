import type { QueryEditorProps } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Combobox, InlineField, InlineFieldRow, Input } from '@grafana/ui';
import type { DataSource } from './datasource';
import type { Query, Settings } from './query';
import type { VariableQuery } from './variables';

const choices = ['models', 'versions', 'segments', 'features', 'detectors', 'states', 'performance', 'metrics', 'nodes', 'gpus', 'pods', 'deployments', 'sources', 'tenants', 'incidents'].map((value) => ({ value, label: value }));

/** VariableEditor chooses a dimension, and whose. */
export function VariableEditor({ query, onChange }: QueryEditorProps<DataSource, Query, Settings, VariableQuery>) {
  const q = { ...query, list: query.list ?? 'models' };
  return (
    <InlineFieldRow>
      <InlineField label={t('variable.values', 'Values of')} labelWidth={16}><Combobox aria-label={t('variable.values', 'Values of')} options={choices} value={q.list} width={26} onChange={(o) => onChange({ ...q, list: o.value })} /></InlineField>
      <InlineField label={t('variable.model', 'Model')} labelWidth={16} tooltip={t('variable.model-hint', 'Of this model alone, such as $model; empty: of all')}><Input aria-label={t('variable.model', 'Model')} width={26} value={q.model ?? ''} onChange={(e) => onChange({ ...q, model: e.currentTarget.value })} /></InlineField>
    </InlineFieldRow>
  );
}
