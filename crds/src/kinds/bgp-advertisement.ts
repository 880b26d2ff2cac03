import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { integer, ipText, objectName, rules, setOf, text } from '../fields.ts';
import type { CustomResource } from '../object.ts';
import { advertisementScope, advertisementStatus } from './advertisement.ts';

const spec = z
  .object({
    ...advertisementScope,
    aggregationLength: integer(1, 32)
      .default(32)
      .describe(
        'Length of the IPv4 prefix that is announced. Less than 32: one route for all addresses in it, while one of them is in use.',
      ),
    aggregationLengthV6: integer(1, 128).default(128).describe('Length of the IPv6 prefix that is announced.'),
    localPref: integer(0, 4_294_967_295)
      .describe('LOCAL_PREF of the routes, on internal sessions (iBGP). Higher is preferred. Absent: 100.')
      .exactOptional(),
    med: integer(0, 4_294_967_295)
      .describe('MULTI_EXIT_DISC of the routes: lower is preferred by a router with several sessions to us. Absent: none.')
      .exactOptional(),
    asPathPrepend: integer(0, 16)
      .default(0)
      .describe(
        'How many times the own AS number is put in front of the path in addition, on external sessions, which makes the routes less preferred.',
      ),
    communities: setOf(text(64).min(1), 64)
      .describe('Communities of the routes: 64500:100, large:64500:1:2, or the name of an alias in a Community object.')
      .exactOptional(),
    largeCommunities: setOf(text(40).regex(/^[0-9]+:[0-9]+:[0-9]+$/), 64)
      .describe('Large communities of the routes (RFC 8092), such as 64500:1:2.')
      .exactOptional(),
    nextHop: z
      .object({
        ipv4: ipText().describe('Next hop of IPv4 routes.').exactOptional(),
        ipv6: ipText().describe('Next hop of IPv6 routes.').exactOptional(),
      })
      .describe('Next hop of the routes in place of the own address of the session: an address of the node that the router can reach.')
      .exactOptional(),
    peers: setOf(objectName(), 256).describe('Names of the BGPPeers the routes go to. Absent or empty: all.').exactOptional(),
    weightByEndpoints: z
      .boolean()
      .default(false)
      .describe(
        'Add the link bandwidth community with the number of ready endpoints on the node, so that a router with weighted ECMP sends each node its share.',
      ),
  })
  .meta(
    rules({
      rule: '!has(self.serviceSelectors) || size(self.serviceSelectors) == 0 || (self.aggregationLength == 32 && self.aggregationLengthV6 == 128)',
      message: 'serviceSelectors and an aggregation length exclude each other: a route for many Services cannot be for some of them',
      fieldPath: '.serviceSelectors',
    }),
  )
  .describe('Which addresses are announced, by which nodes, to which routers, and with which attributes.');

/** Announcement by BGP. */
export const bgpAdvertisement = defineCustomResource({
  kind: 'BGPAdvertisement',
  plural: 'bgpadvertisements',
  singular: 'bgpadvertisement',
  shortNames: ['hbgp'],
  namespaced: true,
  description:
    'BGPAdvertisement announces addresses to routers by BGP: every selected node announces, and the routers spread the traffic. Lives in the namespace of Herald.',
  spec,
  status: advertisementStatus,
  columns: [
    { name: 'Pools', type: 'string', jsonPath: '.spec.ipAddressPools' },
    { name: 'Peers', type: 'string', jsonPath: '.spec.peers' },
    { name: 'Communities', type: 'string', jsonPath: '.spec.communities' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Pool Selectors', type: 'string', jsonPath: '.spec.ipAddressPoolSelectors', priority: 1 },
    { name: 'Node Selectors', type: 'string', jsonPath: '.spec.nodeSelectors', priority: 1 },
    { name: 'Local Pref', type: 'integer', jsonPath: '.spec.localPref', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type BGPAdvertisementSpec = z.input<typeof spec>;
export type BGPAdvertisementStatus = z.input<typeof advertisementStatus>;
export type BGPAdvertisement = CustomResource<'BGPAdvertisement', BGPAdvertisementSpec, BGPAdvertisementStatus>;
