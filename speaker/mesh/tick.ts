import { release, takeOpen } from './claims.ts';
import { PARALLEL_HANDOVERS, startHandover, tickHandovers, tickMisplaced } from './handover.ts';
import { askKernels, settleRestored, tendHeld } from './hold.ts';
import { tickLameDucks } from './lame-duck.ts';
import type { Vip } from './packet.ts';
import { chooseFast, excuseKernel, forgetPeers, judge } from './peers.ts';
import { tickPreemption } from './preempt.ts';
import { packetFor, repeat, sendTo, tellChanged } from './send.ts';
import { type Company, type Effect, isHeard, type MeshState, type Peer, type ReleaseCause } from './state.ts';
import { noteSteadiness } from './steadiness.ts';
import { detection, listening } from './timers.ts';
import { able, mustFence, noteOthersUplink, othersAreDeaf } from './uplink.ts';

/** Between two looks at the peers beyond the fast set, in intervals: they are heard once a second, and gone after three. */
const SLOW_LOOK = 4;

/** How often to call `tick` (ms): T/4. */
export function tickInterval(state: MeshState): number {
  return state.timers.interval / 4;
}

/** All decisions that time brings. Everything in the sockets has been given to `onPacket` before. */
export function tick(state: MeshState, now: number): Effect[] {
  const fx: Effect[] = [];
  // It has said goodbye: a sign of life would make the others wait for its silence again.
  if (state.restarting) return fx;
  noteStall(state, now, fx);
  const company = look(state, now, fx);
  noteOthersUplink(state, company, now);
  tendHeld(state, company.held, able(state, company, now), now, fx);
  decide(state, company, now, fx);
  settleRestored(state, now, fx);
  if (state.leaving) handOverAll(state, now);
  tickPreemption(state, now);
  tickMisplaced(state, now, fx);
  tickHandovers(state, now, fx);
  tickLameDucks(state, now, fx);
  probeSuspects(state, now, fx);
  askKernels(state, now, fx);
  repeat(state, now, fx);
  tellChanged(state, now, fx);
  beacons(state, now, fx);
  return fx;
}

/** Who is there. Those beyond the fast set say so by the second: looking at them at every tick would only cost. */
function look(state: MeshState, now: number, fx: Effect[]): Company {
  const pause = SLOW_LOOK * state.timers.interval;
  if (now >= state.nextSlowLook || state.nextSlowLook - now > pause) {
    state.nextSlowLook = now + pause;
    state.slow = alone();
    for (const peer of state.peers.values()) if (!peer.fast) lookAt(state, peer, state.slow, now, fx);
  }
  const { heard, live, up, held } = state.slow;
  const company = { heard, live, up, held: [...held] };
  for (const peer of state.fast) lookAt(state, peer, company, now, fx);
  return company;
}

function alone(): Company {
  return { heard: 0, live: 0, up: false, held: [] };
}

function lookAt(state: MeshState, peer: Peer, company: Company, now: number, fx: Effect[]): void {
  judge(state, peer, now, fx);
  noteSteadiness(state, peer, now);
  if (peer.liveness === 'held') company.held.push(peer);
  if (!isHeard(peer)) return;
  company.heard += 1;
  if (peer.liveness === 'two-way') company.live += 1;
  company.up ||= peer.uplinkOk;
}

/** A stall of our own must not look like the death of others, and after a long one others may own what we think is ours. */
function noteStall(state: MeshState, now: number, fx: Effect[]): void {
  const gap = now - state.lastTick;
  const { lastTick, timers } = state;
  state.lastTick = now;
  if (gap < timers.interval) return;
  state.counters.stalls += 1;
  fx.push({ kind: 'stall', ms: gap });
  const grace = 2 * timers.interval;
  for (const peer of state.peers.values()) {
    if (peer.liveness === 'held') excuseKernel(state, peer, lastTick, now);
    if (!isHeard(peer) || lastTick - peer.lastHeard >= peer.deadline) continue;
    peer.lastHeard = Math.max(peer.lastHeard, now - peer.deadline + grace);
    if (lastTick - peer.echoedAt < peer.deadline) peer.echoedAt = Math.max(peer.echoedAt, now - peer.deadline + grace);
  }
  // The gateway's answer to a question of before the stall is long gone, and the next one is not asked yet.
  const { uplink } = state;
  if (lastTick - uplink.seenAt < detection(timers)) uplink.seenAt = Math.max(uplink.seenAt, now - detection(timers) + grace);
  if (gap >= detection(timers)) doubt(state, now);
}

/** Back to listening: take nothing until the picture is whole again. */
function doubt(state: MeshState, now: number): void {
  state.listenUntil = Math.max(state.listenUntil, now + listening(state.timers));
  state.ableSince = Number.POSITIVE_INFINITY;
}

function decide(state: MeshState, company: Company, now: number, fx: Effect[]): void {
  if (mustFence(state, company, now)) fence(state, state.uplink.carrier ? 'no-uplink' : 'no-carrier', now, fx);
  if (company.heard > 0 && company.live === 0 && !othersAreDeaf(state, company, now)) {
    // We hear them and they do not hear us: our sending side is broken.
    state.unheardSince ??= now;
    if (now - state.unheardSince >= detection(state.timers)) fence(state, 'unheard', now, fx);
    doubt(state, now);
    takeAlone(state, now, fx);
    return;
  }
  state.unheardSince = undefined;
  if (!able(state, company, now)) {
    doubt(state, now);
    takeAlone(state, now, fx);
    return;
  }
  if (state.leaving || now < state.listenUntil) return;
  if (state.ableSince === Number.POSITIVE_INFINITY) state.ableSince = now;
  takeOpen(state, now, fx);
}

function fence(state: MeshState, cause: ReleaseCause, now: number, fx: Effect[]): void {
  if (state.mine.size === 0) return;
  const keep = cause === 'no-carrier' ? () => false : (vip: Vip) => onlyOne(state, vip);
  release(
    state,
    [...state.mine.keys()].filter(vip => !keep(vip)),
    cause,
    now,
    fx,
  );
}

/** What nobody else may own is better answered by a node that doubts itself than by none; not without a link, on which nobody asks. */
function takeAlone(state: MeshState, now: number, fx: Effect[]): void {
  if (state.uplink.carrier && !state.leaving) takeOpen(state, now, fx, vip => onlyOne(state, vip));
}

function onlyOne(state: MeshState, vip: Vip): boolean {
  const order = state.desired.get(vip)?.order;
  return order?.length === 1 && order[0] === state.me;
}

function handOverAll(state: MeshState, now: number): void {
  for (const [vip, claim] of state.mine) {
    if (state.handovers.size >= PARALLEL_HANDOVERS) return;
    if (claim.unwanted === true || state.handovers.has(vip)) continue;
    claim.unwanted = !startHandover(state, vip, 'leaving', now);
  }
}

/** Asks a silent peer whether it is there before its time is over: an answer counts like a beacon. */
function probeSuspects(state: MeshState, now: number, fx: Effect[]): void {
  for (const peer of state.fast) {
    if (!isHeard(peer) || peer.left) continue;
    if (now - Math.min(peer.lastHeard, Math.max(peer.echoedAt, 0)) < 2 * peer.interval) continue;
    if (now - peer.probedAt < state.timers.interval / 4) continue;
    peer.probedAt = now;
    sendTo(state, 'probe', peer, now, fx);
  }
}

function beacons(state: MeshState, now: number, fx: Effect[]): void {
  const { timers } = state;
  if (now >= state.nextSlow) {
    forgetPeers(state, now);
    const packet = packetFor(state, 'beacon', undefined, now);
    // Who has just started asks again before it takes anything: a switch may not have learnt yet who listens to the group.
    state.nextSlow = now + jittered(state, now < state.listenUntil ? 2 * timers.interval : packet.interval);
    state.membersChanged = true;
    fx.push({ kind: 'send', to: 'group', packet });
    hint(state, now, fx);
  }
  // A choice among many is made with a beacon, not with every tick in which somebody comes.
  if (state.membersChanged && (state.peers.size < timers.fastSet || now >= state.nextBeacon)) {
    state.membersChanged = false;
    chooseFast(state, now);
  }
  if (now < state.nextBeacon) return;
  // Counted from when it was due, so that the rhythm holds although ticks are coarse.
  state.nextBeacon = Math.max(state.nextBeacon + jittered(state, timers.interval), now);
  for (const peer of state.fast) if (!peer.left) sendTo(state, 'beacon', peer, now, fx);
}

/** Asks nodes that should be here and are not two-way by unicast, at all their addresses: multicast may be filtered, or one family. */
function hint(state: MeshState, now: number, fx: Effect[]): void {
  for (const { node, addresses } of state.hints) {
    const peer = state.peers.get(node);
    // Whoever hears this node and is heard gets its beacons where it sends from.
    if (peer?.liveness === 'two-way') continue;
    for (const address of addresses) fx.push({ kind: 'send', to: { address }, packet: packetFor(state, 'beacon', peer, now) });
  }
}

function jittered(state: MeshState, interval: number): number {
  return interval * (0.9 + 0.2 * state.random());
}

/** The process ends and will be back: its claims are to be held. */
export function pauseMesh(state: MeshState, now: number): Effect[] {
  const fx: Effect[] = [];
  state.restarting = true;
  goodbye(state, now, fx);
  return fx;
}

/** The last packets before the process, or the interface, goes: others need not wait for our silence. */
export function farewell(state: MeshState, now: number, cause: 'leaving' | 'interface-gone' = 'leaving'): Effect[] {
  const fx: Effect[] = [];
  release(state, [...state.mine.keys()], cause, now, fx);
  // The goodbye tells the new owners, too.
  for (const vip of state.lameDucks.keys()) fx.push({ kind: 'lame-duck-over', vip, why: cause });
  state.lameDucks.clear();
  goodbye(state, now, fx);
  return fx;
}

function goodbye(state: MeshState, now: number, fx: Effect[]): void {
  for (let copy = 0; copy < 3; copy++) {
    for (const peer of state.fast) if (!peer.left) sendTo(state, 'leave', peer, now, fx);
    fx.push({ kind: 'send', to: 'group', packet: packetFor(state, 'leave', undefined, now) });
  }
}
