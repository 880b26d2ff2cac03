import { fuzz } from './fuzz.ts';

/** `npm run fuzz -w @herald/speaker -- [runs] [seed]`: a long run, two million mutated inputs by default, half of them frames. */
const runs = Number(process.argv[2] ?? 2_000_000);
const first = Number(process.argv[3] ?? 1);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(first)) throw new Error('usage: fuzz [runs] [seed]');

const SLICE = 50_000;
const GROWTH = 128 << 20;
let read = 0;
let answered = 0;
let baseline: number | undefined;
for (let done = 0; done < runs; done += SLICE) {
  const result = fuzz(Math.min(SLICE, runs - done), first + done);
  read += result.read;
  answered += result.answered;
  // The first slice warms up.
  baseline ??= process.memoryUsage().rss;
  const growth = process.memoryUsage().rss - baseline;
  if (growth > GROWTH) throw new Error(`memory has grown by ${growth >> 20} MiB after ${done + SLICE} runs`);
}
console.log(`${runs} frames and datagrams: ${read} read, ${runs - read} refused, ${answered} answered`);
