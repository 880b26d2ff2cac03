import type { Candidate } from './eligibility.ts';
import { weight } from './rendezvous.ts';

/** How many nodes an Announcement lists. */
export interface ListLength {
  /** With no more candidates than this all of them are listed. */
  readonly allUpTo: number;
  /** With more, this many: failing over costs no API write until all of them are gone. */
  readonly first: number;
}

/** A candidate with the hash of its name. */
export interface Ranked extends Candidate {
  readonly hash: number;
  readonly index: number;
}

/** Ready before not ready, preferred before not preferred. */
export function byClass(a: Candidate, b: Candidate): number {
  return a.tier - b.tier || b.score - a.score;
}

/** The candidates that nothing but balance decides between for the first place. */
export function topGroup(candidates: readonly Ranked[]): number[] {
  let best: Ranked[] = [];
  for (const candidate of candidates) {
    const order = best[0] === undefined ? -1 : byClass(candidate, best[0]);
    if (order < 0) best = [candidate];
    else if (order === 0) best.push(candidate);
  }
  return best.map(({ index }) => index);
}

/** Names in order of preference for one address: the chosen first node, then by class, then by rendezvous weight. */
export function orderOf(
  candidates: readonly Ranked[],
  first: number,
  addressHash: number,
  { allUpTo, first: listed }: ListLength,
): string[] {
  const wanted = candidates.length <= allUpTo ? candidates.length : Math.min(listed, candidates.length);
  // The best `wanted`, kept sorted by insertion: most candidates fall out at the first comparison.
  const names: Ranked[] = [];
  const weights: number[] = [];
  for (const candidate of candidates) {
    const w = candidate.index === first ? Number.POSITIVE_INFINITY : weight(candidate.hash, addressHash);
    let at = names.length;
    while (at > 0 && precedes(candidate, w, names[at - 1] as Ranked, weights[at - 1] as number)) at--;
    if (at >= wanted) continue;
    names.splice(at, 0, candidate);
    weights.splice(at, 0, w);
    if (names.length > wanted) {
      names.pop();
      weights.pop();
    }
  }
  return names.map(({ name }) => name);
}

/** Whether a change of these candidates leaves an order as it is: none of them is listed, and none comes before the last one listed. */
export function isUntouched(order: readonly string[], changed: readonly Ranked[], last: Ranked | undefined, addressHash: number): boolean {
  if (last === undefined) return false;
  const weightOfLast = weight(last.hash, addressHash);
  return changed.every(each => !order.includes(each.name) && !precedes(each, weight(each.hash, addressHash), last, weightOfLast));
}

function precedes(a: Ranked, weightOfA: number, b: Ranked, weightOfB: number): boolean {
  const order = byClass(a, b);
  if (order !== 0) return order < 0;
  return weightOfA !== weightOfB ? weightOfA > weightOfB : a.name < b.name;
}
