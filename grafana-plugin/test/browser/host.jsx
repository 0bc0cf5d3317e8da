// A page that plays Grafana: it loads the built module.js of each part through
// SystemJS, with the real @grafana packages, and mounts what ?show= names.
import React from 'react';
import * as ReactDOM from 'react-dom';
import { createRoot } from 'react-dom/client';
import * as jsxRuntime from 'react/jsx-runtime';
import * as gdata from '@grafana/data';
import * as gruntime from '@grafana/runtime';
import * as gui from '@grafana/ui';
import * as i18next from 'i18next';
import * as rxjs from 'rxjs';
import * as emotion from '@emotion/css';
import * as router from 'react-router-dom-v5-compat';

const shared = { react: React, 'react-dom': ReactDOM, 'react/jsx-runtime': jsxRuntime, '@grafana/data': gdata, '@grafana/runtime': gruntime, '@grafana/ui': gui, i18next, rxjs, '@emotion/css': emotion, 'react-router-dom': router };
const imports = Object.fromEntries(Object.keys(shared).map((k) => [k, `app:${k}`]));
window.System.addImportMap({ imports });
for (const [k, v] of Object.entries(shared)) {
  window.System.set(`app:${k}`, { ...v, default: v.default ?? v, __useDefault: false });
}

const ask = (o) => rxjs.from((async () => {
  const query = o.params ? `?${new URLSearchParams(Object.entries(o.params).flatMap(([k, v]) => [v].flat().map((x) => [k, x])))}` : '';
  const r = await fetch(`/${o.url.replace(/^\//, '')}${query}`, { method: o.method ?? 'GET', headers: { 'content-type': 'application/json' }, body: o.data ? JSON.stringify(o.data) : undefined });
  const data = await r.json().catch(() => ({}));
  if (!r.ok) {
    throw { status: r.status, statusText: r.statusText, data, config: o };
  }
  return { data, status: r.status, statusText: r.statusText, ok: true, headers: r.headers, redirected: false, type: 'basic', url: o.url, config: o };
})());
gruntime.setBackendSrv({ fetch: ask, get: (url, params) => rxjs.lastValueFrom(ask({ url, params })).then((r) => r.data), post: (url, data) => rxjs.lastValueFrom(ask({ url, method: 'POST', data })).then((r) => r.data) });
gruntime.setTemplateSrv({ getVariables: () => [], replace: (s) => s, containsTemplate: () => false, updateTimeRange() {} });
gruntime.setEchoSrv({ flush() {}, addBackend() {}, addEvent() {} });
gruntime.setAppEvents?.(new gdata.EventBusSrv());
const live = new rxjs.Subject();
gruntime.setGrafanaLiveSrv({ getStream: () => live, getConnectionState: () => rxjs.of(true), getDataStream: (o) => ((window.__live ??= []).push(o.addr), rxjs.NEVER), getQueryData: () => rxjs.NEVER, getPresence: async () => ({}), publish: async () => ({}) });
const meta = { id: 'driftline-datasource', name: 'Driftline', type: 'datasource', module: '', baseUrl: '', info: { logos: {} } };
const settings = { id: 1, uid: 'driftline', type: meta.id, name: 'Driftline', url: '', access: 'proxy', jsonData: {}, meta, readOnly: false };
gruntime.setDataSourceSrv({ get: async () => window.__source, getList: () => [settings], getInstanceSettings: () => settings, reload() {}, registerRuntimeDataSource() {} });
gdata.standardEditorsRegistry.setInit(() => [{ id: 'text', name: 'text', editor: () => null }]); // core has them
gruntime.setPluginPage?.((p) => <div><div style={{ display: 'flex', justifyContent: 'end', paddingBottom: 8 }}>{p.actions}</div>{p.children}</div>);

const params = new URLSearchParams(location.search);
const [from, to] = [Number(params.get('from')), Number(params.get('to'))];
const range = { from: gdata.dateTime(from), to: gdata.dateTime(to), raw: { from: gdata.dateTime(from), to: gdata.dateTime(to) } };
const load = async (part) => {
  const m = await window.System.import(`/public/plugins/driftline-app/${part}module.js`);
  return m.plugin ?? m.default.plugin;
};

function Editors({ plugin, source }) {
  const [query, setQuery] = React.useState({ refId: 'A', ...source.getDefaultQuery(), ...JSON.parse(params.get('query') ?? '{}') });
  const [options, setOptions] = React.useState({ ...settings, secureJsonFields: { apiToken: true }, secureJsonData: {} });
  const { QueryEditor, ConfigEditor } = plugin.components;
  window.__query = query;
  window.__options = options;
  return <><ConfigEditor options={options} onOptionsChange={setOptions} /><h2>Query</h2><QueryEditor datasource={source} query={query} onChange={setQuery} onRunQuery={() => undefined} range={range} /></>;
}

function Panel({ plugin, source, query }) {
  const [data, setData] = React.useState(null);
  React.useEffect(() => {
    const s = source.query({ targets: [{ refId: 'A', ...query }], range, intervalMs: 1000, maxDataPoints: 500, requestId: 'x', scopedVars: {}, app: 'dashboard', timezone: 'utc', startTime: 0, interval: '1s' })
      .subscribe({ next: (r) => { window.__errors = r.errors; setData(r.data.map((f) => gdata.toDataFrame(f))); } });
    return () => s.unsubscribe();
  }, []); // eslint-disable-line
  const View = plugin.panel;
  const { width, height } = { width: 1000, height: 560 };
  return <div style={{ width, height, padding: 8, background: params.get('theme') === 'dark' ? '#181b1f' : '#ffffff' }}>{data && <View id={1} data={{ series: data, state: 'Done', timeRange: range }} timeRange={range} timeZone="utc" width={width - 16} height={height - 16} options={plugin.defaults ?? {}} fieldConfig={{ defaults: {}, overrides: [] }} replaceVariables={(s) => s} eventBus={new gdata.EventBusSrv()} onOptionsChange={() => {}} onFieldConfigChange={() => {}} onChangeTimeRange={() => {}} renderCounter={1} title="" transparent={false} />}</div>;
}

(async () => {
  const plugin = await load('datasource/');
  const source = new plugin.DataSourceClass(settings);
  source.meta = meta;
  window.__source = source;
  const show = params.get('show');
  let page = <Editors plugin={plugin} source={source} />;
  if (show.startsWith('/')) {
    const app = await load('');
    const Root = app.root;
    page = <Root basename="/a/driftline-app" path={show} meta={{}} query={{}} onNavChanged={() => {}} />;
  } else if (show !== 'editors') {
    page = <Panel plugin={await load(`panels/${show}/`)} source={source} query={JSON.parse(params.get('query'))} />;
  }
  const theme = gdata.createTheme({ colors: { mode: params.get('theme') } });
  document.body.style.cssText = `margin:0;background:${theme.colors.background.canvas};color:${theme.colors.text.primary}`;
  createRoot(document.getElementById('root')).render(
    <router.MemoryRouter initialEntries={[`/a/driftline-app${show.startsWith('/') ? show : ''}?from=${from}&to=${to}`]}>
      <gdata.ThemeContext.Provider value={theme}><gui.GlobalStyles /><main style={{ padding: 16, fontFamily: theme.typography.fontFamily, fontSize: 14 }}>{page}</main></gdata.ThemeContext.Provider>
    </router.MemoryRouter>,
  );
  window.__ready = true;
})().catch((e) => {
  document.getElementById('root').textContent = e.stack ?? String(e);
  window.__failed = String(e);
});
