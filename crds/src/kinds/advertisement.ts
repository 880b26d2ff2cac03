import { z } from 'zod';
import { conditions, labelSelector, listOf, objectName, setOf } from '../fields.ts';

/** The fields that both kinds of advertisement have. */
export const advertisementScope = {
  ipAddressPools: setOf(objectName(), 256)
    .describe(
      'Names of IPAddressPools to announce. Adds up with ipAddressPoolSelectors; if both are absent or empty, every pool is announced.',
    )
    .exactOptional(),
  ipAddressPoolSelectors: listOf(labelSelector(), 32)
    .describe('Selects IPAddressPools by their labels; one matching selector is enough.')
    .exactOptional(),
  nodeSelectors: listOf(labelSelector(), 32)
    .describe('The nodes that may announce; one matching selector is enough. Absent or empty: all nodes.')
    .exactOptional(),
  serviceSelectors: listOf(labelSelector(), 32)
    .describe('The Services that are announced, by their labels; one matching selector is enough. Absent or empty: all Services.')
    .exactOptional(),
};

export const advertisementStatus = z
  .object({ conditions: conditions().exactOptional() })
  .describe('Whether the advertisement is in use. Written by the controller.');
