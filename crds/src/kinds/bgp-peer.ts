import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { conditions, durationText, integer, ipText, labelSelector, listOf, mapListOf, objectName, rules, setOf, text } from '../fields.ts';
import type { CustomResource } from '../object.ts';

const asn = () => integer(1, 4_294_967_295);
const secretReference = () => z.object({ name: objectName().describe('Name of the Secret, in the namespace of Herald.') });

const gracefulRestart = z.object({
  restartTime: integer(1, 4095).default(120).describe('Seconds the router keeps our routes while the speaker restarts (RFC 4724).'),
  longLivedStaleTime: integer(0, 16_777_215)
    .default(0)
    .describe('Seconds it keeps them after that as a last resort (long-lived graceful restart, RFC 9494). 0: not at all.'),
});

const tcpAuthOption = z.object({
  secret: secretReference().describe('Secret of type kubernetes.io/basic-auth whose key "password" is the master key.'),
  algorithm: z.enum(['HMAC-SHA-1-96', 'AES-128-CMAC-96']).default('HMAC-SHA-1-96').describe('Algorithm of RFC 5926.'),
  sendID: integer(0, 255).describe('KeyID of the segments we send.'),
  receiveID: integer(0, 255).describe('KeyID of the segments the router sends.'),
});

const spec = z
  .object({
    myASN: asn().describe('AS number of this side.'),
    peerASN: asn().describe('AS number of the router. Equal to myASN: an internal session (iBGP).').exactOptional(),
    dynamicASN: z
      .enum(['internal', 'external'])
      .describe(
        'Learn the AS number of the router from its OPEN message: internal accepts only ours, external any other. Instead of peerASN.',
      )
      .exactOptional(),
    localASN: asn()
      .describe('AS number shown to this router in place of myASN, without a trace of myASN (RFC 7705). For external sessions.')
      .exactOptional(),
    peerAddress: ipText().describe('Address of the router.').exactOptional(),
    interface: text(15)
      .min(1)
      .describe(
        'Interface of an unnumbered session: the router is the neighbour with an IPv6 link-local address on it. Instead of peerAddress.',
      )
      .exactOptional(),
    localAddress: ipText()
      .describe('Address the session comes from. The node must have it. Absent: as the route to the router says.')
      .exactOptional(),
    sourceAddress: ipText().describe("MetalLB's name of localAddress.").exactOptional(),
    peerPort: integer(1, 65_535).default(179).describe('TCP port of the router.'),
    passive: z
      .boolean()
      .default(false)
      .describe(
        'Wait for the router to connect, and do not connect to it. Needs port 179 on the node; other BGP programs there (Calico, Cilium) must leave it free.',
      ),
    holdTime: durationText()
      .describe('Hold time offered: 0 or at least 3s. Absent: three times keepaliveTime, or 90s. The smaller of both sides counts.')
      .exactOptional(),
    keepaliveTime: durationText()
      .describe('Time between KEEPALIVE messages, at most holdTime. Absent: a third of holdTime.')
      .exactOptional(),
    connectTime: durationText()
      .describe('Time between attempts to connect, whole seconds from 1s to 65535s. Absent: 10s, growing.')
      .exactOptional(),
    routerID: z
      .string()
      .max(15)
      .regex(/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/)
      .describe(
        'BGP identifier of this side, written as an IPv4 address. Absent: the IPv4 address of the node, or one derived from its name.',
      )
      .exactOptional(),
    nodeSelectors: listOf(labelSelector(), 32)
      .describe('The nodes that have this session; one matching selector is enough. Absent or empty: all nodes.')
      .exactOptional(),
    addressFamilies: setOf(z.enum(['ipv4', 'ipv6']), 2)
      .min(1)
      .describe('Families of routes on the session. Absent: the family of peerAddress, or both on an unnumbered session.')
      .exactOptional(),
    dualStackAddressFamily: z.boolean().default(false).describe("MetalLB's way of writing addressFamilies: [ipv4, ipv6]."),
    disableMP: z
      .boolean()
      .default(false)
      .describe('Offer no multiprotocol extensions (RFC 4760): IPv4 routes only, for very old routers. Deprecated in MetalLB.'),
    password: text(80)
      .describe('Password of TCP MD5 (RFC 2385). Everybody who may read the object can read it: prefer passwordSecret.')
      .exactOptional(),
    passwordSecret: secretReference()
      .describe(
        'Secret of type kubernetes.io/basic-auth whose key "password" is the TCP MD5 password. It may be changed while the session is up.',
      )
      .exactOptional(),
    tcpAuthOption: tcpAuthOption.describe('TCP authentication option (RFC 5925) instead of TCP MD5. Needs Linux 6.7.').exactOptional(),
    ebgpMultiHop: z
      .boolean()
      .default(false)
      .describe('The router is not on the same segment: packets may take several hops. External sessions only.'),
    gtsm: z
      .object({ hops: integer(1, 254).default(1).describe('How many hops away the router may be.') })
      .describe('Accept packets only from so near that their TTL proves it (RFC 5082). The router must do the same.')
      .exactOptional(),
    role: z
      .enum(['provider', 'rs', 'rs-client', 'customer', 'peer'])
      .describe('Role of this side (RFC 9234): the session is refused when the role of the router does not fit.')
      .exactOptional(),
    bfdProfile: objectName().describe('BFDProfile that watches the path to the router. Absent: no BFD.').exactOptional(),
    enableGracefulRestart: z.boolean().default(false).describe("MetalLB's way of writing gracefulRestart: {}."),
    gracefulRestart: gracefulRestart
      .describe(
        'The router keeps our routes while the speaker restarts or is upgraded. Not together with BFD on routers that ignore its C bit.',
      )
      .exactOptional(),
    vrf: text(15).describe('Linux VRF device the session runs in.').exactOptional(),
  })
  .meta(
    rules(
      { rule: 'has(self.peerAddress) != has(self.interface)', message: 'set exactly one of peerAddress and interface' },
      { rule: 'has(self.peerASN) != has(self.dynamicASN)', message: 'set exactly one of peerASN and dynamicASN' },
      { rule: '!(has(self.localAddress) && has(self.sourceAddress))', message: 'localAddress and sourceAddress are the same: set one' },
      {
        rule: '(has(self.password) ? 1 : 0) + (has(self.passwordSecret) ? 1 : 0) + (has(self.tcpAuthOption) ? 1 : 0) <= 1',
        message: 'set at most one of password, passwordSecret and tcpAuthOption',
      },
      {
        rule: '!(self.ebgpMultiHop && has(self.peerASN) && self.peerASN == self.myASN)',
        message: 'ebgpMultiHop is for external sessions only',
        fieldPath: '.ebgpMultiHop',
      },
      {
        rule: '!(self.ebgpMultiHop && has(self.gtsm))',
        message: 'ebgpMultiHop and gtsm exclude each other: give gtsm.hops',
        fieldPath: '.gtsm',
      },
      {
        rule: "!has(self.holdTime) || duration(self.holdTime) == duration('0s') || duration(self.holdTime) >= duration('3s')",
        message: 'holdTime must be 0s or at least 3s',
        fieldPath: '.holdTime',
      },
      {
        rule: "!has(self.holdTime) || !has(self.keepaliveTime) || duration(self.holdTime) == duration('0s') || duration(self.keepaliveTime) <= duration(self.holdTime)",
        message: 'keepaliveTime must not be longer than holdTime',
        fieldPath: '.keepaliveTime',
      },
      {
        rule: "!has(self.connectTime) || (duration(self.connectTime) >= duration('1s') && duration(self.connectTime) <= duration('65535s'))",
        message: 'connectTime must be from 1s to 65535s',
        fieldPath: '.connectTime',
      },
    ),
  )
  .describe('A BGP session that each selected node has with one router.');

const problem = z.object({
  node: objectName().describe('Name of the node.'),
  message: text(512).describe('Why its session is not established, or what is wrong with it although it is.'),
});

const status = z
  .object({
    established: text(16).describe('Nodes whose session is established, of all that should have one, such as 2/3.').exactOptional(),
    nodesSelected: integer(0, Number.MAX_SAFE_INTEGER)
      .describe('Nodes that the nodeSelectors select: each should have the session.')
      .exactOptional(),
    nodesEstablished: integer(0, Number.MAX_SAFE_INTEGER).describe('How many of them have it.').exactOptional(),
    problems: mapListOf(problem, ['node'], 64).describe('What is wrong on single nodes, the first 64 by name.').exactOptional(),
    lastError: text(512).describe('The first of the problems, with its node.').exactOptional(),
    routesAnnounced: integer(0, Number.MAX_SAFE_INTEGER).describe('Routes announced to the router, over all nodes.').exactOptional(),
    conditions: conditions().exactOptional(),
  })
  .describe('The sessions, summed up over the nodes. Each node reports its own in its Speaker. Written by the controller.');

/** A BGP session with one router. */
export const bgpPeer = defineCustomResource({
  kind: 'BGPPeer',
  plural: 'bgppeers',
  singular: 'bgppeer',
  shortNames: ['hpeer'],
  namespaced: true,
  description: 'BGPPeer is a router that the selected nodes have a BGP session with. Lives in the namespace of Herald.',
  spec,
  status,
  columns: [
    { name: 'Address', type: 'string', jsonPath: '.spec.peerAddress' },
    { name: 'ASN', type: 'string', jsonPath: '.spec.peerASN' },
    { name: 'Established', type: 'string', jsonPath: '.status.established' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Interface', type: 'string', jsonPath: '.spec.interface', priority: 1 },
    { name: 'BFD Profile', type: 'string', jsonPath: '.spec.bfdProfile', priority: 1 },
    { name: 'Routes', type: 'integer', jsonPath: '.status.routesAnnounced', priority: 1 },
    { name: 'Last Error', type: 'string', jsonPath: '.status.lastError', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type BGPPeerSpec = z.input<typeof spec>;
export type BGPPeerStatus = z.input<typeof status>;
export type BGPPeer = CustomResource<'BGPPeer', BGPPeerSpec, BGPPeerStatus>;
