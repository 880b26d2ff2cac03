import type { Condition, StatusResource } from './object.ts';

/** One per node, named like it, cluster-scoped; written by that node's speaker only. */
export type Speaker = StatusResource<'Speaker', SpeakerStatus>;

export interface SpeakerStatus {
  /** Version of Herald. */
  version?: string;
  /** When the speaker process started (RFC 3339). */
  startedAt?: string;
  /** Age of the configuration snapshot in use while the API server is away, in seconds; absent: live. */
  snapshotAgeSeconds?: number;
  /** What answers ARP and NDP: the packet socket or the kernel responder (eBPF). */
  responder?: 'packet' | 'kernel' | 'none';
  segments?: SpeakerSegment[];
  claims?: { ip: string; segment: string; epoch: number }[];
  sessions?: SpeakerSession[];
  conditions?: Condition[];
}

/** A layer 2 segment this node is on (list key: `interface`). */
export interface SpeakerSegment {
  interface: string;
  segment: string;
  mac?: string;
  addresses?: string[];
  carrier: boolean;
  /** Whether the node may own addresses on this segment, and why not. */
  fit: boolean;
  unfitReason?: string;
  /** Names of the nodes heard within the detection time. */
  peersHeard?: string[];
  /** How often the packet thread stalled longer than its limit since start. */
  stalls?: number;
}

/** A BGP session of this node (list key: `peer`). */
export interface SpeakerSession {
  /** Name of the BGPPeer. */
  peer: string;
  /** RFC 4271 §8.2.2. */
  state: 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';
  address?: string;
  since?: string;
  lastError?: string;
  routesAnnounced?: number;
  bfd?: 'Up' | 'Down' | 'Init' | 'AdminDown' | 'None';
}
