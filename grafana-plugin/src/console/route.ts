import type { Place } from '../views/host';
import type { Span } from './range';
import { usual } from './range';

/** Route is what the address says: a place, and a time. */
export interface Route {
  place: Place;
  span: Span;
}

/** read the hash of an address. What is not known is the fleet. */
export function read(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?');
  const q = new URLSearchParams(search);
  const span = { from: q.get('from') ?? usual.from, to: q.get('to') ?? usual.to };
  const parts = path.split('/').filter(Boolean).map((p) => {
    try {
      return decodeURIComponent(p);
    } catch {
      return p;
    }
  });
  switch (parts[0]) {
    case 'models':
      if (parts[2]) {
        return { place: { page: 'model', tenant: parts[1]!, model: parts[2], feature: q.get('feature') ?? undefined }, span };
      }
      return parts[1] ? { place: { page: 'model', model: parts[1] }, span } : { place: { page: 'fleet' }, span };
    case 'incidents':
      return { place: parts[1] ? { page: 'incident', id: parts[1] } : { page: 'fleet' }, span };
    case 'pipeline':
      return { place: { page: 'pipeline' }, span };
    default:
      return { place: { page: 'fleet' }, span };
  }
}

/** write a route as the hash of an address. */
export function write({ place, span }: Route): string {
  const q = new URLSearchParams();
  if (span.from !== usual.from || span.to !== usual.to) {
    q.set('from', span.from);
    q.set('to', span.to);
  }
  let path = '/';
  switch (place.page) {
    case 'model':
      path = `/models/${[place.tenant, place.model].filter((p) => p !== undefined && p !== '').map((p) => encodeURIComponent(p!)).join('/')}`;
      if (place.feature) {
        q.set('feature', place.feature);
      }
      break;
    case 'incident':
      path = `/incidents/${encodeURIComponent(place.id)}`;
      break;
    case 'pipeline':
      path = '/pipeline';
      break;
    case 'fleet':
  }
  const search = q.toString();
  return `#${path}${search && `?${search}`}`;
}
