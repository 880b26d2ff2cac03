import type { DesiredAddress } from '../../mesh/state.ts';
import type { MoveSpan } from '../../share.ts';
import type { WireAddress } from '../messages.ts';

/**
 * An address of the plan as the mesh of one segment wants it. What is remembered of before a restart is told by the wall clock, which
 * all processes share, and kept by the loop's, which never jumps.
 * @param names of the segment: its own, then others that it may have had when its interface listed its subnets in another order
 * @param now by the loop's clock (ms)
 * @param wall the same moment, in ms since the epoch
 */
export function desiredOf(address: WireAddress, names: readonly string[], now: number, wall: number): DesiredAddress {
  const { nodes: order, epoch, hold, drain, preempt, preference, rebalance, restored, lastOwners = [], lameDucks } = address;
  const before = of(names, restored);
  const last = of(names, lastOwners);
  const lameDuck = of(names, lameDucks);
  const at = (moment: number): number => now + moment - wall;
  // The wall clock may have been set meanwhile. What is left of a move is never more than all of it.
  const endOf = ({ untilMs, forMs = drain }: MoveSpan): number => Math.min(at(untilMs), now + forMs);
  return {
    order,
    epoch,
    hold,
    drain,
    ...(preempt !== undefined && { preempt }),
    ...(preference !== undefined && { preference }),
    ...(rebalance !== undefined && { rebalance: Math.min(now, at(rebalance)) }),
    ...(before !== undefined && { restored: before.epoch }),
    ...(before?.sinceMs !== undefined && { restoredSince: Math.min(now, at(before.sinceMs)) }),
    ...(before?.quiet !== undefined && {
      restoredQuiet: { from: before.quiet.from, since: now, until: endOf(before.quiet) },
    }),
    ...(last !== undefined && { lastOwner: { node: last.node, mac: last.mac } }),
    ...(lameDuck !== undefined && { restoredLameDuck: { to: lameDuck.to, until: endOf(lameDuck) } }),
  };
}

/** What is known of the segment under the first of its names that anything is known of. */
function of<T extends { segment: string }>(names: readonly string[], all: readonly T[]): T | undefined {
  for (const name of names) {
    const found = all.find(({ segment }) => segment === name);
    if (found !== undefined) return found;
  }
  return undefined;
}
