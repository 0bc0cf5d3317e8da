import { useCallback, useMemo } from 'react';
import type { Frame } from './frames';
import { number } from './frames';
import type { GridRow } from './raster';
import { stepOf } from './raster';
import { Grid } from './Grid';
import { heat, css } from './theme';
import { useTheme } from './host';
import type { Zone } from './format';
import { num } from './format';

/** heatRows are a frame of drift_heatmap as rows, in its order. */
export function heatRows(frames: readonly Frame[]): { rows: GridRow[]; times: number[]; step: number } {
  const frame = frames.find((f) => f.fields.length > 1);
  const time = frame?.fields.find((f) => f.type === 'time');
  if (!frame || !time) {
    return { rows: [], times: [], step: 60_000 };
  }
  const times = Array.from(time.values, Number);
  const rows = frame.fields.filter((f) => f !== time && f.type === 'number').map((f) => {
    const label = f.config?.displayNameFromDS ?? f.labels?.feature ?? f.name;
    return { key: f.name, label, hint: f.labels?.model ? `${f.labels.model} · ${f.labels.feature ?? f.name}` : label, values: Array.from(f.values, number) };
  });
  return { rows, times, step: number(frame.meta?.custom?.step) ?? stepOf(times) };
}

export interface HeatMapProps {
  frames: readonly Frame[];
  width: number;
  height?: number;
  zone?: Zone;
  selected?: string;
  onSelect?: (feature: string, time: number) => void;
}

/** HeatMap shows drift by feature and time: score against threshold, those of the greatest impact first. */
export function HeatMap({ frames, width, height, zone, selected, onSelect }: HeatMapProps) {
  const theme = useTheme();
  const { rows, times, step } = useMemo(() => heatRows(frames), [frames]);
  const paint = useCallback((v: number) => heat(v, theme), [theme]);
  if (rows.length === 0) {
    return <p className="dl-empty">No feature was judged in this time.</p>;
  }
  return (
    <div className="dl-heat">
      <Grid label="Drift by feature and time" rows={rows} times={times} step={step} width={width} height={height && height - 26} zone={zone} paint={paint} mark={alarms} tell={ratio} selected={selected} onSelect={onSelect} />
      <div className="dl-scale" aria-hidden="true">
        <span>score ÷ threshold</span>
        {[0, 0.5, 0.9, 1, 1.5, 2, 4, 8].map((v) => <span key={v} className="dl-swatch-cell"><i style={{ background: css(heat(v, theme)), borderBottom: `2px solid ${v >= 1 ? theme.text : 'transparent'}` }} />{v}</span>)}
        <span>a line below: alarm</span>
      </div>
    </div>
  );
}

function alarms(v: number): 'alarm' | undefined {
  return v >= 1 ? 'alarm' : undefined;
}

function ratio(v: number | null): string {
  return v === null ? 'not judged' : v >= 1 ? `alarm, ${num(v)} × its threshold` : `ok, ${num(v)} × its threshold`;
}
