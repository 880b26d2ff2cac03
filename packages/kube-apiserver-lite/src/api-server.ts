import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { attributesOf, refusalText } from './access/attributes.ts';
import { Authenticator } from './access/authenticator.ts';
import { type Authorizer, alwaysAllow, RbacAuthorizer } from './access/rbac.ts';
import { reviewHandlers } from './access/reviews.ts';
import { DEFAULT_AUDIENCE, TokenAuthority } from './access/tokens.ts';
import { ADMIN, type UserInfo } from './access/user.ts';
import { AuditLog } from './audit/audit-log.ts';
import type { Cluster } from './cluster.ts';
import type { Controller } from './controllers/controller.ts';
import { type ControllerOptions, startControllers } from './controllers/controllers.ts';
import { type ClusterOptions, createCluster } from './create-cluster.ts';
import { forbiddenError, notFound } from './errors.ts';
import { type Fault, Faults, faultError } from './faults/faults.ts';
import { Documents, type ServerVersion } from './http/documents.ts';
import { Exchange } from './http/exchange.ts';
import { type RequestInfo, requestInfo } from './http/request-info.ts';
import { asStatusError, PathNotFound, route, type SpecialHandlers } from './http/router.ts';
import { subresourceHandlers } from './http/subresources.ts';
import { WatchHub } from './http/watch-hub.ts';
import { kubeconfig } from './kubeconfig.ts';
import { type Certificate, CertificateAuthority } from './tls/certificate.ts';

export interface ApiServerOptions extends ClusterOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  /** The address to listen on; the default is 127.0.0.1. */
  host?: string;
  /** What `/version` says. */
  version?: ServerVersion;
  /** Serve HTTPS with a generated authority; `hosts` are names and addresses besides the one listened on. */
  tls?: { hosts?: readonly string[] };
  /** Whether Roles and bindings are enforced; the administrator is always allowed. The default is `rbac`. */
  authorization?: 'rbac' | 'always-allow';
  /** Whom a request without credentials stands for: the administrator by default without TLS, nobody with it. */
  anonymous?: 'admin' | 'none';
  /** Which of the controller-manager's controllers run, and how. */
  controllers?: ControllerOptions;
  /** Requests kept for {@link ApiServer.audit}; the default is 100,000. */
  auditSize?: number;
  /** Told of failures inside the server that no client sees. */
  onError?: (error: unknown, where: string) => void;
}

export const DEFAULT_VERSION: ServerVersion = { major: '1', minor: '36', gitVersion: 'v1.36.2' };
const DEFAULT_AUDIT_SIZE = 100_000;

/** A running API server. */
export class ApiServer {
  readonly cluster: Cluster;
  /** What was asked, by whom, and what it was answered. */
  readonly audit: AuditLog;
  /** Failures on demand. */
  readonly faults: Faults;
  readonly #options: ApiServerOptions;
  readonly #hub = new WatchHub();
  readonly #tokens: TokenAuthority;
  readonly #adminToken = randomBytes(24).toString('base64url');
  readonly #authority: CertificateAuthority | undefined;
  readonly #certificate: Certificate | undefined;
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
    const { cluster, tokenKey } = createCluster(options);
    this.cluster = cluster;
    const { now } = cluster.environment;
    this.#tokens = new TokenAuthority(cluster.store, tokenKey);
    if (options.tls !== undefined) {
      this.#authority = new CertificateAuthority('kube-apiserver-lite-ca', now());
      const standard = ['127.0.0.1', '::1', 'localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
      this.#certificate = this.#authority.server([...new Set([...standard, this.#host, ...(options.tls.hosts ?? [])])]);
    }
    this.#authorizer = options.authorization === 'always-allow' ? alwaysAllow : new RbacAuthorizer(cluster.store);
    cluster.authorizer = this.#authorizer;
    this.#authenticator = new Authenticator({
      tokens: this.#tokens,
      authorizer: () => this.#authorizer,
      staticTokens: new Map<string, UserInfo>([[this.#adminToken, ADMIN]]),
      anonymousIsAdmin: (options.anonymous ?? (options.tls === undefined ? 'admin' : 'none')) === 'admin',
      now,
    });
    this.audit = new AuditLog(options.auditSize ?? DEFAULT_AUDIT_SIZE);
    this.faults = new Faults(cluster.store, this.#hub, plural => storageOf(cluster, plural));
    cluster.staleRevision = resource => this.faults.staleRevision(resource);
    this.#special = new Map([...subresourceHandlers(this.#tokens), ...reviewHandlers(() => this.#authorizer, this.#tokens)]);
    this.#documents = new Documents(cluster, options.version ?? DEFAULT_VERSION, () => this.url.replace(/^https?:\/\//, ''));
    this.#controllers = startControllers(cluster, options.controllers ?? {}, options.onError ?? (() => {}));
  }

  get #host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  /** Where the server answers, e.g. `http://127.0.0.1:8001`. */
  get url(): string {
    const scheme = this.#options.tls === undefined ? 'http' : 'https';
    return `${scheme}://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  /** The PEM certificate that signed the server's own; undefined without TLS. */
  get ca(): string | undefined {
    return this.#authority?.cert;
  }

  /** A kubeconfig for the administrator, or for whom a token stands. */
  kubeconfig(token: string = this.#adminToken): string {
    return kubeconfig({ url: this.url, token, ...(this.ca === undefined ? {} : { ca: this.ca }) });
  }

  /** A token of a ServiceAccount, valid for `seconds`. */
  serviceAccountToken(namespace: string, name: string, seconds = 86_400): string {
    const stored = this.cluster.store.get('serviceaccounts', namespace, name);
    if (stored === undefined) throw notFound({ group: '', resource: 'serviceaccounts' }, name);
    const issuedAt = Math.floor(this.cluster.environment.now().getTime() / 1000);
    const uid = stored.object.metadata.uid ?? '';
    return this.#tokens.issue({ namespace, name, uid, audiences: [DEFAULT_AUDIENCE], issuedAt, expires: issuedAt + seconds });
  }

  /** Starts listening; after {@link disconnect} on the same port again. */
  async listen(): Promise<void> {
    const handler = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      void this.#answer(request, response);
    };
    const limits = { keepAliveTimeout: 120_000, headersTimeout: 30_000, requestTimeout: 60_000 };
    const certificate = this.#certificate;
    const server =
      certificate === undefined ? http.createServer(limits, handler) : https.createServer({ ...limits, ...certificate }, handler);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#host, () => {
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
    for (const stream of this.#hub.streams()) stream.drop();
    if (server === undefined) return;
    const closed = new Promise<void>(resolve => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
  }

  /** As if the process were restarted: connections are cut, the state stays, the watch history may be lost. */
  async restart({ loseHistory = false, downMs = 0 }: { loseHistory?: boolean; downMs?: number } = {}): Promise<void> {
    await this.disconnect();
    if (loseHistory) this.cluster.store.forgetHistory();
    if (downMs > 0) await new Promise(resolve => setTimeout(resolve, downMs));
    await this.listen();
  }

  /** Stops for good. */
  async close(): Promise<void> {
    for (const controller of this.#controllers) controller.stop();
    this.cluster.stop?.();
    await this.disconnect();
    this.#hub.close();
    this.cluster.store.close();
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    // A client that goes away while it is written to is nobody's failure.
    response.on('error', () => {});
    const { path, query } = splitUrl(request.url ?? '/');
    const info = requestInfo(request.method ?? 'GET', path, query);
    const started = this.cluster.environment.now().getTime();
    let exchange = new Exchange(request, response, info, query, { name: '', groups: [] });
    try {
      exchange = new Exchange(request, response, info, query, this.#authenticator.authenticate(request.headers));
      const met = this.faults.meet(info, exchange.user.name);
      await this.#sufferBefore(met, exchange);
      if (response.destroyed) return;
      this.#authorize(exchange.user, info);
      if (met.some(fault => fault.drop === 'after')) exchange.mute();
      if (info.isResource) await route(this.cluster, exchange, this.#hub, this.#special);
      else if (!this.#documents.serve(exchange)) throw new PathNotFound();
    } catch (error) {
      try {
        fail(exchange, error);
      } catch (second) {
        this.#options.onError?.(second, `${request.method} ${path}`);
        response.destroy();
      }
    } finally {
      this.#record(exchange, started);
    }
  }

  async #sufferBefore(faults: readonly Fault[], { info, response }: Exchange): Promise<void> {
    for (const fault of faults) {
      if (fault.latencyMs !== undefined) await new Promise(resolve => setTimeout(resolve, fault.latencyMs));
      if (fault.drop === 'before') response.destroy();
      const error = faultError(fault, info);
      if (error !== undefined) throw error;
    }
  }

  #authorize(user: UserInfo, info: RequestInfo): void {
    const attributes = attributesOf(user, info);
    const decision = this.#authorizer.authorize(attributes);
    if (decision.allowed) return;
    throw forbiddenError({ group: info.group, resource: info.resource }, info.name, refusalText(attributes, decision.reason));
  }

  #record({ info, user, agent, status, query }: Exchange, started: number): void {
    this.audit.record({
      time: started,
      user: user.name,
      agent,
      verb: info.verb,
      isResource: info.isResource,
      path: info.path,
      group: info.group,
      resource: info.resource,
      subresource: info.subresource,
      namespace: info.namespace,
      name: info.name,
      status,
      durationMs: this.cluster.environment.now().getTime() - started,
      dryRun: query.has('dryRun'),
    });
  }
}

function storageOf(cluster: Cluster, plural: string): string {
  for (const resource of cluster.registry.all())
    if (resource.plural === plural || `${resource.plural}.${resource.group}` === plural) return resource.storage;
  throw new Error(`no kind with the plural ${JSON.stringify(plural)} is served: name a built-in kind, or create its CRD first`);
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
