import { candidacies } from './candidacies.ts';
import { holds, reconsider, removePeerClaim } from './claims.ts';
import type { NodeId } from './packet.ts';
import { type Effect, isHeard, type Liveness, type MeshState, type Peer, type TakeoverCause } from './state.ts';
import { SLOW_MULTIPLIER } from './timers.ts';

/** A peer unheard for so long is forgotten (ms); its epochs are not. */
const FORGET = 60_000;

/** How reliable a forgotten peer was is remembered for so long (ms): a node that fails often must not begin anew each time. */
const REMEMBERED = 3_600_000;
/** And of so many nodes. */
const REMEMBERED_NODES = 8_192;

/** Peers on one segment that are kept. */
const PEER_LIMIT = 4_096;

/**
 * A kernel silent for so long is gone, and its node with it (ms), or for two intervals where those are longer: it is asked every 25 ms at first
 * and every 100 ms later, as far as ticks allow, and a stall of less than an interval is not noticed.
 */
const KERNEL_FRESH = 300;
/** After a stall of our own a kernel has so long to answer anew (ms): questions were not asked meanwhile. */
const KERNEL_GRACE = 200;

/** A peer that was heard so many intervals ago goes on talking, as far as is known: beacons are jittered, and ticks are coarse. */
const TALKING = 1.5;

/** Peers that answer fast because they were asked to, beyond our own choice. */
const RECIPROCAL_FACTOR = 2;

function kernelFresh({ timers }: MeshState): number {
  return Math.max(KERNEL_FRESH, 2 * timers.interval);
}

function livenessOf(state: MeshState, peer: Peer, now: number): Liveness {
  if (peer.left) return 'unheard';
  if (peer.restarting || now - peer.lastHeard >= peer.deadline) return kernelAnswers(state, peer, now) ? 'held' : 'unheard';
  // Beyond the fast set nobody echoes: being heard has to do. Who has just fallen silent is judged by that, and not by the missing echo.
  const talking = Math.min(now, peer.lastHeard + TALKING * peer.interval);
  return !peer.fast || talking - peer.echoedAt < peer.deadline ? 'two-way' : 'heard';
}

/** A speaker that was in order and fell silent, on a node whose kernel has just answered, is restarting: connections live there. */
function kernelAnswers(state: MeshState, peer: Peer, now: number): boolean {
  const wasInOrder = peer.liveness === 'two-way' || peer.liveness === 'held';
  return wasInOrder && peer.claims.size + peer.lameDucks > 0 && now - peer.kernelAt < kernelFresh(state);
}

/** This node stood still from `before` until `now`, and could not ask: a kernel that answered until then is not silent yet. */
export function excuseKernel(state: MeshState, peer: Peer, before: number, now: number): void {
  const fresh = kernelFresh(state);
  if (before - peer.kernelAt < fresh) peer.kernelAt = Math.max(peer.kernelAt, now - fresh + KERNEL_GRACE);
}

/** Brings a peer's liveness up to date; what it claims is reconsidered when it changed. */
export function judge(state: MeshState, peer: Peer, now: number, fx: Effect[]): void {
  const liveness = livenessOf(state, peer, now);
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
  peer.withheldDigest = 0n;
  peer.claimsVersion = -1;
  dropParts(state, peer);
}

/** A list of claims that was not completed, or is complete now. */
export function dropParts(state: MeshState, peer: Peer): void {
  for (const claims of peer.sync?.parts.values() ?? []) state.partialClaims -= claims.length;
  peer.sync = undefined;
}

/** Drops peers that have been silent for long. */
export function forgetPeers(state: MeshState, now: number): void {
  for (const peer of state.peers.values()) {
    if (now - peer.lastHeard < Math.max(FORGET, 2 * peer.deadline) || isWaitedFor(state, peer, now)) continue;
    forget(state, peer, now);
  }
  for (const [node, { at }] of state.steadiness) {
    const isOver = now - at > REMEMBERED || state.steadiness.size > REMEMBERED_NODES;
    if (isOver && !state.peers.has(node)) state.steadiness.delete(node);
  }
}

/** Its speaker is away, and what its node forwards is left to it: for as long as holds and planned moves last. */
function isWaitedFor(state: MeshState, peer: Peer, now: number): boolean {
  if (peer.liveness !== 'held') return false;
  if (peer.lameDucks > 0) return true;
  for (const vip of peer.claims.keys()) if (holds(state, peer, vip, now)) return true;
  return false;
}

function forget(state: MeshState, peer: Peer, now: number): void {
  dropClaims(state, peer, now, 'peer-lost');
  state.peers.delete(peer.id);
  state.membersChanged = true;
}

/** Whether there is room for one more peer. Nodes of the plan take the place of others: who has the key may invent senders. */
export function hasRoom(state: MeshState, node: NodeId, now: number): boolean {
  if (state.peers.size < PEER_LIMIT) return true;
  const { shared } = candidacies(state);
  if (!shared.has(node)) return false;
  for (const peer of state.peers.values()) {
    if (shared.has(peer.id)) continue;
    forget(state, peer, now);
    return true;
  }
  return false;
}

/**
 * Chooses whom to exchange fast beacons with. Up to the limit: everybody. Beyond it: those who share candidacy for an address
 * with this node, since only they wait for each other; and whoever chose us.
 */
export function chooseFast(state: MeshState, now: number): void {
  const limit = state.timers.fastSet - 1;
  const known = [...state.peers.values()].filter(peer => !peer.left);
  const before = new Set(state.fast);
  if (known.length <= limit) for (const peer of known) peer.fast = true;
  else chooseAmong(state, known, limit, now);
  state.fast = [...state.peers.values()].filter(peer => peer.fast);
  for (const peer of state.fast) {
    // It had no reason to echo until now, and has the time of a beacon to begin with it.
    if (!before.has(peer) && peer.liveness === 'two-way') peer.echoedAt = Math.max(peer.echoedAt, now);
  }
  for (const peer of before) {
    // Its next beacon is a slow one, which says so itself.
    if (!peer.fast) peer.deadline = Math.max(peer.deadline, SLOW_MULTIPLIER * slowestOf(state, peer));
  }
}

function slowestOf({ timers }: MeshState, peer: Peer): number {
  return peer.claims.size > 0 ? timers.slowInterval : timers.idleInterval;
}

interface Ranked {
  peer: Peer;
  weight: number;
}

function chooseAmong(state: MeshState, known: readonly Peer[], limit: number, now: number): void {
  const { shared } = candidacies(state);
  const chosen: Ranked[] = [];
  const asking: Ranked[] = [];
  // With a thousand peers, sorting them all would cost more than everything else here: only those that count are sorted.
  for (const peer of known) {
    peer.fast = false;
    const ranked = { peer, weight: (shared.get(peer.id) ?? 0) + peer.claims.size };
    const dropped = insert(chosen, ranked, limit);
    if (dropped !== undefined && dropped.peer.fastUntil > now) asking.push(dropped);
  }
  for (const { peer } of chosen) peer.fast = true;
  const reciprocal = RECIPROCAL_FACTOR * state.timers.fastSet - limit;
  for (const { peer } of asking.sort(byWeight).slice(0, reciprocal)) peer.fast = true;
}

function byWeight(a: Ranked, b: Ranked): number {
  return b.weight - a.weight || b.peer.score - a.peer.score;
}

/** Keeps the first `limit` in order. Returns the one that has no place. */
function insert(order: Ranked[], ranked: Ranked, limit: number): Ranked | undefined {
  const last = order[limit - 1];
  if (limit === 0 || (last !== undefined && byWeight(last, ranked) < 0)) return ranked;
  let place = order.length;
  for (let above = order[place - 1]; above !== undefined && byWeight(above, ranked) > 0; above = order[place - 1]) place -= 1;
  order.splice(place, 0, ranked);
  return order.length > limit ? order.pop() : undefined;
}

/** A new peer: fast at once where there is room for everybody, else as the next tick decides. */
export function admit(state: MeshState, peer: Peer): void {
  state.membersChanged = true;
  if (state.peers.size > state.timers.fastSet - 1) return;
  peer.fast = true;
  state.fast.push(peer);
}
