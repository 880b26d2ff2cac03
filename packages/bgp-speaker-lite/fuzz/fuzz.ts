import { toHex } from '../src/codec/bytes.ts';
import { readCorpus } from './corpus.ts';
import { mutate } from './mutate.ts';
import { prng } from './prng.ts';
import { bfdTarget, bgpTargets, frameTarget, type Outcome } from './targets.ts';

export interface FuzzResult {
  readonly runs: number;
  readonly decoded: number;
  readonly refused: number;
}

export interface FuzzTarget {
  readonly name: string;
  readonly corpus: () => readonly Uint8Array[];
  readonly run: (input: Uint8Array, random: () => number) => Outcome;
}

export const TARGETS: readonly FuzzTarget[] = [
  { name: 'bgp', corpus: () => readCorpus('messages.txt').map(sample => sample.bytes), run: bgpTargets },
  { name: 'bfd', corpus: () => readCorpus('bfd.txt').map(sample => sample.bytes), run: bfdTarget },
  { name: 'frames', corpus: () => readCorpus('frames.txt').map(sample => sample.bytes), run: frameTarget },
];

/** Longest an input of at most 8 KiB may take before it counts as a hang, ms; generous, because machines pause. */
const HANG = 2000;

/** Throws `runs` mutated messages at a target. An error names the input, so that it can be kept as a regression test. */
export function fuzz(target: FuzzTarget, runs: number, seed: number, clock: () => number): FuzzResult {
  const random = prng(seed);
  const corpus = target.corpus();
  const counts = { decoded: 0, refused: 0 };
  for (let i = 0; i < runs; i++) {
    const input = mutate(corpus, random);
    const began = clock();
    try {
      counts[target.run(input, random)]++;
    } catch (error) {
      throw new Error(`${target.name}, seed ${seed}, run ${i}: input ${toHex(input)}`, { cause: error });
    }
    if (clock() - began > HANG) throw new Error(`${target.name}, seed ${seed}, run ${i}: hangs on ${toHex(input)}`);
  }
  return { runs, ...counts };
}
