import { candidacies } from './candidacies.ts';
import { type Claim, PACKET_CLAIMS, type Packet, type PacketType, type Vip } from './packet.ts';
import { type Effect, isHeard, type MeshState, type Peer } from './state.ts';
import { SLOW_MULTIPLIER } from './timers.ts';
import { uplinkProven } from './uplink.ts';

interface Content {
  claims?: readonly Claim[];
  released?: readonly Vip[];
  drain?: number;
  part?: { index: number; count: number };
}

/** A packet to one peer, or with `peer` undefined one to the whole segment. */
export function packetFor(state: MeshState, type: PacketType, peer: Peer | undefined, now: number, content: Content = {}): Packet {
  const { timers } = state;
  const all = content.claims === undefined && state.mine.size <= PACKET_CLAIMS;
  const slow = idle(state) ? timers.idleInterval : timers.slowInterval;
  state.seq += 1;
  return {
    type,
    flags: {
      ready: !state.leaving,
      draining: state.leaving,
      uplinkOk: uplinkProven(state, now),
      fast: peer?.fast ?? false,
      listening: now < state.listenUntil,
      persistent: state.persistent,
      restarting: state.restarting,
    },
    sender: state.me,
    nonce: state.nonce,
    yourNonce: peer !== undefined && isHeard(peer) ? peer.nonce : 0n,
    seq: state.seq,
    interval: peer?.fast === true ? timers.interval : slow,
    multiplier: peer?.fast === true ? timers.multiplier : SLOW_MULTIPLIER,
    newestKey: state.newestKey,
    claimsVersion: state.claimsVersion,
    claimsDigest: state.claimsDigest,
    withheldDigest: state.withheldDigest,
    complete: all,
    claims: content.claims ?? (all ? [...state.mine.values()] : []),
    released: content.released ?? [],
    name: state.name,
    macs: state.macs,
    drain: content.drain ?? 0,
    part: content.part ?? { index: 0, count: 1 },
  };
}

export function sendTo(state: MeshState, type: PacketType, peer: Peer, now: number, fx: Effect[], content?: Content): void {
  fx.push({ kind: 'send', to: { address: peer.address }, packet: packetFor(state, type, peer, now, content) });
}

/** The same once more, for those who refuse it as it is: with a number of its own, or who hears both would take one for a repetition. */
export function copyOf(state: MeshState, packet: Packet): Packet {
  state.seq += 1;
  return { ...packet, seq: state.seq };
}

/** To every fast peer by unicast and to the others by multicast. */
export function sendToAll(state: MeshState, type: PacketType, now: number, fx: Effect[], content?: Content): void {
  for (const peer of state.fast) if (!peer.left) sendTo(state, type, peer, now, fx, content);
  fx.push({ kind: 'send', to: 'group', packet: packetFor(state, type, undefined, now, content) });
}

/** Tells all of new or given-up claims, now and again after 20 and 50 ms. */
export function tell(state: MeshState, type: 'claim' | 'yield', vips: readonly Vip[], now: number, fx: Effect[]): void {
  tellOnce(state, type, vips, now, fx);
  state.repeats.push({ at: now + 20, type, vips }, { at: now + 50, type, vips });
}

/** Tells once of claims that are withheld now, or no longer: whoever misses it learns by the next digest. */
export function tellChanged(state: MeshState, now: number, fx: Effect[]): void {
  if (state.changed.size === 0) return;
  tellOnce(state, 'claim', [...state.changed], now, fx);
  state.changed.clear();
}

/** Sends what still holds of an earlier `tell`. */
export function repeat(state: MeshState, now: number, fx: Effect[]): void {
  if (state.repeats.length === 0) return;
  const due = state.repeats.filter(entry => entry.at <= now);
  if (due.length === 0) return;
  state.repeats = state.repeats.filter(entry => entry.at > now);
  for (const entry of due) tellOnce(state, entry.type, entry.vips, now, fx);
}

function tellOnce(state: MeshState, type: 'claim' | 'yield', vips: readonly Vip[], now: number, fx: Effect[]): void {
  for (let from = 0; from < vips.length; from += PACKET_CLAIMS) {
    const some = vips.slice(from, from + PACKET_CLAIMS);
    if (type === 'claim') {
      const claims = some.flatMap(vip => state.mine.get(vip) ?? []);
      if (claims.length > 0) sendToAll(state, 'claim', now, fx, { claims });
    } else {
      const released = some.filter(vip => !state.mine.has(vip));
      if (released.length > 0) sendToAll(state, 'yield', now, fx, { claims: [], released });
    }
  }
}

/** The full list of claims, in pieces. */
export function sendClaims(state: MeshState, peer: Peer, now: number, fx: Effect[]): void {
  const claims = [...state.mine.values()];
  const count = Math.max(1, Math.ceil(claims.length / PACKET_CLAIMS));
  for (let index = 0; index < count; index++) {
    const some = claims.slice(index * PACKET_CLAIMS, (index + 1) * PACKET_CLAIMS);
    sendTo(state, 'sync', peer, now, fx, { claims: some, part: { index, count } });
  }
}

/** Neither holds nor may hold anything: heard less often. */
function idle(state: MeshState): boolean {
  return state.mine.size === 0 && !candidacies(state).eligible;
}
