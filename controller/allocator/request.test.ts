import { formatAddress } from '@herald/ip';
import { describe, expect, test } from 'vitest';
import { buildRequest, externalIPsOf, isOurs, type ServiceObject } from './request.ts';

const spec = {
  type: 'LoadBalancer',
  clusterIP: '10.96.0.1',
  clusterIPs: ['10.96.0.1'],
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
};

function service(more: ServiceObject['spec'] = {}, annotations: Record<string, string> = {}): ServiceObject {
  return {
    metadata: { name: 's', namespace: 'ns', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z', annotations },
    spec: { ...spec, ...more },
  };
}

describe('isOurs', () => {
  const classes = { classless: true, classes: new Set(['heraldlb.io/pool']) };
  test.each([
    ['without class', service(), classes, true],
    ['with our class', service({ loadBalancerClass: 'heraldlb.io/pool' }), classes, true],
    ['of another class', service({ loadBalancerClass: 'metallb.io/metallb' }), classes, false],
    ['of another type', service({ type: 'ClusterIP' }), classes, false],
    ['without class, when classless ones are left to others', service(), { ...classes, classless: false }, false],
    ['without spec', {}, classes, false],
  ])('%s', (_, object, which, expected) => {
    expect(isOurs(object, which)).toBe(expected);
  });
});

describe('buildRequest', () => {
  test('reads everything', () => {
    const { request, deprecated } = buildRequest({
      metadata: {
        name: 's',
        namespace: 'ns',
        uid: 'u',
        creationTimestamp: '2026-01-01T00:00:01Z',
        deletionTimestamp: '2026-01-01T00:00:02Z',
        labels: { a: 'b' },
        annotations: {
          'heraldlb.io/address-pool': ' lan ',
          'metallb.io/loadBalancerIPs': '192.0.2.1, 2001:db8::1,192.0.2.1',
          'metallb.universe.tf/allow-shared-ip': 'key',
          'heraldlb.io/keep-ip': 'true',
        },
      },
      spec: {
        type: 'LoadBalancer',
        clusterIPs: ['fd00::1', '10.96.0.1'],
        ipFamilies: ['IPv6', 'IPv4'],
        ipFamilyPolicy: 'RequireDualStack',
        ports: [{ port: 53, protocol: 'UDP' }, { port: 80 }],
        externalTrafficPolicy: 'Local',
        selector: { b: '2', a: '1' },
      },
    });
    expect(request).toEqual({
      key: 'ns/s',
      namespace: 'ns',
      name: 's',
      uid: 'u',
      createdAt: Date.UTC(2026, 0, 1, 0, 0, 1),
      labels: { a: 'b' },
      families: [6, 4],
      policy: 'RequireDualStack',
      addresses: [
        { family: 4, value: 0xc0000201n },
        { family: 6, value: (0x20010db8n << 96n) + 1n },
      ],
      pool: 'lan',
      sharingKey: 'key',
      ports: [
        { port: 53, protocol: 'UDP' },
        { port: 80, protocol: 'TCP' },
      ],
      trafficPolicy: 'Local',
      selector: 'a=1,b=2',
      keepAddress: true,
      terminating: true,
      problem: null,
    });
    expect(deprecated).toEqual(['metallb.universe.tf/allow-shared-ip']);
  });

  const h = 'heraldlb.io';
  const m = 'metallb.io';
  const u = 'metallb.universe.tf';
  test.each([
    ['no address', {}, {}, [], null],
    ['spec.loadBalancerIP', { loadBalancerIP: '192.0.2.1' }, {}, ['192.0.2.1'], null],
    [
      'field and annotation that agree',
      { loadBalancerIP: '192.0.2.1' },
      { [`${m}/loadBalancerIPs`]: '192.0.2.2,192.0.2.1' },
      ['192.0.2.2', '192.0.2.1'],
      null,
    ],
    [
      'field and annotation that differ',
      { loadBalancerIP: '192.0.2.1' },
      { [`${m}/loadBalancerIPs`]: '192.0.2.2' },
      undefined,
      'ContradictoryRequest',
    ],
    ['two prefixes that agree', {}, { [`${m}/loadBalancerIPs`]: '192.0.2.2', [`${h}/loadBalancerIPs`]: '192.0.2.2' }, ['192.0.2.2'], null],
    [
      'two prefixes that differ',
      {},
      { [`${m}/loadBalancerIPs`]: '192.0.2.2', [`${h}/loadBalancerIPs`]: '192.0.2.3' },
      undefined,
      'ContradictoryRequest',
    ],
    ['pools that differ', {}, { [`${m}/address-pool`]: 'a', [`${u}/address-pool`]: 'b' }, [], 'ContradictoryRequest'],
    ['keys that differ', {}, { [`${m}/allow-shared-ip`]: 'a', [`${h}/allow-shared-ip`]: 'b' }, [], 'ContradictoryRequest'],
    ['no address at all', {}, { [`${h}/loadBalancerIPs`]: 'pony' }, undefined, 'InvalidRequest'],
    ['a leading zero', { loadBalancerIP: '192.0.02.1' }, {}, undefined, 'InvalidRequest'],
    ['a zone', { loadBalancerIP: 'fe80::1%eth0' }, {}, undefined, 'InvalidRequest'],
    ['an empty part', {}, { [`${h}/loadBalancerIPs`]: '192.0.2.1,' }, undefined, 'InvalidRequest'],
    [
      'too many',
      {},
      { [`${h}/loadBalancerIPs`]: Array.from({ length: 99 }, (_, i) => `192.0.2.${i}`).join() },
      undefined,
      'InvalidRequest',
    ],
    ['blank annotations are none', {}, { [`${h}/loadBalancerIPs`]: ' ', [`${m}/address-pool`]: '' }, [], null],
    ['an unknown word in keep-ip', {}, { [`${h}/keep-ip`]: 'yes' }, [], 'InvalidRequest'],
    ['headless', { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: [] }, {}, [], 'HeadlessService'],
    ['RequireDualStack with one cluster IP', { ipFamilyPolicy: 'RequireDualStack' }, {}, [], 'DualStackUnavailable'],
  ] as const)('%s', (_, more, annotations, addresses, problem) => {
    const { request } = buildRequest(service(more, annotations));
    expect(request.problem?.reason ?? null).toBe(problem);
    if (addresses !== undefined) expect(request.addresses.map(formatAddress)).toEqual(addresses);
  });

  test('families come from the cluster IPs where the field is not known', () => {
    const { ipFamilies: _, ...older } = spec;
    const { request } = buildRequest({ metadata: { name: 's', namespace: 'ns' }, spec: { ...older, clusterIPs: ['fd00::1'] } });
    expect(request.families).toEqual([6]);
  });

  test('hostile objects give a request, never an exception', () => {
    expect(buildRequest({}).request).toMatchObject({ key: '/', createdAt: 0, problem: { reason: 'HeadlessService' } });
    expect(buildRequest(service({}, { [`${h}/loadBalancerIPs`]: 'x'.repeat(262_144) })).request.problem?.message.length).toBeLessThan(300);
    expect(buildRequest({ metadata: { name: 'a', namespace: 'b', creationTimestamp: 'never' }, spec }).request.createdAt).toBe(0);
  });
});

test('externalIPs that are no addresses are left out', () => {
  expect(externalIPsOf(service({ externalIPs: ['192.0.2.1', 'pony', '2001:db8::1'] })).map(formatAddress)).toEqual([
    '192.0.2.1',
    '2001:db8::1',
  ]);
});
