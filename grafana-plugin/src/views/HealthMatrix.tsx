import { useCallback, useMemo, useState } from 'react';
import type { Frame } from './frames';
import { series } from './frames';
import type { GridRow } from './raster';
import { stepOf } from './raster';
import type { Mark } from './Grid';
import { Grid } from './Grid';
import { rgb } from './theme';
import type { RGB } from './theme';
import { useTheme } from './host';
import type { Zone } from './format';

const states = ['ok', 'insufficient', 'no data', 'alarm'];
const dimensions = ['data', 'drift', 'performance', 'silent'];

/** healthRows are the frames of health_matrix: a row a model, or a row a model and dimension. */
export function healthRows(frames: readonly Frame[], byDimension: boolean): { rows: GridRow[]; times: number[]; step: number } {
  const all = series(frames);
  const times = [...new Set(all.flatMap((s) => s.times))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const found = new Map<string, { key: string; label: string; order: string; values: (number | null)[] }>();
  for (const s of all) {
    const model = s.labels.model ?? s.name;
    const dimension = s.labels.dimension ?? '';
    const key = byDimension ? `${model}\n${dimension}` : model;
    let row = found.get(key);
    if (!row) {
      row = { key, label: byDimension ? `${model} · ${dimension}` : model, order: `${model}\n${dimensions.indexOf(dimension)}`, values: new Array<number | null>(times.length).fill(null) };
      found.set(key, row);
    }
    // A verdict holds until the next of its series, so that series of different windows can be laid over each other.
    const usual = usualGap(s.times);
    s.times.forEach((t, i) => {
      const v = s.values[i] ?? null;
      const until = byDimension ? t + 1 : Math.min(t + usual, s.times[i + 1] ?? Infinity);
      for (let k = at.get(t)!; v !== null && k < times.length && times[k]! < until; k++) {
        row.values[k] = Math.max(row.values[k] ?? 0, v);
      }
    });
  }
  const rows = [...found.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
  return { rows, times, step: stepOf(times) };
}

function usualGap(times: readonly number[]): number {
  const gaps = times.slice(1).map((t, i) => t - times[i]!).sort((a, b) => a - b);
  return gaps[gaps.length >> 1] ?? 1;
}

export interface HealthMatrixProps {
  frames: readonly Frame[];
  width: number;
  height?: number;
  zone?: Zone;
  onSelect?: (model: string, time: number) => void;
}

/** HealthMatrix shows the worst state of models in time, and on request by what it is about. */
export function HealthMatrix({ frames, width, height, zone, onSelect }: HealthMatrixProps) {
  const theme = useTheme();
  const [byDimension, setByDimension] = useState(false);
  const { rows, times, step } = useMemo(() => healthRows(frames, byDimension), [frames, byDimension]);
  const colours = useMemo<RGB[]>(() => (theme.isDark ? ['#24543f', '#4c4a2c', '#2b323b', '#e0622f'] : ['#bfe3d2', '#eadfb0', '#dde3ea', '#d9571f']).map(rgb), [theme]);
  const paint = useCallback((v: number) => colours[Math.max(0, Math.min(3, Math.round(v)))]!, [colours]);
  if (rows.length === 0) {
    return <p className="dl-empty">No model was judged in this time.</p>;
  }
  return (
    <div className="dl-health">
      <Grid label="Health of models" rows={rows} times={times} step={step} width={width} height={height && height - 28} zone={zone} paint={paint} mark={mark} tell={tell} onSelect={onSelect && ((key, t) => onSelect(key.split('\n')[0]!, t))} />
      <div className="dl-scale">
        {states.map((s, i) => <span key={s} className="dl-swatch-cell"><i className={`dl-state-${i}`} style={{ backgroundColor: `rgb(${colours[i]!.join(',')})` }} />{s}</span>)}
        <button type="button" className="dl-quiet" aria-pressed={byDimension} onClick={() => setByDimension(!byDimension)}>By data, drift, performance, silence</button>
      </div>
    </div>
  );
}

function mark(v: number): Mark | undefined {
  return ([undefined, 'few', 'missing', 'alarm'] as const)[Math.round(v)];
}

function tell(v: number | null): string {
  return v === null ? 'nothing judged' : (states[Math.round(v)] ?? String(v));
}
