import type { ApiObject } from '../object.ts';
import { type Change, Stored } from './stored.ts';
import { Table } from './table.ts';

/** Where committed changes go so that they outlive the process. */
export interface Journal {
  append(change: Change): void;
  close(): void;
}

export interface StoreOptions {
  /** Changes remembered per kind for watches. */
  historySize: number;
  journal?: Journal;
}

/**
 * All objects of the cluster under one monotonic revision. Every write is synchronous and whole: it happens between two
 * requests, so what a strategy read before it is still true.
 */
export class Store {
  readonly #tables = new Map<string, Table>();
  readonly #options: StoreOptions;
  readonly #observers = new Set<(change: Change) => void>();
  #revision = 1;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** The revision of the latest write. */
  get revision(): number {
    return this.#revision;
  }

  table(resource: string): Table {
    let table = this.#tables.get(resource);
    if (table === undefined) {
      // A kind without any history has nothing to be too old for, except what lay before the server started.
      table = new Table(resource, this.#options.historySize, this.#revision);
      this.#tables.set(resource, table);
    }
    return table;
  }

  tables(): Iterable<Table> {
    return this.#tables.values();
  }

  get(resource: string, namespace: string, name: string): Stored | undefined {
    return this.#tables.get(resource)?.get(namespace, name);
  }

  /** Stores a new version; the object gets its `resourceVersion` and must not be changed by anybody any more. */
  put(resource: string, object: ApiObject): Stored {
    const table = this.table(resource);
    const previous = table.get(object.metadata.namespace ?? '', object.metadata.name ?? '');
    const revision = ++this.#revision;
    object.metadata.resourceVersion = String(revision);
    const current = new Stored(object, revision);
    this.#commit(table, { type: previous === undefined ? 'ADDED' : 'MODIFIED', revision, resource, current, previous });
    return current;
  }

  /** Removes an object; returns its last state at the revision of the deletion. */
  remove(resource: string, previous: Stored): Stored {
    const revision = ++this.#revision;
    const object = { ...previous.object, metadata: { ...previous.object.metadata, resourceVersion: String(revision) } };
    const current = new Stored(object, revision);
    this.#commit(this.table(resource), { type: 'DELETED', revision, resource, current, previous });
    return current;
  }

  /** Called after every change of any kind until the returned function is called. */
  observe(observer: (change: Change) => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Takes over objects read from a journal; afterwards no watch may start before `revision`. */
  load(entries: Iterable<{ resource: string; object: ApiObject }>, revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const { resource, object } of entries) {
      const current = new Stored(object, Number(object.metadata.resourceVersion));
      this.table(resource).load({ type: 'ADDED', revision: current.revision, resource, current, previous: undefined });
    }
    this.forgetHistory();
  }

  /** Drops the watch history of every kind, as a compaction or a restart does. */
  forgetHistory(): void {
    for (const table of this.#tables.values()) table.history.clear(this.#revision);
  }

  close(): void {
    this.#options.journal?.close();
    this.#observers.clear();
  }

  #commit(table: Table, change: Change): void {
    this.#options.journal?.append(change);
    table.commit(change);
    for (const observer of this.#observers) observer(change);
  }
}
