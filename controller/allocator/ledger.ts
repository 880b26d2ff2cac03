import type { Labels, Pool } from '@herald/crds';
import { type Address, compareAddresses, type Family, formatAddress } from '@herald/ip';
import { type AddressRecord, AddressTable, isTaken } from './address-table.ts';
import type { Assignment, Cause, Entry } from './entry.ts';
import { Heap } from './heap.ts';
import { PoolState } from './pool-state.ts';
import { sharingRefusal } from './sharing.ts';

/** A refusal, and the topics through which it could turn into a consent without any change of configuration. */
export interface Refusal extends Cause {
  readonly topics: readonly string[];
}

/** What a waiting Service can be woken by. */
export const topic = {
  /** The holders of an address, or what they allow, changed. */
  address: (address: Address) => `address ${formatAddress(address)}`,
  /** A pool has free room of a family. */
  pool: (pool: string, family: Family) => `pool ${family} ${pool}`,
  /** A namespace has room under its quota of a pool. */
  quota: (pool: string, namespace: string) => `quota ${namespace} ${pool}`,
  /** What Services with a sharing key hold changed. */
  key: (key: string) => `key ${key}`,
} as const;

/** Addresses, or room in a pool, kept for one Service. */
export interface Reserve {
  /** What keeps them, in words. */
  readonly name: string;
  /** Key of the Service. */
  readonly key: string;
  readonly addresses: readonly Address[];
  readonly pool: string | null;
  readonly families: readonly Family[];
}

const noReserves: readonly Reserve[] = [];

interface Segment {
  readonly first: bigint;
  readonly last: bigint;
  readonly pool: PoolState;
}

/**
 * The books: which address is held, reserved, resting or shunned, and what that leaves of each pool. It decides nothing; it answers
 * whether one Service may have one address, and tells (`wake`) whenever something may have come free.
 */
export class Ledger {
  /** In the order in which they are tried. */
  pools: readonly PoolState[] = [];
  readonly namespaces = new Map<string, Labels>();
  readonly #wake: (topic: string) => void;
  readonly #isAwaited: () => boolean;
  readonly #byName = new Map<string, PoolState>();
  readonly #segments: Record<Family, readonly Segment[]> = { 4: [], 6: [] };
  readonly #table = new AddressTable();
  /** Addresses whose holders name a sharing key, by key. */
  readonly #shared = new Map<string, Set<AddressRecord>>();
  readonly #reserves = new Map<string, Reserve[]>();
  readonly #pledges = new Map<string, { pool: PoolState; family: Family; count: number }[]>();
  readonly #externals = new Map<string, readonly Address[]>();
  readonly #deadlines = new Heap<{ at: number; address: Address }>((a, b) => a.at - b.at);

  /** `isAwaited`: whether anybody waits for anything. */
  constructor(wake: (topic: string) => void, isAwaited: () => boolean) {
    this.#wake = wake;
    this.#isAwaited = isAwaited;
  }

  pool(name: string): PoolState | undefined {
    return this.#byName.get(name);
  }

  /** The pool whose ranges contain the address, excluded addresses included. */
  poolOf(address: Address): PoolState | undefined {
    const segments = this.#segments[address.family];
    let low = 0;
    let high = segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((segments[middle] as Segment).first <= address.value) low = middle + 1;
      else high = middle;
    }
    const segment = segments[low - 1];
    return segment !== undefined && address.value <= segment.last ? segment.pool : undefined;
  }

  /** Replaces the pools. A pool that is the same object as before keeps its books. */
  configure(pools: readonly Pool[]): void {
    const previous = new Map(this.pools.map(state => [state.pool, state]));
    this.pools = [...pools].sort(byRank).map(pool => previous.get(pool) ?? new PoolState(pool));
    this.#byName.clear();
    for (const state of this.pools) this.#byName.set(state.name, state);
    for (const family of [4, 6] as const) {
      this.#segments[family] = this.pools
        .flatMap(pool =>
          pool.pool.ranges.ranges
            .filter(range => range.first.family === family)
            .map(({ first, last }) => ({ first: first.value, last: last.value, pool })),
        )
        .sort((a, b) => (a.first < b.first ? -1 : 1));
    }
    const fresh = new Set(this.pools.filter(state => !previous.has(state.pool)));
    for (const record of this.#table.values()) {
      const pool = this.poolOf(record.address);
      if (pool === undefined || !fresh.has(pool)) continue;
      if (record.taken) pool.space[record.address.family].take(record.address.value);
      if (record.holders.length > 0) pool.assigned[record.address.family]++;
      for (const holder of record.holders) pool.countHold(holder.request.namespace, record.address, 1);
    }
  }

  /** Replaces all reservations. Of two for one address the first counts. */
  reserve(reserves: readonly Reserve[], entryOf: (key: string) => Entry | undefined): void {
    const touched = new Set<AddressRecord>();
    for (const { addresses } of [...this.#reserves.values()].flat()) {
      for (const address of addresses) {
        const record = this.#table.get(address);
        if (record === undefined) continue;
        record.reservedFor = null;
        touched.add(record);
      }
    }
    const keys = new Set(this.#reserves.keys());
    this.#reserves.clear();
    for (const reserve of reserves) {
      keys.add(reserve.key);
      const list = this.#reserves.get(reserve.key);
      if (list === undefined) this.#reserves.set(reserve.key, [reserve]);
      else list.push(reserve);
      for (const address of reserve.addresses) {
        const record = this.#table.ensure(address);
        touched.add(record);
        if (record.reservedFor !== null) continue;
        record.reservedFor = reserve.key;
        record.reservation = reserve.name;
      }
    }
    for (const record of touched) {
      this.#sync(record);
      this.changed(record.address);
    }
    for (const pool of this.pools) pool.pledged[4] = pool.pledged[6] = 0;
    this.#pledges.clear();
    for (const key of keys) this.pledge(key, entryOf(key));
  }

  reservesFor(key: string): readonly Reserve[] {
    return this.#reserves.get(key) ?? noReserves;
  }

  /** Counts anew what pools keep free for a Service, after a change of what it holds. */
  pledge(key: string, entry: Entry | undefined): void {
    if (this.#reserves.size === 0 && this.#pledges.size === 0) return;
    const before = this.#pledges.get(key) ?? [];
    const after = [];
    for (const { pool: name, families } of this.reservesFor(key)) {
      const pool = name === null ? undefined : this.#byName.get(name);
      if (pool === undefined) continue;
      for (const family of families) {
        if (entry?.held.some(held => held.address.family === family && this.poolOf(held.address) === pool) === true) continue;
        after.push({ pool, family, count: 1 });
      }
    }
    if (before.length === 0 && after.length === 0) return;
    for (const { pool, family, count } of before) pool.pledged[family] -= count;
    for (const { pool, family, count } of after) pool.pledged[family] += count;
    if (after.length === 0) this.#pledges.delete(key);
    else this.#pledges.set(key, after);
    for (const { pool, family } of before) this.#wake(topic.pool(pool.name, family));
  }

  /** Whether there is room for one more under a topic that can be counted; null for the others. */
  room(name: string): boolean | null {
    const [kind, first = '', pool = ''] = name.split(' ');
    const state = this.#byName.get(pool);
    if (kind === 'pool') return state !== undefined && state.spare(first === '4' ? 4 : 6) > 0n;
    if (kind === 'quota') return state !== undefined && state.heldBy(first) < state.quota(this.labelsOf(first));
    return null;
  }

  /** Keys of Services for whom a pool keeps room, when the topic is that pool's. */
  favoured(name: string): string[] {
    const [kind, family, pool] = name.split(' ');
    if (kind !== 'pool') return [];
    return [...this.#pledges].flatMap(([key, list]) => (list.some(p => p.pool.name === pool && String(p.family) === family) ? [key] : []));
  }

  /** Addresses of a pool that this Service may draw on: what is free, less what is kept for others. */
  spareFor(key: string, pool: PoolState, family: Family): bigint {
    let own = 0;
    for (const pledge of this.#pledges.get(key) ?? []) if (pledge.pool === pool && pledge.family === family) own += pledge.count;
    return pool.spare(family) + BigInt(own);
  }

  hold(entry: Entry, { address }: Assignment): void {
    const record = this.#table.ensure(address);
    const pool = this.poolOf(address);
    if (pool !== undefined && !record.holders.includes(entry)) {
      if (record.holders.length === 0) pool.assigned[address.family]++;
      pool.countHold(entry.request.namespace, address, 1);
    }
    if (!record.holders.includes(entry)) record.holders = [...record.holders, entry];
    record.restsUntil = 0;
    this.#sync(record);
    this.changed(address);
  }

  /** Takes an address from a Service; it rests as long as its pool says. */
  unhold(entry: Entry, { address }: Assignment, now: number): void {
    const record = this.#table.get(address);
    if (record?.holders.includes(entry) !== true) return;
    record.holders = record.holders.filter(holder => holder !== entry);
    const pool = this.poolOf(address);
    if (pool !== undefined) {
      if (record.holders.length === 0) pool.assigned[address.family]--;
      pool.countHold(entry.request.namespace, address, -1);
      if (this.#isAwaited()) this.#wake(topic.quota(pool.name, entry.request.namespace));
      if (record.holders.length === 0 && pool.pool.reuseDelay > 0) {
        record.restsUntil = now + pool.pool.reuseDelay;
        record.lastHolder = entry.key;
        this.#deadlines.push({ at: record.restsUntil, address });
      }
    }
    this.#index(record);
    this.#sync(record);
    this.changed(address);
  }

  /** Tells those who wait for an address that its holders, or what they allow, may have changed. */
  changed(address: Address): void {
    const record = this.#table.get(address);
    // Nothing is said to nobody: putting the names together is most of the cost of an assignment.
    if (!this.#isAwaited()) {
      if (record !== undefined) this.#index(record);
      return;
    }
    this.#wake(topic.address(address));
    if (record === undefined) return;
    for (const key of record.keys) this.#wake(topic.key(key));
    this.#index(record);
    for (const key of record.keys) this.#wake(topic.key(key));
  }

  /** Replaces the `spec.externalIPs` of a Service of any type: a pool that contains them never gives them out. */
  setExternalIPs(key: string, addresses: readonly Address[]): void {
    const before = this.#externals.get(key) ?? [];
    if (before.length === 0 && addresses.length === 0) return;
    const touched = new Set<AddressRecord>();
    for (const address of before) {
      const record = this.#table.get(address);
      if (record === undefined) continue;
      record.externalTo = new Set([...record.externalTo].filter(other => other !== key));
      touched.add(record);
    }
    for (const address of addresses) {
      const record = this.#table.ensure(address);
      record.externalTo = new Set([...record.externalTo, key]);
      touched.add(record);
    }
    if (addresses.length === 0) this.#externals.delete(key);
    else this.#externals.set(key, addresses);
    for (const record of touched) {
      this.#sync(record);
      this.changed(record.address);
    }
  }

  /** Shuns an address until a time, because a stranger answers for it. Returns the Services that hold it. */
  shun(address: Address, until: number, stranger: string): readonly Entry[] {
    const record = this.#table.ensure(address);
    record.conflictUntil = until;
    record.stranger = stranger;
    this.#deadlines.push({ at: until, address });
    this.#sync(record);
    return record.holders;
  }

  /** Whether nobody holds or keeps the address. */
  isFree(address: Address): boolean {
    return this.#table.get(address)?.taken !== true;
  }

  holdersOf(address: Address): readonly Entry[] {
    return this.#table.get(address)?.holders ?? [];
  }

  /** Why an address is shunned, in words. */
  strangerOn(address: Address): string {
    const stranger = this.#table.get(address)?.stranger ?? '';
    return `another machine in the network answers for it${stranger === '' ? '' : ` (${stranger})`}`;
  }

  isShunned(address: Address): boolean {
    return (this.#table.get(address)?.conflictUntil ?? 0) > 0;
  }

  /** Ends rests and quarantines whose time is over. */
  expire(now: number): void {
    for (let next = this.#deadlines.peek(); next !== undefined && next.at <= now; next = this.#deadlines.peek()) {
      this.#deadlines.pop();
      const record = this.#table.get(next.address);
      if (record === undefined) continue;
      if (record.restsUntil > 0 && record.restsUntil <= now) record.restsUntil = 0;
      if (record.conflictUntil > 0 && record.conflictUntil <= now) record.conflictUntil = 0;
      this.#sync(record);
      this.changed(record.address);
    }
  }

  /** When `expire` may next have something to do; undefined: never. */
  get nextDeadline(): number | undefined {
    return this.#deadlines.peek()?.at;
  }

  /** The labels of a namespace, or undefined while it was not seen. */
  labelsOf(namespace: string): Labels | undefined {
    return this.namespaces.get(namespace);
  }

  /** Why a Service may not hold an address together with those whose hold on it is confirmed. */
  clash(entry: Entry, pool: PoolState | undefined, address: Address): Refusal | null {
    // The refusal names the first holder by name, so that the message does not depend on who came first.
    let worst: { key: string; cause: Cause } | null = null;
    for (const holder of this.#table.get(address)?.holders ?? []) {
      if (holder === entry || !holder.confirmed || (worst !== null && worst.key < holder.key)) continue;
      const cause = sharingRefusal(entry.request, holder.request, pool?.pool.allowCrossNamespaceSharing === true);
      if (cause !== null) worst = { key: holder.key, cause };
    }
    return worst === null ? null : refused(address, worst.cause);
  }

  /** Why a Service may not be given an address of a pool that admits it. `asked`: it names this address. */
  refusal(entry: Entry, pool: PoolState, address: Address, asked: boolean): Refusal | null {
    const record = this.#table.get(address);
    if (record === undefined) return null;
    const clash = this.clash(entry, pool, address);
    if (clash !== null) return clash;
    for (const key of [...record.externalTo].sort()) {
      // The Service itself may ask for it: that is the way out of externalIPs.
      if (key === entry.key && asked) continue;
      return refused(address, { reason: 'AddressUsedAsExternalIP', message: `it is in spec.externalIPs of Service ${key}` });
    }
    if (record.conflictUntil > 0 && !asked) {
      return refused(address, { reason: 'AddressQuarantined', message: this.strangerOn(address) });
    }
    if (record.holders.length > 0) return null;
    if (record.reservedFor !== null && record.reservedFor !== entry.key) {
      return refused(address, { reason: 'AddressReserved', message: `${record.reservation} keeps it for Service ${record.reservedFor}` });
    }
    if (record.restsUntil > 0 && record.lastHolder !== entry.key) {
      return refused(address, {
        reason: 'AddressResting',
        message: `it rests until ${new Date(record.restsUntil).toISOString()} (reuseDelay)`,
      });
    }
    return null;
  }

  /** Addresses of a pool and family whose holders name a sharing key, the lowest first. */
  sharedUnder(key: string, pool: PoolState, family: Family): Address[] {
    return [...(this.#shared.get(key) ?? [])]
      .map(record => record.address)
      .filter(address => address.family === family && this.poolOf(address) === pool)
      .sort(compareAddresses);
  }

  #index(record: AddressRecord): void {
    if (record.keys.size === 0 && record.holders.every(holder => holder.request.sharingKey === null)) return;
    const keys = new Set<string>();
    for (const holder of record.holders) if (holder.request.sharingKey !== null) keys.add(holder.request.sharingKey);
    for (const key of record.keys) {
      if (keys.has(key)) continue;
      const records = this.#shared.get(key);
      records?.delete(record);
      if (records?.size === 0) this.#shared.delete(key);
    }
    for (const key of keys) {
      const records = this.#shared.get(key);
      if (records === undefined) this.#shared.set(key, new Set([record]));
      else records.add(record);
    }
    record.keys = keys;
  }

  /** Makes the free space of the pool agree with the record. */
  #sync(record: AddressRecord): void {
    const taken = isTaken(record);
    if (taken !== record.taken) {
      record.taken = taken;
      const { family, value } = record.address;
      const pool = this.poolOf(record.address);
      if (taken) pool?.space[family].take(value);
      else {
        pool?.space[family].free(value);
        if (pool !== undefined && this.#isAwaited()) this.#wake(topic.pool(pool.name, family));
      }
    }
    if (!taken) this.#table.prune(record);
  }
}

function refused(address: Address, { reason, message }: Cause): Refusal {
  return { reason, message: `${formatAddress(address)}: ${message}`, topics: [topic.address(address)] };
}

/** By priority; then a pool set aside for some Services before one that is open to all, as in MetalLB; then by name. */
function byRank(a: Pool, b: Pool): number {
  if (a.priority !== b.priority) return a.priority < b.priority ? -1 : 1;
  const open = Number(a.allocation === null) - Number(b.allocation === null);
  return open !== 0 ? open : a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** Whether two pools are tried at the same level, where one pool for both families is preferred to two. */
export function sameRank(a: Pool, b: Pool): boolean {
  return a.priority === b.priority && (a.allocation === null) === (b.allocation === null);
}
