import type { Vip } from './packet.ts';
import { sendTo } from './send.ts';
import { type Effect, isHeard, type LameDuckEnd, type MeshState, type Peer, type Quiet, type QuietEnd } from './state.ts';

/** How long a move of `vip` away from this node goes on for established flows (ms), if it began now. */
export function drainTime(state: MeshState, vip: Vip, now: number): number {
  const drain = state.drainOverride ?? state.desired.get(vip)?.drain ?? state.drain;
  if (!state.leaving) return drain;
  return state.leaveUntil === undefined ? 0 : Math.max(0, Math.min(drain, state.leaveUntil - now));
}

/** The old owner: `flows` established flows of the address still pass through this node. With the last one the move is over. */
export function noteFlows(state: MeshState, vip: Vip, flows: number, now: number): Effect[] {
  const fx: Effect[] = [];
  const duck = state.lameDucks.get(vip);
  if (duck === undefined) return fx;
  duck.idle = flows === 0;
  if (duck.idle && duck.before === undefined) end(state, vip, 'flows-gone', now, fx);
  return fx;
}

/** The old owner: the last established flow of the address through this node is gone. The new owner is told, and announces. */
export function flowsGone(state: MeshState, vip: Vip, now: number): Effect[] {
  return noteFlows(state, vip, 0, now);
}

/** The old owner is one no longer. */
export function end(state: MeshState, vip: Vip, why: LameDuckEnd, now: number, fx: Effect[]): void {
  const duck = state.lameDucks.get(vip);
  if (duck === undefined) return;
  state.lameDucks.delete(vip);
  fx.push({ kind: 'lame-duck-over', vip, why });
  const peer = state.peers.get(duck.to);
  // A lost message only means that the new owner waits until its own time is over.
  if (peer !== undefined && why !== 'taken-back')
    for (let copy = 0; copy < 3; copy++) sendTo(state, 'yield', peer, now, fx, { claims: [], released: [vip] });
}

/** Ends what has lasted long enough, on both sides. */
export function tickLameDucks(state: MeshState, now: number, fx: Effect[]): void {
  for (const [vip, duck] of state.lameDucks) {
    const { before } = duck;
    if (before !== undefined && (now >= before.until || isGone(state, vip, before, now))) duck.before = undefined;
    if (now >= duck.until) end(state, vip, 'time', now, fx);
    else if (duck.idle && duck.before === undefined) end(state, vip, 'flows-gone', now, fx);
  }
  for (const peer of state.quietFrom) peer.lameDucks = 0;
  state.quietFrom.clear();
  for (const { vip, quiet } of state.mine.values()) {
    if (quiet === undefined) continue;
    if (now >= quiet.until) announce(state, vip, 'time', fx);
    else if (isGone(state, vip, quiet, now)) announce(state, vip, 'old-owner-gone', fx);
    else {
      const peer = state.peers.get(quiet.from);
      if (peer === undefined) continue;
      peer.lameDucks += 1;
      state.quietFrom.add(peer);
    }
  }
}

/** The old owner forwards no more. A node whose speaker alone is away does, and is waited for as long as for one that owns the address. */
function isGone(state: MeshState, vip: Vip, { from, since }: Quiet, now: number): boolean {
  const old = state.peers.get(from);
  // After a restart of this speaker the old owner is not known at once.
  if (old === undefined) return now - Math.max(since, state.startedAt) >= state.timers.interval * state.timers.multiplier;
  if (old.left) return true;
  if (old.liveness === 'held') {
    const hold = state.desired.get(vip)?.hold ?? 0;
    // Where it was taken over because the hold had ended, only the time for its flows, or its kernel's silence, ends that.
    return since - old.heldSince < hold && now - old.heldSince >= hold;
  }
  return !isHeard(old) && now - old.lastHeard >= old.deadline;
}

/** The new owner, or an old one that was the new one before: the owner before it says that it has no more flows. */
export function onFlowsGone(state: MeshState, peer: Peer, vips: readonly Vip[], now: number, fx: Effect[]): void {
  for (const vip of vips) {
    if (state.mine.get(vip)?.quiet?.from === peer.id) announce(state, vip, 'flows-gone', fx);
    const duck = state.lameDucks.get(vip);
    if (duck?.before?.from !== peer.id) continue;
    duck.before = undefined;
    if (duck.idle) end(state, vip, 'flows-gone', now, fx);
  }
}

function announce(state: MeshState, vip: Vip, why: QuietEnd, fx: Effect[]): void {
  const claim = state.mine.get(vip);
  if (claim?.quiet === undefined) return;
  delete claim.quiet;
  // One that is dormant is not answered yet, and is told of as restored when it is.
  if (!claim.dormant) fx.push({ kind: 'announce', vip, why });
}
