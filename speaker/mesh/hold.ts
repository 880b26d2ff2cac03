import type { Mac } from '../layer2/ethernet.ts';
import { askAbsent, isAwaited, noteAbsentAnswer } from './absent.ts';
import { candidate, holds, reconsider } from './claims.ts';
import type { NodeId, Vip } from './packet.ts';
import type { Effect, MeshState, Peer } from './state.ts';
import { listening } from './timers.ts';

/** Between two questions to the kernel of a node that holds addresses (ms). */
const ASK_HELD = 100;

/** The kernel of the node at `address` (without zone) answered for its own address: the node is alive as a way for packets. */
export function onKernelAnswer(state: MeshState, address: string, now: number): void {
  const zoned = `${address}%`;
  for (const peer of state.peers.values()) if (peer.address === address || peer.address.startsWith(zoned)) peer.kernelAt = now;
  noteAbsentAnswer(state, address, now);
}

/** Asks the kernels of owners that fall silent, before their time is over and for as long as they are held. */
export function askKernels(state: MeshState, now: number, fx: Effect[]): void {
  for (const peer of state.fast) {
    const suspect = peer.liveness === 'two-way' && now - peer.lastHeard >= 2 * peer.interval;
    if (suspect || peer.liveness === 'held') askKernel(state, peer, now, fx);
  }
  for (const peer of state.slow.held) if (!peer.fast && peer.liveness === 'held') askKernel(state, peer, now, fx);
  askAbsent(state, now, fx);
}

function askKernel(state: MeshState, peer: Peer, now: number, fx: Effect[]): void {
  if (peer.claims.size + peer.lameDucks === 0 || peer.left) return;
  // Once an answer is missing, it is asked as often as at first: on a lossy network three in a row get lost now and then.
  const answers = peer.liveness === 'held' && now - peer.kernelAt < 1.5 * ASK_HELD;
  if (now - peer.kernelAskedAt < (answers ? ASK_HELD : state.timers.interval / 5)) return;
  peer.kernelAskedAt = now;
  fx.push({ kind: 'ask-kernel', address: peer.address, mac: peer.macs[0] });
}

/** Ends holds that have lasted long enough, and answers for the others where this node is next in line. */
export function tendHeld(state: MeshState, silent: readonly Peer[], able: boolean, now: number, fx: Effect[]): void {
  if (silent.length === 0 && state.caretaking.size === 0 && state.open.size === 0) return;
  const tended = new Map<Vip, { node: NodeId; mac: Mac }>();
  for (const peer of silent) {
    if (peer.liveness !== 'held') continue;
    for (const vip of peer.claims.keys()) {
      if (!holds(state, peer, vip, now)) reconsider(state, vip, now, 'peer-lost');
      else if (able && state.caretaker && !peer.persistent && peer.macs[0] !== undefined && isNext(state, vip))
        tended.set(vip, { node: peer.id, mac: peer.macs[0] });
    }
  }
  if (able && state.caretaker && now >= state.listenUntil) tendAwaited(state, tended, now);
  for (const [vip, { node, mac }] of state.caretaking) {
    const holder = tended.get(vip);
    if (holder?.node === node && holder.mac === mac) continue;
    state.caretaking.delete(vip);
    if (holder === undefined) fx.push({ kind: 'caretake', vip, mac: undefined });
  }
  for (const [vip, holder] of tended) {
    if (state.caretaking.has(vip)) continue;
    state.caretaking.set(vip, holder);
    fx.push({ kind: 'caretake', vip, mac: holder.mac });
  }
}

/** What is left to a last owner that this node has not heard yet is answered for like what is held. */
function tendAwaited(state: MeshState, tended: Map<Vip, { node: NodeId; mac: Mac }>, now: number): void {
  for (const vip of state.open.keys()) {
    const desired = state.desired.get(vip);
    if (desired?.lastOwner !== undefined && isAwaited(state, desired, now) && isNext(state, vip)) tended.set(vip, desired.lastOwner);
  }
}

/** Somebody else's hold is over and it took the address: from here on its answers count, not those given for the old owner. */
export function yieldCaretaking(state: MeshState, peer: Peer, fx: Effect[]): void {
  if (state.caretaking.size === 0 || peer.liveness !== 'two-way') return;
  for (const [vip, { node }] of state.caretaking) {
    if (node === peer.id || !peer.claims.has(vip)) continue;
    state.caretaking.delete(vip);
    fx.push({ kind: 'caretake', vip, mac: undefined });
  }
}

/** No live and willing node comes before this one in the order of the address, and none owns it. */
function isNext(state: MeshState, vip: Vip): boolean {
  const order: readonly NodeId[] = state.desired.get(vip)?.order ?? [];
  if (!order.includes(state.me) || state.mine.has(vip) || state.leaving) return false;
  for (const node of state.claimants.get(vip) ?? []) if (state.peers.get(node)?.liveness === 'two-way') return false;
  for (const node of order) {
    if (node === state.me) return true;
    const peer = state.peers.get(node);
    if (peer !== undefined && candidate(peer)) return false;
  }
  return false;
}

/**
 * Answers for restored claims once the others had the chance to contradict: a moment after the first peer was met (who answers with
 * all its claims), or after listening where nobody is. Nothing is announced: the clients never lost the way. A node that is alone in the
 * plan or in the cluster has nobody to wait for: a gateway that falls silent does not prolong its listening.
 */
export function settleRestored(state: MeshState, now: number, fx: Effect[]): void {
  const dormant = [...state.mine.values()].filter(claim => claim.dormant);
  if (dormant.length === 0) return;
  if (state.metAt !== undefined && now - state.metAt < state.timers.interval / 4) return;
  const isListening = state.metAt === undefined && now < state.listenUntil;
  const hasListened = now - state.startedAt >= listening(state.timers);
  for (const claim of dormant) {
    if (isListening && !(hasListened && state.uplink.carrier && isAlone(state, claim.vip))) continue;
    claim.dormant = false;
    fx.push({
      kind: 'acquire',
      vip: claim.vip,
      epoch: claim.epoch,
      cause: 'restored',
      ...(claim.quiet !== undefined && { quiet: claim.quiet }),
    });
  }
}

function isAlone(state: MeshState, vip: Vip): boolean {
  const order = state.desired.get(vip)?.order ?? [];
  return state.hints.length === 0 || order.every(node => node === state.me);
}
