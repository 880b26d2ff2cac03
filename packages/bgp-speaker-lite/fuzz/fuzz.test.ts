import { describe, expect, it } from 'vitest';
import { readCorpus } from './corpus.ts';
import { fuzz, TARGETS } from './fuzz.ts';
import { messageTarget } from './targets.ts';

describe('decoders under mutated messages', () => {
  it.each(readCorpus('messages.txt'))('the corpus holds what is read and written back the same: $name', ({ bytes }) => {
    expect(messageTarget(bytes, { fourOctetAs: true, external: true, extendedMessages: false })).toBe('decoded');
  });

  // A hang of one input is found by `fuzz`; the time of all says only how busy the machine is.
  it.each(TARGETS)('$name: never throw, never hang, and write what was read', { timeout: 180_000 }, target => {
    const result = fuzz(target, 50_000, 20_240_601, () => performance.now());
    // Neither side may starve: a target that refuses everything tests nothing.
    expect(result.decoded).toBeGreaterThan(1000);
    expect(result.refused).toBeGreaterThan(1000);
  });
});
