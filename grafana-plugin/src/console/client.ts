import type { Answer, Message, Request } from '../views/host';
import { answers, body } from '../views/host';

const prefix = '/api/v1';
const kept = 'driftline.token';

/** Refused is an answer that is none. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Client asks the API that serves the console. */
export class Client {
  /** called when the API wants a token, or another one */
  onRefused: () => void = () => undefined;

  /** token for this tab; empty: none */
  set token(t: string) {
    if (t) {
      sessionStorage.setItem(kept, t);
    } else {
      sessionStorage.removeItem(kept);
    }
  }

  private headers(): Record<string, string> {
    const token = sessionStorage.getItem(kept);
    return token ? { Authorization: `Bearer ${token}` } : {};
  }

  private async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    let r: Response;
    try {
      r = await fetch(prefix + path, { ...init, headers: { ...(init.body ? { 'Content-Type': 'application/json' } : {}), ...this.headers() } });
    } catch (e) {
      if (e instanceof DOMException && e.name === 'AbortError') {
        throw e;
      }
      throw new Refused(0, 'Driftline does not answer; this page tries again by itself.');
    }
    if (r.status === 401) {
      this.onRefused();
    }
    if (!r.ok) {
      const problem = (await r.json().catch(() => null)) as { detail?: string; title?: string; errors?: { message: string; location?: string }[] } | null;
      const places = problem?.errors?.map((e) => [e.location, e.message].filter(Boolean).join(': ')).join('; ');
      throw new Refused(r.status, [problem?.detail ?? problem?.title ?? `HTTP ${r.status}`, places].filter(Boolean).join(' – '));
    }
    return r;
  }

  async query(request: Request, signal?: AbortSignal): Promise<Record<string, Answer>> {
    const r = await this.fetch('/query', { method: 'POST', body: JSON.stringify(body(request)), signal });
    return answers(await r.json());
  }

  async call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, content?: unknown): Promise<T> {
    const r = await this.fetch(path, { method, body: content === undefined ? undefined : JSON.stringify(content) });
    return (r.status === 204 ? undefined : await r.json()) as T;
  }

  /** stream listens until left; a stream that breaks is opened again, and says "lost" then. */
  stream(on: (m: Message) => void, state: (live: boolean) => void): () => void {
    const end = new AbortController();
    const listen = async () => {
      for (let wait = 1000; !end.signal.aborted; wait = Math.min(30_000, wait * 2)) {
        try {
          const r = await this.fetch('/stream', { signal: end.signal });
          await events(r.body!, (name, data) => {
            wait = 1000;
            state(true);
            if (name === 'beat') {
              on({ type: 'beat' });
            } else if (name === 'incident' || name === 'signal') {
              on({ type: name, model: (data as { model: string }).model });
            }
          });
        } catch (e) {
          if (e instanceof Refused && e.status === 401) {
            return; // a new token begins anew
          }
        }
        if (end.signal.aborted) {
          return;
        }
        state(false);
        await new Promise((again) => setTimeout(again, wait));
        on({ type: 'lost' });
      }
    };
    void listen();
    return () => end.abort();
  }
}

/** events of a body of server-sent events, until it ends. */
export async function events(stream: ReadableStream<Uint8Array>, on: (name: string, data: unknown) => void): Promise<void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    rest = (rest + decoder.decode(value, { stream: true })).replaceAll('\r\n', '\n'); // a pair may come in two pieces
    for (let cut = rest.indexOf('\n\n'); cut >= 0; cut = rest.indexOf('\n\n')) {
      const lines = rest.slice(0, cut).split('\n');
      rest = rest.slice(cut + 2);
      const all = (key: string) => lines.filter((l) => l.startsWith(`${key}:`)).map((l) => l.slice(key.length + 1).replace(/^ /, ''));
      const data = all('data').join('\n');
      if (data) {
        on(all('event')[0] ?? 'message', JSON.parse(data));
      }
    }
  }
}
