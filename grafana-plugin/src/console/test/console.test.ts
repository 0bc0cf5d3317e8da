import { events } from '../client';
import { at, isLive, named, resolve } from '../range';
import { read, write } from '../route';
import { path, place } from '../../app/route';

test('addresses are read as they were written, in both hosts', () => {
  for (const p of [{ page: 'fleet' }, { page: 'pipeline' }, { page: 'incident', id: 'inc-1/ü' }, { page: 'model', tenant: 'acme', model: 'a/b c?', feature: 'x&y' }, { page: 'model', model: 'credit', feature: undefined }] as const) {
    const span = { from: 'now-6h', to: 'now' };
    expect(read(write({ place: p, span }))).toEqual({ place: p, span });
    const [pathname, search] = path(p).split('?');
    expect(place(pathname!, new URLSearchParams(search))).toEqual(p);
  }
  expect(read('#/nothing/%E0%A4%A')).toEqual({ place: { page: 'fleet' }, span: { from: 'now-3h', to: 'now' } });
});

test('times', () => {
  expect(at('now-15m', 1_000_000)).toBe(100_000);
  expect(at('2026-01-01T00:00:00', 0)).toBe(Date.UTC(2026, 0, 1));
  expect(at('rubbish', 0)).toBeNaN();
  expect(resolve({ from: 'now', to: 'now-1h' }, 1e9)).toEqual({ from: 1e9 - 3 * 3_600_000, to: 1e9 });
  expect(isLive({ from: '1', to: '2' })).toBe(false);
  expect(named({ from: 'now-1h', to: 'now' }, 'UTC')).toBe('Last hour');
});

test('server-sent events are read however they are cut', async () => {
  const text = 'event: beat\ndata: {"timestamp":"x"}\n\nevent: incident\r\ndata: {"model":\r\ndata: "ü"}\r\n\r\n: nothing\n\n';
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 3, 1000]) {
    const heard: [string, unknown][] = [];
    let i = 0;
    await events(new ReadableStream<Uint8Array>({
      pull(c) {
        if (i >= bytes.length) {
          c.close();
        } else {
          c.enqueue(bytes.slice(i, i += size));
        }
      },
    }), (name, data) => heard.push([name, data]));
    expect(heard).toEqual([['beat', { timestamp: 'x' }], ['incident', { model: 'ü' }]]);
  }
});
