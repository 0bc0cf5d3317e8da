/** RGB is a colour as three bytes. */
export type RGB = readonly [number, number, number];

/** Theme is all that views know of how their host looks. */
export interface Theme {
  isDark: boolean;
  font: string;
  mono: string;
  background: string;
  surface: string;
  raised: string;
  border: string;
  text: string;
  faint: string;
  accent: string;
  ok: string;
  warn: string;
  alarm: string;
  unknown: string;
  /** Colours of lines, told apart by people who see few colours too. */
  series: readonly string[];
}

const sans = 'Inter, "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif';
const mono = 'ui-monospace, "JetBrains Mono", "Roboto Mono", Menlo, Consolas, monospace';

/** dark and light are the themes of the console. */
export const dark: Theme = {
  isDark: true, font: sans, mono,
  background: '#0e1116', surface: '#161b22', raised: '#1f2630', border: '#2d3642', text: '#e6eaf0', faint: '#9aa7b5', accent: '#6cb6ff',
  ok: '#3fb68b', warn: '#f0b429', alarm: '#ff7b54', unknown: '#8b98a8',
  series: ['#56b4e9', '#e69f00', '#2fbf93', '#dd8fbd', '#f0e442', '#8fa8ff', '#ff8a5c', '#b8c4d0'],
};

export const light: Theme = {
  isDark: false, font: sans, mono,
  background: '#f4f6f9', surface: '#ffffff', raised: '#edf1f6', border: '#d4dbe4', text: '#18202b', faint: '#566274', accent: '#0a5fb4',
  ok: '#0a7a55', warn: '#8f5e00', alarm: '#b93a0e', unknown: '#5d6a7a',
  series: ['#0072b2', '#c25400', '#00775a', '#a3477c', '#7d6300', '#4a5bd0', '#8c2d04', '#4d5866'],
};

/** variables are the theme as custom properties of CSS. */
export function variables(t: Theme): Record<string, string> {
  return {
    '--dl-font': t.font, '--dl-mono': t.mono, '--dl-background': t.background, '--dl-surface': t.surface, '--dl-raised': t.raised, '--dl-border': t.border,
    '--dl-text': t.text, '--dl-faint': t.faint, '--dl-accent': t.accent, '--dl-ok': t.ok, '--dl-warn': t.warn, '--dl-alarm': t.alarm, '--dl-unknown': t.unknown,
    colorScheme: t.isDark ? 'dark' : 'light',
  };
}

type Stops = readonly (readonly [number, RGB])[];

const calm: Record<'dark' | 'light', Stops> = {
  dark: [[0, [27, 37, 50]], [0.5, [36, 72, 110]], [1, [74, 137, 196]]],
  light: [[0, [232, 239, 247]], [0.5, [181, 208, 234]], [1, [104, 158, 210]]],
};
const loud: Record<'dark' | 'light', Stops> = {
  dark: [[1, [240, 168, 48]], [2, [236, 112, 40]], [4, [226, 66, 62]], [8, [206, 42, 112]]],
  light: [[1, [242, 160, 40]], [2, [222, 96, 24]], [4, [176, 36, 30]], [8, [92, 12, 30]]],
};

/** heat is the colour of a score against its threshold: blue below, from orange on at and above 1. */
export function heat(ratio: number, t: Theme): RGB {
  const mode = t.isDark ? 'dark' : 'light';
  return between(ratio < 1 ? calm[mode] : loud[mode], ratio);
}

function between(stops: Stops, at: number): RGB {
  let low = stops[0]!;
  for (const high of stops) {
    if (at <= high[0]) {
      const part = high[0] === low[0] ? 0 : Math.max(0, (at - low[0]) / (high[0] - low[0]));
      return [0, 1, 2].map((i) => Math.round(low[1][i]! + part * (high[1][i]! - low[1][i]!))) as unknown as RGB;
    }
    low = high;
  }
  return low[1];
}

/** rgb is a colour written #rrggbb as bytes. */
export function rgb(hex: string): RGB {
  const n = parseInt(hex.slice(1, 7), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

/** css is a colour in CSS. */
export function css(c: RGB): string {
  return `rgb(${c[0]}, ${c[1]}, ${c[2]})`;
}
