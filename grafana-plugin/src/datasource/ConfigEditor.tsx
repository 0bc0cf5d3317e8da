import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { t } from '@grafana/i18n';
import { FieldSet, InlineField, InlineSwitch, Input, SecretInput } from '@grafana/ui';
import type { Secrets, Settings } from './query';

/** ConfigEditor of a data source: what provisioning has, as a page. */
export function ConfigEditor({ options, onOptionsChange }: DataSourcePluginOptionsEditorProps<Settings, Secrets>) {
  const s = options.jsonData;
  const set = (part: Partial<Settings>) => onOptionsChange({ ...options, jsonData: { ...s, ...part } });
  const text = (key: 'addr' | 'database' | 'username' | 'tlsServerName' | 'tenant' | 'apiUrl', label: string, hint: string, placeholder = '') => (
    <InlineField label={label} labelWidth={22} tooltip={hint} required={key === 'addr'}>
      <Input id={`driftline-${key}`} aria-label={label} width={50} value={s[key] ?? ''} placeholder={placeholder} disabled={options.readOnly} onChange={(e) => set({ [key]: e.currentTarget.value })} />
    </InlineField>
  );
  const secret = (key: keyof Secrets, label: string, hint: string) => (
    <InlineField label={label} labelWidth={22} tooltip={hint}>
      <SecretInput id={`driftline-${key}`} aria-label={label} width={50} isConfigured={Boolean(options.secureJsonFields?.[key])} value={options.secureJsonData?.[key] ?? ''} disabled={options.readOnly}
        onReset={() => onOptionsChange({ ...options, secureJsonFields: { ...options.secureJsonFields, [key]: false }, secureJsonData: { ...options.secureJsonData, [key]: '' } })}
        onChange={(e) => onOptionsChange({ ...options, secureJsonData: { ...options.secureJsonData, [key]: e.currentTarget.value } })} />
    </InlineField>
  );
  return (
    <>
      <FieldSet label={t('config.clickhouse', 'ClickHouse')}>
        {text('addr', t('config.addr', 'Address'), t('config.addr-hint', 'host:port of the native protocol; several, separated by commas, are replicas'), 'clickhouse:9000')}
        {text('database', t('config.database', 'Database'), t('config.database-hint', 'that driftline migrate filled'), 'driftline')}
        {text('username', t('config.username', 'User'), t('config.username-hint', 'The right to read is enough'), 'default')}
        {secret('clickhousePassword', t('config.password', 'Password'), t('config.password-hint', 'of that user'))}
        <InlineField label={t('config.tls', 'TLS')} labelWidth={22} tooltip={t('config.tls-hint', 'Encrypt the connection and verify the server')}><InlineSwitch id="driftline-tls" aria-label={t('config.tls', 'TLS')} value={s.tls ?? false} disabled={options.readOnly} onChange={(e) => set({ tls: e.currentTarget.checked })} /></InlineField>
        {s.tls && text('tlsServerName', t('config.server-name', 'Name to verify'), t('config.server-name-hint', 'instead of the name in the address'))}
        <InlineField label={t('config.timeout', 'Timeout in seconds')} labelWidth={22} tooltip={t('config.timeout-hint', 'of one question, 1 to 300')}><Input id="driftline-timeout" aria-label={t('config.timeout', 'Timeout in seconds')} type="number" min={1} max={300} width={50} value={s.timeoutS ?? ''} placeholder="30" disabled={options.readOnly} onChange={(e) => set({ timeoutS: e.currentTarget.value ? Number(e.currentTarget.value) : undefined })} /></InlineField>
        {text('tenant', t('config.tenant', 'Tenant'), t('config.tenant-hint', 'Nothing of another one is seen; empty: of all'), t('config.all', 'all'))}
      </FieldSet>
      <FieldSet label={t('config.api', 'Driftline')}>
        {text('apiUrl', t('config.api-url', 'API'), t('config.api-url-hint', 'For acknowledging, muting and judging incidents; empty: only looking'), 'http://driftline:9470')}
        {secret('apiToken', t('config.token', 'Token'), t('config.token-hint', 'One of api.tokens, with the role operator to act'))}
      </FieldSet>
    </>
  );
}
