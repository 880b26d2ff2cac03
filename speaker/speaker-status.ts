import type { AnnouncementOwner, SpeakerConflict, SpeakerRouteConflict, SpeakerSegment, SpeakerSession, SpeakerStatus } from '@herald/crds';
import type { SegmentReport } from './wire/messages.ts';

/** What the status is made of. */
export interface SpeakerView {
  version: string;
  startedAt: string;
  /** Age of the snapshot in use, seconds; undefined while the configuration is live. */
  snapshotAge: number | undefined;
  kubeProxy: 'IPVS' | 'Other';
  /** Whether this speaker forwards for Services of node mode where kube-proxy cannot. */
  nodeForwarding: 'Ready' | 'Off' | 'NotPermitted';
  owners: readonly AnnouncementOwner[];
  owned: number;
  segments: readonly SegmentReport[];
  /** UDP port of the heartbeats. */
  meshPort: number;
  /** Nodes that ought to be heard on an interface and are not. */
  missingPeers: ReadonlyMap<string, readonly string[]>;
  /** Settings of the node that break what is announced on an interface. */
  hazards: ReadonlyMap<string, readonly string[]>;
  /** Interfaces that are used only if an advertisement names them. */
  excludedInterfaces: readonly string[];
  sessions: readonly SpeakerSession[];
  /** Routes that advertisements contradict each other about. */
  routeConflicts: readonly SpeakerRouteConflict[];
  /** Addresses that other hosts use; at most one for each address and interface. */
  conflicts: readonly SpeakerConflict[];
  /** Why the speaker is not ready, or undefined. */
  problem: string | undefined;
}

const SEGMENTS = 64;
const CLAIMS = 1_000;
const CONFLICTS = 256;

/** `Speaker.status` without its conditions. Counters that move all the time are left to the metrics, or every second would be a write. */
export function statusOf(view: SpeakerView): SpeakerStatus {
  return {
    version: view.version,
    startedAt: view.startedAt,
    ...(view.snapshotAge !== undefined && { snapshotAgeSeconds: view.snapshotAge }),
    responder: responderOf(view.segments),
    ...(responderOf(view.segments) === 'kernel' && { pinned: view.segments.some(segment => segment.pinned) }),
    kubeProxy: view.kubeProxy,
    nodeForwarding: view.nodeForwarding,
    owned: view.owned,
    segments: view.segments.slice(0, SEGMENTS).map(segment => segmentOf(segment, view)),
    ...(view.excludedInterfaces.length > 0 && { excludedInterfaces: view.excludedInterfaces.slice(0, SEGMENTS) }),
    ...(view.sessions.length > 0 && {
      sessionsEstablished: `${view.sessions.filter(({ state }) => state === 'Established').length}/${view.sessions.length}`,
      sessions: view.sessions.slice(0, 256),
    }),
    ...(view.routeConflicts.length > 0 && { routeConflicts: view.routeConflicts.slice(0, CONFLICTS) }),
    ...(view.conflicts.length > 0 && { conflicts: view.conflicts.slice(0, CONFLICTS) }),
    claims: view.owners
      .map(({ ip, segment, epoch }) => ({ ip, segment, epoch }))
      .sort((a, b) => (a.ip < b.ip ? -1 : 1))
      .slice(0, CLAIMS),
  };
}

function segmentOf(report: SegmentReport, view: SpeakerView): SpeakerSegment {
  const segment: SpeakerSegment = {
    interface: report.interface,
    segment: report.segment,
    mac: report.mac,
    addresses: report.addresses.slice(0, 32),
    carrier: report.carrier,
    fit: report.fit,
    peersHeard: [...report.peersHeard].sort().slice(0, 1_000),
    stalls: report.stalls,
  };
  if (report.peersAnswering.length > 0) segment.peersAnswering = report.peersAnswering.slice(0, 1_000);
  const missing = view.missingPeers.get(report.interface) ?? [];
  if (missing.length > 0) segment.peersMissing = [...missing];
  const gateways = report.gatewaysUnconfirmed.map(({ gateway }) => gateway);
  if (gateways.length > 0) segment.gatewaysUnconfirmed = gateways.sort().slice(0, 16);
  const hazards = view.hazards.get(report.interface) ?? [];
  if (hazards.length > 0) segment.hazards = hazards.slice(0, 8);
  if (report.unfitReason !== undefined) segment.unfitReason = report.unfitReason;
  return segment;
}

function responderOf(segments: readonly SegmentReport[]): 'packet' | 'kernel' | 'none' {
  if (segments.some(segment => segment.responder === 'kernel')) return 'kernel';
  return segments.some(segment => segment.responder === 'packet') ? 'packet' : 'none';
}

/**
 * Whether a write would tell anything new. Stalls alone do not: they are in the metrics, and come along with the next write. Nor does the way of
 * a session through its states while the peer does not answer: every attempt would be several writes.
 */
export function sameStatus(a: SpeakerStatus, b: SpeakerStatus): boolean {
  return textOf(a) === textOf(b);
}

const MOVING = new Set(['stalls', 'snapshotAgeSeconds']);

function textOf(status: SpeakerStatus): string {
  const sessions = status.sessions?.map(session => {
    if (session.state === 'Established') return session;
    const { since: _, ...rest } = session;
    return { ...rest, state: 'Idle' };
  });
  return JSON.stringify({ ...status, sessions }, (key, value: unknown) => (MOVING.has(key) ? undefined : value));
}
