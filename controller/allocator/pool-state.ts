import { type Labels, matches, matchesAny, type Pool } from '@herald/crds';
import { type Address, type Family, formatAddress } from '@herald/ip';
import type { Cause } from './entry.ts';
import { FreeSpace, isBuggy } from './free-space.ts';

/** A pool with what is taken of it. */
export class PoolState {
  readonly pool: Pool;
  readonly space: Readonly<Record<Family, FreeSpace>>;
  /** Addresses of the pool that Services hold, a shared one counted once. */
  readonly assigned: Record<Family, number> = { 4: 0, 6: 0 };
  /** Addresses that reservations of the pool kind keep free for Services that hold none yet. */
  readonly pledged: Record<Family, number> = { 4: 0, 6: 0 };
  /** Addresses held per namespace, with how many of its Services hold each. Kept only where a quota asks for it. */
  readonly #heldBy = new Map<string, Map<string, number>>();

  constructor(pool: Pool) {
    this.pool = pool;
    const usable = pool.ranges.difference(pool.excluded);
    this.space = { 4: new FreeSpace(4, usable, pool.avoidBuggyIPs), 6: new FreeSpace(6, usable, pool.avoidBuggyIPs) };
  }

  get name(): string {
    return this.pool.name;
  }

  /** Namespace side of `spec.serviceAllocation`. */
  admitsNamespace(name: string, labels: Labels | undefined): boolean {
    const { allocation } = this.pool;
    // A selector that selects no namespace closes the pool: only the absence of both fields opens it to all.
    if (allocation === null || (allocation.namespaces.size === 0 && allocation.namespaceSelectors.length === 0)) return true;
    return (
      allocation.namespaces.has(name) || (labels !== undefined && allocation.namespaceSelectors.some(selector => matches(selector, labels)))
    );
  }

  /** Service side of `spec.serviceAllocation`. */
  admitsService(labels: Labels): boolean {
    return matchesAny(this.pool.allocation?.serviceSelectors ?? [], labels);
  }

  /** Why an address inside the pool's ranges is never given out, or null. */
  withheld(address: Address): Cause | null {
    if (this.pool.excluded.contains(address)) {
      return { reason: 'AddressExcluded', message: `it is in excludedAddresses of IPAddressPool ${this.name}` };
    }
    if (this.pool.avoidBuggyIPs && address.family === 4 && isBuggy(address.value)) {
      return { reason: 'AddressBuggy', message: `it ends in .0 or .255 and IPAddressPool ${this.name} sets avoidBuggyIPs` };
    }
    return null;
  }

  /** How many addresses a namespace may hold; Infinity without a quota that selects it. */
  quota(namespaceLabels: Labels | undefined): number {
    let limit = Number.POSITIVE_INFINITY;
    for (const quota of this.pool.quotas) {
      if (namespaceLabels !== undefined && matches(quota.namespaceSelector, namespaceLabels)) limit = Math.min(limit, quota.addresses);
    }
    return limit;
  }

  /** Distinct addresses of the pool that Services of the namespace hold. */
  heldBy(namespace: string): number {
    return this.#heldBy.get(namespace)?.size ?? 0;
  }

  /** How many Services of the namespace hold the address. */
  holdersIn(namespace: string, address: string): number {
    return this.#heldBy.get(namespace)?.get(address) ?? 0;
  }

  countHold(namespace: string, address: Address, by: 1 | -1): void {
    if (this.pool.quotas.length === 0) return;
    const text = formatAddress(address);
    let held = this.#heldBy.get(namespace);
    if (held === undefined) this.#heldBy.set(namespace, (held = new Map()));
    const count = (held.get(text) ?? 0) + by;
    if (count > 0) held.set(text, count);
    else held.delete(text);
    if (held.size === 0) this.#heldBy.delete(namespace);
  }

  /** Addresses that may be given to a Service without a reservation of its own. */
  spare(family: Family): bigint {
    return this.space[family].available - BigInt(this.pledged[family]);
  }
}
