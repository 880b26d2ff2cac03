import { candidate } from './claims.ts';
import { PARALLEL_HANDOVERS, startHandover } from './handover.ts';
import type { NodeId, Vip } from './packet.ts';
import type { DesiredAddress, MeshState, OwnClaim } from './state.ts';

/** A request to rebalance is about now: what comes back later than this takes nothing (ms). */
const REQUEST_LIFETIME = 300_000;
/** A preferred node that comes and goes takes an address at most so often; and a move that failed is tried again after it (ms). */
const SETTLED = 3_000;

/** Hands over what another node should have: because the plan prefers it (preemption), or because a rebalance was asked for. */
export function tickPreemption(state: MeshState, now: number): void {
  if (state.leaving || now < state.listenUntil) return;
  for (const [vip, claim] of state.mine) {
    if (state.handovers.size >= PARALLEL_HANDOVERS) return;
    const desired = state.desired.get(vip);
    if (desired === undefined || claim.dormant || state.handovers.has(vip) || now - (claim.triedAt ?? claim.since) < wait(claim)) continue;
    const to = target(state, vip, desired, claim, now);
    if (to === undefined) continue;
    claim.triedAt = now;
    startHandover(state, vip, 'preferred', now, { to });
  }
}

/** A request is met at once, the first time. */
function wait(claim: OwnClaim): number {
  return claim.triedAt === undefined ? 0 : SETTLED;
}

function target(state: MeshState, vip: Vip, desired: DesiredAddress, claim: OwnClaim, now: number): NodeId | undefined {
  const { rebalance, preempt = false, order } = desired;
  const asked = rebalance !== undefined && claim.since < rebalance && now - rebalance < REQUEST_LIFETIME;
  const first = order.find(node => node === state.me || willing(state, vip, node));
  if (first === undefined || first === state.me) return undefined;
  if (asked) return first;
  // The others are not preferred to this one by anybody: they are only next in line.
  return preempt && first === order[0] && now - claim.since >= SETTLED ? first : undefined;
}

function willing(state: MeshState, vip: Vip, node: NodeId): boolean {
  const peer = state.peers.get(node);
  return peer !== undefined && candidate(peer, vip) && !peer.listening && peer.uplinkOk;
}
