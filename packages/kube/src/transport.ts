import http, { type Agent, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { ApiError, errorFromStatus, parseRetryAfter } from './api-error.ts';
import { type Clock, type Random, sleep, systemClock, systemRandom } from './clock.ts';
import type { Credentials, Identity } from './credentials.ts';
import { TokenBucket } from './token-bucket.ts';

/** One finished HTTP exchange, for metrics. */
export interface RequestObservation {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `apply`, `delete`. */
  verb: string;
  /** Plural, with its subresource: `services/status`. */
  resource: string;
  /** HTTP status as text, or the ApiError code when there was no answer. */
  code: string;
  durationMs: number;
}

export interface TransportOptions {
  userAgent?: string;
  /** From first byte sent to last byte received; a watch: until its headers. Default 30 s. */
  timeoutMs?: number;
  /** Client-side rate limit, requests per second; 0 is none. Default 50. */
  qps?: number;
  burst?: number;
  /** Called after every exchange. */
  observer?: ((observation: RequestObservation) => void) | undefined;
  clock?: Clock;
  random?: Random;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  path: string;
  verb: string;
  resource: string;
  body?: string | undefined;
  contentType?: string | undefined;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

/** How often one call is repeated because the server said 429 or 503 with `Retry-After`. */
const maxRetries = 5;
const maxRetryAfterMs = 30_000;
/** Credentials are asked for at most this often: files are re-read, exec plugins are not run per request. */
const identityTtlMs = 10_000;
const maxBody = 512 * 1024 * 1024;

/** HTTP to one API server over one agent of kept-alive connections. */
export class Transport {
  readonly server: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly #base: URL;
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;
  readonly #bucket: TokenBucket;
  readonly #userAgent: string;
  readonly #observer: TransportOptions['observer'];
  #identity: { value: Promise<Identity>; at: number } | undefined;
  #agent: { agent: Agent; fingerprint: string } | undefined;
  #closed = false;

  constructor(credentials: Credentials, options: TransportOptions = {}) {
    this.server = credentials.server;
    this.#base = new URL(credentials.server);
    this.#credentials = credentials;
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? systemRandom;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#bucket = new TokenBucket(this.clock, options.qps ?? 50, options.burst ?? 100);
    this.#userAgent = options.userAgent ?? 'herald';
    this.#observer = options.observer;
  }

  /** Sends a request and parses the JSON answer; throws ApiError for everything but 2xx. */
  async json(request: HttpRequest): Promise<unknown> {
    const response = await this.#send(request);
    return response.value;
  }

  /** Opens a stream: resolves with the response once a 200 is there. The caller destroys it. */
  async stream(request: HttpRequest): Promise<IncomingMessage> {
    const response = await this.#send(request, true);
    return response.message;
  }

  /** Closes every connection; calls in flight fail with code `aborted`. */
  close(): void {
    this.#closed = true;
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #send(request: HttpRequest, streaming = false): Promise<{ value: unknown; message: IncomingMessage }> {
    let refreshed = false;
    for (let attempt = 0; ; attempt++) {
      await this.#bucket.take(request.signal);
      const started = this.clock.now();
      try {
        const answer = await this.#exchange(request, streaming);
        this.#observe(request, String(answer.message.statusCode), started);
        return answer;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.#observe(request, error.status === 0 ? error.code : String(error.status), started);
        if (error.code === 'unauthorized' && !refreshed) {
          refreshed = true;
          this.#identity = undefined;
          await this.#currentIdentity(true);
          continue;
        }
        const wait = retryWait(error, attempt, this.random);
        if (wait === undefined || attempt >= maxRetries) throw error;
        await sleep(this.clock, wait, request.signal);
        if (request.signal?.aborted === true) throw error;
      }
    }
  }

  async #exchange(request: HttpRequest, streaming: boolean): Promise<{ value: unknown; message: IncomingMessage }> {
    const identity = await this.#currentIdentity(false);
    const what = `${request.verb} ${request.resource}`;
    const attempt = () => this.#roundTrip(what, request, identity, streaming);
    try {
      return await attempt();
    } catch (error) {
      // The server closed an idle connection just as we took it: nothing was processed, ask again on a new one.
      if (error instanceof StaleConnection && request.method !== 'POST') return attempt().catch(unwrapStale);
      return unwrapStale(error);
    }
  }

  #roundTrip(
    what: string,
    request: HttpRequest,
    identity: Identity,
    streaming: boolean,
  ): Promise<{ value: unknown; message: IncomingMessage }> {
    return new Promise((resolve, reject) => {
      const { signal } = request;
      if (this.#closed || signal?.aborted === true) return reject(new ApiError('aborted', `${what}: aborted`));
      const secure = this.#base.protocol === 'https:';
      const headers: Record<string, string> = { accept: 'application/json', 'user-agent': this.#userAgent, ...identity.headers };
      if (request.body !== undefined) {
        headers['content-type'] = request.contentType ?? 'application/json';
        headers['content-length'] = String(Buffer.byteLength(request.body));
      }
      const outgoing = (secure ? https : http).request({
        protocol: this.#base.protocol,
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port === '' ? (secure ? 443 : 80) : Number(this.#base.port),
        method: request.method,
        path: (this.#base.pathname === '/' ? '' : this.#base.pathname) + request.path,
        headers,
        agent: identity.proxy ?? this.#agentFor(identity, secure),
      });
      const timeoutMs = request.timeoutMs ?? this.#timeoutMs;
      let failure: ApiError | undefined;
      const timer = this.clock.after(timeoutMs, () => {
        failure = new ApiError('timeout', `${what}: no answer from ${this.server} within ${timeoutMs} ms`);
        outgoing.destroy(failure);
      });
      const abort = () => {
        failure = new ApiError('aborted', `${what}: aborted`);
        outgoing.destroy(failure);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const settle = () => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
      };
      const fail = (error: Error) => {
        settle();
        reject(failure ?? networkError(what, this.server, error, outgoing.reusedSocket));
      };
      outgoing.on('error', fail);
      outgoing.on('response', message => {
        const status = message.statusCode ?? 0;
        if (streaming && status === 200) {
          settle();
          resolve({ value: undefined, message });
          return;
        }
        readText(message).then(
          text => {
            settle();
            if (status >= 200 && status < 300) {
              const value = parseJson(text);
              if (value === undefined)
                reject(new ApiError('malformed', `${what}: ${this.server} answered ${status} with something that is not JSON`, { status }));
              else resolve({ value, message });
              return;
            }
            const retryAfter = parseRetryAfter(message.headers['retry-after'], this.clock.wall());
            reject(errorFromStatus(what, status, parseJson(text) ?? text, retryAfter));
          },
          (error: unknown) => fail(error instanceof Error ? error : new Error(String(error))),
        );
      });
      outgoing.end(request.body);
    });
  }

  async #currentIdentity(refresh: boolean): Promise<Identity> {
    const now = this.clock.now();
    if (this.#identity === undefined || refresh || now - this.#identity.at > identityTtlMs) {
      const value = this.#credentials.identity(refresh);
      this.#identity = { value, at: now };
      value.catch(() => {
        if (this.#identity?.value === value) this.#identity = undefined;
      });
    }
    return this.#identity.value;
  }

  /** One agent per set of TLS material; replaced when certificates rotate, while its open streams end by themselves. */
  #agentFor(identity: Identity, secure: boolean): Agent {
    const fingerprint = secure
      ? JSON.stringify(identity.tls, (_, value: unknown) => (Buffer.isBuffer(value) ? value.toString('base64') : value))
      : '';
    if (this.#agent?.fingerprint !== fingerprint) {
      const old = this.#agent?.agent;
      for (const sockets of Object.values(old?.freeSockets ?? {})) for (const socket of sockets ?? []) socket.destroy();
      const options = { keepAlive: true, keepAliveMsecs: 15_000, maxFreeSockets: 64 };
      this.#agent = { fingerprint, agent: secure ? new https.Agent({ ...options, ...identity.tls }) : new http.Agent(options) };
    }
    return this.#agent.agent;
  }

  #observe(request: HttpRequest, code: string, started: number): void {
    this.#observer?.({ verb: request.verb, resource: request.resource, code, durationMs: this.clock.now() - started });
  }
}

class StaleConnection extends Error {
  readonly error: ApiError;
  constructor(error: ApiError) {
    super(error.message);
    this.error = error;
  }
}

function unwrapStale(error: unknown): never {
  throw error instanceof StaleConnection ? error.error : error;
}

function networkError(what: string, server: string, error: Error, reusedSocket: boolean): Error {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const apiError = new ApiError(
    'network',
    `${what}: ${server}: ${code === '' || error.message.includes(code) ? error.message : `${code} ${error.message}`}`,
    { cause: error },
  );
  return reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE') ? new StaleConnection(apiError) : apiError;
}

function retryWait(error: ApiError, attempt: number, random: Random): number | undefined {
  if (error.code === 'too-many-requests') {
    const asked = error.retryAfterMs ?? 500 * 2 ** attempt;
    return Math.min(maxRetryAfterMs, asked) * (1 + 0.2 * random());
  }
  if (error.code === 'unavailable' && error.retryAfterMs !== undefined)
    return Math.min(maxRetryAfterMs, error.retryAfterMs) * (1 + 0.2 * random());
  return undefined;
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBody) throw new Error(`the answer is larger than ${maxBody} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
