import { reconsider, release, restore } from './claims.ts';
import { startHandover } from './handover.ts';
import { end } from './lame-duck.ts';
import type { NodeId, Vip } from './packet.ts';
import type { DesiredAddress, Effect, MeshState } from './state.ts';

/** Claims of before a restart are taken up only so long after the start (ms). */
const RESTORE_WITHIN = 1_000;

/** The plan for `vip` changed; undefined when it is not announced on this segment any more. */
export function setDesired(state: MeshState, vip: Vip, desired: DesiredAddress | undefined, now: number): Effect[] {
  const fx: Effect[] = [];
  if (desired === undefined) {
    state.desired.delete(vip);
    state.candidacies = undefined;
    state.open.delete(vip);
    end(state, vip, 'withdrawn', now, fx);
    release(state, [vip], 'withdrawn', now, fx);
    // Kept while somebody still claims it, so that a Service that comes back continues the epochs.
    if (!state.claimants.has(vip)) {
      state.maxEpoch.delete(vip);
      state.withheld.delete(vip);
    }
    return fx;
  }
  state.desired.set(vip, desired);
  state.candidacies = undefined;
  state.membersChanged = true;
  const eligible = desired.order.includes(state.me);
  if (desired.restored !== undefined && eligible) restoreOnce(state, vip, desired.restored, now);
  if (desired.restoredLameDuck !== undefined) restoreLameDuck(state, vip, desired.restoredLameDuck, now, fx);
  const handover = state.handovers.get(vip);
  if (handover !== undefined && !eligible) handover.reason = 'ineligible';
  else if (handover?.reason === 'ineligible') {
    if (handover.phase === 'prepare') state.handovers.delete(vip);
    // The new owner may have taken it already, and is not to be told that it was outbid. Nobody else is asked.
    else handover.reason = 'preferred';
  }
  if (eligible || !state.mine.has(vip)) state.misplaced.delete(vip);
  else if (desired.order.length === 0) release(state, [vip], 'ineligible', now, fx);
  else {
    if (!state.misplaced.has(vip)) state.misplaced.set(vip, now);
    startHandover(state, vip, 'ineligible', now);
  }
  reconsider(state, vip, now, 'unclaimed');
  return fx;
}

/** Only right after the start, and only if nobody has a better claim already. */
function restoreOnce(state: MeshState, vip: Vip, epoch: number, now: number): void {
  const late = now - state.startedAt > RESTORE_WITHIN;
  if (!late && !state.mine.has(vip) && (state.maxEpoch.get(vip) ?? 0) < epoch) restore(state, vip, epoch, now);
}

/** Only right after the start: the old owner's speaker was restarted, and goes on where it was. */
function restoreLameDuck(state: MeshState, vip: Vip, { to, until }: { to: NodeId; until: number }, now: number, fx: Effect[]): void {
  if (now - state.startedAt > RESTORE_WITHIN || now >= until || state.mine.has(vip) || state.lameDucks.has(vip)) return;
  state.lameDucks.set(vip, { to, until, idle: false, before: undefined });
  fx.push({ kind: 'lame-duck', vip, to, until });
}

/**
 * Whether the segment has a link. Without it nothing is kept: nobody can reach us, and others notice as fast. A link says nothing of who is
 * beyond it: with a silent gateway, a node that said it had one would make the others look cut off.
 */
export function setCarrier(state: MeshState, up: boolean): void {
  state.uplink.carrier = up;
}

/**
 * Begins to leave: nothing is taken any more, everything owned is handed over. Call `tick` until `handedOver`.
 * @param until when the process has to end: so long established flows are waited for. Without it they are not.
 */
export function leaveMesh(state: MeshState, until?: number): void {
  state.leaving = true;
  state.leaveUntil = until;
}

/** Nothing is left that somebody else could take, nor any flow to be waited for. */
export function handedOver(state: MeshState): boolean {
  if (state.leaveUntil !== undefined && state.lameDucks.size > 0) return false;
  if (!state.leaving || state.handovers.size > 0) return state.mine.size === 0;
  for (const claim of state.mine.values()) if (claim.unwanted !== true) return false;
  return true;
}
