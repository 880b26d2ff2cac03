import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { conditions, integer, ipText, mapListOf, objectName, setOf, text, timestamp } from '../fields.ts';
import type { StatusResource } from '../object.ts';

const count = () => integer(0, Number.MAX_SAFE_INTEGER);

const segment = z.object({
  interface: text(15).min(1).describe('Name of the interface.'),
  segment: text(64).describe('The segment it is on: its subnet or interface name, as the speakers agree on it.'),
  mac: text(17).describe('MAC address of the interface.').exactOptional(),
  addresses: setOf(text(49), 32).describe('Addresses of the interface with their prefix lengths.').exactOptional(),
  carrier: z.boolean().describe('Whether the interface has a link.'),
  fit: z.boolean().describe('Whether the node may own addresses on this segment.'),
  unfitReason: text(256).describe('Why it may not.').exactOptional(),
  peersHeard: setOf(objectName(), 1000).describe('Nodes whose heartbeats were heard within the detection time.').exactOptional(),
  peersAnswering: setOf(objectName(), 1000)
    .describe('Nodes whose speaker is silent while their kernel still answers for their address: alive, with a speaker that restarts.')
    .exactOptional(),
  peersMissing: setOf(objectName(), 64)
    .describe(
      'Ready nodes whose Speaker says that they are on this segment, and which have not been heard here for ten seconds; the first 64.',
    )
    .exactOptional(),
  gatewaysUnconfirmed: setOf(text(49), 16)
    .describe('Gateways that answer the node, but not to addresses it announces: they may send packets for them elsewhere.')
    .exactOptional(),
  hazards: setOf(text(512), 8)
    .describe(
      'Settings of the node that break what is announced here, each with its remedy: arp_ignore, arp_announce, rp_filter, the mode of a bond.',
    )
    .exactOptional(),
  stalls: count().describe('How often the packet thread stood still longer than it may, since the start.').exactOptional(),
});

const claim = z.object({
  ip: ipText().describe('The address.'),
  segment: text(64).describe('The segment.'),
  epoch: count().describe('Generation of the claim.'),
});

const session = z.object({
  peer: objectName().describe('Name of the BGPPeer.'),
  state: z
    .enum(['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established'])
    .describe('State of the session (RFC 4271 section 8.2.2).'),
  address: text(64).describe('Address of the peer in use.').exactOptional(),
  since: timestamp().describe('Since when the session is in this state.').exactOptional(),
  families: setOf(z.enum(['ipv4', 'ipv6']), 2)
    .describe('Families of routes that the session carries: agreed upon with the peer, and with a next hop of the node.')
    .exactOptional(),
  lastError: text(512).describe('The last error in words.').exactOptional(),
  routesAnnounced: count().describe('Routes announced to the peer.').exactOptional(),
  bfd: z.enum(['Up', 'Down', 'Init', 'AdminDown', 'None']).describe('State of the BFD session; None: no BFD.').exactOptional(),
});

const routeConflict = z.object({
  peer: objectName().describe('Name of the BGPPeer.'),
  prefix: text(49).describe('The route that is not announced to it.'),
  message: text(512).describe('The attribute in question, and what each BGPAdvertisement wants.'),
});

const conflict = z.object({
  ip: ipText().describe('The address.'),
  interface: text(15).min(1).describe('Name of the interface on which the other host was heard.'),
  mac: text(17).describe('MAC address of the other host.'),
  phase: z
    .enum(['Probe', 'Announcing'])
    .describe('Probe: found before the first use, the address is not announced. Announcing: found while announcing, it is defended.'),
  since: timestamp().describe('When this host was first heard on the address.'),
});

const status = z
  .object({
    version: text(64).describe('Version of Herald.').exactOptional(),
    startedAt: timestamp().describe('When the speaker started.').exactOptional(),
    snapshotAgeSeconds: count()
      .describe('Age of the configuration on disk that is in use while the API server is away. Absent: the configuration is live.')
      .exactOptional(),
    responder: z
      .enum(['packet', 'kernel', 'none'])
      .describe('What answers ARP and NDP: the packet socket, the kernel (eBPF), or nothing.')
      .exactOptional(),
    kubeProxy: z
      .enum(['IPVS', 'Other'])
      .describe(
        'IPVS: kube-proxy of the node works in IPVS mode (the interface kube-ipvs0 exists), where its addresses must not become load balancer addresses.',
      )
      .exactOptional(),
    nodeForwarding: z
      .enum(['Ready', 'Off', 'NotPermitted'])
      .describe('Whether the speaker forwards for Services of class heraldlb.io/node itself where kube-proxy cannot (--node-forwarding).')
      .exactOptional(),
    pinned: z
      .boolean()
      .describe('Whether the kernel goes on answering while the speaker restarts: what it answers with is pinned under a BPF file system.')
      .exactOptional(),
    owned: count().describe('Addresses this node answers for by layer 2.').exactOptional(),
    sessionsEstablished: text(16).describe('Established BGP sessions of all that should be, such as 1/2.').exactOptional(),
    segments: mapListOf(segment, ['interface'], 64).describe('The layer 2 segments of the node.').exactOptional(),
    excludedInterfaces: setOf(text(15), 64)
      .describe(
        'Interfaces with a subnet that are used only when an L2Advertisement names them: their names are on the list of --exclude-interfaces.',
      )
      .exactOptional(),
    claims: mapListOf(claim, ['ip', 'segment'], 1000).describe('Addresses this node owns, the first 1000.').exactOptional(),
    sessions: mapListOf(session, ['peer'], 256).describe('The BGP sessions of the node.').exactOptional(),
    routeConflicts: mapListOf(routeConflict, ['peer', 'prefix'], 256)
      .describe('Routes that are not announced because BGPAdvertisements contradict each other, the first 256.')
      .exactOptional(),
    conflicts: mapListOf(conflict, ['ip', 'interface'], 256)
      .describe('Addresses of this node that other hosts use, the first 256.')
      .exactOptional(),
    conditions: conditions().exactOptional(),
  })
  .describe('What the speaker of the node sees and does. Written by it alone.');

/** What one node's speaker sees and does. */
export const speaker = defineCustomResource({
  kind: 'Speaker',
  plural: 'speakers',
  singular: 'speaker',
  shortNames: ['hspk'],
  namespaced: false,
  description:
    'Speaker tells what the speaker of a node sees and does. There is one per node, with its name. Herald writes it; do not edit it.',
  spec: undefined,
  status,
  columns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Owned', type: 'integer', jsonPath: '.status.owned' },
    { name: 'BGP', type: 'string', jsonPath: '.status.sessionsEstablished' },
    { name: 'Responder', type: 'string', jsonPath: '.status.responder' },
    { name: 'Pinned', type: 'boolean', jsonPath: '.status.pinned', priority: 1 },
    { name: 'Version', type: 'string', jsonPath: '.status.version', priority: 1 },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', priority: 1 },
    { name: 'Started', type: 'date', jsonPath: '.status.startedAt', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type SpeakerStatus = z.input<typeof status>;
/** List key: `interface`. */
export type SpeakerSegment = z.input<typeof segment>;
export type SpeakerClaim = z.input<typeof claim>;
/** List key: `peer`. */
export type SpeakerSession = z.input<typeof session>;
/** List keys: `peer` and `prefix`. */
export type SpeakerRouteConflict = z.input<typeof routeConflict>;
/** List keys: `ip` and `interface`. */
export type SpeakerConflict = z.input<typeof conflict>;

/** One per node, named like it, cluster-scoped; written by that node's speaker only. */
export type Speaker = StatusResource<'Speaker', SpeakerStatus>;
