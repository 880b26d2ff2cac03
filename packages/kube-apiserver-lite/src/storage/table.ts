import { History } from './history.ts';
import type { Change, Stored } from './stored.ts';

type Listener = (change: Change) => void;

/** All objects of one kind, by namespace and name, with their recent history and those who listen. */
export class Table {
  readonly resource: string;
  readonly history: History;
  readonly #namespaces = new Map<string, Map<string, Stored>>();
  readonly #sortedNames = new Map<string, string[]>();
  #sortedNamespaces: string[] | undefined;
  readonly #listeners = new Set<Listener>();
  #size = 0;

  constructor(resource: string, historySize: number, horizon: number) {
    this.resource = resource;
    this.history = new History(historySize, horizon);
  }

  get size(): number {
    return this.#size;
  }

  get(namespace: string, name: string): Stored | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  /** Objects in the order of their keys; of one namespace, or of all when it is undefined. */
  *list(namespace?: string): Generator<Stored> {
    for (const ns of namespace === undefined ? this.#allNamespaces() : [namespace]) {
      const objects = this.#namespaces.get(ns);
      if (objects === undefined) continue;
      let names = this.#sortedNames.get(ns);
      if (names === undefined) this.#sortedNames.set(ns, (names = [...objects.keys()].sort()));
      for (const name of names) {
        const stored = objects.get(name);
        if (stored !== undefined) yield stored;
      }
    }
  }

  /** Namespaces in order; sorted again only after one came or went. */
  #allNamespaces(): readonly string[] {
    const sorted = this.#sortedNamespaces ?? [...this.#namespaces.keys()].sort();
    this.#sortedNamespaces = sorted;
    return sorted;
  }

  /** The objects as they were at `revision`; undefined when that is no longer known. */
  listAt(revision: number, namespace?: string): Stored[] | undefined {
    const since = this.history.since(revision);
    if (since === undefined) return undefined;
    const before = new Map<string, Stored | undefined>();
    for (const { current, previous } of since) {
      const key = `${current.namespace}/${current.name}`;
      if (!before.has(key) && (namespace === undefined || current.namespace === namespace)) before.set(key, previous);
    }
    if (before.size === 0) return [...this.list(namespace)];
    const objects: Stored[] = [];
    for (const stored of this.list(namespace)) if (!before.has(`${stored.namespace}/${stored.name}`)) objects.push(stored);
    for (const stored of before.values()) if (stored !== undefined) objects.push(stored);
    return objects.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
  }

  /** Takes a change over into the objects without history or listeners: for loading. */
  load(change: Change): void {
    const { namespace, name } = change.current;
    let objects = this.#namespaces.get(namespace);
    if (change.type === 'DELETED') {
      if (objects?.delete(name)) {
        this.#size--;
        this.#sortedNames.delete(namespace);
        if (objects.size === 0) {
          this.#namespaces.delete(namespace);
          this.#sortedNamespaces = undefined;
        }
      }
      return;
    }
    if (objects === undefined) {
      this.#namespaces.set(namespace, (objects = new Map()));
      this.#sortedNamespaces = undefined;
    }
    if (!objects.has(name)) {
      this.#size++;
      this.#sortedNames.delete(namespace);
    }
    objects.set(name, change.current);
  }

  /** Takes a change over and tells everybody. */
  commit(change: Change): void {
    this.load(change);
    this.history.push(change);
    for (const listener of this.#listeners) listener(change);
  }

  /** Called after every change of this kind until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
