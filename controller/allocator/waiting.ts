/** Something that waits, with a place in the order in which waiters are served. */
export interface Waiter {
  /** Milliseconds since the epoch: the older one is served first. */
  readonly createdAt: number;
  /** `namespace/name`, which decides among equals. */
  readonly key: string;
}

/** The older first, then by key. A total order that does not depend on when something was heard of. */
export function bySeniority(a: Waiter, b: Waiter): number {
  return a.createdAt - b.createdAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

/**
 * Who waits for what. A topic is what could change an answer: an address, free room in a pool, a sharing key, a quota.
 * Keeping waiters per topic is what spares a look at all of them when one address comes free.
 */
export class Waiting<T extends Waiter> {
  readonly #topics = new Map<string, T[]>();
  readonly #topicsOf = new Map<T, readonly string[]>();

  /** Replaces what a waiter waits for; an empty list: nothing. */
  set(waiter: T, topics: readonly string[]): void {
    if (topics.length === 0 && !this.#topicsOf.has(waiter)) return;
    for (const topic of this.#topicsOf.get(waiter) ?? []) {
      if (topics.includes(topic)) continue;
      const list = this.#topics.get(topic);
      if (list === undefined) continue;
      const at = lowerBound(list, waiter);
      if (list[at] === waiter) list.splice(at, 1);
      if (list.length === 0) this.#topics.delete(topic);
    }
    for (const topic of topics) {
      const list = this.#topics.get(topic);
      if (list === undefined) {
        this.#topics.set(topic, [waiter]);
        continue;
      }
      const at = lowerBound(list, waiter);
      if (list[at] !== waiter) list.splice(at, 0, waiter);
    }
    if (topics.length === 0) this.#topicsOf.delete(waiter);
    else this.#topicsOf.set(waiter, topics);
  }

  /** How many wait at all. */
  get size(): number {
    return this.#topicsOf.size;
  }

  topicsOf(waiter: T): readonly string[] {
    return this.#topicsOf.get(waiter) ?? [];
  }

  /** Everyone who waits for a topic, the most senior first. */
  all(topic: string): readonly T[] {
    return this.#topics.get(topic) ?? [];
  }

  /** The most senior waiter of a topic that comes after the given one (or the first of all). */
  next(topic: string, after?: Waiter): T | undefined {
    const list = this.#topics.get(topic);
    if (list === undefined || after === undefined) return list?.[0];
    const at = lowerBound(list, after);
    const found = list[at];
    return found !== undefined && bySeniority(found, after) === 0 ? list[at + 1] : found;
  }
}

function lowerBound(list: readonly Waiter[], waiter: Waiter): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = list[middle];
    if (item !== undefined && bySeniority(item, waiter) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
