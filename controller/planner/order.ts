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

/** Scores beyond count alike. */
const maxScore = 2 ** 20 - 1;

/** Ready before not ready, preferred before not preferred. */
export function byClass(a: Candidate, b: Candidate): number {
  return a.tier - b.tier || Math.min(b.score, maxScore) - Math.min(a.score, maxScore);
}

/** The candidates that nothing but balance decides between for the first place, as indexes in ascending order. */
export function topGroup(candidates: readonly Ranked[]): number[] {
  let best: Ranked[] = [];
  for (const candidate of candidates) {
    const order = best[0] === undefined ? -1 : byClass(candidate, best[0]);
    if (order < 0) best = [candidate];
    else if (order === 0) best.push(candidate);
  }
  return best.map(({ index }) => index).sort((a, b) => a - b);
}

/**
 * Candidates as columns of numbers, so that ten thousand orders among a hundred of them take milliseconds. They are those of when it was
 * made: a candidate that changes in place needs a new one.
 */
export class Field {
  readonly candidates: readonly Ranked[];
  readonly #classes: Float64Array;
  readonly #hashes: Uint32Array;

  constructor(candidates: readonly Ranked[]) {
    this.candidates = candidates;
    this.#classes = Float64Array.from(candidates, classOf);
    this.#hashes = Uint32Array.from(candidates, ({ hash }) => hash);
  }

  /** In order of preference for one address: the chosen first node, then by class, then by rendezvous weight. */
  order(first: number, addressHash: number, { allUpTo, first: listed }: ListLength): Ranked[] {
    const { candidates } = this;
    const wanted = candidates.length <= allUpTo ? candidates.length : Math.min(listed, candidates.length);
    // The best `wanted`, kept sorted by insertion: most candidates fall out at the first comparison.
    const order: Ranked[] = [];
    const keys: number[] = [];
    for (let i = 0; i < candidates.length; i++) {
      let key = (this.#classes[i] as number) + weight(this.#hashes[i] as number, addressHash);
      if (order.length === wanted && key < (keys[wanted - 1] as number) && candidates[i]?.index !== first) continue;
      const candidate = candidates[i] as Ranked;
      if (candidate.index === first) key = Number.POSITIVE_INFINITY;
      let at = order.length;
      while (at > 0 && precedes(candidate, key, order[at - 1] as Ranked, keys[at - 1] as number)) at--;
      if (at >= wanted) continue;
      for (let k = Math.min(order.length, wanted - 1); k > at; k--) {
        order[k] = order[k - 1] as Ranked;
        keys[k] = keys[k - 1] as number;
      }
      order[at] = candidate;
      keys[at] = key;
    }
    return order;
  }
}

function classOf({ tier, score }: Candidate): number {
  return ((1 - tier) * (maxScore + 1) + Math.min(score, maxScore)) * 2 ** 32;
}

/** Class and rendezvous weight in one number (below 2^53): the higher comes first. */
export function keyOf(candidate: Ranked, addressHash: number): number {
  return classOf(candidate) + weight(candidate.hash, addressHash);
}

function precedes(a: Ranked, keyOfA: number, b: Ranked, keyOfB: number): boolean {
  return keyOfA > keyOfB || (keyOfA === keyOfB && a.name < b.name);
}
