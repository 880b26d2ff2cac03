import type { CustomResource } from './object.ts';

/**
 * What passes between controller and speakers: one per Service, with its name and namespace, owned by it.
 * The planner writes `spec` and `status.nodes`, each speaker its own entries of `status.owners`.
 */
export type Announcement = CustomResource<'Announcement', AnnouncementSpec, AnnouncementStatus>;

export interface AnnouncementSpec {
  /** The addresses of the Service, in the order of its status. */
  addresses: AnnouncedAddress[];
  /** Why something is not announced at all. */
  reasons?: AnnouncementReason[];
}

export interface AnnouncedAddress {
  ip: string;
  pool: string;
  /** Absent: not announced by layer 2. */
  layer2?: Layer2Plan;
  /** Absent: not announced by BGP. */
  bgp?: BGPPlan;
}

export interface Layer2Plan {
  /** Names of the nodes that may own the address, in order of preference. */
  nodes: string[];
  /** Interfaces to announce on; empty: every usable one. */
  interfaces: string[];
  /** Where advertisements give some nodes other interfaces than `interfaces`. */
  nodeInterfaces?: { node: string; interfaces: string[] }[];
  /** Whether the first node of the order takes the address back when it returns. Absent: `Never`. */
  preemption?: 'Never' | 'Preferred';
  /** How long the claim of a silent speaker is held while its node's kernel still answers. */
  holdSeconds?: number;
}

export interface BGPPlan {
  /** Names of the BGPAdvertisements that select the address. */
  advertisements: string[];
  /** Absent: every node the advertisements select. A list under `externalTrafficPolicy: Local`. */
  nodes?: string[];
  /** Ready endpoints per node, where an advertisement asks for `weightByEndpoints`. */
  weights?: { node: string; endpoints: number }[];
}

export interface AnnouncementReason {
  /** Absent: every address of the Service. */
  ip?: string;
  protocol?: 'layer2' | 'bgp';
  /** A reason of the catalogue (`heraldlb.io/Announced`). */
  reason: string;
  message: string;
}

export interface AnnouncementStatus {
  owners?: AnnouncementOwner[];
  /** Nodes that may not announce, and why. Bounded: the first 64 by name. */
  nodes?: AnnouncementNode[];
}

/** Who answers for an address on a segment (list key: `ip` and `segment`). */
export interface AnnouncementOwner {
  ip: string;
  /** Name of the layer 2 segment as the speakers agree on it: the subnet or the interface name. */
  segment: string;
  node: string;
  interface: string;
  mac: string;
  /** RFC 3339, with microseconds as `metav1.MicroTime`. */
  since: string;
  epoch: number;
  /** When a neighbour's answer last proved that the announcement was heard; absent: not yet. */
  confirmed?: string;
}

/** List key: `node` and `reason`. */
export interface AnnouncementNode {
  node: string;
  reason: string;
  message?: string;
}
