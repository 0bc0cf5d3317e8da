import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import type { GridRow } from './raster';
import { axisOf, largest, pixels, runs, widthOf } from './raster';
import type { RGB } from './theme';
import { useTheme } from './host';
import type { Zone } from './format';
import { moment, timeTicks } from './format';

/** Mark is what a cell shows besides its colour, for people who do not see colours. */
export type Mark = 'alarm' | 'missing' | 'few';

/** Cell of a grid: a row and a time, by their places. */
interface Cell {
  row: number;
  time: number;
}

export interface GridProps {
  label: string;
  rows: readonly GridRow[];
  times: readonly number[];
  step: number;
  width: number;
  height?: number;
  zone?: Zone;
  paint: (v: number) => RGB;
  mark: (v: number) => Mark | undefined;
  tell: (v: number | null) => string;
  selected?: string;
  onSelect?: (key: string, time: number) => void;
}

const rowHeight = 20;
const footHeight = 22;
const mostHeight = 560;

/** Grid shows values by row and time on a canvas, and is worked by pointer and keyboard alike. */
export function Grid({ label, rows, times, step, width, height, zone = '', paint, mark, tell, selected, onSelect }: GridProps) {
  const theme = useTheme();
  const help = useId();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [top, setTop] = useState(0);
  const [cursor, setCursor] = useState<Cell | null>(null);
  const [shown, setShown] = useState(false);
  const [all, setAll] = useState(false);

  const natural = rows.length * rowHeight;
  const room = Math.max(rowHeight, (height ?? Math.min(mostHeight, natural + footHeight)) - footHeight);
  const overflows = natural > room + 1;
  const compact = all && overflows;
  const each = compact ? room / rows.length : overflows ? rowHeight : Math.min(34, Math.max(rowHeight, room / Math.max(1, rows.length)));
  const view = Math.min(room, each * rows.length);
  const gutter = useMemo(() => Math.min(Math.floor(width * 0.32), Math.max(60, 14 + 7 * rows.reduce((m, r) => Math.max(m, r.label.length), 0))), [rows, width]);
  const wide = Math.max(20, width - gutter - (overflows && !compact ? 12 : 0));

  const ax = useMemo(() => axisOf(rows, times, step, wide), [rows, times, step, wide]);
  const grid = useMemo(() => largest(rows, ax, compact ? room : rows.length), [rows, ax, compact, room]);
  const lines = grid.length / ax.columns;
  const image = useMemo(() => {
    if (typeof ImageData === 'undefined' || rows.length === 0) {
      return null;
    }
    const c = document.createElement('canvas');
    c.width = ax.columns;
    c.height = lines;
    c.getContext('2d')?.putImageData(new ImageData(pixels(grid, paint), ax.columns, lines), 0, 0);
    return c;
  }, [grid, ax, lines, paint, rows.length]);

  const limit = Math.max(0, rows.length * each - view);
  const offset = compact ? 0 : Math.min(top, limit);
  const first = Math.floor(offset / each);
  const last = Math.min(rows.length, Math.ceil((offset + view) / each));

  useLayoutEffect(() => {
    const c = canvas.current;
    const g = c?.getContext('2d');
    if (!c || !g) {
      return;
    }
    const scale = window.devicePixelRatio || 1;
    c.width = Math.round(wide * scale);
    c.height = Math.round(view * scale);
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, wide, view);
    g.imageSmoothingEnabled = false;
    if (image) {
      g.drawImage(image, 0, -offset, wide, rows.length * each);
    }
    const cell = wide / ax.columns;
    if (each >= 8) {
      for (let r = first; r < last; r++) {
        const y = r * each - offset;
        g.fillStyle = theme.background;
        g.fillRect(0, y + each - 1, wide, 1);
        for (const run of runs(grid, ax.columns, r, (v) => mark(v) === 'missing')) {
          g.strokeStyle = theme.unknown;
          g.lineWidth = 1;
          g.save();
          g.beginPath();
          g.rect(run.from * cell, y, (run.to - run.from) * cell, each - 1);
          g.clip();
          g.beginPath();
          for (let x = run.from * cell - each; x < run.to * cell; x += 5) {
            g.moveTo(x, y + each);
            g.lineTo(x + each, y);
          }
          g.stroke();
          g.restore();
        }
        for (const run of runs(grid, ax.columns, r, (v) => mark(v) === 'few')) {
          g.fillStyle = theme.faint;
          for (let x = run.from * cell + 2; x < run.to * cell; x += 5) {
            g.fillRect(x, y + each / 2 - 1, 1.5, 1.5);
          }
        }
        for (const run of runs(grid, ax.columns, r, (v) => mark(v) === 'alarm')) {
          g.fillStyle = theme.text;
          g.fillRect(run.from * cell, y + each - 3, Math.max(1.5, (run.to - run.from) * cell), 2);
          const x = run.from * cell;
          g.beginPath(); // where it begins
          g.moveTo(x, y + 3);
          g.lineTo(x + 5, y + each / 2 - 1);
          g.lineTo(x, y + each - 5);
          g.fill();
        }
      }
    }
    if (cursor && shown) {
      const y = cursor.row * each - offset;
      g.strokeStyle = theme.text;
      g.lineWidth = 2;
      g.strokeRect(ax.at[cursor.time]! * cell, y + 0.5, Math.max(3, cell), Math.max(3, each - 1));
    }
  }, [image, grid, ax, rows.length, each, first, last, offset, wide, view, theme, mark, cursor, shown]);

  const box = useRef<HTMLDivElement>(null);
  useEffect(() => { // a wheel moves rows only while there are some to move to
    const b = box.current;
    const turn = (e: WheelEvent) => {
      if (limit > 0 && !compact && Math.abs(e.deltaY) > Math.abs(e.deltaX)) {
        setTop((t) => {
          const next = Math.max(0, Math.min(limit, Math.min(t, limit) + e.deltaY));
          if (next !== t) {
            e.preventDefault();
          }
          return next;
        });
      }
    };
    b?.addEventListener('wheel', turn, { passive: false });
    return () => b?.removeEventListener('wheel', turn);
  }, [limit, compact]);

  const near = (e: PointerEvent): Cell | null => {
    const r = canvas.current?.getBoundingClientRect();
    if (!r || times.length === 0) {
      return null;
    }
    const x = e.clientX - r.left;
    const row = Math.floor((e.clientY - r.top + offset) / each);
    if (row < 0 || row >= rows.length || x < 0 || x > wide) {
      return null;
    }
    const column = Math.floor((x / wide) * ax.columns);
    const values = rows[row]!.values;
    let best = 0;
    for (let i = 0; i < times.length && ax.at[i]! <= column; i++) {
      best = values[i] === null && column - ax.at[best]! < widthOf(rows[row]!, ax) && values[best] !== null ? best : i;
    }
    return { row, time: best };
  };
  const choose = (c: Cell | null) => {
    const row = c && rows[c.row];
    if (c && row) {
      onSelect?.(row.key, times[c.time]!);
    }
  };
  const go = (c: Cell) => {
    const next = { row: Math.max(0, Math.min(rows.length - 1, c.row)), time: Math.max(0, Math.min(times.length - 1, c.time)) };
    setCursor(next);
    setShown(true);
    if (!compact) {
      setTop((t) => Math.max(next.row * each + each - view, Math.min(t, next.row * each)));
    }
  };
  const press = (e: KeyboardEvent) => {
    const at = cursor ?? { row: 0, time: times.length - 1 };
    const page = Math.max(1, Math.floor(view / each));
    const moves: Record<string, Cell> = {
      ArrowUp: { ...at, row: at.row - 1 }, ArrowDown: { ...at, row: at.row + 1 }, ArrowLeft: { ...at, time: at.time - 1 }, ArrowRight: { ...at, time: at.time + 1 },
      PageUp: { ...at, row: at.row - page }, PageDown: { ...at, row: at.row + page }, Home: { ...at, time: 0 }, End: { ...at, time: times.length - 1 },
    };
    const to = moves[e.key];
    if (to) {
      e.preventDefault();
      go(cursor ? to : at);
    } else if (e.key === 'Enter' || e.key === ' ') {
      e.preventDefault();
      choose(at);
    } else if (e.key === 'Escape') {
      setShown(false);
    }
  };

  const on = cursor && rows[cursor.row] ? cursor : null;
  const words = on ? `${rows[on.row]!.label}, ${moment(times[on.time], zone)}: ${tell(rows[on.row]!.values[on.time] ?? null)}` : '';
  const place = on && { x: gutter + ((ax.at[on.time]! + 0.5) * wide) / ax.columns, y: on.row * each - offset };
  const until = ax.from + ax.step * ax.columns;
  return (
    <div className="dl-grid" style={{ width }}>
      <div className="dl-grid-body" ref={box} style={{ height: view }}>
        <div className="dl-grid-labels" style={{ width: gutter, height: view }} aria-hidden="true">
          {!compact && rows.slice(first, last).map((r, i) => (
            <div key={r.key} title={r.hint ?? r.label} className={`dl-grid-label${r.key === selected ? ' dl-on' : ''}`} style={{ top: (first + i) * each - offset, height: each, lineHeight: `${each}px` }}
              onClick={() => onSelect?.(r.key, times[times.length - 1] ?? 0)}>{r.label}</div>
          ))}
          {compact && <div className="dl-grid-label" style={{ top: 0, height: rowHeight, lineHeight: `${rowHeight}px` }}>{rows.length} rows</div>}
        </div>
        <canvas ref={canvas} tabIndex={0} role="application" aria-roledescription="heat map" aria-label={`${label}. ${rows.length} rows, ${times.length} times.`} aria-describedby={help}
          style={{ width: wide, height: view, left: gutter }} onKeyDown={press} onFocus={(e) => e.target.matches(':focus-visible') && go(cursor ?? { row: 0, time: times.length - 1 })}
          onBlur={() => setShown(false)} onPointerMove={(e) => { const c = near(e); setCursor(c); setShown(c !== null); }} onPointerLeave={() => setShown(false)}
          onClick={(e) => choose(near(e as unknown as PointerEvent))} />
        {overflows && !compact && (
          <div className="dl-grid-bar" aria-hidden="true"><div style={{ height: Math.max(20, (view * view) / natural), top: (offset / Math.max(1, limit)) * (view - Math.max(20, (view * view) / natural)) }} /></div>
        )}
        {shown && on && place && (
          <div className="dl-tip" style={{ left: Math.min(width - 10, place.x), top: place.y + each + 4, transform: place.x > width * 0.6 ? 'translateX(-100%)' : undefined }}>
            <b>{rows[on.row]!.label}</b><span>{moment(times[on.time], zone)}</span><span>{tell(rows[on.row]!.values[on.time] ?? null)}</span>
          </div>
        )}
      </div>
      <svg className="dl-axis" width={width} height={footHeight} aria-hidden="true">
        {times.length > 0 && timeTicks(ax.from, until, Math.max(2, wide / 80), zone).map((t) => (
          <text key={t.at} x={gutter + ((t.at - ax.from) / (until - ax.from)) * wide} y={15} textAnchor="middle">{t.text}</text>
        ))}
      </svg>
      {overflows && <button type="button" className="dl-quiet dl-grid-all" aria-pressed={all} onClick={() => setAll(!all)}>{all ? 'Rows at reading size' : `All ${rows.length} rows at once`}</button>}
      <span id={help} className="dl-hidden">Arrow keys move, Enter chooses the row.</span>
      <span className="dl-hidden" aria-live="polite">{shown ? words : ''}</span>
    </div>
  );
}
