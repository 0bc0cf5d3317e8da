/** Field is a column of a frame. Grafana's own fields are of this form too. */
export interface Field {
  name: string;
  type?: string;
  labels?: Record<string, string>;
  config?: { displayNameFromDS?: string; displayName?: string; unit?: string; description?: string; thresholds?: { steps?: { value: number | null }[] } };
  values: ArrayLike<unknown>;
}

/** Notice is something to know of an answer. */
export interface Notice {
  severity: 'info' | 'warning' | 'error';
  text: string;
}

/** Frame is a table by columns. */
export interface Frame {
  name?: string;
  refId?: string;
  meta?: { type?: string; custom?: Record<string, unknown>; notices?: Notice[]; executedQueryString?: string };
  fields: Field[];
  length: number;
}

/** FrameJSON is a frame as it is sent. */
export interface FrameJSON {
  schema?: { name?: string; refId?: string; meta?: Frame['meta']; fields: Omit<Field, 'values'>[] };
  data?: { values: unknown[][]; entities?: ({ NaN?: number[]; Inf?: number[]; NegInf?: number[] } | null)[] };
}

/** decode a frame that was sent. */
export function decode(json: FrameJSON): Frame {
  const values = json.data?.values ?? [];
  json.data?.entities?.forEach((e, i) => {
    const column = values[i];
    if (!e || !column) {
      return;
    }
    e.NaN?.forEach((k) => (column[k] = NaN));
    e.Inf?.forEach((k) => (column[k] = Infinity));
    e.NegInf?.forEach((k) => (column[k] = -Infinity));
  });
  const fields = (json.schema?.fields ?? []).map((f, i) => ({ ...f, values: values[i] ?? [] }));
  return { name: json.schema?.name, refId: json.schema?.refId, meta: json.schema?.meta, fields, length: fields[0]?.values.length ?? 0 };
}

/** field of a frame by its name. */
export function field(frame: Frame | undefined, name: string): Field | undefined {
  return frame?.fields.find((f) => f.name === name);
}

/** rows of a frame as objects. */
export function rows<T extends object>(frame: Frame | undefined): T[] {
  if (!frame) {
    return [];
  }
  return Array.from({ length: frame.length }, (_, i) => Object.fromEntries(frame.fields.map((f) => [f.name, f.values[i]])) as T);
}

/** number or nothing, of whatever a cell holds. */
export function number(v: unknown): number | null {
  return typeof v === 'number' && Number.isFinite(v) ? v : null;
}

/** Series is a value in time. */
export interface Series {
  name: string;
  of: string;
  labels: Record<string, string>;
  unit: string;
  threshold: number | null;
  times: number[];
  values: (number | null)[];
}

/** series of frames: each of their fields of numbers against the frame's field of time. */
export function series(frames: readonly Frame[]): Series[] {
  const out: Series[] = [];
  for (const frame of frames) {
    const time = frame.fields.find((f) => f.type === 'time');
    if (!time) {
      continue;
    }
    const times = Array.from(time.values, Number);
    for (const f of frame.fields) {
      if (f === time || f.type !== 'number') {
        continue;
      }
      const step = f.config?.thresholds?.steps?.at(-1)?.value;
      out.push({
        name: f.config?.displayName ?? f.config?.displayNameFromDS ?? f.name, of: f.name, labels: f.labels ?? {}, unit: f.config?.unit ?? '',
        threshold: typeof step === 'number' && Number.isFinite(step) ? step : null, times, values: Array.from(f.values, number),
      });
    }
  }
  return out;
}

/** notices of frames, each once. */
export function notices(frames: readonly Frame[]): Notice[] {
  const all = new Map<string, Notice>();
  frames.forEach((f) => f.meta?.notices?.forEach((n) => all.set(n.text, n)));
  return [...all.values()];
}
