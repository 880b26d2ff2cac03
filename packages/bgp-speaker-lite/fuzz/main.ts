import process from 'node:process';
import { fuzz, TARGETS } from './fuzz.ts';

/**
 * `npm run fuzz -- [runs] [seed]`: a long run over every decoder, a million mutated messages for each by default.
 * Fails on a throw, a hang, octets that change, or memory that grows.
 */
const runs = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? 1);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed)) throw new Error('usage: fuzz [runs] [seed]');
const SLICE = 50_000;
const GROWTH = 256 << 20;

const baseline = process.memoryUsage().rss;
for (const target of TARGETS) {
  let decoded = 0;
  let refused = 0;
  for (let done = 0; done < runs; done += SLICE) {
    const result = fuzz(target, Math.min(SLICE, runs - done), seed + done, () => performance.now());
    decoded += result.decoded;
    refused += result.refused;
    const growth = process.memoryUsage().rss - baseline;
    if (growth > GROWTH) throw new Error(`${target.name}: memory has grown by ${growth >> 20} MiB after ${done + SLICE} runs`);
  }
  console.log(`${target.name}: ${decoded + refused} messages, ${decoded} decoded and written back the same, ${refused} refused`);
}
