import { type Group, levels } from './levels.ts';
import { weight } from './rendezvous.ts';

export type { Group } from './levels.ts';

interface Unit {
  readonly id: string;
  readonly hash: number;
  group: Group;
  /** Which node comes first; -1: not yet decided. */
  node: number;
  /** The node that was reported last. */
  told: number;
}

/** What is known of one node. */
interface Load {
  readonly hash: number;
  /** Addresses it comes first for, by group. */
  readonly units: Map<Group, Set<Unit>>;
  count: number;
  /** How many it may come first for. */
  bound: number;
}

/**
 * No node comes first for more than this times its level, rounded up. What is asked for is 1.25 times what cannot be avoided; levels
 * are worked out to five per cent.
 */
export const balance = 1.19;

/**
 * Chooses the first node of each address by rendezvous hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018).
 * Sticky: an address moves only when its node may no longer hold it, or when a node holds more than its bound. A node's bound is
 * 1.19 times its level (see {@link levels}); where the greedy choice gets stuck because groups differ, a chain of moves makes room,
 * which exists because the levels themselves would be an assignment in fractions.
 */
export class Balancer {
  readonly #units = new Map<string, Unit>();
  readonly #loads: Load[] = [];
  readonly #moved = new Set<Unit>();
  readonly #unplaced = new Set<Unit>();
  /** How many addresses each group has. */
  readonly #sizes = new Map<Group, number>();
  /** The bounds are not those of the sizes. */
  #isStale = false;

  /** Adds a node; its index is the number of those before it. `hash`: of its name. */
  addNode(hash: number): number {
    this.#loads.push({ hash, units: new Map(), count: 0, bound: 0 });
    return this.#loads.length - 1;
  }

  /** The node that comes first for an address, or -1. */
  first(id: string): number {
    return this.#units.get(id)?.node ?? -1;
  }

  /** Addresses a node comes first for. */
  count(node: number): number {
    return this.#loads[node]?.count ?? 0;
  }

  /** How many addresses a node may come first for, as of the last settling. */
  bound(node: number): number {
    return this.#loads[node]?.bound ?? 0;
  }

  /** Adds an address or changes its group. `hint`: the node that came first before this process began. */
  set(id: string, hash: number, group: Group, hint = -1): void {
    const known = this.#units.get(id);
    if (known?.group === group) return;
    const unit = known ?? { id, hash, group, node: -1, told: -1 };
    if (known === undefined) this.#units.set(id, unit);
    else this.#weigh(known.group, -1);
    const node = known === undefined ? hint : unit.node;
    this.#take(unit);
    unit.group = group;
    this.#weigh(group, 1);
    if (includes(group, node)) this.#put(unit, node);
    else this.#unplaced.add(unit);
  }

  /** Other nodes may come first for all addresses of a group. */
  reshape(group: Group, nodes: readonly number[]): void {
    const lost = group.nodes.filter(node => !nodes.includes(node));
    group.nodes = nodes;
    this.#isStale = true;
    for (const node of lost) {
      const load = this.#loads[node] as Load;
      const units = load.units.get(group);
      if (units === undefined) continue;
      load.units.delete(group);
      load.count -= units.size;
      for (const unit of units) {
        unit.node = -1;
        this.#unplaced.add(unit);
      }
    }
  }

  delete(id: string): void {
    const unit = this.#units.get(id);
    if (unit === undefined) return;
    this.#units.delete(id);
    this.#unplaced.delete(unit);
    this.#take(unit);
    this.#weigh(unit.group, -1);
  }

  /** Decides what is open and mends what exceeds its bound. Returns the addresses whose first node changed. */
  settle(): string[] {
    if (this.#isStale) this.#rebound();
    for (const node of this.#loads.keys()) this.#shed(node);
    for (const unit of [...this.#unplaced].sort(byId)) this.#place(unit);
    this.#unplaced.clear();
    const moved = [...this.#moved].filter(unit => unit.node !== unit.told && this.#units.get(unit.id) === unit).sort(byId);
    this.#moved.clear();
    return moved.map(unit => {
      unit.told = unit.node;
      return unit.id;
    });
  }

  #place(unit: Unit): void {
    let best = -1;
    let bestWeight = -1;
    for (const node of unit.group.nodes) {
      const load = this.#loads[node] as Load;
      if (load.count >= load.bound) continue;
      const w = weight(load.hash, unit.hash);
      if (w > bestWeight) [best, bestWeight] = [node, w];
    }
    if (best < 0) best = this.#makeRoom(unit.group.nodes);
    if (best < 0) best = unit.group.nodes[0] ?? -1;
    if (best >= 0) this.#put(unit, best);
  }

  /** Moves addresses away from a node until it is within its bound, those first that it has the least weight for. */
  #shed(node: number): void {
    const load = this.#loads[node] as Load;
    let excess = load.count - load.bound;
    if (excess <= 0) return;
    const units = [...load.units.values()]
      .flatMap(set => [...set].map(unit => ({ unit, weight: weight(load.hash, unit.hash) })))
      .sort((a, b) => a.weight - b.weight || byId(a.unit, b.unit));
    for (const { unit } of units) {
      if (excess <= 0) return;
      if (!unit.group.nodes.some(other => other !== node && this.#hasRoom(other))) continue;
      this.#take(unit);
      this.#place(unit);
      excess--;
    }
    // What is left has no direct way out.
    while (excess-- > 0 && this.#makeRoom([node]) >= 0);
  }

  /**
   * Makes room on one of the nodes by a shortest chain of moves that ends at a node with room; returns that node, or -1.
   * A breadth-first search, each group looked at once.
   */
  #makeRoom(from: readonly number[]): number {
    const cameBy = new Map<number, { node: number; group: Group } | null>(from.map(node => [node, null]));
    const seen = new Set<Group>();
    const queue = [...from];
    for (let i = 0; i < queue.length; i++) {
      const node = queue[i] as number;
      if (this.#hasRoom(node)) return this.#shift(node, cameBy);
      for (const [group, units] of (this.#loads[node] as Load).units) {
        if (units.size === 0 || seen.has(group)) continue;
        seen.add(group);
        for (const next of group.nodes) {
          if (cameBy.has(next)) continue;
          cameBy.set(next, { node, group });
          queue.push(next);
        }
      }
    }
    return -1;
  }

  #shift(end: number, cameBy: ReadonlyMap<number, { node: number; group: Group } | null>): number {
    let node = end;
    for (let step = cameBy.get(node); step !== null && step !== undefined; step = cameBy.get(node)) {
      const candidates = (this.#loads[step.node] as Load).units.get(step.group);
      const target = this.#loads[node] as Load;
      let best: Unit | undefined;
      for (const unit of candidates ?? []) {
        if (best === undefined || weight(target.hash, unit.hash) > weight(target.hash, best.hash)) best = unit;
      }
      if (best === undefined) return -1;
      this.#take(best);
      this.#put(best, node);
      node = step.node;
    }
    return node;
  }

  #hasRoom(node: number): boolean {
    const { count, bound } = this.#loads[node] as Load;
    return count < bound;
  }

  #put(unit: Unit, node: number): void {
    const load = this.#loads[node] as Load;
    const set = load.units.get(unit.group);
    if (set === undefined) load.units.set(unit.group, new Set([unit]));
    else set.add(unit);
    load.count++;
    unit.node = node;
    this.#moved.add(unit);
  }

  #take(unit: Unit): void {
    const load = this.#loads[unit.node];
    if (load === undefined) return;
    const set = load.units.get(unit.group);
    set?.delete(unit);
    if (set?.size === 0) load.units.delete(unit.group);
    load.count--;
    unit.node = -1;
  }

  #weigh(group: Group, by: number): void {
    if (by === 0) return;
    const size = (this.#sizes.get(group) ?? 0) + by;
    if (size === 0) this.#sizes.delete(group);
    else this.#sizes.set(group, size);
    this.#isStale = true;
  }

  #rebound(): void {
    this.#isStale = false;
    const level = levels(this.#sizes, this.#loads.length);
    // Sums of fractions are off in the last digits; a bound must not depend on that.
    for (const [node, load] of this.#loads.entries()) load.bound = Math.ceil(Math.round((level[node] ?? 0) * balance * 1e6) / 1e6);
  }
}

function includes(group: Group, node: number): boolean {
  return node >= 0 && group.nodes.includes(node);
}

function byId(a: Unit, b: Unit): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
