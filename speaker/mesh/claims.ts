import { isAwaited } from './absent.ts';
import { drainTime, end } from './lame-duck.ts';
import type { Claim, NodeId, Vip } from './packet.ts';
import { claimHash } from './rank.ts';
import { tell } from './send.ts';
import type { DesiredAddress, Effect, LameDuck, MeshState, OpenAddress, OwnClaim, Peer, ReleaseCause, TakeoverCause } from './state.ts';

/** Highest epoch that is told apart on the wire. */
const EPOCH_LIMIT = 0xffff_ffff;

export function nextEpoch(state: MeshState, vip: Vip): number {
  return Math.min(EPOCH_LIMIT, Math.max(state.maxEpoch.get(vip) ?? 0, state.desired.get(vip)?.epoch ?? 0) + 1);
}

/** Position of this node among those that could own the address now: how many live and willing ones come before it. */
export function rankOf(state: MeshState, vip: Vip, desired: DesiredAddress): number {
  let rank = 0;
  for (const node of desired.order) {
    if (node === state.me) return rank;
    const peer = state.peers.get(node);
    if (peer !== undefined && candidate(peer)) rank += 1;
  }
  return rank;
}

/** A live peer that would take an address if it were free. */
export function candidate(peer: Peer): boolean {
  return peer.liveness === 'two-way' && !peer.draining && !peer.left;
}

/** The place this node has in the order itself, for its claims; nodes outside the order come last, by rendezvous hash. */
function position(state: MeshState, desired: DesiredAddress | undefined): number {
  const index = desired?.order.indexOf(state.me) ?? -1;
  return index < 0 ? 255 : Math.min(index, 254);
}

interface Taking {
  vip: Vip;
  epoch: number;
  cause: TakeoverCause;
  quiet?: OwnClaim['quiet'];
}

/** Claims of all peers together that are kept, and those beyond it that are kept of addresses in the plan: who has the key may still be hostile. */
const CLAIMS_LIMIT = 262_144;

/**
 * Makes the addresses ours and tells everybody. One that nobody ever had, or that the one before us did not answer, is withheld until it is
 * known that no stranger has it.
 */
export function take(state: MeshState, vips: readonly Taking[], now: number, fx: Effect[]): void {
  if (vips.length === 0) return;
  for (const { vip, epoch, cause, quiet } of vips) {
    const claim: OwnClaim = { vip, epoch, rank: position(state, state.desired.get(vip)), since: now, dormant: false };
    const probe = epoch === 1 || state.withheld.has(vip);
    const gentle = quiet !== undefined && !probe;
    if (gentle) claim.quiet = quiet;
    if (probe) {
      claim.withheld = true;
      state.withheld.add(vip);
      state.withheldDigest ^= claimHash(claim);
    }
    end(state, vip, 'taken-back', now, fx);
    state.mine.set(vip, claim);
    state.maxEpoch.set(vip, epoch);
    state.claimsDigest ^= claimHash(claim);
    state.open.delete(vip);
    state.counters.takeovers += 1;
    fx.push({ kind: 'acquire', vip, epoch, cause, ...(gentle && { quiet }), ...(probe && { probe }) });
  }
  state.claimsVersion += 1;
  tell(
    state,
    'claim',
    vips.map(({ vip }) => vip),
    now,
    fx,
  );
}

/** Whether an address of this node is answered, as far as strangers are concerned. The others are told at the next tick. */
export function setWithheld(state: MeshState, vip: Vip, withheld: boolean): void {
  const claim = state.mine.get(vip);
  if (claim === undefined || (claim.withheld ?? false) === withheld) return;
  state.mine.set(vip, { ...claim, withheld });
  state.withheldDigest ^= claimHash(claim);
  state.claimsVersion += 1;
  state.changed.add(vip);
  if (withheld) state.withheld.add(vip);
  else state.withheld.delete(vip);
}

/** A claim of before the restart: told to others at once, answered when nobody contradicts (`settleRestored`). */
export function restore(state: MeshState, vip: Vip, epoch: number, now: number): void {
  const desired = state.desired.get(vip);
  const claim: OwnClaim = { vip, epoch, rank: position(state, desired), since: desired?.restoredSince ?? now, dormant: true };
  if (desired?.restoredQuiet !== undefined) claim.quiet = desired.restoredQuiet;
  state.mine.set(vip, claim);
  state.maxEpoch.set(vip, Math.max(epoch, state.maxEpoch.get(vip) ?? 0));
  state.claimsDigest ^= claimHash(claim);
  state.claimsVersion += 1;
  state.withheld.delete(vip);
  state.open.delete(vip);
}

/** Gives addresses up. Unless somebody else took them, everybody is told, so that nobody waits for our silence. */
export function release(state: MeshState, vips: readonly Vip[], cause: ReleaseCause, now: number, fx: Effect[], to?: NodeId): void {
  const released: Vip[] = [];
  for (const vip of vips) {
    const claim = state.mine.get(vip);
    if (claim === undefined) continue;
    state.mine.delete(vip);
    const lameDuck = cause === 'handover' && to !== undefined ? lameDuckOf(state, claim, to, now) : undefined;
    state.handovers.delete(vip);
    state.claimsDigest ^= claimHash(claim);
    if (claim.withheld) state.withheldDigest ^= claimHash(claim);
    released.push(vip);
    if (!claim.dormant)
      fx.push({
        kind: 'release',
        vip,
        epoch: claim.epoch,
        cause,
        ...(to !== undefined && { to }),
        ...(lameDuck !== undefined && { lameDuck }),
      });
    if (lameDuck !== undefined) state.lameDucks.set(vip, lameDuck);
  }
  if (released.length === 0) return;
  state.claimsVersion += 1;
  for (const vip of released) {
    reconsider(state, vip, now, 'yielded');
    const open = state.open.get(vip);
    // The one who outbid us was just met, and has a moment to show that it hears us: else both would take it in turns.
    if (open !== undefined && cause === 'outbid') open.since = now + state.timers.interval;
  }
  if (cause !== 'outbid' && cause !== 'handover') tell(state, 'yield', released, now, fx);
}

/** A claim handed over with time for its flows. */
function lameDuckOf(state: MeshState, claim: OwnClaim, to: NodeId, now: number): LameDuck | undefined {
  const drain = state.handovers.get(claim.vip)?.drain ?? 0;
  return drain > 0 && !claim.dormant && !claim.withheld ? { to, until: now + drain, idle: false, before: claim.quiet } : undefined;
}

/** Decides anew whether this node should take `vip`: free, and wanted here. */
export function reconsider(state: MeshState, vip: Vip, now: number, cause: TakeoverCause): void {
  const desired = state.desired.get(vip);
  const takeable = desired !== undefined && !state.mine.has(vip) && desired.order.includes(state.me) && !hasOwner(state, vip, now);
  if (!takeable) state.open.delete(vip);
  else if (!state.open.has(vip)) state.open.set(vip, { since: now, cause } satisfies OpenAddress);
}

/** A peer that hears us and is heard claims the address, or one whose speaker restarts holds it. */
function hasOwner(state: MeshState, vip: Vip, now: number): boolean {
  for (const node of state.claimants.get(vip) ?? []) {
    const peer = state.peers.get(node);
    if (peer?.liveness === 'two-way' || (peer !== undefined && holds(state, peer, vip, now))) return true;
  }
  return false;
}

/** The claim of a silent peer still stands. One that it did not answer is worth nothing to anybody. */
export function holds(state: MeshState, peer: Peer, vip: Vip, now: number): boolean {
  if (peer.claims.get(vip)?.withheld) return false;
  return peer.liveness === 'held' && now - peer.heldSince < (state.desired.get(vip)?.hold ?? 0);
}

/** Takes every open address whose turn it is: the n-th in the order waits n intervals. With `only`, those that it names, at once. */
export function takeOpen(state: MeshState, now: number, fx: Effect[], only?: (vip: Vip) => boolean): void {
  if (state.open.size === 0) return;
  const taken: Taking[] = [];
  for (const [vip, open] of state.open) {
    const desired = state.desired.get(vip);
    if (desired === undefined || only?.(vip) === false) continue;
    if (only === undefined && isAwaited(state, desired, now)) {
      // Those who wait for it with this node are not all told at the same moment that it does not come.
      open.since = now;
      continue;
    }
    const rank = rankOf(state, vip, desired);
    // Two lost together are not noticed at the same moment: the one now first in line may just have learnt that it is.
    if (open.rank !== undefined && rank < open.rank) open.movedUpAt = now;
    open.rank = rank;
    const since = Math.max(open.since, open.movedUpAt ?? open.since, state.ableSince);
    if (only !== undefined || now - since >= rank * state.timers.interval)
      taken.push({ vip, epoch: nextEpoch(state, vip), cause: open.cause, ...quietly(state, vip, now) });
  }
  take(state, taken, now, fx);
}

/** A hold that has ended: the node that held the address goes on forwarding for those who use it, and is left as gently as by a planned move. */
function quietly(state: MeshState, vip: Vip, now: number): Pick<Taking, 'quiet'> {
  const drain = drainTime(state, vip, now);
  if (drain === 0 || (state.desired.get(vip)?.hold ?? 0) === 0) return {};
  for (const node of state.claimants.get(vip) ?? []) {
    if (state.peers.get(node)?.liveness === 'held') return { quiet: { from: node, since: now, until: now + drain } };
  }
  return {};
}

/** Enters a claim into the view of a peer. */
export function addPeerClaim(state: MeshState, peer: Peer, claim: Claim, now: number): void {
  const known = peer.claims.get(claim.vip);
  // Every claim is told three times.
  if (known?.epoch === claim.epoch && known.rank === claim.rank && (known.withheld ?? false) === (claim.withheld ?? false)) return;
  if (known === undefined) {
    if (state.peerClaims >= (state.desired.has(claim.vip) ? 2 : 1) * CLAIMS_LIMIT) return;
    state.peerClaims += 1;
  } else count(peer, known);
  peer.claims.set(claim.vip, claim);
  count(peer, claim);
  if (!state.mine.has(claim.vip) && claim.epoch >= (state.maxEpoch.get(claim.vip) ?? 0)) {
    if (claim.withheld) state.withheld.add(claim.vip);
    else state.withheld.delete(claim.vip);
  }
  if (claim.epoch > (state.maxEpoch.get(claim.vip) ?? 0)) state.maxEpoch.set(claim.vip, claim.epoch);
  if (known !== undefined) return;
  const claimants = state.claimants.get(claim.vip) ?? new Set<NodeId>();
  state.claimants.set(claim.vip, claimants.add(peer.id));
  reconsider(state, claim.vip, now, 'unclaimed');
}

/** Adds a claim to the digests of a peer, or takes it out of them. */
function count(peer: Peer, claim: Claim): void {
  const hash = claimHash(claim);
  peer.claimsDigest ^= hash;
  if (claim.withheld) peer.withheldDigest ^= hash;
}

export function removePeerClaim(state: MeshState, peer: Peer, vip: Vip, now: number, cause: TakeoverCause): void {
  const known = peer.claims.get(vip);
  if (known === undefined) return;
  peer.claims.delete(vip);
  state.peerClaims -= 1;
  count(peer, known);
  const claimants = state.claimants.get(vip);
  claimants?.delete(peer.id);
  if (claimants?.size === 0) {
    state.claimants.delete(vip);
    // Nobody has it and nobody is to have it: whoever gets it next begins anew, and probes first.
    if (!state.desired.has(vip)) {
      state.maxEpoch.delete(vip);
      state.withheld.delete(vip);
    }
  }
  reconsider(state, vip, now, cause);
}
