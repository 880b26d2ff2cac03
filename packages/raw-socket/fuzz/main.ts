import { fuzz } from './fuzz.ts';

/** `npm run fuzz -w raw-socket -- [runs] [seed]`: a long run, a million mutated messages by default. Fails on the first that is not refused or read. */
const runs = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? 1);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed)) throw new Error('usage: fuzz [runs] [seed]');

const SLICE = 50_000;
const GROWTH = 256 << 20;
const baseline = process.memoryUsage().rss;
let parsed = 0;
for (let done = 0; done < runs; done += SLICE) {
  parsed += fuzz(Math.min(SLICE, runs - done), seed + done).parsed;
  const growth = process.memoryUsage().rss - baseline;
  if (growth > GROWTH) throw new Error(`memory has grown by ${growth >> 20} MiB after ${done + SLICE} runs`);
}
console.log(`${runs} messages: ${parsed} read, ${runs - parsed} refused`);
