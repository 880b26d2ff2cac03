import { candidate, nextEpoch, release, take } from './claims.ts';
import { drainTime } from './lame-duck.ts';
import { type Claim, type NodeId, PACKET_CLAIMS, type PacketType, type Vip } from './packet.ts';
import { sendTo } from './send.ts';
import { type Effect, type Handover, isHeard, type MeshState, type Peer } from './state.ts';
import { listening } from './timers.ts';
import { uplinkProven } from './uplink.ts';

/** Silence of a candidate after which the next is asked (ms), at least: one that has just started listens first. */
const ANSWER_WITHIN = 1_000;
/** No move goes on for longer (ms), whatever a peer says. */
const DRAIN_LIMIT = 86_400_000;
/** Handovers at a time: the new owners announce each address, and switches and gateways learn at a finite rate. */
export const PARALLEL_HANDOVERS = 50;

export interface HandoverOptions {
  /** A named node; by default the first candidate in the order of preference. */
  to?: NodeId;
  /** How long this node goes on for those who use the address already (ms); by default what the plan says. */
  drain?: number;
}

/**
 * Begins to hand `vip` over: PREPARE, READY, COMMIT, and the new owner's claim ends it. This node answers until then.
 * @returns false when nobody can take it
 */
export function startHandover(state: MeshState, vip: Vip, reason: Handover['reason'], now: number, options: HandoverOptions = {}): boolean {
  const claim = state.mine.get(vip);
  if (claim === undefined || state.handovers.has(vip)) return false;
  const tried = new Set<NodeId>();
  const target = options.to ?? nextCandidate(state, vip, tried, now);
  if (target === undefined) return false;
  // Nobody uses what is not answered.
  const drain = claim.withheld ? 0 : (options.drain ?? drainTime(state, vip, now));
  state.handovers.set(vip, begin(state, vip, target, { reason, tried, drain }, now));
  return true;
}

function begin(state: MeshState, vip: Vip, to: NodeId, kept: Pick<Handover, 'reason' | 'tried' | 'drain'>, now: number): Handover {
  const { reason, tried, drain } = kept;
  return { to, epoch: nextEpoch(state, vip), phase: 'prepare', since: now, lastSent: Number.NEGATIVE_INFINITY, tried, reason, drain };
}

function nextCandidate(state: MeshState, vip: Vip, tried: ReadonlySet<NodeId>, now: number): NodeId | undefined {
  // Where nobody has an uplink, that is no reason to keep an address here.
  const someUp = uplinkProven(state, now) || [...state.peers.values()].some(peer => isHeard(peer) && peer.uplinkOk);
  let waitedFor: NodeId | undefined;
  for (const node of state.desired.get(vip)?.order ?? []) {
    const peer = state.peers.get(node);
    if (peer === undefined || tried.has(node) || !candidate(peer)) continue;
    if (peer.listening) waitedFor ??= node;
    else if (peer.uplinkOk || !someUp) return node;
  }
  // One that has just started answers when it has listened for long enough and found its uplink: sooner than it is given up.
  return waitedFor;
}

/** Sends what is due, goes on to the next candidate after silence, and gives up where nobody is left. */
export function tickHandovers(state: MeshState, now: number, fx: Effect[]): void {
  const answerWithin = patience(state);
  const due = new Map<string, { peer: Peer; type: PacketType; drain: number; claims: Claim[] }>();
  for (const [vip, handover] of state.handovers) {
    let current = handover;
    const lost = state.peers.get(current.to)?.liveness !== 'two-way';
    if (lost || now - current.since >= answerWithin) {
      current.tried.add(current.to);
      // Nobody but the preferred node is worth a move.
      const next = current.reason === 'preferred' ? undefined : nextCandidate(state, vip, current.tried, now);
      if (next === undefined) {
        giveUp(state, vip, current);
        continue;
      }
      current = begin(state, vip, next, current, now);
      state.handovers.set(vip, current);
    }
    const peer = state.peers.get(current.to);
    if (peer === undefined || now - current.lastSent < state.timers.interval / 2) continue;
    current.lastSent = now;
    const type = current.phase;
    const { drain } = current;
    const key = `${peer.id}/${type}/${drain}`;
    const batch = due.get(key) ?? { peer, type, drain, claims: [] };
    due.set(key, batch);
    batch.claims.push({ vip, epoch: current.epoch, rank: 0 });
  }
  for (const { peer, type, drain, claims } of due.values()) sendClaimsOf(state, type, peer, claims, now, fx, drain);
}

/** Nobody takes it now: an address that may not stay is offered again for a while; one that only should move stays. */
function giveUp(state: MeshState, vip: Vip, handover: Handover): void {
  state.handovers.delete(vip);
  if (handover.reason !== 'leaving') return;
  const claim = state.mine.get(vip);
  if (claim !== undefined) claim.unwanted = true;
}

/**
 * Addresses that are to be elsewhere. Who cannot take one now would not take it either if it were free, so it stays for a moment; then it is
 * given up for whoever comes.
 */
export function tickMisplaced(state: MeshState, now: number, fx: Effect[]): void {
  for (const [vip, since] of state.misplaced) {
    if (!state.mine.has(vip)) state.misplaced.delete(vip);
    else if (!state.handovers.has(vip) && !startHandover(state, vip, 'ineligible', now) && now - since >= 2 * patience(state)) {
      state.misplaced.delete(vip);
      release(state, [vip], 'ineligible', now, fx);
    }
  }
}

/** Silence of a candidate after which the next is asked (ms). */
function patience({ timers }: MeshState): number {
  return Math.max(ANSWER_WITHIN, listening(timers) + 2 * timers.interval);
}

/** The new owner: says which of the addresses it would take. */
export function onPrepare(state: MeshState, peer: Peer, claims: readonly Claim[], now: number, fx: Effect[]): void {
  const acceptable = claims.filter(({ vip }) => accepts(state, vip, now));
  if (acceptable.length > 0) sendClaimsOf(state, 'ready', peer, acceptable, now, fx);
}

/** The old owner: the candidate is ready, so it is told to take over. */
export function onReady(state: MeshState, peer: Peer, claims: readonly Claim[], now: number, fx: Effect[]): void {
  const commits = new Map<number, Claim[]>();
  for (const { vip, epoch } of claims) {
    const handover = state.handovers.get(vip);
    if (handover === undefined || handover.to !== peer.id || handover.phase !== 'prepare' || handover.epoch !== epoch) continue;
    Object.assign(handover, { phase: 'commit', since: now, lastSent: now });
    commits.set(handover.drain, [...(commits.get(handover.drain) ?? []), { vip, epoch, rank: 0 }]);
  }
  for (const [drain, some] of commits) sendClaimsOf(state, 'commit', peer, some, now, fx, drain);
}

/** The new owner: takes it. */
export function onCommit(state: MeshState, peer: Peer, claims: readonly Claim[], drain: number, now: number, fx: Effect[]): void {
  const taken = claims
    .filter(({ vip }) => !state.mine.has(vip) && accepts(state, vip, now))
    .map(({ vip, epoch }) => ({
      vip,
      epoch: Math.max(epoch, nextEpoch(state, vip)),
      cause: 'handover' as const,
      ...(drain > 0 && { quiet: { from: peer.id, since: now, until: now + Math.min(drain, DRAIN_LIMIT) } }),
    }));
  take(state, taken, now, fx);
}

function accepts(state: MeshState, vip: Vip, now: number): boolean {
  const eligible = state.desired.get(vip)?.order.includes(state.me) === true;
  return eligible && !state.leaving && now >= state.listenUntil && now >= state.ableSince;
}

function sendClaimsOf(
  state: MeshState,
  type: PacketType,
  peer: Peer,
  claims: readonly Claim[],
  now: number,
  fx: Effect[],
  drain = 0,
): void {
  for (let from = 0; from < claims.length; from += PACKET_CLAIMS) {
    sendTo(state, type, peer, now, fx, { claims: claims.slice(from, from + PACKET_CLAIMS), drain });
  }
}
