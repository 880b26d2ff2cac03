import { concerns } from './candidacies.ts';
import { addPeerClaim, release, removePeerClaim } from './claims.ts';
import { onCommit, onPrepare, onReady } from './handover.ts';
import { yieldCaretaking } from './hold.ts';
import { onFlowsGone } from './lame-duck.ts';
import { type NodeId, PACKET_CLAIMS, type Packet, type Vip } from './packet.ts';
import { admit, dropClaims, dropParts, hasRoom, judge } from './peers.ts';
import { outbids } from './rank.ts';
import { accept } from './replay.ts';
import { sendClaims, sendTo } from './send.ts';
import { createPeer, type Effect, isHeard, type MeshState, type Peer } from './state.ts';
import { detection } from './timers.ts';

/** Bounds of what a peer may say about its own timers (ms): hostile values must not make it immortal. */
const DEADLINE = { min: 40, max: 30_000 };
/** Claims of one peer that are kept. */
const CLAIM_LIMIT = 65_536;
/** Claims in parts of lists that are not complete yet, of all peers together. */
const PARTIAL_LIMIT = 131_072;

/**
 * A packet that passed the signature. `address` is where it came from; `group` whether it came by multicast.
 * Call it for everything that is in the socket before `tick`, or a stall of ours looks like a death of others.
 */
export function onPacket(state: MeshState, packet: Packet, from: { address: string; group: boolean }, now: number): Effect[] {
  const fx: Effect[] = [];
  if (packet.sender === state.me || state.restarting) return fx;
  const peer = session(state, packet, from.address, now, fx);
  if (peer === undefined || packet.seq < peer.goodbyeSeq) return fx;
  if (packet.type === 'leave') peer.goodbyeSeq = packet.seq;
  noteHeader(state, peer, packet, from, now);
  judge(state, peer, now, fx);
  switch (packet.type) {
    case 'beacon':
      noteClaims(state, peer, packet, now, fx);
      yieldCaretaking(state, peer, fx);
      break;
    case 'probe':
      sendTo(state, 'probe-ack', peer, now, fx);
      noteClaims(state, peer, packet, now, fx);
      break;
    case 'probe-ack':
      noteClaims(state, peer, packet, now, fx);
      break;
    case 'claim':
    case 'yield':
      noteDelta(state, peer, packet, now, fx);
      yieldCaretaking(state, peer, fx);
      break;
    case 'sync-request':
      sendClaims(state, peer, now, fx);
      break;
    case 'sync':
      noteSync(state, peer, packet, now, fx);
      break;
    case 'prepare':
      onPrepare(state, peer, packet.claims, now, fx);
      break;
    case 'ready':
      onReady(state, peer, packet.claims, now, fx);
      break;
    case 'commit':
      onCommit(state, peer, packet.claims, packet.drain, now, fx);
      break;
    case 'leave':
      if (!packet.flags.restarting) leave(state, peer, now, fx);
      break;
  }
  return fx;
}

/**
 * The peer the packet belongs to, or undefined when it is a repetition or an unproven session. While a session is fresh, another
 * nonce under its name takes its place only when it echoes ours: recordings of an earlier life cannot.
 */
function session(state: MeshState, packet: Packet, address: string, now: number, fx: Effect[]): Peer | undefined {
  let peer = state.peers.get(packet.sender);
  if (peer === undefined) {
    if (!hasRoom(state, packet.sender, now)) return undefined;
    peer = createPeer(packet, address, now);
    state.peers.set(peer.id, peer);
    admit(state, peer);
    noteHeader(state, peer, packet, { address, group: false }, now);
    judge(state, peer, now, fx);
    introduce(state, peer, now, fx);
  } else if (peer.nonce !== packet.nonce) {
    if (peer.liveness !== 'unheard' && packet.yourNonce !== state.nonce) {
      introduce(state, { ...peer, address, nonce: packet.nonce, liveness: 'heard' }, now, fx, peer);
      return undefined;
    }
    // What was held stays so until the new session has told its own claims.
    if (peer.liveness !== 'held') dropClaims(state, peer, now, 'peer-restarted');
    dropParts(state, peer);
    const restarted = createPeer(packet, address, now);
    Object.assign(peer, {
      ...restarted,
      claims: peer.claims,
      claimsDigest: peer.claimsDigest,
      withheldDigest: peer.withheldDigest,
      liveness: peer.liveness,
      fast: peer.fast,
      lameDucks: peer.lameDucks,
      repliedAt: peer.repliedAt,
    });
    state.membersChanged = true;
    // It was just heard: without the echo that says so, it would think that nobody hears it.
    introduce(state, { ...peer, liveness: 'heard' }, now, fx, peer);
  }
  if (!accept(peer.window, packet.seq)) {
    state.counters.replays += 1;
    return undefined;
  }
  return peer;
}

/**
 * A beacon out of turn, so that liveness becomes two-way at once; at most one per half interval and peer. On a large segment only to those
 * whom it concerns: a thousand answers at once would drown each other in the socket of the one who came.
 */
function introduce(state: MeshState, to: Peer, now: number, fx: Effect[], limited: Peer = to): void {
  if (now - limited.repliedAt < state.timers.interval / 2) return;
  if (state.peers.size >= state.timers.fastSet && !concerns(state, to.id)) return;
  limited.repliedAt = now;
  sendTo(state, 'beacon', to, now, fx);
}

function noteHeader(state: MeshState, peer: Peer, packet: Packet, from: { address: string; group: boolean }, now: number): void {
  peer.left = false;
  // Its kernel has to prove within its freshness that the node is still there.
  if (packet.flags.restarting && !peer.restarting) peer.kernelAt = now;
  peer.restarting = packet.flags.restarting;
  peer.persistent = packet.flags.persistent;
  // Where unicast passes is known then; a firewall may let multicast pass only, and unicast of the other family.
  if (!(from.group && peer.fast && peer.liveness === 'two-way')) peer.address = from.address;
  if (packet.name !== '') peer.name = packet.name;
  if (packet.macs.length > 0) peer.macs = packet.macs;
  peer.newestKey = packet.newestKey;
  peer.uplinkOk = packet.flags.uplinkOk;
  peer.draining = packet.flags.draining;
  peer.listening = packet.flags.listening;
  state.companyAt = now;
  state.metAt ??= now;
  const deadline = Math.min(DEADLINE.max, Math.max(DEADLINE.min, packet.interval * packet.multiplier));
  if (packet.flags.fast) {
    // Newly asked for: chosen anew at the next tick, within the limit for those whom we did not choose.
    if (peer.fastUntil <= now) state.membersChanged = true;
    peer.fastUntil = now + deadline;
  }
  // In the fast set only unicast counts: it is the path that traffic takes.
  if (peer.fast && from.group) return;
  if (!peer.fast || packet.flags.fast) {
    peer.deadline = deadline;
    peer.interval = packet.interval;
  } else if (peer.deadline === 0) {
    peer.deadline = detection(state.timers);
    peer.interval = state.timers.interval;
  }
  noteLoss(state, peer, now);
  peer.lastHeard = now;
  if (packet.yourNonce === state.nonce) peer.echoedAt = now;
}

/** Heartbeats that should have come since the last one. What waited in the sockets while this process stood still is not lost. */
function noteLoss(state: MeshState, peer: Peer, now: number): void {
  if (!peer.fast || peer.liveness !== 'two-way' || now - state.lastTick >= state.timers.interval) return;
  // Intervals are jittered by a tenth.
  const missed = Math.floor((now - peer.lastHeard) / (1.1 * peer.interval) - 0.5);
  if (missed > 0) state.counters.beaconsLost += missed;
}

/** A beacon, or a packet like one: its claims are all there are, or their digest tells whether our view of them is current. */
function noteClaims(state: MeshState, peer: Peer, packet: Packet, now: number, fx: Effect[]): void {
  if (packet.claimsVersion < peer.claimsVersion) return;
  peer.claimsVersion = packet.claimsVersion;
  if (peer.claimsDigest !== packet.claimsDigest || peer.withheldDigest !== packet.withheldDigest) {
    if (packet.complete) replaceClaims(state, peer, packet.claims, now);
    else if (now - peer.syncRequestedAt >= state.timers.interval) {
      peer.syncRequestedAt = now;
      sendTo(state, 'sync-request', peer, now, fx);
    }
  }
  settle(state, peer, ownersOf(state, peer), now, fx);
}

/** What both claim lies in either list: the shorter one is looked through, for every beacon. */
function ownersOf(state: MeshState, peer: Peer): Iterable<Vip> {
  return state.mine.size < peer.claims.size ? state.mine.keys() : peer.claims.keys();
}

function noteDelta(state: MeshState, peer: Peer, packet: Packet, now: number, fx: Effect[]): void {
  if (packet.claimsVersion < peer.claimsVersion) return;
  peer.claimsVersion = packet.claimsVersion;
  for (const claim of packet.claims)
    if (peer.claims.size < CLAIM_LIMIT || peer.claims.has(claim.vip)) addPeerClaim(state, peer, claim, now);
  for (const vip of packet.released) removePeerClaim(state, peer, vip, now, 'yielded');
  onFlowsGone(state, peer, packet.released, now, fx);
  settle(
    state,
    peer,
    packet.claims.map(claim => claim.vip),
    now,
    fx,
  );
}

function noteSync(state: MeshState, peer: Peer, packet: Packet, now: number, fx: Effect[]): void {
  const { index, count } = packet.part;
  if (packet.claimsVersion < peer.claimsVersion || index >= count || count * PACKET_CLAIMS > CLAIM_LIMIT) return;
  if (peer.sync?.version !== packet.claimsVersion || peer.sync.count !== count) {
    dropParts(state, peer);
    peer.sync = { version: packet.claimsVersion, count, parts: new Map() };
  }
  // The others begin anew, and are asked again: none is shut out by lists that never come to an end.
  if (state.partialClaims + packet.claims.length > PARTIAL_LIMIT)
    for (const other of state.peers.values()) if (other !== peer) dropParts(state, other);
  state.partialClaims += packet.claims.length - (peer.sync.parts.get(index)?.length ?? 0);
  peer.sync.parts.set(index, packet.claims);
  if (peer.sync.parts.size < count) return;
  const claims = [...peer.sync.parts.values()].flat();
  dropParts(state, peer);
  peer.claimsVersion = packet.claimsVersion;
  replaceClaims(state, peer, claims, now);
  settle(state, peer, ownersOf(state, peer), now, fx);
}

function replaceClaims(state: MeshState, peer: Peer, claims: Packet['claims'], now: number): void {
  const named = new Set(claims.map(claim => claim.vip));
  for (const vip of peer.claims.keys()) if (!named.has(vip)) removePeerClaim(state, peer, vip, now, 'yielded');
  for (const claim of claims) addPeerClaim(state, peer, claim, now);
}

/** Two owners of one address: the lower claim yields, the higher one says so again. A deaf node's claims do not count. */
function settle(state: MeshState, peer: Peer, vips: Iterable<Vip>, now: number, fx: Effect[]): void {
  if (peer.liveness !== 'two-way' && !peer.uplinkOk) return;
  const better: Vip[] = [];
  for (const vip of vips) {
    const mine = state.mine.get(vip);
    const theirs = peer.claims.get(vip);
    if (mine === undefined || theirs === undefined) continue;
    const handedTo: NodeId | undefined = state.handovers.get(vip)?.to;
    if (outbids(theirs, peer.id, mine, state.me)) {
      if (handedTo === peer.id) release(state, [vip], 'handover', now, fx, peer.id);
      else {
        state.counters.duplicates += 1;
        fx.push({ kind: 'duplicate', vip, node: peer.id, epoch: theirs.epoch });
        release(state, [vip], 'outbid', now, fx, peer.id);
      }
    } else better.push(vip);
  }
  if (better.length === 0 || now - peer.repliedAt < state.timers.interval / 4) return;
  peer.repliedAt = now;
  const claims = better.slice(0, PACKET_CLAIMS).flatMap(vip => state.mine.get(vip) ?? []);
  sendTo(state, 'claim', peer, now, fx, { claims });
}

/** The peer says goodbye: nobody has to wait for its silence. */
function leave(state: MeshState, peer: Peer, now: number, fx: Effect[]): void {
  peer.left = true;
  judge(state, peer, now, fx);
  dropClaims(state, peer, now, 'peer-left');
}

/** Whether every peer that is heard has the newest key of this node. */
export function peersHaveNewestKey(state: MeshState): boolean {
  for (const peer of state.peers.values()) if (isHeard(peer) && peer.newestKey !== state.newestKey) return false;
  return true;
}
