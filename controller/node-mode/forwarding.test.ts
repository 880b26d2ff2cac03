import { describe, expect, it } from 'vitest';
import { type ForwardSlice, forwardOf } from './forwarding.ts';

const slices: ForwardSlice[] = [
  {
    ports: [
      { name: 'web', port: 8080, protocol: 'TCP' },
      { name: 'dns', port: 5353, protocol: 'UDP' },
    ],
    endpoints: [
      { addresses: ['10.42.1.2'], nodeName: 'dn1', conditions: { ready: true } },
      { addresses: ['10.42.0.2'], nodeName: 'dn0' },
      { addresses: ['10.42.2.2'], nodeName: 'dn2', conditions: { ready: false } },
    ],
  },
  { ports: [{ name: 'web', port: 8081 }], endpoints: [{ addresses: ['fd00:42::2'] }] },
  { ports: [{ name: 'web', port: 8080 }], endpoints: null },
];

describe('what speakers forward', () => {
  it.each([
    {
      desc: 'is every port to its ready endpoints, in a fixed order',
      service: {
        ports: [
          { name: 'web', port: 80 },
          { name: 'dns', port: 53, protocol: 'UDP' },
        ],
      },
      is: {
        nodes: ['dn0', 'dn1'],
        trafficPolicy: 'Cluster',
        ports: [
          {
            protocol: 'TCP',
            port: 80,
            endpoints: [
              { ip: '10.42.0.2', port: 8080, node: 'dn0' },
              { ip: '10.42.1.2', port: 8080, node: 'dn1' },
              { ip: 'fd00:42::2', port: 8081 },
            ],
          },
          {
            protocol: 'UDP',
            port: 53,
            endpoints: [
              { ip: '10.42.0.2', port: 5353, node: 'dn0' },
              { ip: '10.42.1.2', port: 5353, node: 'dn1' },
            ],
          },
        ],
      },
    },
    {
      desc: 'carries policy, affinity and source ranges',
      service: {
        externalTrafficPolicy: 'Local',
        sessionAffinity: 'ClientIP',
        loadBalancerSourceRanges: ['10.0.0.0/8'],
        ports: [{ port: 1 }],
      },
      is: {
        nodes: ['dn0', 'dn1'],
        trafficPolicy: 'Local',
        affinity: true,
        sourceRanges: ['10.0.0.0/8'],
        ports: [{ protocol: 'TCP', port: 1, endpoints: [] }],
      },
    },
  ])('$desc', ({ service, is }) => {
    expect(forwardOf(service, slices, ['dn1', 'dn0'])).toEqual(is);
  });

  it('is bounded for each family', () => {
    const many = Array.from({ length: 400 }, (_, index) => ({ addresses: [`10.42.${index >> 8}.${index & 255}`] }));
    const [port] = forwardOf(
      { ports: [{ port: 80 }] },
      [
        { ports: [{ port: 80 }], endpoints: many },
        { ports: [{ port: 80 }], endpoints: [{ addresses: ['fd00::1'] }] },
      ],
      [],
    ).ports;
    expect(port?.endpoints).toHaveLength(126);
  });
});
