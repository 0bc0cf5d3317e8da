import type { ReactNode } from 'react';
import { useTheme2 } from '@grafana/ui';
import { ThemeRoot } from '../views/parts';
import css from '../views/views.css';
import { themeOf } from './theme';

/** Framed gives views Grafana's theme and their styles. */
export function Framed({ children, height }: { children: ReactNode; height?: number }) {
  return (
    <ThemeRoot theme={themeOf(useTheme2())}>
      <style>{css}</style>
      <div style={height === undefined ? undefined : { height, overflow: 'auto' }}>{children}</div>
    </ThemeRoot>
  );
}
