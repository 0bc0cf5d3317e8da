import type { Place } from '../views/host';

/** place that a path below the app's root is. */
export function place(of: string, query: URLSearchParams): Place {
  const parts = of.split('/').filter(Boolean).map(decodeURIComponent);
  switch (parts[0]) {
    case 'models':
      if (parts[1]) {
        return { page: 'model', ...(parts[2] ? { tenant: parts[1], model: parts[2] } : { model: parts[1] }), feature: query.get('feature') ?? undefined };
      }
      return { page: 'fleet' };
    case 'incidents':
      return parts[1] ? { page: 'incident', id: parts[1] } : { page: 'fleet' };
    case 'pipeline':
      return { page: 'pipeline' };
    default:
      return { page: 'fleet' };
  }
}

/** path of a place below the app's root. */
export function path(of: Place): string {
  switch (of.page) {
    case 'model':
      return `/models/${[of.tenant, of.model].filter((p) => p).map((p) => encodeURIComponent(p!)).join('/')}${of.feature ? `?feature=${encodeURIComponent(of.feature)}` : ''}`;
    case 'incident':
      return `/incidents/${encodeURIComponent(of.id)}`;
    default:
      return `/${of.page}`;
  }
}
