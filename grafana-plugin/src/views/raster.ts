import type { RGB } from './theme';

/** GridRow is a row of a grid: a value a time, null where there is none. */
export interface GridRow {
  key: string;
  label: string;
  hint?: string;
  values: ArrayLike<number | null>;
}

/** Axis lays times out in columns of one width. */
export interface Axis {
  from: number;
  step: number;
  columns: number;
  /** column of each time, ascending */
  at: Int32Array;
}

/** axis of ascending times that are at least a step apart; at most `most` columns. */
export function axis(times: readonly number[], step: number, most: number): Axis {
  const from = times[0] ?? 0;
  const last = times[times.length - 1] ?? from;
  const whole = Math.max(1, Math.round((last - from) / step) + 1);
  const columns = Math.max(1, Math.min(whole, Math.floor(most)));
  const width = (whole * step) / columns;
  return { from, step: width, columns, at: Int32Array.from(times, (t) => Math.min(columns - 1, Math.floor((t - from) / width + 1e-9))) };
}

/** stepOf times is their least distance. */
export function stepOf(times: readonly number[], otherwise = 60_000): number {
  let least = Infinity;
  for (let i = 1; i < times.length; i++) {
    least = Math.min(least, times[i]! - times[i - 1]!);
  }
  return Number.isFinite(least) && least > 0 ? least : otherwise;
}

/**
 * largest is the grid of columns × height that a raster shows: where several
 * values fall on one cell, the largest is kept. NaN: no value.
 */
export function largest(rows: readonly GridRow[], a: Axis, height: number): Float32Array {
  const h = Math.max(1, Math.min(rows.length, Math.floor(height)));
  const out = new Float32Array(a.columns * h).fill(NaN);
  rows.forEach((row, r) => {
    const y = Math.floor((r * h) / rows.length);
    for (let i = 0; i < a.at.length; i++) {
      const v = row.values[i];
      const k = y * a.columns + a.at[i]!;
      if (v !== null && v !== undefined && !(v <= out[k]!)) {
        out[k] = v;
      }
    }
  });
  return out;
}

/** pixels of a grid, in RGBA; cells without a value are clear. */
export function pixels(grid: Float32Array, paint: (v: number) => RGB): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(grid.length * 4);
  const known = new Map<number, RGB>();
  for (let i = 0; i < grid.length; i++) {
    const v = grid[i]!;
    if (Number.isNaN(v)) {
      continue;
    }
    const key = Math.round(v * 100);
    let c = known.get(key);
    if (!c) {
      c = paint(v);
      known.set(key, c);
    }
    out[4 * i] = c[0];
    out[4 * i + 1] = c[1];
    out[4 * i + 2] = c[2];
    out[4 * i + 3] = 255;
  }
  return out;
}

/** Run of cells, [from, to), in columns. */
export interface Run {
  from: number;
  to: number;
}

/** runs of columns of one row of a grid whose values satisfy a condition. */
export function runs(grid: Float32Array, columns: number, row: number, is: (v: number) => boolean): Run[] {
  const out: Run[] = [];
  let start = -1;
  for (let x = 0; x <= columns; x++) {
    const on = x < columns && is(grid[row * columns + x]!);
    if (on && start < 0) {
      start = x;
    } else if (!on && start >= 0) {
      out.push({ from: start, to: x });
      start = -1;
    }
  }
  return out;
}
