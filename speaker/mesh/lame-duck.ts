import type { Vip } from './packet.ts';
import { sendTo } from './send.ts';
import { type Effect, isHeard, type MeshState, type Peer } from './state.ts';

/** The old owner: the last established flow of the address through this node is gone. The new owner is told, and announces. */
export function flowsGone(state: MeshState, vip: Vip, now: number): Effect[] {
  const fx: Effect[] = [];
  const duck = state.lameDucks.get(vip);
  if (duck === undefined) return fx;
  state.lameDucks.delete(vip);
  fx.push({ kind: 'lame-duck-over', vip });
  const peer = state.peers.get(duck.to);
  // A lost message only means that the new owner waits until its own time is over.
  if (peer !== undefined) for (let copy = 0; copy < 3; copy++) sendTo(state, 'yield', peer, now, fx, { claims: [], released: [vip] });
  return fx;
}

/** Ends what has lasted long enough, on both sides. */
export function tickLameDucks(state: MeshState, now: number, fx: Effect[]): void {
  for (const [vip, duck] of state.lameDucks) if (now >= duck.until) fx.push(...flowsGone(state, vip, now));
  for (const { vip, quiet } of state.mine.values()) {
    if (quiet === undefined) continue;
    const old = state.peers.get(quiet.from);
    // A held node still forwards: only its speaker is away.
    const gone = old === undefined || old.left || (!isHeard(old) && old.liveness !== 'held');
    if (gone || now >= quiet.until) announce(state, vip, fx);
  }
}

/** The new owner: the old one says that it has no more flows. */
export function onFlowsGone(state: MeshState, peer: Peer, vips: readonly Vip[], fx: Effect[]): void {
  for (const vip of vips) if (state.mine.get(vip)?.quiet?.from === peer.id) announce(state, vip, fx);
}

function announce(state: MeshState, vip: Vip, fx: Effect[]): void {
  const claim = state.mine.get(vip);
  if (claim?.quiet === undefined) return;
  delete claim.quiet;
  fx.push({ kind: 'announce', vip });
}
