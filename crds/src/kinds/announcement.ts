import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { integer, ipText, listOf, mapListOf, objectName, setOf, text, timestamp } from '../fields.ts';
import type { CustomResource } from '../object.ts';

const nodeName = () => objectName();
const interfaceName = () => text(15).min(1);
const reasonText = () => text(64).min(1);

const layer2Plan = z.object({
  nodes: setOf(nodeName(), 64).describe(
    'Nodes that may own the address, in order of preference: the first live one claims it when it is free.',
  ),
  interfaces: setOf(interfaceName(), 64).describe('Interfaces to announce on; empty: every usable one.'),
  nodeInterfaces: mapListOf(
    z.object({
      node: nodeName().describe('Name of the node.'),
      interfaces: setOf(interfaceName(), 64).describe('Its interfaces; empty: every usable one.'),
    }),
    ['node'],
    64,
  )
    .describe('Nodes for which the advertisements give other interfaces than the field interfaces.')
    .exactOptional(),
  preemption: z
    .enum(['Never', 'Preferred'])
    .describe('Whether a more preferred node takes the address over when it appears. Absent: Never.')
    .exactOptional(),
  preference: listOf(integer(1, 64), 64)
    .describe(
      'Sizes of the groups of equally preferred nodes in the field nodes, the most preferred first. Present where preemption is Preferred.',
    )
    .exactOptional(),
  holdSeconds: integer(0, 3600)
    .describe('How long the claim of a silent speaker is held while its kernel still answers. Absent: what the speakers are started with.')
    .exactOptional(),
  drainSeconds: integer(0, 86_400)
    .describe('How long a planned move goes on for established connections, at most. Absent: what the speakers are started with.')
    .exactOptional(),
});

const bgpPlan = z.object({
  advertisements: setOf(objectName(), 64).describe('Names of the BGPAdvertisements that select the address.'),
  nodes: setOf(nodeName(), 1000)
    .describe('Nodes that announce it. Absent: every node the advertisements select. Present under externalTrafficPolicy Local.')
    .exactOptional(),
  weights: mapListOf(
    z.object({
      node: nodeName().describe('Name of the node.'),
      endpoints: integer(0, 1_000_000).describe('Ready endpoints on it.'),
    }),
    ['node'],
    1000,
  )
    .describe('Ready endpoints per node, where an advertisement has weightByEndpoints.')
    .exactOptional(),
});

const announcedAddress = z.object({
  ip: ipText().describe('The address.'),
  pool: text(253).describe('The IPAddressPool it came from.'),
  protocols: text(16).describe('How it is announced, for display: layer2, bgp, or both.').exactOptional(),
  layer2: layer2Plan.describe('How it is announced by ARP or NDP. Absent: not by layer 2.').exactOptional(),
  bgp: bgpPlan.describe('How it is announced by BGP. Absent: not by BGP.').exactOptional(),
});

const reason = z.object({
  ip: ipText().describe('The address concerned. Absent: every address of the Service.').exactOptional(),
  protocol: z.enum(['layer2', 'bgp']).describe('The protocol concerned. Absent: both.').exactOptional(),
  reason: reasonText().describe('A reason of the catalogue for heraldlb.io/Announced.'),
  message: text(1024).describe('The objects involved and the remedy.'),
});

const forwardPort = z.object({
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).describe('The protocol.'),
  port: integer(1, 65_535).describe('Port on the node.'),
  endpoints: listOf(
    z.object({
      ip: ipText().describe('Address of the endpoint.'),
      port: integer(1, 65_535).describe('Port of the endpoint.'),
      node: text(253).describe('Node of the endpoint. Absent: unknown.').exactOptional(),
    }),
    250,
  ).describe('Where it is forwarded to: the ready endpoints, the first 250 of each family.'),
});

const forward = z.object({
  nodes: setOf(nodeName(), 1000).describe('The nodes that forward, from their own addresses.'),
  trafficPolicy: z
    .enum(['Cluster', 'Local'])
    .describe('Local: only to endpoints on the node itself, with the source address of the client. Cluster: to all, masqueraded.'),
  affinity: z.boolean().describe('Whether a client stays with an endpoint (sessionAffinity ClientIP).').exactOptional(),
  sourceRanges: setOf(text(49), 256).describe('Clients that are let in (loadBalancerSourceRanges). Absent: all.').exactOptional(),
  ports: mapListOf(forwardPort, ['protocol', 'port'], 100).describe('What is forwarded.'),
});

const spec = z
  .object({
    addresses: mapListOf(announcedAddress, ['ip'], 16).describe('The addresses of the Service, in the order of its status.'),
    reasons: listOf(reason, 32).describe('Why something is not announced.').exactOptional(),
    forward: forward
      .describe(
        'For a Service of class heraldlb.io/node where kube-proxy works in IPVS mode: what the speakers of its nodes forward themselves.',
      )
      .exactOptional(),
  })
  .describe('Who may announce which address. Written by the controller.');

const draining = z.object({
  node: nodeName().describe('The node that still forwards the connections that are established through it.'),
  since: timestamp().describe('Since when.'),
  until: timestamp().describe('When the move ends at the latest.').exactOptional(),
  flows: integer(0, Number.MAX_SAFE_INTEGER)
    .describe('How many established connections were left when they were last counted. Absent: they cannot be counted on that node.')
    .exactOptional(),
});

const owner = z.object({
  ip: ipText().describe('The address.'),
  segment: text(64).describe('The layer 2 segment: its subnet or interface name, as the speakers agree on it.'),
  node: nodeName().describe('The node that answers.'),
  interface: interfaceName().describe('The interface it answers on.'),
  mac: text(17).describe('The MAC address it answers with.'),
  since: timestamp().describe('Since when.'),
  epoch: integer(0, Number.MAX_SAFE_INTEGER).describe('Generation of the claim: of two claims the higher one holds.'),
  confirmed: timestamp().describe('When an answer last proved that a neighbour heard the announcement. Absent: not yet.').exactOptional(),
  draining: draining
    .describe('The planned move by which this node got the address, while it is under way. Absent: none is.')
    .exactOptional(),
});

const node = z.object({
  node: nodeName().describe('Name of the node.'),
  reason: reasonText().describe('Why it may not announce: a reason of the catalogue.'),
  message: text(512).describe('The objects involved.').exactOptional(),
});

const status = z
  .object({
    owners: mapListOf(owner, ['ip', 'segment'], 64)
      .describe('Who answers for an address on a segment. In the order of the addresses. Each speaker writes the entries it owns.')
      .exactOptional(),
    nodes: mapListOf(node, ['node', 'reason'], 64)
      .describe('Nodes that may not announce, and why: the first 64 by name. Written by the controller.')
      .exactOptional(),
  })
  .describe('Who announces, as the speakers report it.');

/** What passes between controller and speakers. */
export const announcement = defineCustomResource({
  kind: 'Announcement',
  plural: 'announcements',
  singular: 'announcement',
  shortNames: ['hann'],
  namespaced: true,
  description:
    'Announcement tells the speakers which addresses of one Service to announce, and tells you who does. There is one per Service, with its name and namespace. ' +
    'Herald writes it; do not edit it.',
  spec,
  status,
  columns: [
    { name: 'Address', type: 'string', jsonPath: '.spec.addresses[0].ip' },
    { name: 'Protocol', type: 'string', jsonPath: '.spec.addresses[0].protocols' },
    { name: 'Node', type: 'string', jsonPath: '.status.owners[0].node' },
    { name: 'Since', type: 'date', jsonPath: '.status.owners[0].since' },
    { name: 'Draining', type: 'string', jsonPath: '.status.owners[0].draining.node' },
    { name: 'Why not', type: 'string', jsonPath: '.spec.reasons[0].reason' },
    { name: 'Address 2', type: 'string', jsonPath: '.spec.addresses[1].ip', priority: 1 },
    { name: 'Node 2', type: 'string', jsonPath: '.status.owners[1].node', priority: 1 },
    { name: 'Pool', type: 'string', jsonPath: '.spec.addresses[0].pool', priority: 1 },
    { name: 'Interface', type: 'string', jsonPath: '.status.owners[0].interface', priority: 1 },
    { name: 'MAC', type: 'string', jsonPath: '.status.owners[0].mac', priority: 1 },
    { name: 'Draining Since', type: 'date', jsonPath: '.status.owners[0].draining.since', priority: 1 },
    { name: 'Flows', type: 'integer', jsonPath: '.status.owners[0].draining.flows', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: '.spec.reasons[0].message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', priority: 1 },
  ],
});

export type AnnouncementSpec = z.input<typeof spec>;
export type AnnouncementStatus = z.input<typeof status>;
export type AnnouncedAddress = z.input<typeof announcedAddress>;
export type Layer2Plan = z.input<typeof layer2Plan>;
export type BGPPlan = z.input<typeof bgpPlan>;
/** What the speakers of the nodes of a Service forward themselves. */
export type AnnouncementForward = z.input<typeof forward>;
export type AnnouncementReason = z.input<typeof reason>;
/** List key: `ip` and `segment`. */
export type AnnouncementOwner = z.input<typeof owner>;
export type AnnouncementDraining = z.input<typeof draining>;
/** List key: `node` and `reason`. */
export type AnnouncementNode = z.input<typeof node>;

/**
 * What passes between controller and speakers: one per Service, with its name and namespace, owned by it.
 * The planner writes `spec` and `status.nodes`, each speaker its own entries of `status.owners`.
 */
export type Announcement = CustomResource<'Announcement', AnnouncementSpec, AnnouncementStatus>;
