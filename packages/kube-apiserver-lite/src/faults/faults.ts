import { ApiStatusError, conflict, expired, internalError, tooManyRequests } from '../errors.ts';
import type { RequestInfo } from '../http/request-info.ts';
import { watchExpired } from '../http/watch.ts';
import type { WatchHub } from '../http/watch-hub.ts';
import type { Resource } from '../registry/resource.ts';
import type { Store } from '../storage/store.ts';

/** Which requests a fault meets; what is absent does not narrow. */
export interface FaultMatch {
  verb?: string | readonly string[];
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
  user?: string;
}

/** What goes wrong with them. */
export interface Fault extends FaultMatch {
  /** Milliseconds before the request is served (or fails). */
  latencyMs?: number;
  /** The request fails with this status, without having had an effect. */
  status?: 409 | 410 | 429 | 500 | 503;
  /** With 429. */
  retryAfterSeconds?: number;
  /** The connection is cut instead of an answer; `after`: when the request has had its effect. */
  drop?: 'before' | 'after';
  /** How many requests it meets; the default is all until it is taken away. */
  times?: number;
}

interface Armed extends Fault {
  left: number;
}

/** Failures on demand, for tests of clients. */
export class Faults {
  readonly #armed = new Set<Armed>();
  readonly #delays = new Map<string, number>();
  readonly #frozen = new Map<string, number>();
  readonly #store: Store;
  readonly #hub: WatchHub;
  readonly #storageOf: (plural: string) => string;

  constructor(store: Store, hub: WatchHub, storageOf: (plural: string) => string) {
    this.#store = store;
    this.#hub = hub;
    this.#storageOf = storageOf;
    hub.delay = resource => this.#delays.get(resource) ?? 0;
  }

  /** Arms a fault; the returned function takes it away. */
  add(fault: Fault): () => void {
    const armed: Armed = { ...fault, left: fault.times ?? Number.POSITIVE_INFINITY };
    this.#armed.add(armed);
    return () => this.#armed.delete(armed);
  }

  /** Ends open watches without a word, of one kind (its plural) or of all. */
  dropWatches(plural?: string): void {
    for (const stream of this.#hub.streams(this.#key(plural))) stream.drop();
  }

  /** Ends open watches with a 410 `ERROR` event. */
  expireWatches(plural?: string): void {
    for (const stream of this.#hub.streams(this.#key(plural))) stream.fail(watchExpired());
  }

  /** Forgets the history, so that a watch from any earlier version is answered with 410. */
  compact(): void {
    this.#store.forgetHistory();
  }

  /** Holds a kind's watch events back, so that changes of different kinds arrive out of their order. 0 ends it. */
  delayEvents(plural: string, milliseconds: number): void {
    this.#delays.set(this.#storageOf(plural), milliseconds);
  }

  /** Lists of a kind with `resourceVersion=0` show the state of this moment until the returned function is called. */
  freezeReads(plural: string): () => void {
    const key = this.#storageOf(plural);
    this.#store.table(key);
    this.#frozen.set(key, this.#store.revision);
    return () => this.#frozen.delete(key);
  }

  /** Takes all faults away. */
  clear(): void {
    this.#armed.clear();
    this.#delays.clear();
    this.#frozen.clear();
  }

  /** The version that cache reads of a kind are answered at, while they are frozen. */
  staleRevision(resource: Resource): number | undefined {
    return this.#frozen.get(resource.storage);
  }

  /** The faults that meet a request, each counted as used. */
  meet(info: RequestInfo, user: string): Fault[] {
    const met: Fault[] = [];
    for (const fault of this.#armed) {
      if (!meets(fault, info, user)) continue;
      met.push(fault);
      if (--fault.left <= 0) this.#armed.delete(fault);
    }
    return met;
  }

  #key(plural: string | undefined): string | undefined {
    return plural === undefined ? undefined : this.#storageOf(plural);
  }
}

function meets(fault: Fault, info: RequestInfo, user: string): boolean {
  if (fault.verb !== undefined && !(typeof fault.verb === 'string' ? [fault.verb] : fault.verb).includes(info.verb)) return false;
  if (fault.user !== undefined && fault.user !== user) return false;
  for (const field of ['resource', 'subresource', 'namespace', 'name'] as const) {
    if (fault[field] !== undefined && fault[field] !== info[field]) return false;
  }
  return true;
}

/** The answer of a fault with a status. */
export function faultError(fault: Fault, info: RequestInfo): ApiStatusError | undefined {
  const target = { group: info.group, resource: info.resource };
  switch (fault.status) {
    case 409:
      return conflict(target, info.name, 'the object has been modified; please apply your changes to the latest version and try again');
    case 410:
      return expired('The provided resource version is too old.');
    case 429:
      return tooManyRequests('too many requests, please try again later', fault.retryAfterSeconds ?? 1);
    case 500:
      return internalError('injected fault');
    case 503:
      return new ApiStatusError(
        503,
        'ServiceUnavailable',
        'the server is currently unable to handle the request',
        {},
        { 'Retry-After': '1' },
      );
    default:
      return undefined;
  }
}
