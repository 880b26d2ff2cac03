import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { ADMIN } from './access/user.ts';
import type { Cluster } from './cluster.ts';
import { type ClusterOptions, createCluster } from './create-cluster.ts';
import { Documents, type ServerVersion } from './http/documents.ts';
import { Exchange } from './http/exchange.ts';
import { requestInfo } from './http/request-info.ts';
import { asStatusError, PathNotFound, route, type SpecialHandlers } from './http/router.ts';
import { WatchHub } from './http/watch-hub.ts';

export interface ApiServerOptions extends ClusterOptions {
  /** 0 takes any free port. */
  port?: number;
  host?: string;
  version?: ServerVersion;
}

export const DEFAULT_VERSION: ServerVersion = { major: '1', minor: '36', gitVersion: 'v1.36.2' };

/** A running API server. */
export class ApiServer {
  readonly cluster: Cluster;
  readonly hub = new WatchHub();
  readonly #options: ApiServerOptions;
  readonly #documents: Documents;
  readonly #special: SpecialHandlers = new Map();
  #server: http.Server | https.Server | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.cluster = createCluster(options);
    this.#documents = new Documents(this.cluster, options.version ?? DEFAULT_VERSION, () => this.url.replace(/^https?:\/\//, ''));
  }

  get url(): string {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    const host = this.#options.host ?? '127.0.0.1';
    return `http://${host.includes(':') ? `[${host}]` : host}:${address?.port ?? 0}`;
  }

  async listen(): Promise<void> {
    const server = http.createServer({ keepAliveTimeout: 120_000, headersTimeout: 30_000, requestTimeout: 60_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#options.port ?? 0, this.#options.host ?? '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.hub.close();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    }
    this.cluster.store.close();
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    let path: string;
    try {
      path = decodeURIComponent(mark < 0 ? url : url.slice(0, mark));
    } catch {
      path = mark < 0 ? url : url.slice(0, mark);
    }
    const exchange = new Exchange(request, response, requestInfo(request.method ?? 'GET', path, query), query, ADMIN);
    try {
      if (exchange.info.isResource) await route(this.cluster, exchange, this.hub, this.#special);
      else if (!this.#documents.serve(exchange)) throw new PathNotFound();
    } catch (error) {
      if (response.headersSent) response.destroy();
      else if (error instanceof PathNotFound) {
        exchange.sendText(404, '404 page not found\n', 'text/plain; charset=utf-8', { 'X-Content-Type-Options': 'nosniff' });
      } else exchange.sendError(asStatusError(error));
    }
  }
}
