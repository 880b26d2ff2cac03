import { createHash } from 'node:crypto';
import type { Claim, NodeId, Vip } from './packet.ts';

const MEMORY = 65_536;
const scores = new Map<string, bigint>();

/** Rendezvous hash of a node for an address: any two nodes agree on who is higher. */
export function score(node: NodeId, vip: Vip): bigint {
  const key = `${node}/${vip}`;
  const known = scores.get(key);
  if (known !== undefined) return known;
  if (scores.size >= MEMORY) scores.clear();
  const value = createHash('sha256').update(key).digest().readBigUInt64BE(0);
  scores.set(key, value);
  return value;
}

/** What a claim adds to the digest of its owner's claims. */
export function claimHash(claim: Claim): bigint {
  return score(`epoch-${claim.epoch}`, claim.vip);
}

/** Whether the claim of `a` beats that of `b`: higher epoch, then lower rank, then rendezvous hash. Total, the same everywhere. */
export function outbids(a: Claim, nodeA: NodeId, b: Claim, nodeB: NodeId): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  if (a.rank !== b.rank) return a.rank < b.rank;
  const scoreA = score(nodeA, a.vip);
  const scoreB = score(nodeB, b.vip);
  return scoreA === scoreB ? nodeA > nodeB : scoreA > scoreB;
}
