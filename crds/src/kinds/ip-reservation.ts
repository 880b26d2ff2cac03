import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { conditions, ipText, namespaceName, objectName, rules, setOf } from '../fields.ts';
import type { CustomResource } from '../object.ts';

const spec = z
  .object({
    service: z
      .object({
        namespace: namespaceName().describe('Namespace of the Service.'),
        name: namespaceName().describe('Name of the Service. It need not exist.'),
      })
      .describe('The Service the addresses are kept for.'),
    addresses: setOf(ipText(), 16)
      .min(1)
      .describe('The addresses that are kept. The Service gets them without asking, and no other Service gets them.')
      .exactOptional(),
    pool: objectName()
      .describe('Keep one free address per family of this pool, whichever it is. status.addresses tells which.')
      .exactOptional(),
    ipFamilies: setOf(z.enum(['IPv4', 'IPv6']), 2)
      .describe('The families to keep an address of, with pool. Absent: every family the pool has.')
      .exactOptional(),
  })
  .meta(
    rules(
      { rule: 'has(self.addresses) != has(self.pool)', message: 'set exactly one of addresses and pool' },
      { rule: '!has(self.ipFamilies) || has(self.pool)', message: 'ipFamilies goes with pool only', fieldPath: '.ipFamilies' },
    ),
  )
  .describe('What is kept for whom.');

const status = z
  .object({
    addresses: setOf(ipText(), 16).describe('The addresses that are kept now.').exactOptional(),
    phase: z
      .enum(['Waiting', 'Bound', 'Refused'])
      .describe('Waiting: the Service does not exist or has no address yet. Bound: it holds the addresses. Refused: see conditions.')
      .exactOptional(),
    conditions: conditions().exactOptional(),
  })
  .describe('What became of the reservation. Written by the controller.');

/** Addresses kept for a Service that may not exist. */
export const ipReservation = defineCustomResource({
  kind: 'IPReservation',
  plural: 'ipreservations',
  singular: 'ipreservation',
  shortNames: ['hres'],
  namespaced: true,
  description:
    'IPReservation keeps addresses for a Service that does not exist yet or was deleted. The annotation heraldlb.io/keep-ip: "true" on a Service makes one when the Service is deleted. ' +
    'Lives in the namespace of Herald, so that only its operators can reserve.',
  spec,
  status,
  columns: [
    { name: 'For Namespace', type: 'string', jsonPath: '.spec.service.namespace' },
    { name: 'For Service', type: 'string', jsonPath: '.spec.service.name' },
    { name: 'Addresses', type: 'string', jsonPath: '.status.addresses' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Pool', type: 'string', jsonPath: '.spec.pool', priority: 1 },
    { name: 'Requested', type: 'string', jsonPath: '.spec.addresses', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type IPReservationSpec = z.input<typeof spec>;
export type IPReservationStatus = z.input<typeof status>;
export type IPReservation = CustomResource<'IPReservation', IPReservationSpec, IPReservationStatus>;
