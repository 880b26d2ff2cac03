import type { BGPSession } from './bgp/bgp.ts';
import type { SegmentReport } from './wire/messages.ts';

/** How long the sessions with BGP peers are waited for after the start (ms): a peer that is down is no reason to hold back an upgrade. */
const SESSION_PATIENCE = 5_000;

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

/**
 * Why this node's routes may not be back after a start: nodes that are restarted one after the other would be away from the routers together.
 * @param sinceConfigured how long ago the sessions were first configured (ms); undefined: they are not yet
 */
export function sessionsProblem(sessions: readonly BGPSession[], sinceConfigured: number | undefined): string | undefined {
  if (sinceConfigured === undefined) return 'waiting for the BGP configuration';
  if (sinceConfigured >= SESSION_PATIENCE) return undefined;
  // A peer without status is not configured: that takes somebody who mends it.
  const opening = sessions.filter(({ status }) => status !== undefined && status.state !== 'Established');
  return opening.length === 0 ? undefined : `waiting for the BGP sessions with ${opening.map(({ peer }) => peer).join(', ')}`;
}
