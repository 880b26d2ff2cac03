import { ApiError, isApiError } from './api-error.ts';
import type { Clock, Random } from './clock.ts';
import {
  type Credentials,
  inClusterCredentials,
  isInCluster,
  type KubeConfigOptions,
  kubeConfigCredentials,
  staticCredentials,
} from './credentials.ts';
import { apiVersionOf, pathOf, type Resource, requireRef } from './resource.ts';
import { type HttpRequest, Transport, type TransportOptions } from './transport.ts';
import { type WatchEvent, watchStream } from './watch-stream.ts';
import type { KubeObject, Ref } from './wire.ts';

/** What every call takes. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

export interface ObjectOptions extends CallOptions {
  /** `status`, `scale` … */
  subresource?: string | undefined;
}

export interface WriteOptions extends ObjectOptions {
  fieldManager?: string | undefined;
  dryRun?: boolean | undefined;
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take fields over from other managers instead of failing with `conflict`. */
  force?: boolean | undefined;
}

export interface PatchOptions extends WriteOptions {
  /** `merge` RFC 7386, `json` RFC 6902, `strategic` Kubernetes' own (refused by custom resources). */
  type: 'merge' | 'json' | 'strategic';
}

export interface DeleteOptions extends CallOptions {
  /** Preconditions: only this incarnation, only this version. */
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
  /** Seconds until the object goes; 0 at once. Absent: what its kind asks for. */
  gracePeriodSeconds?: number | undefined;
}

export interface Selection {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, Selection {
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
}

export interface WatchOptions extends CallOptions, Selection {
  resourceVersion: string;
  /** The server ends the watch after this; default 300. */
  timeoutSeconds?: number | undefined;
  /** Cut the stream when nothing arrives for so long; default `timeoutSeconds` and 15 s. */
  silenceMs?: number | undefined;
}

export interface Page<T> {
  items: T[];
  resourceVersion: string;
  /** Set when there is more. */
  continue?: string;
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** Page size of complete lists, as in client-go. */
export const pageSize = 500;

/** A raw-JSON client for any resource: no schema, no conversion, no field lost. Every failure is an ApiError. */
export class Client {
  readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  get clock(): Clock {
    return this.transport.clock;
  }

  get random(): Random {
    return this.transport.random;
  }

  async get<T extends KubeObject>(resource: Resource<T>, ref: Ref, options: ObjectOptions = {}): Promise<T> {
    requireRef(resource, ref);
    return (await this.#call(resource, 'get', 'GET', { ...ref }, {}, options)) as T;
  }

  /** `get`, with undefined for an object that does not exist. */
  async find<T extends KubeObject>(resource: Resource<T>, ref: Ref, options: ObjectOptions = {}): Promise<T | undefined> {
    try {
      return await this.get(resource, ref, options);
    } catch (error) {
      if (isApiError(error, 'not-found')) return undefined;
      throw error;
    }
  }

  /** One page of a list. Items get the kind and apiVersion that lists leave out. */
  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<Page<T>> {
    const query = {
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      limit: options.limit,
      continue: options.continue,
      resourceVersion: options.resourceVersion,
    };
    const body = await this.#call(resource, 'list', 'GET', { namespace: options.namespace }, query, options);
    const list = body as { items?: unknown; metadata?: { resourceVersion?: string; continue?: string } };
    // An empty list of a Go server is `null` when its slice was never made.
    const items = list.items ?? [];
    if (!Array.isArray(items)) throw new ApiError('malformed', `list ${resource.plural}: the answer has no items`);
    const apiVersion = apiVersionOf(resource);
    for (const item of items as T[]) {
      item.apiVersion ??= apiVersion;
      item.kind ??= resource.kind;
    }
    const next = list.metadata?.continue;
    return {
      items: items as T[],
      resourceVersion: list.metadata?.resourceVersion ?? '',
      ...(next === undefined || next === '' ? {} : { continue: next }),
    };
  }

  /** The complete list, fetched page by page: consistent, because every page is of the first page's resourceVersion. */
  async listAll<T extends KubeObject>(
    resource: Resource<T>,
    options: Omit<ListOptions, 'continue'> = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const limit = options.limit ?? pageSize;
    let page = await this.list(resource, { ...options, limit });
    const items = page.items;
    while (page.continue !== undefined) {
      page = await this.list(resource, { ...options, limit, continue: page.continue, resourceVersion: undefined });
      for (const item of page.items) items.push(item);
    }
    return { items, resourceVersion: page.resourceVersion };
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const body = JSON.stringify({ apiVersion: apiVersionOf(resource), kind: resource.kind, ...object });
    const { namespace, name } = object.metadata;
    const target = options.subresource === undefined ? { namespace } : { namespace, name };
    return (await this.#call(resource, 'create', 'POST', target, writeQuery(options), options, body)) as T;
  }

  /** PUT: needs `metadata.resourceVersion` of what was read, and fails with `conflict` when it is old. */
  async replace<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    requireRef(resource, object.metadata);
    const body = JSON.stringify({ apiVersion: apiVersionOf(resource), kind: resource.kind, ...object });
    return (await this.#call(resource, 'update', 'PUT', object.metadata, writeQuery(options), options, body)) as T;
  }

  async patch<T extends KubeObject>(resource: Resource<T>, ref: Ref, patch: unknown, options: PatchOptions): Promise<T> {
    requireRef(resource, ref);
    return (await this.#call(
      resource,
      'patch',
      'PATCH',
      ref,
      writeQuery(options),
      options,
      JSON.stringify(patch),
      patchTypes[options.type],
    )) as T;
  }

  /** Server-side apply: `object` holds exactly the fields this manager wants to own. */
  async apply<T extends KubeObject>(resource: Resource<T>, object: PartialObject<T>, options: ApplyOptions): Promise<T> {
    requireRef(resource, object.metadata);
    const body = JSON.stringify({ ...object, apiVersion: apiVersionOf(resource), kind: resource.kind });
    const query = { ...writeQuery(options), force: options.force };
    return (await this.#call(resource, 'apply', 'PATCH', object.metadata, query, options, body, patchTypes.apply)) as T;
  }

  async delete(resource: Resource, ref: Ref, options: DeleteOptions = {}): Promise<void> {
    requireRef(resource, ref);
    const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds } = options;
    const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, preconditions, gracePeriodSeconds });
    await this.#call(resource, 'delete', 'DELETE', ref, {}, options, body);
  }

  /** A watch from `resourceVersion`, with bookmarks. Ends when the server ends it; throws ApiError otherwise. */
  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, void> {
    const timeoutSeconds = options.timeoutSeconds ?? 300;
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      timeoutSeconds,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    };
    const request = this.#request(resource, 'watch', 'GET', { namespace: options.namespace }, query, options);
    const message = await withPermission(resource, 'watch', options.namespace, this.transport.stream(request));
    const silenceMs = options.silenceMs ?? timeoutSeconds * 1000 + 15_000;
    yield* watchStream<T>(message, { clock: this.clock, silenceMs, signal: options.signal, what: `watch ${resource.plural}` });
  }

  /** GET of any path (`/version`, `/readyz` …) that answers JSON. */
  async raw(path: string, options: CallOptions = {}): Promise<unknown> {
    return this.transport.json({ method: 'GET', path, verb: 'get', resource: path, signal: options.signal, timeoutMs: options.timeoutMs });
  }

  /** Closes all connections. */
  close(): void {
    this.transport.close();
  }

  #request(
    resource: Resource,
    verb: string,
    method: HttpRequest['method'],
    ref: { name?: string | undefined; namespace?: string | undefined },
    query: Query,
    options: ObjectOptions,
    body?: string,
    contentType?: string,
  ): HttpRequest {
    const path = pathOf(resource, ref, options.subresource) + encodeQuery(query);
    const label = options.subresource === undefined ? resource.plural : `${resource.plural}/${options.subresource}`;
    return { method, path, verb, resource: label, body, contentType, signal: options.signal, timeoutMs: options.timeoutMs };
  }

  async #call(
    resource: Resource,
    verb: string,
    method: HttpRequest['method'],
    ref: { name?: string | undefined; namespace?: string | undefined },
    query: Query,
    options: ObjectOptions,
    body?: string,
    contentType?: string,
  ): Promise<unknown> {
    const request = this.#request(resource, verb, method, ref, query, options, body, contentType);
    return withPermission(resource, verb, ref.namespace, this.transport.json(request), options.subresource);
  }
}

/** An apply configuration: the parts of `T` that the manager owns. */
export type PartialObject<T extends KubeObject> = {
  metadata: Ref & { [K in Exclude<keyof T['metadata'], keyof Ref>]?: T['metadata'][K] };
} & {
  [K in Exclude<keyof T, 'metadata'>]?: DeepPartial<T[K]>;
};

type DeepPartial<T> = T extends (infer U)[] ? DeepPartial<U>[] : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

type Query = Record<string, string | number | boolean | undefined>;

function writeQuery(options: WriteOptions): Query {
  return { fieldManager: options.fieldManager, dryRun: options.dryRun === true ? 'All' : undefined };
}

function encodeQuery(query: Query): string {
  const parts = Object.entries(query).filter(([, value]) => value !== undefined && value !== '' && value !== false);
  return parts.length === 0 ? '' : `?${parts.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`;
}

/** Adds to a 403 what an administrator must grant. */
async function withPermission<R>(
  resource: Resource,
  verb: string,
  namespace: string | undefined,
  call: Promise<R>,
  subresource?: string,
): Promise<R> {
  try {
    return await call;
  } catch (error) {
    if (
      !(error instanceof ApiError) ||
      error.status !== 403 ||
      error.details?.causes?.some(cause => cause.reason === 'NamespaceTerminating') === true
    ) {
      throw error;
    }
    const needed = verb === 'apply' ? 'patch' : verb;
    const target = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    const where = namespace === undefined || namespace === '' ? 'in the cluster' : `in namespace ${JSON.stringify(namespace)}`;
    const message = `${error.message} (grant verb "${needed}" on resource "${target}" of API group "${resource.group}" ${where})`;
    throw new ApiError('forbidden', message, { status: 403, reason: error.reason, details: error.details, cause: error });
  }
}

export interface ConnectOptions extends TransportOptions, KubeConfigOptions {
  /** The process's environment, for the in-cluster case. */
  env?: Record<string, string | undefined>;
}

/** Connects with a kubeconfig when one is named or `KUBECONFIG` is set, else as the pod's service account, else with `~/.kube/config`. */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const env = options.env ?? {};
  const named = options.kubeconfig !== undefined || (env['KUBECONFIG'] ?? '') !== '';
  const credentials = !named && isInCluster(env) ? inClusterCredentials(env) : await kubeConfigCredentials(options);
  return connectWith(credentials, options);
}

/** A client for known credentials. */
export function connectWith(credentials: Credentials, options: TransportOptions = {}): Client {
  return new Client(new Transport(credentials, options));
}

/** A client for a URL: tests, and servers on the loopback interface. */
export function connectTo(server: string, options: TransportOptions & { token?: string; ca?: string | Buffer } = {}): Client {
  return connectWith(staticCredentials(server, options), options);
}
