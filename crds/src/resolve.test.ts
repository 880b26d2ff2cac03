import { formatRange } from '@herald/ip';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from './config.ts';
import { catalogue } from './reasons/index.ts';
import type { RawObject } from './resolve/problem.ts';
import { emptyConfig, resolve } from './resolve.ts';

const namespace = 'herald-system';

function object(kind: string, name: string, spec: unknown, more: Partial<RawObject> & { age?: number } = {}): RawObject {
  const { age = 0, ...rest } = more;
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1, 0, 0, age)).toISOString();
  return { apiVersion: 'heraldlb.io/v1beta1', kind, spec, metadata: { name, namespace, creationTimestamp, generation: 1 }, ...rest };
}

const pool = (name: string, addresses: string[], more: Partial<RawObject> & { age?: number; spec?: object } = {}) => {
  const { spec, ...rest } = more;
  return object('IPAddressPool', name, { addresses, ...spec }, rest);
};

const rangesOf = (config: Config, name: string): string[] | undefined =>
  config.pools.find(candidate => candidate.name === name)?.ranges.ranges.map(formatRange);

const priority = (value: number) => ({ spec: { serviceAllocation: { priority: value } } });

describe('resolve', () => {
  it.each<{ title: string; objects: RawObject[]; found: [string, string, string][] }>([
    { title: 'a good pool has no problem', objects: [pool('a', ['192.168.150.240-192.168.150.250'])], found: [] },
    { title: 'a bad CIDR', objects: [pool('a', ['10.0.0.0/33'])], found: [['InvalidAddress', 'spec.addresses[0]', '/33']] },
    { title: 'an octet over 255', objects: [pool('a', ['10.0.0.300/32'])], found: [['InvalidAddress', 'spec.addresses[0]', '10.0.0.300']] },
    {
      title: 'an end before its start',
      objects: [pool('a', ['10.0.0.9-10.0.0.1'])],
      found: [['RangeReversed', 'spec.addresses[0]', '10.0.0.9']],
    },
    {
      title: 'mixed families in a range',
      objects: [pool('a', ['10.0.0.1-fd00::1'])],
      found: [['InvalidAddress', 'spec.addresses[0]', 'mixes']],
    },
    { title: 'a single address without prefix', objects: [pool('a', ['10.0.0.1'])], found: [['InvalidField', 'spec.addresses[0]', '']] },
    { title: 'no addresses', objects: [pool('a', [])], found: [['InvalidField', 'spec.addresses', '']] },
    { title: 'no spec at all', objects: [object('IPAddressPool', 'a', undefined)], found: [['InvalidField', 'spec.addresses', '']] },
    {
      title: 'an overlap inside one pool',
      objects: [pool('a', ['10.0.0.0/24', '10.0.0.7/32'])],
      found: [['OverlappingAddresses', 'spec.addresses[1]', 'spec.addresses[0]']],
    },
    {
      title: 'an overlap with an older pool, named with the range',
      objects: [pool('b', ['10.0.0.0/24'], { age: 1 }), pool('a', ['10.0.0.250-10.0.1.5'], { age: 2 })],
      found: [['OverlapsOtherPool', 'spec.addresses', 'older pool b in 10.0.0.250-10.0.0.255']],
    },
    {
      title: 'of two pools of one age the name decides',
      objects: [pool('b', ['fd00::/64']), pool('a', ['fd00::5/128'])],
      found: [['OverlapsOtherPool', 'spec.addresses', 'older pool a in fd00::5']],
    },
    { title: 'host bits are masked', objects: [pool('a', ['192.168.10.100/24'])], found: [] },
    {
      title: 'an exclusion outside the pool',
      objects: [pool('a', ['10.0.0.0/24'], { spec: { excludedAddresses: ['10.0.1.0/32'] } })],
      found: [['ExclusionOutsidePool', 'spec.excludedAddresses[0]', '10.0.1.0/32']],
    },
    {
      title: 'everything excluded',
      objects: [pool('a', ['10.0.0.0/31'], { spec: { excludedAddresses: ['10.0.0.0/24'] } })],
      found: [['NothingToGive', 'spec.excludedAddresses', '']],
    },
    {
      title: 'a selector that contradicts itself',
      objects: [
        pool('a', ['10.0.0.0/24'], {
          spec: { serviceAllocation: { namespaceSelectors: [{ matchExpressions: [{ key: 'x', operator: 'In' }] }] } },
        }),
      ],
      found: [['InvalidSelector', 'spec.serviceAllocation.namespaceSelectors[0]', 'at least one value']],
    },
    {
      title: 'a bad reuse delay',
      objects: [pool('a', ['10.0.0.0/24'], { spec: { reuseDelay: '5 minutes' } })],
      found: [['InvalidField', 'spec.reuseDelay', '']],
    },
    {
      title: 'a pool that MetalLB has as well',
      objects: [pool('a', ['10.0.0.0/24'], { age: 5 }), pool('a', ['10.0.0.0/24'], { apiVersion: 'metallb.io/v1beta1' })],
      found: [['DuplicateName', 'metadata.name', 'heraldlb.io']],
    },
    {
      title: 'an advertisement of an unknown pool',
      objects: [object('L2Advertisement', 'l', { ipAddressPools: ['nope'] })],
      found: [['UnknownReference', 'spec.ipAddressPools[0]', '"nope"']],
    },
    {
      title: 'a BGP advertisement that names what is not there',
      objects: [pool('a', ['10.0.0.0/24']), object('BGPAdvertisement', 'b', { peers: ['p'], communities: ['nope'] })],
      found: [
        ['UnknownReference', 'spec.peers[0]', '"p"'],
        ['UnknownCommunity', 'spec.communities[0]', '"nope"'],
      ],
    },
    {
      title: 'an aggregate wider than the pool',
      objects: [pool('a', ['10.0.0.10-10.0.0.20']), object('BGPAdvertisement', 'b', { aggregationLength: 24 })],
      found: [['AggregationTooLong', 'spec.aggregationLength', 'at least 30']],
    },
    {
      title: 'an aggregate as wide as the pool',
      objects: [pool('a', ['10.0.0.0/24']), object('BGPAdvertisement', 'b', { aggregationLength: 24 })],
      found: [],
    },
    {
      title: 'serviceSelectors with aggregation',
      objects: [object('BGPAdvertisement', 'b', { aggregationLength: 24, serviceSelectors: [{}] })],
      found: [['ContradictoryFields', 'spec.serviceSelectors', '']],
    },
    {
      title: 'a peer without router, AS number, and with a short hold time',
      objects: [object('BGPPeer', 'p', { myASN: 64_500, holdTime: '1s' })],
      found: [
        ['ContradictoryFields', 'spec.peerAddress', ''],
        ['ContradictoryFields', 'spec.peerASN', ''],
        ['InvalidDuration', 'spec.holdTime', ''],
      ],
    },
    {
      title: 'a peer whose BFD profile is missing',
      objects: [object('BGPPeer', 'p', { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1', bfdProfile: 'fast' })],
      found: [['MissingProfile', 'spec.bfdProfile', '"fast"']],
    },
    {
      title: 'two peers with one router',
      objects: [
        object('BGPPeer', 'p', { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1' }, { age: 1 }),
        object('BGPPeer', 'a', { myASN: 64_500, peerASN: 64_502, peerAddress: '10.0.0.1' }, { age: 2 }),
      ],
      found: [['ConflictingPeers', 'spec.peerAddress', 'older BGPPeer p']],
    },
    {
      title: 'two peers with one router on different nodes',
      objects: ['r1', 'r2'].map(rack =>
        object('BGPPeer', rack, { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1', nodeSelectors: [{ matchLabels: { rack } }] }),
      ),
      found: [],
    },
    {
      title: 'an alias defined twice, and a bad value',
      objects: [
        object('Community', 'c1', { communities: [{ name: 'x', value: '1:2' }] }, { age: 1 }),
        object(
          'Community',
          'c2',
          {
            communities: [
              { name: 'x', value: '1:3' },
              { name: 'y', value: '70000:1' },
            ],
          },
          { age: 2 },
        ),
      ],
      found: [
        ['DuplicateEntry', 'spec.communities[0].name', '/c1'],
        ['InvalidCommunity', 'spec.communities[1].value', '70000:1'],
      ],
    },
    {
      title: 'an address reserved twice',
      objects: [
        pool('a', ['10.0.0.0/24']),
        object('IPReservation', 'r1', { service: { namespace: 'n', name: 's' }, addresses: ['10.0.0.5'] }, { age: 1 }),
        object('IPReservation', 'r2', { service: { namespace: 'n', name: 't' }, addresses: ['10.0.0.5', '10.9.9.9'] }, { age: 2 }),
      ],
      found: [
        ['ReservationOutsidePools', 'spec.addresses[1]', '10.9.9.9'],
        ['ReservationTaken', 'spec.addresses', 'IPReservation r1 keeps 10.0.0.5 for Service n/s'],
      ],
    },
    {
      title: 'kinds of others are ignored',
      objects: [{ apiVersion: 'v1', kind: 'IPAddressPool', metadata: { name: 'x' }, spec: { addresses: ['x'] } }],
      found: [],
    },
  ])('$title', ({ objects, found }) => {
    const { problems } = resolve(objects);
    expect(problems.map(({ reason, field }) => [reason, field])).toEqual(found.map(([reason, field]) => [reason, field]));
    for (const [index, [, , part]] of found.entries()) expect(problems[index]?.message).toContain(part);
    for (const { reason, message } of problems) {
      expect(catalogue.get(reason)?.subject).toBe('Ready');
      expect(message).toMatch(/[.]$/);
    }
  });

  it('keeps good pools and the last good version of a bad one', () => {
    const before = resolve([pool('good', ['10.0.0.0/24']), pool('edited', ['10.0.1.0/24'])]).config;
    const after = resolve([pool('good', ['10.0.0.0/24']), pool('edited', ['10.0.1.0/240'])], before);
    expect(rangesOf(after.config, 'good')).toEqual(['10.0.0.0/24']);
    expect(rangesOf(after.config, 'edited')).toEqual(['10.0.1.0/24']);
    expect(after.objects.find(({ ref }) => ref.name === 'edited')).toMatchObject({
      inForce: true,
      conditions: [
        { type: 'Ready', status: 'False', reason: 'InvalidAddress', message: expect.stringContaining('last valid version') },
        { type: 'Overlapping', status: 'False' },
      ],
    });
  });

  it('falls back on the addresses in the status after a restart, and gives out nothing new of them', () => {
    const bad = pool('edited', ['10.0.1.0/240'], { status: { addresses: ['10.0.1.0/24', '10.0.7.7', 'fd00::1-fd00::9'] } });
    const { config } = resolve([bad]);
    expect(config.pools).toMatchObject([{ name: 'edited', drain: true, suspended: 'InvalidSpec' }]);
    expect(rangesOf(config, 'edited')).toEqual(['10.0.1.0/24', '10.0.7.7', 'fd00::1-fd00::9']);
  });

  it('suspends an overlapping pool but keeps the addresses that are its own', () => {
    const { config, objects } = resolve([
      pool('old', ['10.0.0.0/24'], { age: 1 }),
      pool('new', ['10.0.0.128/25', '10.0.9.0/24'], { age: 2 }),
    ]);
    expect(rangesOf(config, 'old')).toEqual(['10.0.0.0/24']);
    expect(rangesOf(config, 'new')).toEqual(['10.0.9.0/24']);
    expect(config.pools.map(({ name, drain, suspended }) => [name, drain, suspended])).toEqual([
      ['new', true, 'OverlapsOtherPool'],
      ['old', false, null],
    ]);
    expect(objects.find(({ ref }) => ref.name === 'new')?.conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'OverlapsOtherPool' },
      { type: 'Overlapping', status: 'True', reason: 'OverlapsOtherPool' },
    ]);
  });

  it('takes no route of other pools away where an aggregate does not fit one, not after a restart either', () => {
    const advertisement = object('BGPAdvertisement', 'b', { aggregationLength: 24 });
    const before = resolve([pool('wide', ['10.0.0.0/24']), advertisement]).config;
    const objects = [pool('wide', ['10.0.0.0/24']), pool('narrow', ['10.0.9.0/30']), advertisement];
    for (const { config, objects: outcomes } of [resolve(objects, before), resolve(objects)]) {
      expect(config.bgpAdvertisements.map(({ name, pools }) => [name, [...pools]])).toEqual([['b', ['wide']]]);
      expect(outcomes.find(({ ref }) => ref.name === 'b')).toMatchObject({
        inForce: true,
        conditions: [{ status: 'False', reason: 'AggregationTooLong', message: expect.stringContaining('pool narrow') as string }],
      });
    }
    // What is wrong in itself is in force for none.
    const wrong = object('BGPAdvertisement', 'b', { aggregationLength: 24, communities: ['nope'] });
    expect(resolve([pool('wide', ['10.0.0.0/24']), pool('narrow', ['10.0.9.0/30']), wrong]).config.bgpAdvertisements).toEqual([]);
  });

  it('orders pools by priority, then by name, 0 and absent last', () => {
    const { config } = resolve([
      pool('d', ['10.0.0.0/32']),
      pool('c', ['10.0.1.0/32'], priority(0)),
      pool('b', ['10.0.2.0/32'], priority(20)),
      pool('a', ['10.0.3.0/32'], priority(20)),
      pool('z', ['10.0.4.0/32'], priority(1)),
    ]);
    expect(config.pools.map(({ name }) => name)).toEqual(['z', 'a', 'b', 'c', 'd']);
    expect(config.pools.every(({ allocation }) => allocation === null)).toBe(true);
  });

  it.each<{ title: string; spec: object; pools: string[] }>([
    { title: 'nothing selects every pool', spec: {}, pools: ['a', 'b'] },
    { title: 'empty lists select every pool', spec: { ipAddressPools: [], ipAddressPoolSelectors: [] }, pools: ['a', 'b'] },
    { title: 'a name', spec: { ipAddressPools: ['b'] }, pools: ['b'] },
    {
      title: 'names and labels add up',
      spec: { ipAddressPools: ['b'], ipAddressPoolSelectors: [{ matchLabels: { zone: 'x' } }] },
      pools: ['a', 'b'],
    },
    { title: 'an unknown name selects none, not all', spec: { ipAddressPools: ['nope'] }, pools: [] },
    { title: 'labels that match nothing select none', spec: { ipAddressPoolSelectors: [{ matchLabels: { zone: 'y' } }] }, pools: [] },
  ])('advertisement: $title', ({ spec, pools }) => {
    const a = pool('a', ['10.0.0.0/32']);
    const objects = [
      { ...a, metadata: { ...a.metadata, labels: { zone: 'x' } } },
      pool('b', ['10.0.1.0/32']),
      object('L2Advertisement', 'l', spec),
    ];
    expect([...(resolve(objects).config.l2Advertisements[0]?.pools ?? [])]).toEqual(pools);
  });

  it('reads what MetalLB writes', () => {
    const metallb = { apiVersion: 'metallb.io/v1beta2' };
    const { config, problems } = resolve([
      pool('default', ['192.168.10.0/24'], { apiVersion: 'metallb.io/v1beta1', spec: { autoAssign: true, avoidBuggyIPs: false } }),
      object(
        'BGPPeer',
        'tor',
        {
          myASN: 64_500,
          peerASN: 64_501,
          peerAddress: '10.0.0.1',
          peerPort: 0,
          passwordSecret: {},
          bfdProfile: '',
          holdTime: '1m30s',
          unknown: 1,
        },
        metallb,
      ),
      object(
        'BGPAdvertisement',
        'all',
        { aggregationLength: 32, aggregationLengthV6: 128, localPref: 0 },
        { apiVersion: 'metallb.io/v1beta1' },
      ),
    ]);
    expect(problems).toEqual([]);
    expect(config.peers).toMatchObject([
      {
        name: 'tor',
        peerASN: 64_501,
        port: 179,
        holdTime: 90_000,
        keepaliveTime: 30_000,
        authentication: { type: 'none' },
        bfd: null,
        addressFamilies: ['ipv4'],
      },
    ]);
    expect(config.bgpAdvertisements).toMatchObject([{ localPref: null, peers: null }]);
  });

  it('lets a peer wait for its BFD profile and go when it comes', () => {
    const peer = object('BGPPeer', 'p', { myASN: 1, dynamicASN: 'internal', interface: 'eth0', bfdProfile: 'fast' });
    const waiting = resolve([peer]).config;
    expect(waiting.peers).toMatchObject([{ waitingFor: expect.stringContaining('fast'), addressFamilies: ['ipv4', 'ipv6'] }]);
    const { config, problems } = resolve([peer, object('BFDProfile', 'fast', { transmitInterval: 50 })], waiting);
    expect(problems).toEqual([]);
    expect(config.peers).toMatchObject([{ waitingFor: null, bfd: { transmitInterval: 50, receiveInterval: 300, detectMultiplier: 3 } }]);
  });
});

describe('resolve, for whatever comes', () => {
  const octet = fc.integer({ min: 0, max: 40 });
  const range = fc.oneof(
    fc.tuple(octet, octet).map(([a, b]) => `10.0.0.${a}-10.0.0.${b}`),
    fc.tuple(octet, fc.integer({ min: 24, max: 34 })).map(([a, length]) => `10.0.0.${a}/${length}`),
    fc.constantFrom('fd00::/120', 'fd00::10-fd00::20', 'nonsense', '10.0.0.0/8'),
  );
  const rawPool = fc
    .record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      addresses: fc.array(range, { minLength: 1, maxLength: 4 }),
      age: fc.integer({ min: 0, max: 3 }),
    })
    .map(({ name, addresses, age }) => pool(name, addresses, { age }));
  const pools = fc.uniqueArray(rawPool, { selector: candidate => candidate.metadata?.name, maxLength: 4 });

  it('no two pools in force overlap, and every address in force is written in its pool or was in force before', () => {
    fc.assert(
      fc.property(pools, pools, (first, second) => {
        const before = resolve(first).config;
        const { config } = resolve(second, before);
        for (const [index, one] of config.pools.entries()) {
          for (const other of config.pools.slice(index + 1)) expect(one.ranges.overlaps(other.ranges)).toBe(false);
          expect(second.some(({ metadata }) => metadata?.name === one.name)).toBe(true);
        }
      }),
    );
  });

  it('the order of the objects does not matter, and doing it again changes nothing', () => {
    fc.assert(
      fc.property(pools, fc.infiniteStream(fc.nat()), (list, keys) => {
        const shuffled = list
          .map(item => ({ item, key: keys.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ item }) => item);
        const one = resolve(list).config;
        expect(resolve(shuffled).config).toEqual(one);
        expect(resolve(list, one).config).toEqual(one);
      }),
    );
  });

  it('a good pool that no other overlaps is in force whatever else there is', () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), pools, (garbage, list) => {
        const good = pool('good', ['172.16.0.0/24']);
        const junk = garbage.map(spec => ({ apiVersion: 'heraldlb.io/v1beta1', kind: 'L2Advertisement', metadata: { name: 'x' }, spec }));
        expect(rangesOf(resolve([...junk, ...list, good]).config, 'good')).toEqual(['172.16.0.0/24']);
      }),
    );
  });

  it('never throws and only gives reasons of the catalogue', () => {
    const kind = fc.constantFrom(
      'IPAddressPool',
      'IPReservation',
      'L2Advertisement',
      'BGPAdvertisement',
      'BGPPeer',
      'BFDProfile',
      'Community',
    );
    const wild = fc.record({
      apiVersion: fc.constantFrom('heraldlb.io/v1beta1', 'metallb.io/v1beta2'),
      kind,
      metadata: fc.record({ name: fc.string() }),
      spec: fc.anything(),
      status: fc.anything(),
    });
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 6 }), objects => {
        const { problems, objects: outcomes } = resolve(objects, emptyConfig);
        expect(outcomes).toHaveLength(objects.length);
        for (const { reason } of problems) expect(catalogue.has(reason)).toBe(true);
      }),
    );
  });
});
