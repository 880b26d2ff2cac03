import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { attributesOf, refusalText } from './access/attributes.ts';
import { Authenticator } from './access/authenticator.ts';
import { type Authorizer, alwaysAllow, RbacAuthorizer } from './access/rbac.ts';
import { reviewHandlers } from './access/reviews.ts';
import { TokenAuthority } from './access/tokens.ts';
import { ADMIN, type UserInfo } from './access/user.ts';
import type { Cluster } from './cluster.ts';
import type { Controller } from './controllers/controller.ts';
import { type ControllerOptions, startControllers } from './controllers/controllers.ts';
import { type ClusterOptions, createCluster } from './create-cluster.ts';
import { forbiddenError } from './errors.ts';
import { Documents, type ServerVersion } from './http/documents.ts';
import { Exchange } from './http/exchange.ts';
import { type RequestInfo, requestInfo } from './http/request-info.ts';
import { asStatusError, PathNotFound, route, type SpecialHandlers } from './http/router.ts';
import { subresourceHandlers } from './http/subresources.ts';
import { WatchHub } from './http/watch-hub.ts';

export interface ApiServerOptions extends ClusterOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  /** The address to listen on; the default is 127.0.0.1. */
  host?: string;
  version?: ServerVersion;
  /** Whether Roles and bindings are enforced; requests of the administrator are always allowed. The default is `rbac`. */
  authorization?: 'rbac' | 'always-allow';
  /** Tokens with a fixed user besides those of ServiceAccounts. */
  tokens?: ReadonlyMap<string, UserInfo>;
  /** Whom a request without credentials stands for: without TLS the administrator, with TLS nobody. */
  anonymous?: 'admin' | 'none';
  /** Serve HTTPS with this certificate. */
  tls?: { key: string; cert: string; ca: string };
  /** Which of the controller-manager's controllers run, and how. */
  controllers?: ControllerOptions;
  /** Told of failures inside the server that no client sees. */
  onError?: (error: unknown, where: string) => void;
}

export const DEFAULT_VERSION: ServerVersion = { major: '1', minor: '36', gitVersion: 'v1.36.2' };

/** A running API server. */
export class ApiServer {
  readonly cluster: Cluster;
  readonly hub = new WatchHub();
  readonly tokens: TokenAuthority;
  readonly #options: ApiServerOptions;
  readonly #documents: Documents;
  readonly #special: SpecialHandlers;
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #controllers: Controller[];
  #server: http.Server | https.Server | undefined;
  #port: number;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
    const onError = options.onError ?? (() => {});
    this.cluster = createCluster(options);
    this.tokens = new TokenAuthority(this.cluster.store);
    this.#authorizer = options.authorization === 'always-allow' ? alwaysAllow : new RbacAuthorizer(this.cluster.store);
    this.#authenticator = new Authenticator({
      tokens: this.tokens,
      authorizer: () => this.#authorizer,
      staticTokens: options.tokens ?? new Map<string, UserInfo>(),
      anonymousIsAdmin: (options.anonymous ?? (options.tls === undefined ? 'admin' : 'none')) === 'admin',
      now: this.cluster.environment.now,
    });
    this.#special = new Map([...subresourceHandlers(this.tokens), ...reviewHandlers(() => this.#authorizer, this.tokens)]);
    this.#documents = new Documents(this.cluster, options.version ?? DEFAULT_VERSION, () => this.url.replace(/^https?:\/\//, ''));
    this.#controllers = startControllers(this.cluster, options.controllers ?? {}, onError);
  }

  /** Where the server answers, e.g. `http://127.0.0.1:8001`. */
  get url(): string {
    const host = this.#options.host ?? '127.0.0.1';
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  /** Starts listening; after a {@link disconnect} on the same port again. */
  async listen(): Promise<void> {
    const { tls, host = '127.0.0.1' } = this.#options;
    const handler = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      void this.#answer(request, response);
    };
    const limits = { keepAliveTimeout: 120_000, headersTimeout: 30_000, requestTimeout: 60_000 };
    const server =
      tls === undefined ? http.createServer(limits, handler) : https.createServer({ ...limits, key: tls.key, cert: tls.cert }, handler);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Cuts all connections and stops listening; the state stays. */
  async disconnect(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const stream of this.hub.streams()) stream.drop();
    if (server === undefined) return;
    const closed = new Promise<void>(resolve => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
  }

  /** Stops for good. */
  async close(): Promise<void> {
    for (const controller of this.#controllers) controller.stop();
    await this.disconnect();
    this.hub.close();
    this.cluster.store.close();
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { path, query } = splitUrl(request.url ?? '/');
    const info = requestInfo(request.method ?? 'GET', path, query);
    let exchange = new Exchange(request, response, info, query, ADMIN);
    try {
      exchange = new Exchange(request, response, info, query, this.#authenticator.authenticate(request.headers));
      this.#authorize(exchange.user, info);
      if (info.isResource) await route(this.cluster, exchange, this.hub, this.#special);
      else if (!this.#documents.serve(exchange)) throw new PathNotFound();
    } catch (error) {
      fail(exchange, error);
    }
  }

  #authorize(user: UserInfo, info: RequestInfo): void {
    const attributes = attributesOf(user, info);
    const decision = this.#authorizer.authorize(attributes);
    if (decision.allowed) return;
    throw forbiddenError({ group: info.group, resource: info.resource }, info.name, refusalText(attributes, decision.reason));
  }
}

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  try {
    return { path: decodeURIComponent(path), query };
  } catch {
    return { path, query };
  }
}

function fail(exchange: Exchange, error: unknown): void {
  const { response, request } = exchange;
  // A client that went away in the middle of its body has nobody to be answered.
  if (response.headersSent || (request.destroyed && !request.complete)) {
    response.destroy();
    return;
  }
  if (error instanceof PathNotFound) {
    exchange.sendText(404, '404 page not found\n', 'text/plain; charset=utf-8', { 'X-Content-Type-Options': 'nosniff' });
    return;
  }
  exchange.sendError(asStatusError(error));
}
