const WINDOW = 64;

/** Sliding window over the sequence numbers of one session (as RFC 4303 §3.4.3): each is accepted once, late ones within 64. */
export interface ReplayWindow {
  highest: number;
  /** Which of the 32 numbers up to `highest` were seen, the highest in bit 0; every packet comes by here, so no big integers. */
  recent: number;
  /** The same of the 32 before them. */
  earlier: number;
}

export function replayWindow(): ReplayWindow {
  return { highest: -1, recent: 0, earlier: 0 };
}

/** Records `seq`; false when it was seen before or is too old. */
export function accept(window: ReplayWindow, seq: number): boolean {
  if (!Number.isSafeInteger(seq) || seq < 0) return false;
  if (seq > window.highest) {
    move(window, seq - window.highest);
    window.highest = seq;
    return true;
  }
  const behind = window.highest - seq;
  if (behind >= WINDOW) return false;
  const word = behind < 32 ? 'recent' : 'earlier';
  const bit = 1 << (behind & 31);
  if ((window[word] & bit) !== 0) return false;
  window[word] |= bit;
  return true;
}

function move(window: ReplayWindow, ahead: number): void {
  const { recent, earlier } = window;
  if (ahead >= WINDOW) window.earlier = 0;
  else if (ahead > 32) window.earlier = recent << (ahead - 32);
  else if (ahead === 32) window.earlier = recent;
  else window.earlier = (earlier << ahead) | (recent >>> (32 - ahead));
  window.recent = ahead >= 32 ? 1 : (recent << ahead) | 1;
}
