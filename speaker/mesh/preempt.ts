import { candidate } from './claims.ts';
import { PARALLEL_HANDOVERS, startHandover } from './handover.ts';
import type { NodeId } from './packet.ts';
import type { DesiredAddress, MeshState, OwnClaim } from './state.ts';
import { isSteady } from './steadiness.ts';

/** A request to rebalance is about now: what comes back later than this takes nothing (ms). */
export const REQUEST_LIFETIME = 300_000;
/** A preferred node takes an address from an owner of so long at least, and a move that failed is tried again after it (ms). */
const SETTLED = 3_000;
/** Between two looks at all that is owned (ms). */
const INTERVAL = 250;

/** Hands over what another node should have: because the plan prefers it (preemption), or because a rebalance was asked for. */
export function tickPreemption(state: MeshState, now: number): void {
  if (state.leaving || now < state.listenUntil || now < state.nextPreemption) return;
  state.nextPreemption = now + INTERVAL;
  for (const [vip, claim] of state.mine) {
    if (state.handovers.size >= PARALLEL_HANDOVERS) return;
    const desired = state.desired.get(vip);
    if (
      desired === undefined ||
      claim.dormant ||
      claim.withheld ||
      state.handovers.has(vip) ||
      now - (claim.triedAt ?? claim.since) < wait(claim)
    )
      continue;
    const to = target(state, desired, claim, now);
    if (to === undefined) continue;
    claim.triedAt = now;
    startHandover(state, vip, 'preferred', now, { to });
  }
}

/** A request is met at once, the first time. */
function wait(claim: OwnClaim): number {
  return claim.triedAt === undefined ? 0 : SETTLED;
}

function target(state: MeshState, desired: DesiredAddress, claim: OwnClaim, now: number): NodeId | undefined {
  const { rebalance, preempt = false, order } = desired;
  // What it was taken from still has connections; to move on would take two steps for them.
  if (claim.quiet !== undefined) return undefined;
  const asked = rebalance !== undefined && claim.since < rebalance && now - rebalance < REQUEST_LIFETIME;
  const first = order.find(node => node === state.me || willing(state, node));
  if (first === undefined || first === state.me) return undefined;
  if (asked) return first;
  if (!preempt || now - claim.since < SETTLED) return undefined;
  return order.slice(0, startOfGroup(state, desired)).find(node => willing(state, node) && isSteady(state, node, now));
}

/** The place of the first node that is as preferred as this one. The nodes before it are preferred to it; those after are next in line. */
function startOfGroup(state: MeshState, { order, preference = [1, order.length] }: DesiredAddress): number {
  const place = order.indexOf(state.me);
  let start = 0;
  for (const size of preference) {
    if (place < start + size) return start;
    start += size;
  }
  return Math.max(0, Math.min(start, place));
}

function willing(state: MeshState, node: NodeId): boolean {
  const peer = state.peers.get(node);
  return peer !== undefined && candidate(peer) && !peer.listening && peer.uplinkOk;
}
