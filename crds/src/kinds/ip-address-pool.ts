import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { conditions, durationText, integer, labelSelector, listOf, namespaceName, rangeText, setOf, text } from '../fields.ts';
import type { CustomResource } from '../object.ts';

const count = () => integer(0, Number.MAX_SAFE_INTEGER);

const serviceAllocation = z.object({
  priority: integer(0, 2_147_483_647)
    .describe('Lower numbers are tried first; 0 or absent is last. Pools of one priority are tried by name.')
    .exactOptional(),
  namespaces: setOf(namespaceName(), 256)
    .describe('Namespaces whose Services may use the pool. Adds up with namespaceSelectors.')
    .exactOptional(),
  namespaceSelectors: listOf(labelSelector(), 32)
    .describe(
      'Selects such namespaces by their labels; one matching selector is enough. A selector that matches no namespace opens the pool to none.',
    )
    .exactOptional(),
  serviceSelectors: listOf(labelSelector(), 32)
    .describe('Selects Services by their labels; one matching selector is enough. Holds in addition to the namespace side.')
    .exactOptional(),
});

const spec = z
  .object({
    addresses: setOf(rangeText(), 256)
      .min(1)
      .describe(
        'The addresses: CIDRs such as 192.168.150.0/28 and ranges such as 192.168.150.240-192.168.150.250, IPv4 and IPv6 mixed. A single address is written /32 or /128. ' +
          'Bits beyond a prefix are ignored: 192.168.10.100/24 is the whole /24. No two pools may overlap.',
      ),
    excludedAddresses: setOf(rangeText(), 256)
      .describe('CIDRs and ranges inside the pool that are never given out, such as the network and broadcast address.')
      .exactOptional(),
    autoAssign: z
      .boolean()
      .default(true)
      .describe('Whether Services get addresses of this pool without asking. If false, only by naming the pool or the address.'),
    avoidBuggyIPs: z
      .boolean()
      .default(false)
      .describe('Never give out IPv4 addresses ending in .0 and .255, which some old routers and firewalls drop. Not even on request.'),
    serviceAllocation: serviceAllocation
      .describe('Which Services may use the pool, also when they ask for it by name. Absent: all.')
      .exactOptional(),
    drain: z.boolean().default(false).describe('Give out nothing new. What Services hold they keep.'),
    onRemoval: z
      .enum(['Reallocate', 'Keep'])
      .default('Reallocate')
      .describe(
        'What becomes of a held address when the pool no longer contains it, is deleted, or no longer admits its Service. Reallocate: the Service gets another one, ' +
          'and an event names both. Keep: the Service keeps it until it goes.',
      ),
    reuseDelay: durationText()
      .default('0s')
      .describe(
        'How long a released address rests before another Service can get it, such as 10m: old clients and caches may still send to it.',
      ),
    allowCrossNamespaceSharing: z
      .boolean()
      .default(false)
      .describe('Whether Services of different namespaces may share an address (annotation heraldlb.io/allow-shared-ip).'),
    quotas: listOf(
      z.object({
        namespaceSelector: labelSelector().describe('The namespaces the quota is for; each has it for itself.'),
        addresses: integer(0, 2_147_483_647).describe(
          'How many addresses of this pool one such namespace may hold. A shared address counts once.',
        ),
      }),
      64,
    )
      .describe('Limits per namespace. Of several that select a namespace the lowest counts.')
      .exactOptional(),
  })
  .describe('What the pool contains and who may use it.');

const status = z
  .object({
    assigned: count().describe('Addresses held by Services.').exactOptional(),
    available: text(40)
      .describe('Addresses that could be given out now, as an exact decimal number: an IPv6 pool may have more than 64 bits of them.')
      .exactOptional(),
    assignedIPv4: count().describe('IPv4 addresses held by Services.').exactOptional(),
    assignedIPv6: count().describe('IPv6 addresses held by Services.').exactOptional(),
    availableIPv4: count().describe('IPv4 addresses that could be given out now.').exactOptional(),
    availableIPv6: text(40).describe('IPv6 addresses that could be given out now, as an exact decimal number.').exactOptional(),
    addresses: listOf(text(100), 512)
      .describe(
        'The addresses in force: those of the last valid specification. A restarted controller falls back on them while the specification is invalid.',
      )
      .exactOptional(),
    conditions: conditions().exactOptional(),
  })
  .describe('How full the pool is, and whether it is in use. Written by the controller.');

/** The addresses Herald may give to Services. */
export const ipAddressPool = defineCustomResource({
  kind: 'IPAddressPool',
  plural: 'ipaddresspools',
  singular: 'ipaddresspool',
  shortNames: ['hpool'],
  namespaced: true,
  description:
    'IPAddressPool holds addresses that Herald gives to Services of type LoadBalancer. An advertisement (L2Advertisement, BGPAdvertisement) has to select the pool, ' +
    'or its addresses are assigned but not announced. Lives in the namespace of Herald.',
  spec,
  status,
  columns: [
    { name: 'Addresses', type: 'string', jsonPath: '.spec.addresses' },
    { name: 'Assigned', type: 'integer', jsonPath: '.status.assigned' },
    { name: 'Available', type: 'string', jsonPath: '.status.available' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Auto Assign', type: 'boolean', jsonPath: '.spec.autoAssign', priority: 1 },
    { name: 'Draining', type: 'boolean', jsonPath: '.spec.drain', priority: 1 },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type IPAddressPoolSpec = z.input<typeof spec>;
export type IPAddressPoolStatus = z.input<typeof status>;
export type IPAddressPool = CustomResource<'IPAddressPool', IPAddressPoolSpec, IPAddressPoolStatus>;
