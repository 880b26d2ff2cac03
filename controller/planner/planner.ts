import type { AnnouncedAddress, AnnouncementNode, AnnouncementReason, AnnouncementSpec, Layer2Plan } from '@herald/crds';
import { Balancer, type Group } from './balancer.ts';
import { noEndpoints, type PlannedNode, type PlannedService, type PlannedSpeaker, type ServiceEndpoints } from './inputs.ts';
import { intersect, layer2PlanOf, type SharedWish } from './layer2.ts';
import { Field, type ListLength, type Ranked } from './order.ts';
import { OrderTable } from './order-table.ts';
import { hashText } from './rendezvous.ts';
import { same } from './same.ts';
import { type PlannerConfig, type Shift, Topology } from './topology.ts';
import { type Wish, wishFor } from './wish.ts';

export interface PlannerOptions {
  /** How many nodes an Announcement lists; default: all of up to 16, otherwise the first 8. */
  readonly list?: ListLength;
  /** Announce from nodes that carry the label `node.kubernetes.io/exclude-from-external-load-balancers`, too. */
  readonly ignoreExcludeLabel?: boolean;
  /** Nodes that announce an address of a Service by layer 2 now. Where not all nodes are listed, they are as long as they may announce it. */
  readonly owners?: (key: string, ip: string) => readonly string[];
}

/** What the Announcement of one Service shall say. */
export interface Plan {
  readonly spec: AnnouncementSpec;
  /** `status.nodes`: who may not announce, and why; bounded. */
  readonly nodes: readonly AnnouncementNode[];
}

/** A plan that differs from before; null: there is none any more. */
export interface PlanChange {
  readonly key: string;
  readonly plan: Plan | null;
}

interface State {
  service: PlannedService;
  wishes: readonly Wish[];
  plan: Plan | null;
}

interface Spot {
  readonly hash: number;
  /** Keys of the Services that have the address. */
  readonly services: Set<string>;
  /** What is announced by layer 2, for all of them alike. */
  layer2: Layer2Plan | null;
  shared: SharedWish | null;
  /** The first node before nobody could announce it for a while; -1: none. */
  last: number;
}

/**
 * Plans who may announce which address, and in which order. Pure: tell it what is the case, in any order, then call `settle`, which
 * returns the plans that changed. An address keeps its first node as long as that node may hold it and is within its
 * bound; everything else follows from the present state alone.
 */
export class Planner {
  readonly #options: Required<PlannerOptions>;
  readonly #nodes = new Map<string, PlannedNode>();
  readonly #speakers = new Map<string, PlannedSpeaker>();
  readonly #services = new Map<string, State>();
  readonly #endpoints = new Map<string, ServiceEndpoints>();
  readonly #spots = new Map<string, Spot>();
  readonly #orders: OrderTable<string>;
  readonly #ranks = new Map<string, { hash: number; index: number }>();
  readonly #balancer = new Balancer();
  readonly #groups = new Map<string, Group>();
  readonly #tops = new Map<string, Group>();
  readonly #dirty = new Set<string>();
  readonly #dirtySpots = new Set<string>();
  /** Services that went since the last settling, with the plan they had. */
  readonly #gone = new Map<string, Plan>();
  /** The first node of addresses in Announcements from before this process; of several Services that of the first by name counts. */
  readonly #hints = new Map<string, { key: string; node: string }>();
  #config: PlannerConfig = { pools: [], l2Advertisements: [], bgpAdvertisements: [], peers: [] };
  /** Null: to be made anew. */
  #topology: Topology | null = null;
  /** Nodes or speakers changed since it was made. */
  #isStale = false;

  constructor({ list = { allUpTo: 16, first: 8 }, ignoreExcludeLabel = false, owners = () => [] }: PlannerOptions = {}) {
    this.#options = { list, ignoreExcludeLabel, owners };
    this.#orders = new OrderTable(list.first);
  }

  configure(config: PlannerConfig): void {
    this.#config = config;
    this.#topology = null;
  }

  setNode(node: PlannedNode): void {
    if (same(this.#nodes.get(node.name), node)) return;
    this.#nodes.set(node.name, node);
    this.#isStale = true;
  }

  removeNode(name: string): void {
    if (this.#nodes.delete(name)) this.#isStale = true;
  }

  setSpeaker(speaker: PlannedSpeaker): void {
    const known = this.#speakers.get(speaker.node);
    if (known !== undefined && same([...known.interfaces].sort(), [...speaker.interfaces].sort())) return;
    this.#speakers.set(speaker.node, speaker);
    this.#isStale = true;
  }

  removeSpeaker(node: string): void {
    if (this.#speakers.delete(node)) this.#isStale = true;
  }

  /** `previous`: the Announcement as it is, for a Service not seen before; its order is kept where it may be. */
  setService(service: PlannedService, previous?: AnnouncementSpec): void {
    const { key } = service;
    const known = this.#services.get(key);
    if (known !== undefined && same(known.service, service)) return;
    for (const { ip } of known?.service.addresses ?? []) this.#leave(ip, key);
    for (const { ip } of service.addresses) this.#join(ip, key);
    if (known === undefined) {
      for (const { ip, layer2 } of previous?.addresses ?? []) this.#hint(ip, key, layer2?.nodes[0]);
      this.#services.set(key, { service, wishes: [], plan: this.#gone.get(key) ?? null });
    } else known.service = service;
    this.#gone.delete(key);
    this.#dirty.add(key);
  }

  removeService(key: string): void {
    const state = this.#services.get(key);
    if (state === undefined) return;
    for (const { ip } of state.service.addresses) this.#leave(ip, key);
    this.#services.delete(key);
    this.#dirty.delete(key);
    if (state.plan !== null) this.#gone.set(key, state.plan);
  }

  /** The endpoints of a Service; of one that is not planned they are kept for later. */
  setEndpoints(key: string, endpoints: ServiceEndpoints): void {
    const known = this.#endpoints.get(key);
    if (known !== undefined && sameEndpoints(known, endpoints)) return;
    this.#endpoints.set(key, endpoints);
    if (this.#services.has(key)) this.#dirty.add(key);
  }

  removeEndpoints(key: string): void {
    if (this.#endpoints.delete(key) && this.#services.has(key)) this.#dirty.add(key);
  }

  /** The plan of a Service as it was settled last. */
  plan(key: string): Plan | null {
    return this.#services.get(key)?.plan ?? null;
  }

  /** Addresses each node comes first for, by name. */
  load(): Map<string, number> {
    return new Map([...this.#nodes.keys()].sort().map(name => [name, this.#balancer.count(this.#rank(name).index)]));
  }

  /** Plans what is due. Returns what changed, by key. */
  settle(): PlanChange[] {
    const shift = this.#shift();
    const topology = this.#settledTopology();
    const spots = new Set(this.#dirtySpots);
    this.#dirtySpots.clear();
    const touched = new Set(this.#dirty);
    this.#dirty.clear();
    for (const key of touched) {
      const state = this.#services.get(key);
      if (state === undefined) continue;
      const { service } = state;
      const endpoints = this.#endpoints.get(key) ?? noEndpoints;
      state.wishes = service.addresses.map(({ ip, pool }) => wishFor(topology, service, endpoints, ip, pool));
      for (const { ip } of service.addresses) spots.add(ip);
    }
    if (shift !== null) {
      for (const [scope, { top }] of shift.scopes) this.#balancer.reshape(scope.top, top);
      for (const ip of this.#narrowed(shift)) spots.add(ip);
    }
    for (const ip of spots) this.#combine(topology, ip);
    for (const ip of this.#balancer.settle()) spots.add(ip);
    if (shift !== null) for (const ip of this.#reordered(shift)) spots.add(ip);
    for (const ip of spots) {
      const spot = this.#spots.get(ip);
      if (spot === undefined) continue;
      this.#order(ip, spot);
      for (const key of spot.services) touched.add(key);
    }
    this.#hints.clear();
    const changes: PlanChange[] = [...this.#gone.keys()].map(key => ({ key, plan: null }));
    this.#gone.clear();
    for (const key of touched) {
      const state = this.#services.get(key);
      if (state === undefined) continue;
      const plan = this.#assemble(state);
      if (state.plan !== null && same(state.plan, plan)) continue;
      state.plan = plan;
      changes.push({ key, plan });
    }
    return changes.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Takes a change of nodes or speakers lightly where it can be; null: it cannot, or there was none. */
  #shift(): Shift | null {
    if (!this.#isStale) return null;
    this.#isStale = false;
    const shift = this.#topology?.shift(this.#nodes.values()) ?? null;
    if (shift === null) this.#topology = null;
    return shift;
  }

  /** Addresses whose candidates are fewer than their scope has, and some of them changed. */
  *#narrowed({ nodes }: Shift): Generator<string> {
    if (nodes.size === 0) return;
    for (const [ip, { shared }] of this.#spots)
      if (shared?.whole === null && shared.candidates.some(({ name }) => nodes.has(name))) yield ip;
  }

  /** Addresses of whole scopes whose order is no longer what it was. */
  *#reordered({ scopes }: Shift): Generator<string> {
    for (const [{ id, candidates }, { changed, risen }] of scopes) {
      for (const candidate of changed) yield* this.#orders.listing(id, candidate);
      if (risen.length === 0) continue;
      const byIndex = new Map(candidates.map(candidate => [candidate.index, candidate]));
      for (const candidate of risen) yield* this.#orders.overtaken(id, candidate, index => byIndex.get(index));
    }
  }

  #settledTopology(): Topology {
    if (this.#topology === null) {
      // Groups outlive the topology, so that a node that changes in a way that matters little disturbs no balance.
      if (this.#groups.size > 2 * this.#spots.size + 1024) this.#groups.clear();
      this.#topology = new Topology(this.#config, this.#nodes.values(), this.#speakers, {
        ignoreExcludeLabel: this.#options.ignoreExcludeLabel,
        rank: name => this.#rank(name),
        groups: this.#groups,
        tops: this.#tops,
      });
      for (const key of this.#services.keys()) this.#dirty.add(key);
    }
    return this.#topology;
  }

  #rank(name: string): { hash: number; index: number } {
    let rank = this.#ranks.get(name);
    if (rank === undefined) {
      const hash = hashText(name);
      this.#ranks.set(name, (rank = { hash, index: this.#balancer.addNode(hash) }));
    }
    return rank;
  }

  #hint(ip: string, key: string, node: string | undefined): void {
    const known = this.#hints.get(ip);
    if (node !== undefined && (known === undefined || key < known.key)) this.#hints.set(ip, { key, node });
  }

  #join(ip: string, key: string): void {
    let spot = this.#spots.get(ip);
    if (spot === undefined) this.#spots.set(ip, (spot = { hash: hashText(ip), services: new Set(), layer2: null, shared: null, last: -1 }));
    spot.services.add(key);
    this.#dirtySpots.add(ip);
  }

  #leave(ip: string, key: string): void {
    const spot = this.#spots.get(ip);
    if (spot === undefined) return;
    spot.services.delete(key);
    this.#dirtySpots.add(ip);
  }

  /** Who may announce an address, for all Services that have it, and enters that in the balance. */
  #combine(topology: Topology, ip: string): void {
    const spot = this.#spots.get(ip);
    if (spot === undefined) return;
    if (spot.services.size === 0) {
      this.#spots.delete(ip);
      this.#orders.delete(ip);
      this.#balancer.delete(ip);
      return;
    }
    spot.shared = intersect([...spot.services].sort().flatMap(key => this.#wishesOf(key, ip)));
    const candidates = spot.shared?.candidates ?? [];
    if (candidates.length === 0) {
      // All endpoints may have failed for a second: what moves then for good are the connections that outlived it.
      const first = this.#balancer.first(ip);
      if (first >= 0) spot.last = first;
      this.#balancer.delete(ip);
      return;
    }
    const scope = spot.shared?.whole ?? null;
    const hint = this.#hints.get(ip);
    this.#balancer.set(
      ip,
      spot.hash,
      scope?.top ?? topology.group(candidates),
      hint === undefined ? spot.last : this.#rank(hint.node).index,
    );
  }

  #wishesOf(key: string, ip: string): Wish[] {
    return this.#services.get(key)?.wishes.filter(wish => wish.ip === ip) ?? [];
  }

  #order(ip: string, spot: Spot): void {
    const { shared, hash } = spot;
    if (shared === null || shared.candidates.length === 0) {
      spot.layer2 = null;
      this.#orders.delete(ip);
      return;
    }
    const field = shared.whole?.field ?? new Field(shared.candidates);
    const order = this.#withOwners(field, field.order(this.#balancer.first(ip), hash, this.#options.list), ip, spot);
    this.#orders.set(ip, order, hash, shared.whole?.id ?? -1);
    spot.layer2 = layer2PlanOf(shared, order);
  }

  /** An address that is in use leaves no node that may have it only because others come before: whoever announces it takes a last place. */
  #withOwners({ candidates }: Field, order: Ranked[], ip: string, { services }: Spot): Ranked[] {
    if (order.length === candidates.length) return order;
    const owners = new Set([...services].flatMap(key => this.#options.owners(key, ip)));
    for (const { name } of order) owners.delete(name);
    if (owners.size === 0) return order;
    const missing = candidates.filter(({ name }) => owners.has(name)).slice(0, order.length - 1);
    return [...order.slice(0, order.length - missing.length), ...missing];
  }

  #assemble({ wishes }: State): Plan {
    const reasons: AnnouncementReason[] = [];
    const addresses = wishes.map(({ ip, pool, layer2: wished, bgp, reasons: own }): AnnouncedAddress => {
      reasons.push(...own);
      const spot = this.#spots.get(ip);
      const layer2 = wished === null ? null : (spot?.layer2 ?? null);
      if (wished !== null && layer2 === null) {
        const others = [...(spot?.services ?? [])].sort().slice(0, 8).join(', ');
        const message = `no node may announce it for all Services that share it: ${others}`;
        reasons.push({ ip, protocol: 'layer2', reason: 'SharedAddressNoCommonNode', message });
      }
      const protocols = [...(layer2 === null ? [] : ['layer2']), ...(bgp === null ? [] : ['bgp'])].join(',');
      return {
        ip,
        pool,
        ...(protocols === '' ? {} : { protocols }),
        ...(layer2 === null ? {} : { layer2 }),
        ...(bgp === null ? {} : { bgp }),
      };
    });
    return { spec: reasons.length === 0 ? { addresses } : { addresses, reasons }, nodes: wishes[0]?.nodes ?? [] };
  }
}

function sameEndpoints(a: ServiceEndpoints, b: ServiceEndpoints): boolean {
  return a.nodeless === b.nodeless && sameMap(a.serving, b.serving) && sameMap(a.ready, b.ready);
}

function sameMap(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
