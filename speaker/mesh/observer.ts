import type { Vip } from './packet.ts';
import type { SimNode, Simulation } from './simulator.ts';

interface Watch {
  gapSince: number | undefined;
  dualSince: number | undefined;
}

/** Looks at the owners after every change: how long an address had none, and how long two, where the clients are. */
export class Observer {
  worstGap = 0;
  worstDual = 0;
  /** Addresses that were answered while a stranger had them. */
  readonly overStrangers = new Set<Vip>();
  readonly #simulation: Simulation;
  readonly #watches = new Map<string, Watch>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Forgets what was, to measure from here. */
  reset(): void {
    this.worstGap = 0;
    this.worstDual = 0;
    this.overStrangers.clear();
    this.#watches.clear();
    this.refresh();
  }

  refresh(): void {
    for (const vip of this.#simulation.vips) this.changed(vip);
  }

  changed(vip: Vip): void {
    const { now, clientSides } = this.#simulation;
    for (const side of clientSides) this.#look(`${side}/${vip}`, vip, side, now);
  }

  /**
   * Hosts that clients on `side` are sent to: owners, and hosts that others answer for. A frozen process still counts: its clients go on
   * to its node for a while.
   */
  targets(vip: Vip, side: number): Set<number> {
    const targets = new Set<number>();
    for (const node of this.#simulation.nodes) {
      if (node.side !== side) continue;
      if (this.#answersItself(node, vip)) targets.add(node.index);
      if (!node.alive) continue;
      const held = node.paused ? undefined : node.state.caretaking.get(vip)?.node;
      if (held === undefined) continue;
      const host = this.#simulation.nodeOf(held);
      if (host?.host === true && host.side === side) targets.add(host.index);
    }
    return targets;
  }

  /** Every address that is planned has exactly one owner, and none that is not. */
  settled(): string[] {
    const wrong: string[] = [];
    for (const vip of this.#simulation.vips) {
      const owners = this.#simulation.nodes.filter(node => node.alive && node.state.mine.has(vip)).map(node => node.name);
      const expected = this.#simulation.order(vip).length > 0 ? 1 : 0;
      if (owners.length !== expected) wrong.push(`${vip}: ${owners.join(', ') || 'nobody'}`);
    }
    return wrong;
  }

  #answersItself(node: SimNode, vip: Vip): boolean {
    const claim = node.alive ? node.state.mine.get(vip) : undefined;
    const answered = claim?.dormant === false && !claim.withheld;
    if (!this.#simulation.kernel) return answered;
    if (answered && !node.paused) return true;
    // Nobody renews the lease, or nobody has taken the table over yet.
    const orphaned = !node.alive || node.paused || claim?.dormant === true;
    return orphaned && node.host && node.pinned.vips.has(vip) && this.#simulation.now < node.pinned.until;
  }

  #look(key: string, vip: Vip, side: number, now: number): void {
    const watch = this.#watches.get(key) ?? { gapSince: undefined, dualSince: undefined };
    this.#watches.set(key, watch);
    const owners = this.targets(vip, side).size;
    if (owners > 0 && this.#simulation.strangers.has(vip)) this.overStrangers.add(vip);
    if (watch.gapSince !== undefined) this.worstGap = Math.max(this.worstGap, now - watch.gapSince);
    if (watch.dualSince !== undefined) this.worstDual = Math.max(this.worstDual, now - watch.dualSince);
    watch.gapSince = owners === 0 && this.#able(vip, side) ? (watch.gapSince ?? now) : undefined;
    watch.dualSince = owners > 1 ? (watch.dualSince ?? now) : undefined;
  }

  /** Whether there is a node on the side that could own it. */
  #able(vip: Vip, side: number): boolean {
    if (this.#simulation.strangers.has(vip)) return false;
    return this.#simulation.order(vip).some(id => {
      const node = this.#simulation.nodeOf(id);
      return node?.alive === true && !node.paused && node.side === side && !node.mute;
    });
  }
}
