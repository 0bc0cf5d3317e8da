import { useLayoutEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import type { Notice } from './frames';
import type { Theme } from './theme';
import { variables } from './theme';
import { ThemeContext } from './host';

const shapes: Record<string, ReactNode> = {
  good: <path d="M2.5 6.5l2.4 2.4 4.6-5.3" fill="none" stroke="currentColor" strokeWidth="2" />,
  bad: <path d="M6 1.2l5 9.4H1z" fill="currentColor" />,
  gone: <path d="M3 3l6 6M9 3l-6 6" fill="none" stroke="currentColor" strokeWidth="2" />,
  open: <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="2" />,
};

const looks: Record<string, [tone: string, shape: string]> = {
  ok: ['ok', 'good'], resolved: ['ok', 'good'], delivered: ['ok', 'good'], succeeded: ['ok', 'good'],
  alarm: ['alarm', 'bad'], critical: ['alarm', 'bad'], error: ['alarm', 'bad'], open: ['alarm', 'bad'], failed: ['alarm', 'bad'],
  warning: ['warn', 'bad'], acknowledged: ['warn', 'open'], insufficient: ['unknown', 'open'], running: ['warn', 'open'], withheld: ['unknown', 'gone'],
  no_data: ['unknown', 'gone'], silent: ['unknown', 'gone'],
};

/** Badge is a state in words, colour and shape. */
export function Badge({ state }: { state: string }) {
  const [tone, shape] = looks[state] ?? ['unknown', 'open'];
  return <span className={`dl-badge dl-tone-${tone}`}><svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">{shapes[shape]}</svg>{state.replaceAll('_', ' ')}</span>;
}

/** Ratio is a score against its threshold as a bar with the threshold in its middle. */
export function Ratio({ value, text }: { value: number | null; text: string }) {
  const part = Math.min(1, Math.max(0, (value ?? 0) / 2));
  return <span className="dl-ratio"><svg width="56" height="10" aria-hidden="true"><rect className="dl-track" width="56" height="10" rx="2" /><rect width={56 * part} height="10" rx="2" className={(value ?? 0) >= 1 ? 'dl-fill-alarm' : 'dl-fill-calm'} /><line x1="28" x2="28" y1="0" y2="10" className="dl-cut" /></svg>{text}</span>;
}

/** Stat is a number with its name. */
export function Stat({ name, children, tone, hint }: { name: string; children: ReactNode; tone?: 'ok' | 'warn' | 'alarm' | 'unknown'; hint?: string }) {
  return <div className="dl-stat" title={hint}><dt>{name}</dt><dd className={tone && `dl-tone-${tone}`}>{children}</dd></div>;
}

/** Notes are what to know of an answer. */
export function Notes({ notices, error }: { notices?: readonly Notice[]; error?: string }) {
  if (!error && !notices?.length) {
    return null;
  }
  return (
    <ul className="dl-notes">
      {error && <li className="dl-tone-alarm" role="alert">{error}</li>}
      {notices?.map((n) => <li key={n.text} className={n.severity === 'warning' ? 'dl-tone-warn' : undefined}>{n.text}</li>)}
    </ul>
  );
}

/** Card is a part of a page; its children get the width that they have. */
export function Card({ title, aside, children, className = '' }: { title: string; aside?: ReactNode; children: (width: number) => ReactNode; className?: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const b = box.current;
    if (!b) {
      return;
    }
    setWidth(Math.floor(b.clientWidth));
    if (typeof ResizeObserver === 'undefined') {
      return;
    }
    const watch = new ResizeObserver(() => setWidth(Math.floor(b.clientWidth)));
    watch.observe(b);
    return () => watch.disconnect();
  }, []);
  return (
    <section className={`dl-card ${className}`}>
      <header><h2>{title}</h2>{aside}</header>
      <div ref={box} className="dl-card-body">{width > 0 && children(width)}</div>
    </section>
  );
}

/** ThemeRoot gives what is inside the theme, for CSS and for canvases. */
export function ThemeRoot({ theme, children, className = '' }: { theme: Theme; children: ReactNode; className?: string }) {
  return <ThemeContext.Provider value={theme}><div className={`dl-root ${className}`} style={variables(theme) as React.CSSProperties}>{children}</div></ThemeContext.Provider>;
}
