import type { Labels, Pool, Reservation } from '@herald/crds';
import { type Address, equalAddresses, type Family, formatAddress } from '@herald/ip';
import { changesOf } from './changes.ts';
import { confirm } from './confirm.ts';
import { decide } from './decide.ts';
import { type AllocationRequest, type Assignment, type Claim, type Entry, newEntry, noLosses, type Outcome } from './entry.ts';
import { Heap } from './heap.ts';
import { Ledger, type Reserve } from './ledger.ts';
import { sameLabels, samePool, sameRequest, sameReservation } from './same.ts';
import { bySeniority, Waiting } from './waiting.ts';

/** What the allocator needs of the resolved configuration. */
export interface AllocatorConfig {
  readonly pools: readonly Pool[];
  readonly reservations: readonly Reservation[];
}

/** How full a pool is. Exact, also for IPv6. */
export interface PoolUsage {
  readonly pool: string;
  readonly family: Family;
  /** Addresses that may be given out at all. */
  readonly capacity: bigint;
  /** Addresses that Services hold; a shared one counts once. */
  readonly assigned: bigint;
  /** Addresses that could be given out now: neither held, reserved, resting, quarantined nor in externalIPs. */
  readonly available: bigint;
}

/** Addresses of a deleted Service that wait for one of the same name (`heraldlb.io/keep-ip`) until a reservation takes over. */
export interface Retained {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly Address[];
}

/**
 * Assigns addresses to Services. Pure: no Kubernetes objects, no clock, no I/O.
 *
 * Tell it what is the case in any order (`configure`, `setNamespace`, `setExternalIPs`, `observe`, `remove`, `reportConflict`), then call
 * `settle(now)`: it returns the Services whose answer changed, and only those. What it decides depends on what was told
 * since the previous settling and not on the order in which it was told:
 *
 * 1. What goes is released. What is held is confirmed, known Services before those seen for the first time, each group the
 *    oldest first (`metadata.creationTimestamp`, then namespace/name). Nothing is renumbered without a hard reason.
 * 2. New addresses are given in the same order of seniority, among those that were told of and those that wait for
 *    something that came free. Who waits for what is indexed: one address that comes free costs a look at one waiter.
 *
 * What cannot be independent of order is what lies across two settlings: who asked while an address was free keeps it.
 * After a restart the same state settles to the same answers, because every held address is confirmed first.
 *
 * For a known Service the memory outranks the claims passed to `observe` (they may be stale, or edited by hand): they count at first
 * sight only. Call `forget` first when the API server proved the memory wrong (a write conflict with another leader).
 */
export class Allocator {
  readonly #ledger: Ledger;
  readonly #entries = new Map<string, Entry>();
  readonly #byNamespace = new Map<string, Set<Entry>>();
  readonly #waiting = new Waiting<Entry>();
  readonly #outcomes = new Map<string, Outcome>();
  readonly #retained = new Map<string, Retained>();
  readonly #topics = new Set<string>();
  readonly #dirty = new Set<Entry>();
  readonly #gone: { entry: Entry; forget: boolean }[] = [];
  readonly #queue = new Heap<Entry>(bySeniority);
  readonly #queued = new Set<Entry>();
  #config: AllocatorConfig | null = null;
  #examined = 0;

  constructor() {
    this.#ledger = new Ledger(
      name => this.#topics.add(name),
      () => this.#waiting.size > 0,
    );
  }

  /** How many Services were looked at so far: what one change costs. */
  get examined(): number {
    return this.#examined;
  }

  /** When `settle` has something to do although nothing happens: a rest or a quarantine ends. */
  get nextDeadline(): number | undefined {
    return this.#ledger.nextDeadline;
  }

  /** Replaces pools and reservations. Nothing is decided before the first call. */
  configure(config: AllocatorConfig): void {
    const previous = this.#config;
    const known = new Map(previous?.pools.map(pool => [pool.name, pool]));
    const pools = config.pools.map(pool => {
      const same = known.get(pool.name);
      return same !== undefined && samePool(same, pool) ? same : pool;
    });
    const kept = new Set(pools);
    const changed = new Set([...known.values()].filter(pool => !kept.has(pool)).map(pool => pool.name));
    const poolsChanged = changed.size > 0 || pools.length !== known.size || previous === null;
    const reservationsChanged =
      previous === null ||
      previous.reservations.length !== config.reservations.length ||
      config.reservations.some((reservation, i) => !sameReservation(reservation, previous.reservations[i]));
    this.#config = { pools, reservations: config.reservations };
    if (poolsChanged) {
      this.#ledger.configure(pools);
      for (const entry of this.#entries.values()) {
        const complete = entry.cause?.reason === 'AddressAssigned';
        const affected = (held: Assignment) => held.kept || changed.has(held.pool) || this.#ledger.isShunned(held.address);
        if (!complete || entry.held.some(affected)) this.#dirty.add(entry);
      }
    }
    if (!poolsChanged && !reservationsChanged) return;
    for (const { namespace, name, addresses } of this.#retained.values()) {
      const key = `${namespace}/${name}`;
      const made = config.reservations.filter(r => r.service.namespace === namespace && r.service.name === name).flatMap(r => r.addresses);
      if (addresses.every(a => made.some(b => equalAddresses(a, b)))) this.#retained.delete(key);
    }
    this.#reserve();
    for (const { service } of [...config.reservations, ...(previous?.reservations ?? [])]) {
      const entry = this.#entries.get(`${service.namespace}/${service.name}`);
      if (entry !== undefined && entry.cause?.reason !== 'AddressAssigned') this.#dirty.add(entry);
    }
  }

  /** Labels of a namespace; undefined: it is gone. Services of a namespace that was not yet told are left as they are. */
  setNamespace(name: string, labels: Labels | undefined): void {
    const before = this.#ledger.labelsOf(name);
    if (labels === undefined) {
      this.#ledger.namespaces.delete(name);
      return;
    }
    const all: Labels = { ...labels, 'kubernetes.io/metadata.name': name };
    if (before !== undefined && sameLabels(before, all)) return;
    this.#ledger.namespaces.set(name, all);
    for (const entry of this.#byNamespace.get(name) ?? []) this.#dirty.add(entry);
  }

  /** `spec.externalIPs` of a Service of any type and class; empty when it has none or is gone. */
  setExternalIPs(key: string, addresses: readonly Address[]): void {
    this.#ledger.setExternalIPs(key, addresses);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** A Service that is ours exists, with this request. `claims`: what it is known to hold; heeded at first sight only. */
  observe(request: AllocationRequest, claims: readonly Claim[]): void {
    const known = this.#entries.get(request.key);
    if (known !== undefined && known.request.uid === request.uid) {
      if (sameRequest(known.request, request)) return;
      known.request = request;
      this.#dirty.add(known);
      return;
    }
    if (known !== undefined) this.remove(request.key);
    const entry = newEntry(request, claims);
    this.#entries.set(entry.key, entry);
    const siblings = this.#byNamespace.get(request.namespace);
    if (siblings === undefined) this.#byNamespace.set(request.namespace, new Set([entry]));
    else siblings.add(entry);
    this.#dirty.add(entry);
  }

  /** A Service is gone, or no longer ours: its addresses come free. */
  remove(key: string): void {
    this.#drop(key, false);
  }

  /** Forgets what was assigned to a Service, so that the next `observe` believes its claims. */
  forget(key: string): void {
    this.#drop(key, true);
  }

  /**
   * A stranger answers for the address: until then it is given to nobody who does not ask for it, and who holds it is moved.
   * `stranger` names the other machine, for messages.
   */
  reportConflict(address: Address, until: number, stranger = ''): void {
    for (const entry of this.#ledger.shun(address, until, stranger)) this.#dirty.add(entry);
  }

  /** Keys of the Services that hold the address as of the last settling. */
  holdersOf(address: Address): string[] {
    return this.#ledger.holdersOf(address).map(({ key }) => key);
  }

  /** Decides everything that is due. Returns the answers that changed, the oldest Service first. `now`: milliseconds since the epoch. */
  settle(now: number): Outcome[] {
    if (this.#config === null) return [];
    this.#ledger.expire(now);
    const before = new Map<Entry, readonly Address[]>();
    this.#release(now);
    this.#confirm(now, before);
    this.#allocate(now, before);
    const outcomes: Outcome[] = [];
    for (const entry of [...before.keys()].sort(bySeniority)) {
      const outcome = this.#outcome(entry, before.get(entry) ?? noAddresses);
      if (outcome !== null) outcomes.push(outcome);
    }
    return outcomes;
  }

  /** The current answer to a Service. */
  outcome(key: string): Outcome | undefined {
    return this.#outcomes.get(key);
  }

  /** Addresses that need an IPReservation to outlive this process. */
  retained(): Retained[] {
    return [...this.#retained.values()];
  }

  /** Gives up what is retained for a deleted Service. */
  dropRetained(key: string): void {
    if (this.#retained.delete(key)) this.#reserve();
  }

  usage(): PoolUsage[] {
    return this.#ledger.pools.flatMap(pool =>
      ([4, 6] as const).map(family => ({
        pool: pool.name,
        family,
        capacity: pool.space[family].capacity,
        assigned: BigInt(pool.assigned[family]),
        available: pool.space[family].available,
      })),
    );
  }

  #drop(key: string, forget: boolean): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#outcomes.delete(key);
    this.#dirty.delete(entry);
    this.#waiting.set(entry, []);
    const siblings = this.#byNamespace.get(entry.request.namespace);
    siblings?.delete(entry);
    if (siblings?.size === 0) this.#byNamespace.delete(entry.request.namespace);
    this.#gone.push({ entry, forget });
  }

  /** Enters the reservations of the configuration and those retained for deleted Services. */
  #reserve(): void {
    const reserves: Reserve[] = (this.#config?.reservations ?? []).map(({ name, service, addresses, pool, families }) => ({
      name: `IPReservation ${name}`,
      key: `${service.namespace}/${service.name}`,
      addresses,
      pool,
      families,
    }));
    for (const [key, { addresses }] of this.#retained) {
      reserves.push({ name: 'heraldlb.io/keep-ip', key, addresses, pool: null, families: [] });
    }
    this.#ledger.reserve(reserves, key => this.#entries.get(key));
  }

  #release(now: number): void {
    if (this.#gone.length === 0) return;
    const gone = this.#gone.splice(0).sort((a, b) => bySeniority(a.entry, b.entry));
    let retained = false;
    for (const { entry, forget } of gone) {
      const { namespace, name, keepAddress } = entry.request;
      if (forget || !keepAddress || entry.held.length === 0) continue;
      this.#retained.set(entry.key, { namespace, name, addresses: entry.held.map(held => held.address) });
      retained = true;
    }
    // Reserved before they come free, so that nobody slips in between.
    if (retained) this.#reserve();
    for (const { entry } of gone) {
      const { held } = entry;
      entry.held = [];
      for (const assignment of held) this.#ledger.unhold(entry, assignment, now);
      this.#ledger.pledge(entry.key, this.#entries.get(entry.key));
    }
  }

  #confirm(now: number, before: Map<Entry, readonly Address[]>): void {
    const dirty = [...this.#dirty];
    if (dirty.length > 1) dirty.sort((a, b) => Number(a.claims !== null) - Number(b.claims !== null) || bySeniority(a, b));
    this.#dirty.clear();
    for (const entry of dirty) {
      before.set(entry, addressesOf(entry.claims ?? entry.held));
      entry.confirmed = false;
      entry.losses = noLosses;
    }
    for (const entry of dirty) {
      confirm(this.#ledger, entry, now);
      this.#push(entry);
    }
  }

  #allocate(now: number, before: Map<Entry, readonly Address[]>): void {
    this.#wake();
    for (let entry = this.#queue.pop(); entry !== undefined; entry = this.#queue.pop()) {
      this.#queued.delete(entry);
      const { wokenBy } = entry;
      entry.wokenBy = noTopics;
      // A Service may have gone, or been forgotten, between its waking and now.
      if (this.#entries.get(entry.key) === entry) {
        if (!before.has(entry)) {
          before.set(entry, addressesOf(entry.held));
          entry.losses = noLosses;
        }
        this.#examine(entry, now);
      }
      for (const name of wokenBy) this.#wakeNext(name, entry);
      this.#wake();
    }
  }

  #examine(entry: Entry, now: number): void {
    this.#examined++;
    // Until its namespace is known, so is what it may use: whatever it holds stays, and no answer is given.
    if (this.#ledger.labelsOf(entry.request.namespace) === undefined) {
      this.#waiting.set(entry, []);
      return;
    }
    const { target, satisfied, cause, topics } = decide(this.#ledger, entry);
    const held = entry.held;
    entry.held = target;
    entry.satisfied = satisfied;
    entry.cause = cause;
    this.#waiting.set(entry, topics.length > 1 ? [...new Set(topics)] : topics);
    if (satisfied && this.#retained.delete(entry.key)) this.#reserve();
    if (target === held) return;
    const added = held.length === 0 ? target : target.filter(assignment => !includes(held, assignment.address));
    const removed = held.filter(assignment => !includes(target, assignment.address));
    for (const assignment of added) this.#ledger.hold(entry, assignment);
    for (const assignment of removed) {
      if (this.#ledger.isShunned(assignment.address)) {
        entry.losses = new Map(entry.losses).set(formatAddress(assignment.address), this.#ledger.strangerOn(assignment.address));
      }
      this.#ledger.unhold(entry, assignment, now);
    }
    if (added.length > 0 || removed.length > 0) this.#ledger.pledge(entry.key, entry);
  }

  #push(entry: Entry): void {
    if (this.#queued.has(entry)) return;
    this.#queued.add(entry);
    this.#queue.push(entry);
  }

  /** Wakes those who wait for what came free: everyone, or the first one only where what came free can be counted. */
  #wake(): void {
    for (const name of this.#topics) {
      const room = this.#ledger.room(name);
      if (room === null) for (const entry of this.#waiting.all(name)) this.#push(entry);
      else if (this.#waiting.next(name) !== undefined) {
        this.#wakeNext(name);
        for (const key of this.#ledger.favoured(name)) {
          const entry = this.#entries.get(key);
          if (entry !== undefined && this.#waiting.topicsOf(entry).includes(name)) this.#push(entry);
        }
      }
      this.#topics.delete(name);
    }
  }

  /** While there is room, the next waiter in order of seniority is looked at. */
  #wakeNext(name: string, after?: Entry): void {
    if (this.#ledger.room(name) !== true) return;
    const entry = this.#waiting.next(name, after);
    if (entry === undefined) return;
    entry.wokenBy = [...entry.wokenBy, name];
    this.#push(entry);
  }

  /** The answer to a Service where it differs from the previous one. */
  #outcome(entry: Entry, before: readonly Address[]): Outcome | null {
    if (this.#entries.get(entry.key) !== entry || entry.cause === null) return null;
    const changes = changesOf(entry, before);
    const { key, held: addresses, satisfied } = entry;
    const { reason, message } = entry.cause;
    const previous = this.#outcomes.get(key);
    const outcome = { key, addresses, satisfied, reason, message, changes };
    if (previous !== undefined && changes.length === 0 && sameAnswer(previous, outcome)) return null;
    this.#outcomes.set(key, outcome);
    return outcome;
  }
}

const noTopics: readonly string[] = [];
const noAddresses: readonly Address[] = [];

function addressesOf(list: readonly Claim[]): readonly Address[] {
  return list.length === 0 ? noAddresses : list.map(({ address }) => address);
}

function includes(list: Entry['held'], address: Address): boolean {
  return list.some(each => equalAddresses(each.address, address));
}

function sameAnswer(a: Outcome, b: Outcome): boolean {
  return (
    a.satisfied === b.satisfied &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.addresses.length === b.addresses.length &&
    a.addresses.every((assignment, i) => {
      const other = b.addresses[i];
      if (other === undefined || !equalAddresses(assignment.address, other.address)) return false;
      return assignment.pool === other.pool && assignment.keep === other.keep && assignment.kept === other.kept;
    })
  );
}
