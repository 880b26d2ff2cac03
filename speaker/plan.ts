import { nodeIdOf } from './mesh/authentication.ts';
import { type SharedAddress, sameShare } from './share.ts';
import type { WireAddress, WireCommand } from './wire/messages.ts';

/** What the wire thread was told, and what it has to be told next. */
export class WirePlan {
  #told = new Map<string, SharedAddress>();

  /** The next difference is to nothing told at all. */
  forget(): void {
    this.#told.clear();
  }

  /**
   * The difference to `shared`. An address this node may own, or still forwards for, is told; one it may own no more is told once with its new order, so that it
   * is handed over to a node of it; one that is gone is removed.
   */
  update(shared: ReadonlyMap<string, SharedAddress>): WireCommand | undefined {
    const set: WireAddress[] = [];
    const remove: string[] = [];
    for (const [ip, address] of shared) {
      const told = this.#told.get(ip);
      if (told === undefined ? !address.eligible && address.lameDucks.length === 0 : sameShare(told, address)) continue;
      this.#told.set(ip, address);
      set.push({
        ip,
        nodes: address.nodes.map(nodeIdOf),
        interfaces: address.interfaces,
        epoch: address.epoch,
        hold: address.hold,
        drain: address.drain,
        ...(address.preempt === true && { preempt: true, ...(address.preference && { preference: address.preference }) }),
        ...(address.rebalance !== undefined && { rebalance: address.rebalance }),
        restored: address.restored.map(({ segment, epoch, sinceMs, quiet }) => ({
          segment,
          epoch,
          ...(sinceMs !== undefined && { sinceMs }),
          ...(quiet !== undefined && { quiet: { ...quiet, from: nodeIdOf(quiet.from) } }),
        })),
        ...(address.lastOwners && { lastOwners: address.lastOwners.map(owner => ({ ...owner, node: nodeIdOf(owner.node) })) }),
        lameDucks: address.lameDucks.map(duck => ({ ...duck, to: nodeIdOf(duck.to) })),
      });
    }
    for (const ip of this.#told.keys()) {
      if (shared.has(ip)) continue;
      this.#told.delete(ip);
      remove.push(ip);
    }
    return set.length === 0 && remove.length === 0 ? undefined : { kind: 'addresses', set, remove };
  }
}
