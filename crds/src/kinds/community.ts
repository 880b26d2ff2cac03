import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { conditions, mapListOf, text } from '../fields.ts';
import type { CustomResource } from '../object.ts';

const spec = z
  .object({
    communities: mapListOf(
      z.object({
        name: text(63).min(1).describe('The alias, used in communities of a BGPAdvertisement.'),
        value: text(64)
          .regex(/^([0-9]+:[0-9]+|large:[0-9]+:[0-9]+:[0-9]+)$/)
          .describe('The value: 64500:100 (RFC 1997) or large:64500:1:2 (RFC 8092).'),
      }),
      ['name'],
      256,
    )
      .describe('The aliases. A name must not occur in two Community objects.')
      .exactOptional(),
  })
  .describe('Names for BGP communities.');

const status = z
  .object({ conditions: conditions().exactOptional() })
  .describe('Whether the aliases are in use. Written by the controller.');

/** Names for BGP communities. */
export const community = defineCustomResource({
  kind: 'Community',
  plural: 'communities',
  singular: 'community',
  shortNames: ['hcomm'],
  namespaced: true,
  description: 'Community gives BGP communities names, for use in BGPAdvertisements. Lives in the namespace of Herald.',
  spec,
  status,
  columns: [
    { name: 'First Name', type: 'string', jsonPath: '.spec.communities[0].name' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type CommunitySpec = z.input<typeof spec>;
export type CommunityStatus = z.input<typeof status>;
export type Community = CustomResource<'Community', CommunitySpec, CommunityStatus>;
