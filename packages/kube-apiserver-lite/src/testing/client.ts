import type { ApiServer } from '../api-server.ts';
import type { JsonObject } from '../object.ts';

/** A small HTTP client for the package's own tests. */

export interface Answer {
  status: number;
  /** The parsed body; text that is no JSON under `text`. */
  body: JsonObject;
  warning: string | null;
}

export class TestClient {
  readonly #server: ApiServer;
  readonly #headers: Record<string, string>;

  constructor(server: ApiServer, headers: Record<string, string> = {}) {
    this.#server = server;
    this.#headers = headers;
  }

  async send(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    const content = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(new URL(path, this.#server.url), {
      method,
      headers: { ...this.#headers, ...content, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = text.startsWith('{') ? (JSON.parse(text) as JsonObject) : { text };
    return { status: response.status, body: parsed, warning: response.headers.get('warning') };
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path);
  }

  merge(path: string, patch: object): Promise<Answer> {
    return this.send('PATCH', path, patch, { 'content-type': 'application/merge-patch+json' });
  }

  /** Asks until the answer has this status; for what controllers do a moment later. */
  async until(path: string, status: number, attempts = 200): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.get(path);
      if (answer.status === status || attempt >= attempts) return answer;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }

  /** Opens a watch; {@link Watch.next} gives its events one by one. */
  async watch(path: string): Promise<Watch> {
    const abort = new AbortController();
    const ask = (): Promise<Response> => fetch(new URL(path, this.#server.url), { headers: this.#headers, signal: abort.signal });
    // A connection kept alive from before a restart fails once.
    return new Watch(await ask().catch(ask), abort);
  }
}

export interface WatchEvent {
  type: string;
  object: JsonObject & { metadata: { name?: string } };
}

export class Watch {
  readonly status: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #abort: AbortController;
  readonly #decoder = new TextDecoder();
  #text = '';

  constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.#reader = response.body?.getReader();
    this.#abort = abort;
  }

  /** The next event; undefined when the watch has ended. */
  async next(): Promise<WatchEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return JSON.parse(line) as WatchEvent;
      }
      const chunk = await this.#reader?.read().catch(() => undefined);
      if (chunk === undefined || chunk.done) return undefined;
      this.#text += this.#decoder.decode(chunk.value, { stream: true });
    }
  }

  close(): void {
    this.#abort.abort();
  }
}
