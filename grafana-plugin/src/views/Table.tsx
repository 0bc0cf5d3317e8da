import { useState } from 'react';
import type { ReactNode } from 'react';

/** Column of a table. */
export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  /** what it is sorted by; left out: it is not sorted */
  by?: (row: T) => number | string | null | undefined;
  right?: boolean;
  hint?: string;
}

export interface TableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  id: (row: T, i: number) => string;
  empty?: string;
  selected?: string;
  onSelect?: (row: T) => void;
  height?: number;
}

/** Table of rows, sorted by its heads. */
export function Table<T>({ label, columns, rows, id, empty = 'Nothing.', selected, onSelect, height }: TableProps<T>) {
  const [sort, setSort] = useState<{ column: number; down: boolean } | null>(null);
  if (rows.length === 0) {
    return <p className="dl-empty">{empty}</p>;
  }
  const by = sort && columns[sort.column]?.by;
  const shown = by ? [...rows].sort((a, b) => compare(by(a), by(b)) * (sort.down ? -1 : 1)) : rows;
  return (
    <div className="dl-scroll" tabIndex={0} role="region" aria-label={label} style={height ? { maxHeight: height } : undefined}>
      <table className="dl-table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((c, i) => (
              <th key={c.name} scope="col" className={c.right ? 'dl-right' : undefined} title={c.hint} aria-sort={sort?.column === i ? (sort.down ? 'descending' : 'ascending') : undefined}>
                {c.by ? <button type="button" onClick={() => setSort(sort?.column === i ? { column: i, down: !sort.down } : { column: i, down: Boolean(c.right) })}>{c.name}{sort?.column === i && <span aria-hidden="true">{sort.down ? ' ↓' : ' ↑'}</span>}</button> : c.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((r, i) => {
            const key = id(r, i);
            return (
              <tr key={key} className={key === selected ? 'dl-on' : undefined} aria-selected={onSelect ? key === selected : undefined} onClick={onSelect && (() => onSelect(r))}>
                {columns.map((c) => <td key={c.name} className={c.right ? 'dl-right' : undefined}>{c.cell(r)}</td>)}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function compare(a: number | string | null | undefined, b: number | string | null | undefined): number {
  if (a === b) {
    return 0;
  }
  if (a === null || a === undefined) {
    return -1;
  }
  if (b === null || b === undefined) {
    return 1;
  }
  return a < b ? -1 : 1;
}
