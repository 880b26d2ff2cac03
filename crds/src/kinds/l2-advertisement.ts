import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { integer, labelSelector, listOf, setOf, text } from '../fields.ts';
import type { CustomResource } from '../object.ts';
import { advertisementScope, advertisementStatus } from './advertisement.ts';

const spec = z
  .object({
    ...advertisementScope,
    interfaces: setOf(text(15).min(1), 64)
      .describe(
        'Names of the interfaces to announce on. Absent or empty: every usable one. A node that has none of them is not eligible. ' +
          'Where several advertisements apply to a node their interfaces add up; one without the field stands for all.',
      )
      .exactOptional(),
    preferredNodeSelectors: listOf(
      z.object({
        weight: integer(1, 100).describe('Weight of this preference. The weights of all matching preferences of a node add up.'),
        preference: labelSelector().describe('The nodes that are preferred.'),
      }),
      32,
    )
      .describe('Nodes that should rather announce than others. Never makes a node eligible or ineligible.')
      .exactOptional(),
    preemption: z
      .enum(['Never', 'Preferred'])
      .default('Never')
      .describe(
        'Never: an address stays where it is when a better node appears. Preferred: a node preferred by preferredNodeSelectors takes it over, by a handover without loss.',
      ),
    holdSeconds: integer(0, 3600)
      .describe(
        'How long the addresses of a node are held for it while its speaker is silent but its kernel still answers: connections live in that kernel, and a restarting speaker comes back. 0: not at all. Absent: what the speakers are started with (30).',
      )
      .exactOptional(),
    drainSeconds: integer(0, 86_400)
      .describe(
        'How long a planned move goes on, at most: the new node answers new clients at once, and the old one goes on forwarding the connections that are established through it until they are gone. 0: not at all, and they break. Absent: what the speakers are started with (60).',
      )
      .exactOptional(),
  })
  .describe('Which addresses are announced, by which nodes and on which interfaces.');

/** Announcement by ARP and NDP. */
export const l2Advertisement = defineCustomResource({
  kind: 'L2Advertisement',
  plural: 'l2advertisements',
  singular: 'l2advertisement',
  shortNames: ['hl2'],
  namespaced: true,
  description:
    'L2Advertisement announces addresses on the local network: one node at a time answers ARP (IPv4) and NDP (IPv6) for an address, and another takes over when it fails. ' +
    'Lives in the namespace of Herald.',
  spec,
  status: advertisementStatus,
  columns: [
    { name: 'Pools', type: 'string', jsonPath: '.spec.ipAddressPools' },
    { name: 'Interfaces', type: 'string', jsonPath: '.spec.interfaces' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Pool Selectors', type: 'string', jsonPath: '.spec.ipAddressPoolSelectors', priority: 1 },
    { name: 'Node Selectors', type: 'string', jsonPath: '.spec.nodeSelectors', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type L2AdvertisementSpec = z.input<typeof spec>;
export type L2AdvertisementStatus = z.input<typeof advertisementStatus>;
export type L2Advertisement = CustomResource<'L2Advertisement', L2AdvertisementSpec, L2AdvertisementStatus>;
