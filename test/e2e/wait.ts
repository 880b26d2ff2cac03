import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again and again until there is something to see; an error that says what was waited for, and what was seen last, when there never is. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeout = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeout;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeout} ms in vain for ${what}; last: ${String(last)}`);
    await sleep(25);
  }
}
