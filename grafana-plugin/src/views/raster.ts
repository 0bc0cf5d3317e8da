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

/** axis of ascending times that are at least a step apart, with room for `tail` steps after the last; at most `most` columns. */
export function axis(times: readonly number[], step: number, most: number, tail = 1): Axis {
  const from = times[0] ?? 0;
  const last = times[times.length - 1] ?? from;
  const whole = Math.max(1, Math.round((last - from) / step) + tail);
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

/** widthOf a row's cells in columns: the usual distance of its values, for series are of windows of their own lengths. */
export function widthOf(row: GridRow, a: Axis): number {
  const gaps: number[] = [];
  let before = -1;
  for (let i = 0; i < a.at.length; i++) {
    if (row.values[i] !== null && row.values[i] !== undefined) {
      if (before >= 0 && a.at[i]! > before) {
        gaps.push(a.at[i]! - before);
      }
      before = a.at[i]!;
    }
  }
  gaps.sort((x, y) => x - y);
  return gaps[gaps.length >> 1] ?? 1;
}

/** axisOf rows, with room for the cells of the last time. */
export function axisOf(rows: readonly GridRow[], times: readonly number[], step: number, most: number): Axis {
  const plain = axis(times, step, Infinity);
  let end = plain.columns;
  for (const row of rows) {
    let last = times.length - 1;
    while (last >= 0 && (row.values[last] === null || row.values[last] === undefined)) {
      last--;
    }
    if (last >= 0) {
      end = Math.max(end, plain.at[last]! + widthOf(row, plain));
    }
  }
  return axis(times, step, most, end - plain.columns + 1);
}

/**
 * largest is the grid of columns × height that a raster shows: where several
 * values fall on one cell, the largest is kept. A value holds until the next one
 * of its row, but for no longer than is usual there. NaN: no value.
 */
export function largest(rows: readonly GridRow[], a: Axis, height: number): Float32Array {
  const h = Math.max(1, Math.min(rows.length, Math.floor(height)));
  const out = new Float32Array(a.columns * h).fill(NaN);
  const line = new Float32Array(a.columns);
  rows.forEach((row, r) => {
    line.fill(NaN);
    const width = widthOf(row, a);
    let last = -1;
    for (let i = 0; i < a.at.length; i++) {
      const v = row.values[i];
      if (v === null || v === undefined) {
        continue;
      }
      const x = a.at[i]!;
      if (x === last) {
        line[x] = Math.max(line[x]!, v);
      } else {
        line[x] = v;
      }
      last = x;
      for (let k = x + 1; k < Math.min(a.columns, x + width); k++) {
        line[k] = line[x]!;
      }
    }
    const y = Math.floor((r * h) / rows.length) * a.columns;
    for (let x = 0; x < a.columns; x++) {
      const v = line[x]!;
      if (!Number.isNaN(v) && !(v <= out[y + x]!)) {
        out[y + x] = v;
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
