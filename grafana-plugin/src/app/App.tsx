import { useEffect, useMemo, useState } from 'react';
import type { AppRootProps } from '@grafana/data';
import { dateTime, rangeUtil, LiveChannelEventType, LiveChannelScope } from '@grafana/data';
import { PluginPage, getBackendSrv, getDataSourceSrv, getGrafanaLiveSrv, locationService } from '@grafana/runtime';
import { Alert, TimeRangePicker, useTheme2 } from '@grafana/ui';
import { useLocation } from 'react-router-dom';
import { lastValueFrom } from 'rxjs';
import { Framed } from '../grafana/Framed';
import { themeOf } from '../grafana/theme';
import { zoneOf } from '../grafana/zone';
import type { Host, Place } from '../views/host';
import { HostContext, answers, body } from '../views/host';
import { FleetPage } from '../views/pages/FleetPage';
import { IncidentPage } from '../views/pages/IncidentPage';
import { ModelPage } from '../views/pages/ModelPage';
import { PipelinePage } from '../views/pages/PipelinePage';
import { path, place } from './route';

const root = '/a/driftline-app';

/** App is the pages in Grafana. They ask the first data source of Driftline, or the one that ?ds names. */
export function App(_: AppRootProps) {
  const location = useLocation();
  const query = new URLSearchParams(location.search);
  const sources = getDataSourceSrv().getList({ pluginId: 'driftline-datasource' });
  const source = sources.find((s) => s.uid === query.get('ds')) ?? sources[0];
  const [from, to] = [query.get('from') ?? 'now-3h', query.get('to') ?? 'now'];
  const [now, setNow] = useState(0);
  const theme = useTheme2();
  const range = useMemo(() => rangeUtil.convertRawToRange({ from, to }), [from, to, now]); // eslint-disable-line react-hooks/exhaustive-deps
  const at = place(location.pathname.slice(root.length), query);
  const uid = source?.uid;

  useEffect(() => { // incidents that change, and time that passes
    if (!uid || to !== 'now') {
      return;
    }
    const timer = setInterval(() => setNow((n) => n + 1), 30_000);
    const news = getGrafanaLiveSrv()?.getStream({ scope: LiveChannelScope.DataSource, stream: uid, path: 'incidents' }).subscribe((e) => e.type === LiveChannelEventType.Message && setNow((n) => n + 1));
    return () => {
      clearInterval(timer);
      news?.unsubscribe();
    };
  }, [uid, to]);

  const host = useMemo<Host | null>(() => {
    if (!uid) {
      return null;
    }
    const kept = () => ({ from, to, ...(query.get('ds') ? { ds: query.get('ds')! } : {}) });
    const href = (p: Place) => `${root}${path(p)}${path(p).includes('?') ? '&' : '?'}${new URLSearchParams(kept()).toString()}`;
    return {
      async query(request, signal) {
        const b = body(request);
        const asked = getBackendSrv().fetch<Parameters<typeof answers>[0]>({ url: '/api/ds/query', method: 'POST', data: { ...b, queries: b.queries.map((q) => ({ ...q, datasource: { type: 'driftline-datasource', uid } })) }, showErrorAlert: false, abortSignal: signal });
        try {
          return answers((await lastValueFrom(asked)).data);
        } catch (e) {
          const partly = (e as { data?: Parameters<typeof answers>[0] & { message?: string } }).data; // a question that failed fails the request; the others are answered all the same
          if (partly?.results) {
            return answers(partly);
          }
          throw new Error(partly?.message ?? (e as { statusText?: string }).statusText ?? String(e));
        }
      },
      async call(method, to_, content) {
        try {
          return (await lastValueFrom(getBackendSrv().fetch({ url: `/api/datasources/uid/${uid}/resources/api${to_}`, method, data: content, showErrorAlert: false }))).data as never;
        } catch (e) {
          const d = (e as { data?: { detail?: string; message?: string } | string }).data;
          throw new Error(typeof d === 'string' ? d : (d?.detail ?? d?.message ?? (e as { statusText?: string }).statusText ?? String(e)));
        }
      },
      stream: () => () => undefined, // the time moves on with the news, and with it every question
      navigate: (p) => locationService.push(href(p)),
      href,
      timeRange: { from: range.from.valueOf(), to: range.to.valueOf() },
      setTimeRange: (r) => locationService.partial({ from: r.from, to: r.to }),
      theme: themeOf(theme), zone: zoneOf('browser'),
    };
  }, [uid, range, theme, from, to]); // eslint-disable-line react-hooks/exhaustive-deps

  const title = at.page === 'model' ? at.model : at.page === 'incident' ? 'Incident' : at.page === 'pipeline' ? 'Pipeline' : 'Fleet';
  const step = (by: number) => {
    const half = (range.to.valueOf() - range.from.valueOf()) * by;
    locationService.partial({ from: range.from.valueOf() + half, to: range.to.valueOf() + half });
  };
  return (
    <PluginPage pageNav={{ text: title }} renderTitle={() => null} actions={
      <TimeRangePicker value={range} onChange={(r) => locationService.partial({ from: raw(r.raw.from), to: raw(r.raw.to) })} onChangeTimeZone={() => undefined} onMoveBackward={() => step(-0.5)} onMoveForward={() => step(0.5)}
        onZoom={() => { const width = range.to.valueOf() - range.from.valueOf(); locationService.partial({ from: range.from.valueOf() - width / 2, to: Math.min(Date.now(), range.to.valueOf() + width / 2) }); }} />
    }>
      {host ? (
        <Framed><HostContext.Provider value={host}><Page at={at} /></HostContext.Provider></Framed>
      ) : (
        <Alert severity="info" title="There is no data source of Driftline yet">Add one under Connections: the address of ClickHouse is enough to begin with.</Alert>
      )}
    </PluginPage>
  );
}

function Page({ at }: { at: Place }) {
  switch (at.page) {
    case 'model':
      return <ModelPage key={`${at.tenant}/${at.model}`} model={at.model} tenant={at.tenant} feature={at.feature} />;
    case 'incident':
      return <IncidentPage key={at.id} id={at.id} />;
    case 'pipeline':
      return <PipelinePage />;
    case 'fleet':
      return <FleetPage />;
  }
}

function raw(t: unknown): string {
  return typeof t === 'string' ? t : String(dateTime(t as number).valueOf());
}
