import type { Client } from './client.ts';
import type { Timer } from './clock.ts';
import { type ReflectorOptions, reflect } from './reflector.ts';
import type { Resource } from './resource.ts';
import { type Indexers, Store } from './store.ts';
import { type KubeObject, keyOf } from './wire.ts';

/** What changed in the store. `synced` comes once, after the first complete list was delivered. */
export type InformerEvent<T extends KubeObject> =
  | { type: 'added'; object: T }
  /** `resync` marks a periodic reminder: nothing changed, `old` is the object itself. */
  | { type: 'updated'; object: T; old: T; resync?: true }
  /** `object` is the last state known. */
  | { type: 'deleted'; object: T }
  | { type: 'synced' };

export interface InformerOptions<T extends KubeObject> extends ReflectorOptions {
  /** Applied to every object before it is stored, after managedFields and kubectl's last-applied annotation were dropped. */
  transform?: ((object: T) => T) | undefined;
  indexers?: Indexers<T> | undefined;
  /** Deliver every object again so often, as `updated` with `resync`. Off by default: the watch is enough. */
  resyncMs?: number | undefined;
  /** A failed list or watch (retried by itself), or an exception out of a handler (contained). */
  onError?: ((error: Error) => void) | undefined;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** A local copy of a resource that stays current for as long as it runs, whatever happens to the API server. */
export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #client: Client;
  readonly #options: InformerOptions<T>;
  readonly #store: Store<T>;
  readonly #handlers = new Set<(event: InformerEvent<T>) => void>();
  readonly #waiters = new Set<() => void>();
  #stopper: AbortController | undefined;
  #running: Promise<void> | undefined;
  #resync: Timer | undefined;
  #ended = false;
  #hasSynced = false;
  #lastSync: number | undefined;
  #lastError: Error | undefined;

  constructor(client: Client, resource: Resource<T>, options: InformerOptions<T> = {}) {
    this.resource = resource;
    this.#client = client;
    this.#options = options;
    this.#store = new Store(options.indexers);
  }

  /** True once the first complete list is in the store and was delivered. Stays true. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Monotonic time (the client's clock) at which the store was last known to be current. */
  get lastSync(): number | undefined {
    return this.#lastSync;
  }

  /** Why the last attempt failed; undefined while all is well. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  get size(): number {
    return this.#store.size;
  }

  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(): T[] {
    return this.#store.list();
  }

  keys(): string[] {
    return this.#store.keys();
  }

  /** Objects filed under `value` in an index; throws RangeError for an index that was not declared. */
  byIndex(index: string, value: string): T[] {
    return this.#store.byIndex(index, value);
  }

  /** The values of an index under which something is filed. */
  indexed(index: string): string[] {
    return this.#store.indexed(index);
  }

  /** Registers a handler for what comes; before `start` it sees everything. An exception in it is reported and contained. */
  on(handler: (event: InformerEvent<T>) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /** Begins listing and watching; goes on until `stop` or `signal`. */
  start(signal?: AbortSignal): void {
    if (this.#running !== undefined) throw new Error(`the informer of ${this.resource.plural} is already running`);
    this.#ended = false;
    const stopper = new AbortController();
    this.#stopper = stopper;
    const combined = signal === undefined ? stopper.signal : AbortSignal.any([stopper.signal, signal]);
    this.#scheduleResync(combined);
    this.#running = reflect<T>(this.#client, this.resource, this.#sink(), this.#options, combined).finally(() => {
      this.#resync?.cancel();
      this.#ended = true;
      this.#release();
    });
  }

  /** Resolves when synced (true), or when the informer stopped or `signal` aborted before (false). */
  async synced(signal?: AbortSignal): Promise<boolean> {
    if (this.#hasSynced || this.#ended || signal?.aborted === true) return this.#hasSynced;
    await new Promise<void>(resolve => {
      const done = () => {
        this.#waiters.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
    return this.#hasSynced;
  }

  async stop(): Promise<void> {
    this.#stopper?.abort();
    await this.#running;
    this.#running = undefined;
  }

  #sink() {
    const { transform } = this.#options;
    const prepare = (object: T) => {
      // A copy, because `delete` would turn each of thousands of objects into a slow and large dictionary.
      const { managedFields: _dropped, ...metadata } = object.metadata;
      object.metadata = metadata;
      if (object.metadata.annotations?.[lastApplied] !== undefined) delete object.metadata.annotations[lastApplied];
      return transform === undefined ? object : transform(object);
    };
    const upsert = (object: T) => {
      const known = this.#store.get(keyOf(object));
      if (
        known !== undefined &&
        known.metadata.resourceVersion === object.metadata.resourceVersion &&
        known.metadata.uid === object.metadata.uid
      )
        return;
      const prepared = prepare(object);
      const old = this.#store.set(prepared);
      if (old !== undefined && old.metadata.uid !== prepared.metadata.uid) {
        // Deleted and made anew while we were not looking: two different objects, so say both.
        this.#emit({ type: 'deleted', object: old });
        this.#emit({ type: 'added', object: prepared });
      } else this.#emit(old === undefined ? { type: 'added', object: prepared } : { type: 'updated', object: prepared, old });
    };
    const remove = (key: string, last?: T) => {
      const old = this.#store.delete(key);
      if (old !== undefined) this.#emit({ type: 'deleted', object: last ?? old });
    };
    return {
      replace: (objects: T[]) => {
        const present = new Set(objects.map(keyOf));
        for (const key of this.#store.keys()) if (!present.has(key)) remove(key);
        for (const object of objects) upsert(object);
        if (this.#hasSynced) return;
        this.#hasSynced = true;
        this.#emit({ type: 'synced' });
        this.#release();
      },
      apply: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T) => {
        if (type === 'DELETED') remove(keyOf(object), prepare(object));
        else upsert(object);
      },
      failed: (error: Error) => {
        this.#lastError = error;
        this.#report(error);
      },
      fresh: () => {
        this.#lastSync = this.#client.clock.now();
        this.#lastError = undefined;
      },
    };
  }

  #emit(event: InformerEvent<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(event);
      } catch (error) {
        this.#report(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  #report(error: Error): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // A broken reporter must not end the watch.
    }
  }

  #release(): void {
    // A waiter removes itself; a Set may shrink while it is walked.
    for (const waiter of this.#waiters) waiter();
  }

  #scheduleResync(signal: AbortSignal): void {
    const every = this.#options.resyncMs;
    if (every === undefined || every <= 0) return;
    this.#resync = this.#client.clock.after(every, () => {
      if (signal.aborted) return;
      if (this.#hasSynced) for (const object of this.#store.list()) this.#emit({ type: 'updated', object, old: object, resync: true });
      this.#scheduleResync(signal);
    });
  }
}
