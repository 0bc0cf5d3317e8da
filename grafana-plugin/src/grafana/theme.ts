import type { GrafanaTheme2 } from '@grafana/data';
import type { Theme } from '../views/theme';
import { dark, light } from '../views/theme';

/** themeOf Grafana's, for views. Lines keep the colours that people who see few colours tell apart. */
export function themeOf(g: GrafanaTheme2): Theme {
  const own = g.isDark ? dark : light;
  return {
    ...own, isDark: g.isDark, font: g.typography.fontFamily, mono: g.typography.fontFamilyMonospace,
    background: hex(g.colors.background.canvas, own.background), surface: hex(g.colors.background.primary, own.surface), raised: hex(g.colors.background.secondary, own.raised), border: g.colors.border.weak, text: g.colors.text.primary,
  };
}

/** hex keeps colours that canvases reckon with in one form. */
function hex(colour: string, otherwise: string): string {
  return /^#[0-9a-f]{6}$/i.test(colour) ? colour : otherwise;
}
