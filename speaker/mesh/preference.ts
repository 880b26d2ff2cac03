import { candidate } from './claims.ts';
import { PARALLEL_HANDOVERS, startHandover } from './handover.ts';
import type { NodeId, Vip } from './packet.ts';
import type { DesiredAddress, MeshState, Peer } from './state.ts';

/** Between two looks at what is owned (ms). */
const INTERVAL = 1_000;
/** After a move that nobody took, the next is tried so much later (ms). */
const AGAIN = 10_000;
/** A preferred node takes addresses back when it has been in order for so long (ms); twice as long for each time it was lost lately. */
const STEADY = 10_000;
const DOUBLINGS = 5;
/** Losses count half after so long (ms). */
const HALF_LIFE = 300_000;

/** How reliable a node has been. */
export interface Steadiness {
  /** Since when it has been in order; undefined: it is not. */
  since: number | undefined;
  /** Recent losses, as of `at`. */
  losses: number;
  at: number;
}

/** Moves what is owned here and would be better elsewhere: on request, or because the plan wants a preferred node back. */
export function preferBetter(state: MeshState, now: number): void {
  for (const peer of state.peers.values()) noteSteadiness(state, peer, now);
  if (state.leaving || now < state.nextPreference) return;
  state.nextPreference = now + INTERVAL;
  for (const { vip, since, dormant, quiet, movableAt } of state.mine.values()) {
    const desired = state.desired.get(vip);
    if (desired === undefined || dormant || quiet !== undefined || state.handovers.has(vip) || now < (movableAt ?? 0)) continue;
    const better = betterOwner(state, vip, desired, since, now);
    if (better === undefined) continue;
    if (state.handovers.size >= PARALLEL_HANDOVERS) return;
    const claim = state.mine.get(vip);
    if (claim !== undefined) claim.movableAt = now + AGAIN;
    startHandover(state, vip, 'handover', now, { to: better });
  }
}

function betterOwner(state: MeshState, vip: Vip, desired: DesiredAddress, since: number, now: number): NodeId | undefined {
  const { order, rebalance, preference } = desired;
  const place = order.indexOf(state.me);
  const asked = rebalance !== undefined && since < rebalance;
  if (place < 0 || (!asked && preference === undefined)) return undefined;
  // On request every earlier node is better; else only those of an earlier group.
  const before = asked ? place : startOfGroup(preference ?? [], place);
  return order.slice(0, before).find(node => {
    const peer = state.peers.get(node);
    return peer !== undefined && candidate(peer, vip) && isFit(peer) && (asked || isSteady(state.steadiness.get(node), now));
  });
}

/** The place of the first node that is as preferred as the one at `place`. */
function startOfGroup(sizes: readonly number[], place: number): number {
  let start = 0;
  for (const size of sizes) {
    if (place < start + size) return start;
    start += size;
  }
  return start;
}

function isFit(peer: Peer): boolean {
  return peer.liveness === 'two-way' && !peer.left && !peer.draining && !peer.listening && peer.uplinkOk;
}

function isSteady(steadiness: Steadiness | undefined, now: number): boolean {
  if (steadiness?.since === undefined) return false;
  const losses = decayed(steadiness, steadiness.since);
  return now - steadiness.since >= STEADY * 2 ** Math.min(DOUBLINGS, Math.round(losses));
}

function noteSteadiness(state: MeshState, peer: Peer, now: number): void {
  const known = state.steadiness.get(peer.id);
  const fit = isFit(peer);
  if (known === undefined) {
    if (fit) state.steadiness.set(peer.id, { since: now, losses: 0, at: now });
  } else if (fit) known.since ??= now;
  else if (known.since !== undefined) {
    known.since = undefined;
    // A speaker that restarts on a node that goes on is no loss, nor is a gateway that falls silent.
    if (peer.liveness === 'held' || peer.liveness === 'two-way' || peer.restarting) return;
    known.losses = decayed(known, now) + 1;
    known.at = now;
  }
}

/** A loss long ago is none. */
function decayed({ losses, at }: Steadiness, now: number): number {
  return losses * 0.5 ** ((now - at) / HALF_LIFE);
}
