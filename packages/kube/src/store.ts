import { type KubeObject, keyOf } from './wire.ts';

/** Index name → the values an object is filed under. */
export type Indexers<T> = Record<string, (object: T) => readonly string[]>;

/** Objects by key, with secondary indexes kept in step. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Indexers<T>;
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  /** What each key is filed under, so that removal never calls an indexer again. */
  readonly #filed = new Map<string, Record<string, readonly string[]>>();

  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined)
      throw new RangeError(`no index ${JSON.stringify(name)}: there are ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    const found: T[] = [];
    for (const key of index.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** The values of an index under which something is filed. */
  indexed(name: string): string[] {
    return [...(this.#indexes.get(name)?.keys() ?? [])];
  }

  /** Stores and returns what was there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    this.#unfile(key);
    this.#objects.set(key, object);
    const filed: Record<string, readonly string[]> = {};
    for (const [name, indexer] of Object.entries(this.#indexers)) {
      const values = indexer(object);
      filed[name] = values;
      const index = this.#indexes.get(name);
      for (const value of values) {
        const keys = index?.get(value);
        if (keys === undefined) index?.set(value, new Set([key]));
        else keys.add(key);
      }
    }
    this.#filed.set(key, filed);
    return old;
  }

  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    this.#unfile(key);
    this.#objects.delete(key);
    return old;
  }

  #unfile(key: string): void {
    for (const [name, values] of Object.entries(this.#filed.get(key) ?? {})) {
      const index = this.#indexes.get(name);
      for (const value of values) {
        const keys = index?.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index?.delete(value);
      }
    }
    this.#filed.delete(key);
  }
}
