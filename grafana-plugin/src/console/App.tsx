import { useEffect, useMemo, useRef, useState } from 'react';
import type { FormEvent } from 'react';
import type { Host, Message, Place } from '../views';
import { FleetPage, HostContext, IncidentPage, ModelPage, PipelinePage, ThemeRoot, dark, light } from '../views';
import { Client } from './client';
import type { Span } from './range';
import { at, isLive, named, presets, resolve } from './range';
import { read, write } from './route';

const client = new Client();

/** every is how often a view of the present moves on by itself; news make it move on sooner. */
const every = 15_000;
const pace = 2000;

type Look = 'auto' | 'dark' | 'light';

/** App is the console: the pages, with an address, a time and a look. */
export function App() {
  const [route, setRoute] = useState(() => read(location.hash));
  const [now, setNow] = useState(() => Date.now());
  const [isLiveNow, setIsLiveNow] = useState<boolean | null>(null);
  const [needsToken, setNeedsToken] = useState(false);
  const [session, setSession] = useState(0);
  const [look, setLook] = useKept<Look>('driftline.look', 'auto');
  const [zone, setZone] = useKept<string>('driftline.zone', 'UTC');
  const theme = useDark(look) ? dark : light;

  useEffect(() => {
    const moved = () => setRoute(read(location.hash));
    addEventListener('hashchange', moved);
    client.onRefused = () => setNeedsToken(true);
    return () => removeEventListener('hashchange', moved);
  }, []);
  useEffect(() => {
    document.body.style.background = theme.background;
    document.documentElement.style.colorScheme = theme.isDark ? 'dark' : 'light';
  }, [theme]);

  const live = isLive(route.span);
  const listeners = useRef(new Set<(m: Message) => void>());
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const leave = client.stream((m) => {
      listeners.current.forEach((l) => l(m));
      if (m.type !== 'beat' && !due) {
        due = setTimeout(() => {
          due = undefined;
          setNow(Date.now());
        }, pace);
      }
    }, setIsLiveNow);
    return () => {
      clearTimeout(due);
      leave();
    };
  }, [session]);
  useEffect(() => {
    const timer = live ? setInterval(() => document.visibilityState === 'visible' && setNow(Date.now()), every) : undefined;
    return () => clearInterval(timer);
  }, [live]);

  const host = useMemo<Host>(() => {
    const go = (place: Place, span: Span) => {
      location.hash = write({ place, span });
      scrollTo(0, 0);
    };
    return {
      query: (r, signal) => client.query(r, signal),
      call: (method, path, content) => client.call(method, path, content),
      stream: (on) => {
        if (live) {
          return () => undefined; // the time moves on with the news, and with it every question
        }
        listeners.current.add(on);
        return () => void listeners.current.delete(on);
      },
      navigate: (to) => go(to, route.span),
      href: (to) => write({ place: to, span: route.span }),
      timeRange: resolve(route.span, now),
      setTimeRange: ({ from, to }) => go(route.place, { from: String(Math.round(from)), to: String(Math.round(to)) }),
      theme, zone,
    };
  }, [route, now, live, theme, zone]);

  const pick = (span: Span) => {
    setNow(Date.now());
    location.hash = write({ place: route.place, span });
  };
  const { place } = route;
  const title = place.page === 'model' ? place.model : place.page === 'incident' ? 'Incident' : place.page === 'pipeline' ? 'Pipeline' : 'Fleet';
  useEffect(() => {
    document.title = `${title} · Driftline`;
  }, [title]);
  return (
    <ThemeRoot theme={theme} className="console">
      <a className="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>To the page</a>
      <header className="bar">
        <a className="brand" href={host.href({ page: 'fleet' })}><Logo /> Driftline</a>
        <nav aria-label="Pages">
          <a href={host.href({ page: 'fleet' })} aria-current={place.page === 'fleet' ? 'page' : undefined}>Fleet</a>
          <a href={host.href({ page: 'pipeline' })} aria-current={place.page === 'pipeline' ? 'page' : undefined}>Pipeline</a>
        </nav>
        <span className={`live ${isLiveNow === false ? 'dl-tone-warn' : isLiveNow ? 'dl-tone-ok' : ''}`} role="status">{isLiveNow === false ? '○ not connected' : isLiveNow ? '● live' : '○ connecting'}</span>
        <Picker key={`${route.span.from}/${route.span.to}/${zone}`} span={route.span} zone={zone} now={now} onPick={pick} />
        <button type="button" className="dl-control" title="Ask again" aria-label="Ask again" onClick={() => setNow(Date.now())}>↻</button>
        <select className="dl-control" aria-label="Time zone" value={zone} onChange={(e) => setZone(e.target.value)}><option value="UTC">UTC</option><option value="">Local time</option></select>
        <select className="dl-control" aria-label="Look" value={look} onChange={(e) => setLook(e.target.value as Look)}><option value="auto">Auto</option><option value="dark">Dark</option><option value="light">Light</option></select>
      </header>
      <main id="main" tabIndex={-1}>
        <HostContext.Provider value={host}>
          {needsToken ? <Token onToken={(t) => { client.token = t; setNeedsToken(false); setSession(session + 1); setNow(Date.now()); }} /> : <Page key={`${session}/${write({ place, span: { from: '', to: '' } })}`} place={place} />}
        </HostContext.Provider>
      </main>
    </ThemeRoot>
  );
}

function Page({ place }: { place: Place }) {
  switch (place.page) {
    case 'model':
      return <ModelPage model={place.model} tenant={place.tenant} feature={place.feature} />;
    case 'incident':
      return <IncidentPage id={place.id} />;
    case 'pipeline':
      return <PipelinePage />;
    case 'fleet':
      return <FleetPage />;
  }
}

function Picker({ span, zone, now, onPick }: { span: Span; zone: string; now: number; onPick: (s: Span) => void }) {
  const box = useRef<HTMLDetailsElement>(null);
  const write = (text: string) => (text.startsWith('now') ? text : (Number.isNaN(at(text, now)) ? text : new Date(at(text, now)).toISOString().slice(0, 19)));
  const [from, setFrom] = useState(write(span.from));
  const [to, setTo] = useState(write(span.to));
  const isGood = at(from, now) < at(to, now);
  const done = (s: Span) => {
    box.current?.removeAttribute('open');
    onPick(s);
  };
  return (
    <details className="picker" ref={box} onKeyDown={(e) => e.key === 'Escape' && box.current?.removeAttribute('open')}>
      <summary className="dl-control">{named(span, zone)}</summary>
      <div>
        <ul>{presets.map(([p, name]) => <li key={p}><button type="button" className="dl-quiet" aria-pressed={span.from === p && isLive(span)} onClick={() => done({ from: p, to: 'now' })}>{name}</button></li>)}</ul>
        <form onSubmit={(e) => { e.preventDefault(); if (isGood) { done({ from, to }); } }}>
          <label>From <input className="dl-control" value={from} onChange={(e) => setFrom(e.target.value)} /></label>
          <label>To <input className="dl-control" value={to} onChange={(e) => setTo(e.target.value)} /></label>
          <small>UTC as 2026-03-01T13:00:00, or now-45m</small>
          <button type="submit" className="dl-control" disabled={!isGood}>Apply</button>
        </form>
      </div>
    </details>
  );
}

function Token({ onToken }: { onToken: (t: string) => void }) {
  const [token, setToken] = useState('');
  const send = (e: FormEvent) => {
    e.preventDefault();
    onToken(token.trim());
  };
  return (
    <form className="token dl-card" onSubmit={send}>
      <h1>A token, please</h1>
      <p>This Driftline answers to those with a token of <code>api.tokens</code>. It is kept for this tab alone.</p>
      <label>Token <input className="dl-control" type="password" autoComplete="current-password" required value={token} onChange={(e) => setToken(e.target.value)} autoFocus /></label>
      <button type="submit" className="dl-control">Go on</button>
    </form>
  );
}

function Logo() {
  return <svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="6" fill="currentColor" opacity="0.16" /><path d="M3.5 15.5c2.6 0 2.8-7 5.4-7s2.6 7 5 7 2-10 6.6-10" fill="none" stroke="currentColor" strokeWidth="2.2" strokeLinecap="round" /></svg>;
}

function useKept<T extends string>(key: string, otherwise: T): [T, (v: T) => void] {
  const [value, setValue] = useState<T>(() => (localStorage.getItem(key) as T | null) ?? otherwise);
  return [value, (v) => {
    localStorage.setItem(key, v);
    setValue(v);
  }];
}

function useDark(look: Look): boolean {
  const query = useMemo(() => matchMedia('(prefers-color-scheme: dark)'), []);
  const [system, setSystem] = useState(query.matches);
  useEffect(() => {
    const changed = () => setSystem(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, [query]);
  return look === 'auto' ? system : look === 'dark';
}
