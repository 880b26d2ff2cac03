import { allocatedReasons } from './allocated.ts';
import { announcedReasons } from './announced.ts';
import { configurationReasons } from './configuration.ts';
import type { ReasonEntry } from './entry.ts';
import { eventReasons } from './event.ts';
import { nodeReasons } from './node.ts';
import { nodeModeReasons } from './node-mode.ts';
import { peerReasons } from './peer.ts';
import { speakerReasons } from './speaker.ts';

export type { ReasonEntry } from './entry.ts';

/** Types of the conditions Herald writes. */
export const conditionTypes = {
  /** On a Service: has it every address it asks for? */
  allocated: 'heraldlb.io/Allocated',
  /** On a Service: is every address announced? */
  announced: 'heraldlb.io/Announced',
  /** On the objects users write: is it valid and in use? On a Speaker: does it work? */
  ready: 'Ready',
  /** On an IPAddressPool: does an older pool contain some of its addresses? */
  overlapping: 'Overlapping',
  /** On a BGPPeer: has every node it selects its session? */
  established: 'Established',
} as const;

/** Where a reason appears. */
export type ReasonSubject = 'Allocated' | 'Announced' | 'Node' | 'Ready' | 'Peer' | 'Speaker' | 'Event';

const tables = {
  Allocated: { ...allocatedReasons, ...nodeModeReasons },
  Announced: announcedReasons,
  Node: nodeReasons,
  Ready: configurationReasons,
  Peer: peerReasons,
  Speaker: speakerReasons,
  Event: eventReasons,
} as const;

/** Reasons of `heraldlb.io/Allocated`. */
export type AllocatedReason = keyof (typeof tables)['Allocated'];
/** Reasons of `heraldlb.io/Announced`. */
export type AnnouncedReason = keyof (typeof tables)['Announced'];
/** Reasons in `Announcement.status.nodes`. */
export type NodeReason = keyof (typeof tables)['Node'];
/** Reasons of `Ready` of pools, advertisements, peers, …: the codes of problems found by `resolve()`. */
export type ConfigurationReason = keyof (typeof tables)['Ready'];
/** Reasons of `Established` of a BGPPeer. */
export type PeerReason = keyof (typeof tables)['Peer'];
/** Reasons of the conditions of a Speaker. */
export type SpeakerReason = keyof (typeof tables)['Speaker'];
/** Reasons of events only. Every reason of a condition may be the reason of an event, too. */
export type EventReason = keyof (typeof tables)['Event'];
export type Reason = AllocatedReason | AnnouncedReason | NodeReason | ConfigurationReason | PeerReason | SpeakerReason | EventReason;

/** One reason of the catalogue. */
export interface CatalogueEntry extends ReasonEntry {
  readonly reason: Reason;
  readonly subject: ReasonSubject;
}

/** The closed catalogue: every reason that Herald ever gives, by name. */
export const catalogue: ReadonlyMap<Reason, CatalogueEntry> = new Map(
  Object.entries(tables).flatMap(([subject, table]) =>
    Object.entries<ReasonEntry>(table).map(([reason, entry]): [Reason, CatalogueEntry] => [
      reason as Reason,
      { ...entry, reason: reason as Reason, subject: subject as ReasonSubject },
    ]),
  ),
);

/** Looks a reason up. Total, because `Reason` is closed. */
export function reasonEntry(reason: Reason): CatalogueEntry {
  const entry = catalogue.get(reason);
  if (entry === undefined) throw new RangeError(`${reason} is not in the catalogue of reasons`);
  return entry;
}

/** Status of the condition that carries the reason. */
export function statusOf(reason: AllocatedReason | AnnouncedReason | ConfigurationReason): 'True' | 'False' | 'Unknown' {
  return reasonEntry(reason).status ?? 'Unknown';
}
