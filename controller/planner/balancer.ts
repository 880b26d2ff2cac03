import { weight } from './rendezvous.ts';

/** Nodes of which any may come first for an address, as indexes in ascending order. One object per distinct set. */
export interface Group {
  readonly nodes: readonly number[];
}

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
  /** Its fair share: each address counts 1/n to each of the n nodes of its group. */
  share: number;
}

/** No node comes first for more than this times its fair share, rounded up. */
export const balance = 1.25;

/**
 * Chooses the first node of each address by rendezvous hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018).
 * Sticky: an address moves only when its node may no longer hold it, or when a node holds more than its bound. A node's bound is
 * ceil(1.25 × its fair share of the addresses it could hold); where the greedy choice gets stuck because groups differ, a
 * chain of moves makes room, which exists because the fair shares themselves would be an assignment.
 */
export class Balancer {
  readonly #units = new Map<string, Unit>();
  readonly #loads: Load[] = [];
  readonly #moved = new Set<Unit>();
  readonly #unplaced = new Set<Unit>();
  readonly #suspects = new Set<number>();

  /** Adds a node; its index is the number of those before it. `hash`: of its name. */
  addNode(hash: number): number {
    this.#loads.push({ hash, units: new Map(), count: 0, share: 0 });
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

  /** How many addresses a node may come first for. */
  bound(node: number): number {
    // Sums of fractions are off in the last digits; a bound must not depend on that.
    return Math.max(0, Math.ceil(Math.round((this.#loads[node]?.share ?? 0) * balance * 1e6) / 1e6));
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

  /** All addresses of one group get another, as if each was set. */
  regroup(from: Group, to: Group): void {
    if (from === to) return;
    const units = new Set<Unit>();
    for (const node of from.nodes) for (const unit of this.#loads[node]?.units.get(from) ?? []) units.add(unit);
    for (const unit of this.#unplaced) if (unit.group === from) units.add(unit);
    this.#weigh(from, -units.size);
    this.#weigh(to, units.size);
    for (const unit of units) {
      const { node } = unit;
      this.#take(unit);
      unit.group = to;
      if (includes(to, node)) this.#put(unit, node);
      else this.#unplaced.add(unit);
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
    for (const node of [...this.#suspects].sort((a, b) => a - b)) this.#shed(node);
    this.#suspects.clear();
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
      if (load.count >= this.bound(node)) continue;
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
    let excess = load.count - this.bound(node);
    if (excess <= 0) return;
    const units = [...load.units.values()]
      .flatMap(set => [...set])
      .sort((a, b) => weight(load.hash, a.hash) - weight(load.hash, b.hash) || byId(a, b));
    for (const unit of units) {
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
    return (this.#loads[node] as Load).count < this.bound(node);
  }

  #put(unit: Unit, node: number): void {
    const load = this.#loads[node] as Load;
    const set = load.units.get(unit.group);
    if (set === undefined) load.units.set(unit.group, new Set([unit]));
    else set.add(unit);
    load.count++;
    unit.node = node;
    this.#moved.add(unit);
    this.#suspects.add(node);
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
    for (const node of group.nodes) {
      (this.#loads[node] as Load).share += by / group.nodes.length;
      if (by < 0) this.#suspects.add(node);
    }
  }
}

function includes(group: Group, node: number): boolean {
  return node >= 0 && group.nodes.includes(node);
}

function byId(a: Unit, b: Unit): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
