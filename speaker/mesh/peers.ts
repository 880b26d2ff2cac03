import { reconsider, removePeerClaim } from './claims.ts';
import type { NodeId } from './packet.ts';
import { type Effect, isHeard, type Liveness, type MeshState, type Peer, type TakeoverCause } from './state.ts';

/** A peer unheard for so long is forgotten (ms); its epochs are not. */
const FORGET = 60_000;

/** How reliable a forgotten peer was is remembered for so long (ms): a node that fails often must not begin anew each time. */
const REMEMBERED = 3_600_000;

/** A kernel silent for so long is gone, and its node with it (ms). It is asked every 25 ms at first and every 100 ms later. */
const KERNEL_FRESH = 300;
/** After a stall of our own a kernel has so long to answer anew (ms): questions were not asked meanwhile. */
const KERNEL_GRACE = 200;

/** Peers that answer fast because they were asked to, beyond our own choice. */
const RECIPROCAL_FACTOR = 2;

function livenessOf(peer: Peer, now: number): Liveness {
  if (peer.left) return 'unheard';
  if (peer.restarting || now - peer.lastHeard >= peer.deadline) return kernelAnswers(peer, now) ? 'held' : 'unheard';
  // Beyond the fast set nobody echoes: being heard has to do.
  return !peer.fast || now - peer.echoedAt < peer.deadline ? 'two-way' : 'heard';
}

/** A speaker that was in order and fell silent, on a node whose kernel has just answered, is restarting: connections live there. */
function kernelAnswers(peer: Peer, now: number): boolean {
  const wasInOrder = peer.liveness === 'two-way' || peer.liveness === 'held';
  return wasInOrder && peer.claims.size + peer.lameDucks > 0 && now - peer.kernelAt < KERNEL_FRESH;
}

/** This node stood still from `before` until `now`, and could not ask: a kernel that answered until then is not silent yet. */
export function excuseKernel(peer: Peer, before: number, now: number): void {
  if (before - peer.kernelAt < KERNEL_FRESH) peer.kernelAt = Math.max(peer.kernelAt, now - KERNEL_FRESH + KERNEL_GRACE);
}

/** Brings a peer's liveness up to date; what it claims is reconsidered when it changed. */
export function judge(state: MeshState, peer: Peer, now: number, fx: Effect[]): void {
  const liveness = livenessOf(peer, now);
  if (liveness === peer.liveness) return;
  const before = peer.liveness;
  peer.liveness = liveness;
  if (liveness === 'held') peer.heldSince = now;
  if (!isHeard(peer) && !peer.left) state.counters.peersLost += 1;
  fx.push({ kind: 'peer', node: peer.id, name: peer.name, liveness: peer.left ? 'left' : liveness });
  if (before === 'two-way' || before === 'held' || liveness === 'two-way')
    reconsiderClaims(state, peer, now, peer.left ? 'peer-left' : 'peer-lost');
}

function reconsiderClaims(state: MeshState, peer: Peer, now: number, cause: TakeoverCause): void {
  for (const vip of peer.claims.keys()) reconsider(state, vip, now, cause);
}

/** Empties what a peer's session told us. */
export function dropClaims(state: MeshState, peer: Peer, now: number, cause: TakeoverCause): void {
  for (const vip of peer.claims.keys()) removePeerClaim(state, peer, vip, now, cause);
  peer.claimsDigest = 0n;
  peer.claimsVersion = -1;
  peer.sync = undefined;
}

/** Drops peers that have been silent for long. */
export function forgetPeers(state: MeshState, now: number): void {
  for (const peer of state.peers.values()) {
    if (now - peer.lastHeard < Math.max(FORGET, 2 * peer.deadline)) continue;
    dropClaims(state, peer, now, 'peer-lost');
    state.peers.delete(peer.id);
    if (now - (state.steadiness.get(peer.id)?.at ?? now) > REMEMBERED) state.steadiness.delete(peer.id);
    state.membersChanged = true;
  }
}

/**
 * Chooses whom to exchange fast beacons with. Up to the limit: everybody. Beyond it: those who share candidacy for an address
 * with this node, since only they wait for each other; and whoever chose us.
 */
export function chooseFast(state: MeshState, now: number): void {
  const limit = state.timers.fastSet - 1;
  const known = [...state.peers.values()].filter(peer => !peer.left);
  if (known.length <= limit) {
    for (const peer of known) peer.fast = true;
    return;
  }
  const shared = sharedCandidacies(state);
  const weight = (peer: Peer) => (shared.get(peer.id) ?? 0) + peer.claims.size;
  const order = known.sort((a, b) => weight(b) - weight(a) || (a.score < b.score ? 1 : -1));
  let reciprocal = RECIPROCAL_FACTOR * state.timers.fastSet - limit;
  for (const [index, peer] of order.entries()) {
    peer.fast = index < limit || (peer.fastUntil > now && reciprocal-- > 0);
  }
}

function sharedCandidacies(state: MeshState): Map<NodeId, number> {
  const shared = new Map<NodeId, number>();
  for (const { order } of state.desired.values()) {
    if (!order.includes(state.me)) continue;
    for (const node of order) shared.set(node, (shared.get(node) ?? 0) + 1);
  }
  return shared;
}
