import type { SegmentReport } from './wire/messages.ts';

/**
 * Why the segments let the speaker not do its work (yet). One that is fit is enough, once a peer was heard there or listening is over.
 * @param alone there is no other node to be heard
 */
export function segmentsProblem(segments: readonly SegmentReport[], alone: boolean): string | undefined {
  const fit = segments.filter(segment => segment.fit);
  if (fit.length === 0) {
    const reasons = segments.map(segment => `${segment.interface}: ${segment.unfitReason ?? 'unfit'}`);
    return `no interface can be used${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`;
  }
  // Until listening ends no address is taken that is free. Whoever hears a peer, or knows that there is none, can do all else.
  if (!alone && fit.every(({ listening, peersHeard }) => listening && peersHeard.length === 0)) return 'listening for other speakers';
  return undefined;
}
