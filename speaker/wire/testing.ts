import type { SegmentReport } from './messages.ts';

/** The report of a segment on which all is well. For tests. */
export function segmentReport(more: Partial<SegmentReport> = {}): SegmentReport {
  return {
    interface: 'eth0',
    segment: '192.0.2.0/24',
    mac: '02:00:00:00:00:01',
    addresses: [],
    carrier: true,
    fit: true,
    peersHeard: [],
    peersAnswering: [],
    gatewaysUnconfirmed: [],
    listening: false,
    stalls: 0,
    beaconsLost: 0,
    peersLost: 0,
    duplicates: 0,
    replays: 0,
    rejected: 0,
    sendErrors: 0,
    responder: 'packet',
    pinned: false,
    held: 0,
    restoring: 0,
    answers: [],
    ...more,
  };
}
