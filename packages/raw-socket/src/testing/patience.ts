/**
 * Waits by looking: over when so many milliseconds have passed *and* a fair number of looks was taken, because a machine that stood still
 * in between has had no chance to deliver anything.
 */
export function patience(ms: number): { left(): boolean } {
  const end = performance.now() + ms;
  let looks = ms * 100;
  return { left: () => looks-- > 0 || performance.now() < end };
}
