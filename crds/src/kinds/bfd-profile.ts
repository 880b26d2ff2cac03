import { z } from 'zod';
import { defineCustomResource } from '../define.ts';
import { conditions, integer } from '../fields.ts';
import type { CustomResource } from '../object.ts';

const spec = z
  .object({
    receiveInterval: integer(10, 60_000)
      .default(300)
      .describe('Shortest interval at which this side can receive control packets, in milliseconds.'),
    transmitInterval: integer(10, 60_000)
      .default(300)
      .describe('Shortest interval at which this side wants to send control packets, in milliseconds.'),
    detectMultiplier: integer(2, 255)
      .default(3)
      .describe('How many packets may be missing before the path counts as broken: with 300 ms and 3 after 0.9 s.'),
    echoMode: z
      .boolean()
      .default(false)
      .describe(
        'Exchange echo packets (RFC 5880 section 6.4): each side sends back those of the other in its forwarding plane, which so is watched as well.',
      ),
    echoInterval: integer(10, 60_000)
      .default(50)
      .describe('Interval of the echo packets this side sends, and the shortest between those it sends back, in milliseconds.'),
    passiveMode: z.boolean().default(false).describe('Wait for packets of the router before sending any.'),
    minimumTtl: integer(1, 254)
      .default(254)
      .describe(
        'Lowest TTL accepted on multihop sessions. On sessions to a neighbour it must be 255 (RFC 5881) and this field does not count.',
      ),
  })
  .describe('Timers of BFD sessions (RFC 5880).');

const status = z.object({ conditions: conditions().exactOptional() }).describe('Whether the profile is in use. Written by the controller.');

/** How fast a broken path is detected. */
export const bfdProfile = defineCustomResource({
  kind: 'BFDProfile',
  plural: 'bfdprofiles',
  singular: 'bfdprofile',
  shortNames: ['hbfd'],
  namespaced: true,
  description:
    'BFDProfile tells how fast a broken path to a BGP router is detected. A BGPPeer names it in bfdProfile. Lives in the namespace of Herald.',
  spec,
  status,
  columns: [
    { name: 'Transmit', type: 'integer', jsonPath: '.spec.transmitInterval' },
    { name: 'Receive', type: 'integer', jsonPath: '.spec.receiveInterval' },
    { name: 'Multiplier', type: 'integer', jsonPath: '.spec.detectMultiplier' },
    { name: 'Passive', type: 'boolean', jsonPath: '.spec.passiveMode' },
    { name: 'Echo', type: 'boolean', jsonPath: '.spec.echoMode', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type BFDProfileSpec = z.input<typeof spec>;
export type BFDProfileStatus = z.input<typeof status>;
export type BFDProfile = CustomResource<'BFDProfile', BFDProfileSpec, BFDProfileStatus>;
