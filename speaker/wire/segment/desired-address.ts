import type { DesiredAddress } from '../../mesh/state.ts';
import type { MoveSpan } from '../../share.ts';
import type { WireAddress } from '../messages.ts';

/**
 * An address of the plan as the mesh of one segment wants it. What is remembered of before a restart is told by the wall clock, which
 * all processes share, and kept by the loop's, which never jumps.
 * @param now by the loop's clock (ms)
 * @param wall the same moment, in ms since the epoch
 */
export function desiredOf(address: WireAddress, segment: string, now: number, wall: number): DesiredAddress {
  const { nodes: order, epoch, hold, drain, preempt, preference, rebalance, restored, lameDucks } = address;
  const before = restored.find(each => each.segment === segment);
  const lameDuck = lameDucks.find(each => each.segment === segment);
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
    ...(lameDuck !== undefined && { restoredLameDuck: { to: lameDuck.to, until: endOf(lameDuck) } }),
  };
}
