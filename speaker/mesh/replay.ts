const WINDOW = 64;

/** Sliding window over the sequence numbers of one session (as RFC 4303 §3.4.3): each is accepted once, late ones within 64. */
export interface ReplayWindow {
  highest: number;
  seen: bigint;
}

export function replayWindow(): ReplayWindow {
  return { highest: -1, seen: 0n };
}

/** Records `seq`; false when it was seen before or is too old. */
export function accept(window: ReplayWindow, seq: number): boolean {
  if (!Number.isSafeInteger(seq) || seq < 0) return false;
  if (seq > window.highest) {
    const ahead = seq - window.highest;
    window.seen = ahead >= WINDOW ? 1n : BigInt.asUintN(WINDOW, (window.seen << BigInt(ahead)) | 1n);
    window.highest = seq;
    return true;
  }
  const behind = window.highest - seq;
  if (behind >= WINDOW) return false;
  const bit = 1n << BigInt(behind);
  if ((window.seen & bit) !== 0n) return false;
  window.seen |= bit;
  return true;
}
