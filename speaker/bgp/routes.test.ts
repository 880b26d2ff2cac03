import type { Announcement, Config } from '@herald/crds';
import { bgpAdvertisement as ad } from '@herald/crds/testing';
import { describe, expect, it } from 'vitest';
import { BANDWIDTH_PER_ENDPOINT, type BGPNode, routesOf } from './routes.ts';
import { announcement, config } from './testing.ts';

const node: BGPNode = { name: 'dn1', labels: { rack: 'a' }, peers: new Set(['r1', 'r2']) };
const rackB = [{ requirements: [{ key: 'rack', operator: 'In' as const, values: new Set(['b']) }] }];

describe('routesOf', () => {
  const cases: { desc: string; config: Config; announcements: Announcement[]; routes: Record<string, unknown[]> }[] = [
    {
      desc: 'announces an address to every peer of the node',
      config: config(ad('default')),
      announcements: [announcement('web', ['192.168.10.1', { advertisements: ['default'] }])],
      routes: { r1: [{ prefix: '192.168.10.1/32' }], r2: [{ prefix: '192.168.10.1/32' }] },
    },
    {
      desc: 'announces both families, each with its own aggregation length',
      config: config(ad('default', { aggregationLength: 24, aggregationLengthV6: 64 })),
      announcements: [
        announcement('web', ['192.168.10.1', { advertisements: ['default'] }], ['2001:db8::1', { advertisements: ['default'] }]),
        announcement('api', ['192.168.10.2', { advertisements: ['default'] }]),
      ],
      routes: Object.fromEntries(['r1', 'r2'].map(peer => [peer, [{ prefix: '192.168.10.0/24' }, { prefix: '2001:db8::/64' }]])),
    },
    {
      desc: 'leaves out what is not announced by BGP, by other nodes only, or by an advertisement that does not select the node',
      config: config(ad('default'), ad('rack-b', { nodeSelectors: rackB })),
      announcements: [
        announcement('layer2-only', ['192.168.10.1']),
        announcement('elsewhere', ['192.168.10.2', { advertisements: ['default'], nodes: ['dn2'] }]),
        announcement('rack-b', ['192.168.10.3', { advertisements: ['rack-b'] }]),
        announcement('unknown-advertisement', ['192.168.10.4', { advertisements: ['gone'] }]),
      ],
      routes: {},
    },
    {
      desc: 'keeps to the peers an advertisement names, of those the node has',
      config: config(ad('default', { peers: new Set(['r2', 'r9']) })),
      announcements: [announcement('web', ['192.168.10.1', { advertisements: ['default'], nodes: ['dn1'] }])],
      routes: { r2: [{ prefix: '192.168.10.1/32' }] },
    },
    {
      desc: 'merges the communities of all advertisements',
      config: config(
        ad('one', {
          communities: [
            { type: 'standard', high: 65001, low: 1 },
            { type: 'large', global: 1, local1: 2, local2: 3 },
          ],
        }),
        ad('two', {
          communities: [
            { type: 'standard', high: 65001, low: 2 },
            { type: 'standard', high: 65001, low: 1 },
          ],
        }),
      ),
      announcements: [announcement('web', ['192.168.10.1', { advertisements: ['one', 'two'] }])],
      routes: Object.fromEntries(
        ['r1', 'r2'].map(peer => [peer, [{ prefix: '192.168.10.1/32', communities: ['65001:1', '65001:2'], largeCommunities: ['1:2:3'] }]]),
      ),
    },
    {
      desc: 'carries preference, MED, prepending, next hop, and the weight of the endpoints of every Service behind the prefix',
      config: config(
        ad('default', {
          localPref: 200,
          med: 10,
          asPathPrepend: 2,
          nextHop: { ipv4: { family: 4, value: 0xc0a8960an }, ipv6: null },
          weightByEndpoints: true,
          peers: new Set(['r1']),
        }),
      ),
      announcements: [
        announcement('web', ['192.168.10.1', { advertisements: ['default'], weights: [{ node: 'dn1', endpoints: 3 }] }]),
        announcement('shares-it', ['192.168.10.1', { advertisements: ['default'], weights: [{ node: 'dn1', endpoints: 2 }] }]),
        announcement('none-here', ['192.168.10.9', { advertisements: ['default'], weights: [{ node: 'dn2', endpoints: 2 }] }]),
      ],
      routes: {
        r1: [
          {
            prefix: '192.168.10.1/32',
            localPref: 200,
            med: 10,
            asPathPrepend: 2,
            nextHop: '192.168.150.10',
            linkBandwidth: 5 * BANDWIDTH_PER_ENDPOINT,
          },
          {
            prefix: '192.168.10.9/32',
            localPref: 200,
            med: 10,
            asPathPrepend: 2,
            nextHop: '192.168.150.10',
            linkBandwidth: BANDWIDTH_PER_ENDPOINT,
          },
        ],
      },
    },
  ];
  it.each(cases)('$desc', ({ config, announcements, routes }) => {
    const plan = routesOf(config, announcements, node);
    expect(Object.fromEntries(plan.routes)).toEqual(routes);
    expect(plan.conflicts).toEqual([]);
  });

  it('reports attributes that exclude each other, and announces neither there, but everything else', () => {
    const plan = routesOf(
      config(ad('high', { localPref: 200, peers: new Set(['r1']) }), ad('low', { localPref: 50 })),
      [announcement('web', ['192.168.10.1', { advertisements: ['high', 'low'] }], ['192.168.10.2', { advertisements: ['low'] }])],
      node,
    );
    expect(plan.conflicts).toEqual([
      { peer: 'r1', prefix: '192.168.10.1/32', attribute: 'localPref', wants: ['high: 200', 'low: 50'], services: ['default/web'] },
    ]);
    expect(plan.routes.get('r1')?.map(route => route.prefix)).toEqual(['192.168.10.2/32']);
    expect(plan.routes.get('r2')?.map(route => route.prefix)).toEqual(['192.168.10.1/32', '192.168.10.2/32']);
  });
});
