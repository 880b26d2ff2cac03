import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request on its way through. */
export interface Passing {
  method: string;
  path: string;
  watch: boolean;
}

/** What becomes of a request; undefined: it passes. */
export type Fault = { status: number; reason: string; retryAfter?: string } | { cut: true } | undefined;

/** Stands between a client and the API server and lets a test break the connection. */
export class TestProxy {
  readonly #target: URL;
  /** Asked for each request. */
  fault: (passing: Passing) => Fault = () => undefined;
  /** Requests that reached the API server and could write, in order. */
  readonly writes: string[] = [];
  #server: Server | undefined;
  #port = 0;
  #frozen: (() => void)[] | undefined;
  readonly #streams = new Set<ServerResponse>();

  constructor(target: string) {
    this.#target = new URL(target);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens; a second time on the same port. */
  async up(): Promise<void> {
    const server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** The API server is gone: connections break, new ones are refused. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>(resolve => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  /** Ends every watch, as a restarted or overloaded API server does. */
  cutWatches(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  /** Holds back what watches deliver: caches behind it grow old. */
  freeze(): void {
    this.#frozen ??= [];
  }

  thaw(): void {
    const held = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const deliver of held) deliver();
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = incoming;
    const watch = url.includes('watch=true');
    const fault = this.fault({ method, path: url, watch });
    if (fault !== undefined) {
      incoming.resume();
      if ('cut' in fault) return void outgoing.destroy();
      const { status: code, reason, retryAfter } = fault;
      outgoing.writeHead(code, { 'content-type': 'application/json', ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) });
      outgoing.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `${reason} by the test` }));
      return;
    }
    if (method !== 'GET') this.writes.push(`${method} ${url.split('?')[0]}`);
    const { hostname, port } = this.#target;
    const upstream = request({ hostname, port, method, path: url, headers }, response => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      if (watch) this.#relay(response, outgoing);
      else response.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }

  #relay(response: IncomingMessage, outgoing: ServerResponse): void {
    this.#streams.add(outgoing);
    outgoing.flushHeaders();
    outgoing.on('close', () => this.#streams.delete(outgoing));
    response.on('data', (chunk: Buffer) => {
      if (this.#frozen === undefined) outgoing.write(chunk);
      else this.#frozen.push(() => outgoing.write(chunk));
    });
    response.on('end', () => outgoing.end());
    response.on('error', () => outgoing.destroy());
  }
}
