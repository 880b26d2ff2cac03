import type { IncomingMessage, ServerResponse } from 'node:http';
import { stringify } from 'yaml';
import type { UserInfo } from '../access/user.ts';
import { ApiStatusError, type Status } from '../errors.ts';
import { negotiate, type Shape } from './negotiate.ts';
import type { RequestInfo } from './request-info.ts';

/** One request and the way to answer it. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly #warnings: string[] = [];
  #warned = 0;
  /** For the audit log: the HTTP status of the answer. */
  status = 0;

  constructor(request: IncomingMessage, response: ServerResponse, info: RequestInfo, query: URLSearchParams, user: UserInfo) {
    this.request = request;
    this.response = response;
    this.info = info;
    this.query = query;
    this.user = user;
  }

  #muted = false;

  /** The request has its effect, but instead of an answer the connection is cut. */
  mute(): void {
    this.#muted = true;
  }

  /** The part of the User-Agent that stands for the client where no `fieldManager` is given. */
  get agent(): string {
    return (this.request.headers['user-agent'] ?? '').split('/', 1)[0] ?? '';
  }

  shape(transforms: readonly string[] = ['Table', 'PartialObjectMetadata']): Shape {
    return negotiate(this.request.headers.accept, transforms);
  }

  /** Adds a `Warning: 299` header; the same text is said once. */
  readonly warn = (text: string): void => {
    const header = warningHeader(text);
    if (this.#warnings.includes(header) || this.#warned + header.length > MAX_WARNINGS_BYTES) return;
    this.#warned += header.length;
    this.#warnings.push(header);
  };

  /** Answers with JSON text, or with the same as YAML. */
  send(status: number, json: string, shape: Shape = { format: 'json', as: '' }, headers: Record<string, string> = {}): void {
    if (shape.format === 'yaml') this.sendText(status, stringify(JSON.parse(json)), 'application/yaml', headers);
    else this.sendText(status, json, 'application/json', headers);
  }

  sendText(status: number, text: string, contentType: string, headers: Record<string, string> = {}): void {
    if (this.response.headersSent || this.response.destroyed) return;
    this.writeHead(status, { 'Content-Type': contentType, 'Content-Length': String(Buffer.byteLength(text)), ...headers });
    if (!this.#muted) this.response.end(this.request.method === 'HEAD' ? undefined : text);
  }

  sendBytes(status: number, bytes: Uint8Array, contentType: string): void {
    this.writeHead(status, { 'Content-Type': contentType, 'Content-Length': String(bytes.length) });
    if (!this.#muted) this.response.end(bytes);
  }

  /** The headers that every answer has. */
  writeHead(status: number, headers: Record<string, string>): void {
    this.status = status;
    if (this.#muted) {
      this.response.destroy();
      return;
    }
    this.response.writeHead(status, {
      'Cache-Control': 'no-cache, private',
      ...headers,
      ...(this.#warnings.length === 0 ? {} : { Warning: this.#warnings }),
    });
  }

  sendError(error: ApiStatusError): void {
    const shape = this.#errorShape();
    const status: Status = error.toStatus();
    this.send(error.code, JSON.stringify(status), shape, error.headers);
  }

  #errorShape(): Shape {
    try {
      return { ...this.shape(), as: '' };
    } catch {
      return { format: 'json', as: '' };
    }
  }
}

/** Clients have limits on headers; what does not fit is left unsaid, as the real server does. */
const MAX_WARNINGS_BYTES = 4096;
const MAX_WARNING_CHARS = 256;

/** RFC 7234 §5.5 with UTF-8 inside, which node only takes as bytes. */
function warningHeader(text: string): string {
  const shown = text.length > MAX_WARNING_CHARS * 4 ? text.slice(0, MAX_WARNING_CHARS) : text;
  const quoted = JSON.stringify(shown).replaceAll('\u007f', '\\u007f');
  return Buffer.from(`299 - ${quoted}`, 'utf8').toString('latin1');
}
