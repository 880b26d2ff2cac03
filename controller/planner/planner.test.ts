import { describe, expect, test } from 'vitest';
import { bgp, config, endpoints, l2, node, order, orders, peer, planner, reasons, selector, service } from './fixtures.ts';
import { noEndpoints, type PlannedNode, type PlannedService, type ServiceEndpoints, speakerOf } from './inputs.ts';
import { Planner } from './planner.ts';
import type { PlannerConfig } from './topology.ts';

const ip = '10.0.0.1';
const nodes = ['n1', 'n2', 'n3'].map(name => node(name));

function planned(
  settings: Partial<PlannerConfig>,
  more: { nodes?: PlannedNode[]; service?: Partial<PlannedService>; endpoints?: ServiceEndpoints },
) {
  const p = planner(config(settings), more.nodes ?? nodes);
  p.setService(service('a', [ip], more.service));
  p.setEndpoints('ns/a', more.endpoints ?? endpoints('n1'));
  p.settle();
  return p;
}

const zone = (name: string, z: string, more: Partial<PlannedNode> = {}) => node(name, { labels: { zone: z }, ...more });
const excluded = { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } };
const local = { trafficPolicy: 'Local' as const };

const preferring = (weights: Record<string, number>) =>
  Object.entries(weights).map(([name, weight]) => ({ weight, selector: selector({ name }) }));

function shared(
  a: Partial<PlannedService>,
  b: Partial<PlannedService>,
  ofA: ServiceEndpoints,
  ofB: ServiceEndpoints,
  settings: Partial<PlannerConfig> = {},
) {
  const p = planner(config({ l2Advertisements: [l2()], ...settings }), nodes);
  p.setService(service('a', [ip], a));
  p.setService(service('b', [ip], b));
  p.setEndpoints('ns/a', ofA);
  p.setEndpoints('ns/b', ofB);
  p.settle();
  return p;
}

function many(count: number, names: string[]): Planner {
  const p = planner(
    config({ l2Advertisements: [l2()] }),
    names.map(name => node(name)),
  );
  for (let i = 0; i < count; i++) {
    p.setService(service(`s${i}`, [`10.0.${i >> 8}.${i & 255}`]));
    p.setEndpoints(`ns/s${i}`, endpoints('n1'));
  }
  p.settle();
  return p;
}
const firsts = (p: Planner, count: number) => Array.from({ length: count }, (_, i) => order(p, `ns/s${i}`)[0]);
const moved = (before: readonly unknown[], after: readonly unknown[]) => before.filter((first, i) => first !== after[i]).length;

const bgpOf = (settings: Partial<PlannerConfig>, more: Parameters<typeof planned>[1]) => {
  const p = planned({ peers: [peer('tor')], ...settings }, more);
  return {
    bgp: p.plan('ns/a')?.spec.addresses[0]?.bgp,
    reasons: reasons(p, 'ns/a'),
    protocols: p.plan('ns/a')?.spec.addresses[0]?.protocols,
  };
};

describe('who may announce by layer 2', () => {
  test.each([
    ['every node without selectors', { l2Advertisements: [l2()] }, {}, ['n1', 'n2', 'n3'], []],
    ['no advertisement', {}, {}, [], ['NoAdvertisement']],
    ['an advertisement of another pool', { l2Advertisements: [l2({ pools: new Set(['other']) })] }, {}, [], ['NoAdvertisement']],
    [
      'one that selects other Services',
      { l2Advertisements: [l2({ serviceSelectors: [selector({ a: 'b' })] })] },
      {},
      [],
      ['ServiceNotAdvertised'],
    ],
    [
      'one that selects the Service',
      { l2Advertisements: [l2({ serviceSelectors: [selector({ a: 'c' }), selector({ a: 'b' })] })] },
      { service: { labels: { a: 'b' } } },
      ['n1', 'n2', 'n3'],
      [],
    ],
    [
      'selected nodes',
      { l2Advertisements: [l2({ nodeSelectors: [selector({ zone: 'a' })] })] },
      { nodes: [zone('n1', 'a'), zone('n2', 'b')] },
      ['n1'],
      [],
    ],
    [
      'nodes of any advertisement',
      { l2Advertisements: [l2({ nodeSelectors: [selector({ zone: 'a' })] }), l2({ name: 'x', nodeSelectors: [selector({ zone: 'b' })] })] },
      { nodes: [zone('n1', 'a'), zone('n2', 'b'), zone('n3', 'c')] },
      ['n1', 'n2'],
      [],
    ],
    ['no node selected', { l2Advertisements: [l2({ nodeSelectors: [selector({ zone: 'a' })] })] }, {}, [], ['layer2:NoEligibleNode']],
    ['not those with the exclude label', { l2Advertisements: [l2()] }, { nodes: [node('n1', excluded), node('n2')] }, ['n2'], []],
    [
      'nor those without network',
      { l2Advertisements: [l2()] },
      { nodes: [node('n1', { networkUnavailable: true }), node('n2')] },
      ['n2'],
      [],
    ],
    ['nor those that are drained', { l2Advertisements: [l2()] }, { nodes: [node('n1', { drained: true }), node('n2')] }, ['n2'], []],
    [
      'all of them excluded',
      { l2Advertisements: [l2()] },
      { nodes: [node('n1', excluded), node('n2', { drained: true })] },
      [],
      ['layer2:AllNodesExcluded'],
    ],
    ['NotReady nodes last', { l2Advertisements: [l2()] }, { nodes: [node('n1', { ready: false }), node('n2')] }, ['n2', 'n1'], []],
    ['NotReady nodes rather than none', { l2Advertisements: [l2()] }, { nodes: [node('n1', { ready: false })] }, ['n1'], []],
    ['no endpoint at all', { l2Advertisements: [l2()] }, { endpoints: endpoints() }, [], ['NoReadyEndpoints']],
    [
      'an endpoint that names no node',
      { l2Advertisements: [l2()] },
      { endpoints: { ...endpoints(), nodeless: 1 } },
      ['n1', 'n2', 'n3'],
      [],
    ],
    ['Local: nodes with an endpoint', { l2Advertisements: [l2()] }, { service: local, endpoints: endpoints('n3') }, ['n3'], []],
    [
      'Local: not where all endpoints are terminating',
      { l2Advertisements: [l2()] },
      { service: local, endpoints: { ...endpoints('n1', 'n3'), ready: endpoints('n3').ready } },
      ['n3'],
      [],
    ],
    [
      'Local: where endpoints are terminating, if there are no others',
      { l2Advertisements: [l2()] },
      { service: local, endpoints: { ...endpoints('n3'), ready: new Map() } },
      ['n3'],
      [],
    ],
    [
      'Local: no such node',
      { l2Advertisements: [l2()] },
      { service: local, endpoints: endpoints('elsewhere') },
      [],
      ['layer2:NoLocalEndpoints'],
    ],
    ['with the interface', { l2Advertisements: [l2({ interfaces: ['eth0', 'eth9'] })] }, {}, ['n1', 'n2', 'n3'], []],
    ['none with the interface', { l2Advertisements: [l2({ interfaces: ['eth9'] })] }, {}, [], ['layer2:InterfaceMissing']],
    [
      'another advertisement for every interface',
      { l2Advertisements: [l2({ interfaces: ['eth9'] }), l2({ name: 'any' })] },
      {},
      ['n1', 'n2', 'n3'],
      [],
    ],
  ])('%s', (_, settings, more, names, why) => {
    const p = planned(settings, more);
    const found = order(p, 'ns/a');
    expect(found.length > 0 && names[0] !== 'n1' ? found : found.toSorted()).toEqual(names);
    expect(reasons(p, 'ns/a')).toEqual(why);
  });

  test('a node whose speaker excludes the interface uses it when it is named, before and after', () => {
    const p = planned({ l2Advertisements: [l2({ interfaces: ['docker0'] })] }, {});
    expect(order(p, 'ns/a')).toEqual([]);
    const speaker = { apiVersion: 'heraldlb.io/v1beta1', kind: 'Speaker', metadata: { name: 'n2' } } as const;
    p.setSpeaker(speakerOf({ ...speaker, status: { excludedInterfaces: ['docker0'] } }));
    p.settle();
    expect(p.plan('ns/a')?.spec.addresses[0]?.layer2).toMatchObject({ nodes: ['n2'], interfaces: ['docker0'] });
    const segments = [{ interface: 'docker0', segment: '172.17.0.0/16', carrier: true, fit: true }];
    p.setSpeaker(speakerOf({ ...speaker, status: { segments } }));
    expect(p.settle()).toEqual([]);
  });

  test('the exclude label may be ignored', () => {
    const p = planner(config({ l2Advertisements: [l2()] }), [node('n1', excluded)], { ignoreExcludeLabel: true });
    p.setService(service('a', [ip]));
    p.setEndpoints('ns/a', endpoints('n1'));
    p.settle();
    expect(order(p, 'ns/a')).toEqual(['n1']);
  });

  test('every node that may not announce is listed with its reason', () => {
    const p = planned(
      { l2Advertisements: [l2({ nodeSelectors: [selector({ zone: 'a' })], interfaces: ['eth0'] })] },
      {
        nodes: [
          zone('n1', 'a'),
          zone('n2', 'b'),
          zone('n3', 'a', { drained: true }),
          zone('n4', 'a', { networkUnavailable: true }),
          node('n5', { labels: { zone: 'a', 'node.kubernetes.io/exclude-from-external-load-balancers': 'true' } }),
          zone('n6', 'a'),
        ],
        service: local,
        endpoints: endpoints('n1', 'n2'),
      },
    );
    p.setSpeaker({ node: 'n6', interfaces: new Set(['eth1']) });
    p.setNode(zone('n7', 'a'));
    p.setNode(zone('n8', 'a'));
    p.setSpeaker({ node: 'n8', interfaces: new Set(['eth0']) });
    p.settle();
    expect(p.plan('ns/a')?.nodes.map(each => `${each.node} ${each.reason}`)).toEqual([
      'n2 NodeNotSelected',
      'n3 NodeDrained',
      'n4 NodeNetworkUnavailable',
      'n5 NodeExcludedByLabel',
      'n6 NodeWithoutInterface',
      'n7 NodeWithoutSpeaker',
      'n8 NodeWithoutEndpoint',
    ]);
    expect(order(p, 'ns/a')).toEqual(['n1']);
  });

  test('the list of excluded nodes is bounded', () => {
    const many = Array.from({ length: 200 }, (_, i) => node(`n${String(i).padStart(3, '0')}`, { drained: i > 0 }));
    expect(planned({ l2Advertisements: [l2()] }, { nodes: many }).plan('ns/a')?.nodes).toHaveLength(64);
  });
});

describe('preference', () => {
  const named = ['n1', 'n2', 'n3'].map(name => node(name, { labels: { name } }));

  test('weights add up within and across advertisements; the highest sum comes first', () => {
    const p = planned(
      {
        l2Advertisements: [
          l2({ preferredNodes: preferring({ n1: 50, n3: 30 }) }),
          l2({ name: 'x', preferredNodes: preferring({ n3: 30 }) }),
        ],
      },
      { nodes: named },
    );
    expect(order(p, 'ns/a')).toEqual(['n3', 'n1', 'n2']);
  });

  test('Ready goes before preference', () => {
    const [n1, n2] = named as [PlannedNode, PlannedNode];
    const p = planned({ l2Advertisements: [l2({ preferredNodes: preferring({ n1: 50 }) })] }, { nodes: [{ ...n1, ready: false }, n2] });
    expect(order(p, 'ns/a')).toEqual(['n2', 'n1']);
  });

  test('balance gives way to preference', () => {
    const p = planner(config({ l2Advertisements: [l2({ preferredNodes: preferring({ n2: 1 }) })] }), named);
    for (let i = 0; i < 20; i++) {
      p.setService(service(`s${i}`, [`10.0.0.${i}`]));
      p.setEndpoints(`ns/s${i}`, endpoints('n1'));
    }
    p.settle();
    expect(p.load()).toEqual(
      new Map([
        ['n1', 0],
        ['n2', 20],
        ['n3', 0],
      ]),
    );
  });

  test('preemption and hold: the most that any advertisement asks for', () => {
    const none = planned({ l2Advertisements: [l2({ hold: null })] }, {}).plan('ns/a')?.spec.addresses[0]?.layer2;
    expect(none).toBeDefined();
    expect(none).not.toHaveProperty('holdSeconds');
    const p = planned(
      { l2Advertisements: [l2({ preemption: 'Preferred', hold: 0 }), l2({ name: 'x', hold: 1500 }), l2({ name: 'y', hold: null })] },
      {},
    );
    expect(p.plan('ns/a')?.spec.addresses[0]?.layer2).toMatchObject({ preemption: 'Preferred', holdSeconds: 2 });
    expect(p.plan('ns/a')?.spec.addresses[0]?.layer2?.drainSeconds).toBeUndefined();
  });

  test('the time for established connections: the longest that any advertisement gives', () => {
    const p = planned({ l2Advertisements: [l2({ drain: 5_000 }), l2({ name: 'x', drain: 90_000 }), l2({ name: 'y' })] }, {});
    expect(p.plan('ns/a')?.spec.addresses[0]?.layer2?.drainSeconds).toBe(90);
  });

  test('preemption tells which nodes are as preferred as each other', () => {
    const preferredNodes = [{ weight: 10, selector: selector({ fast: 'yes' }) }];
    const p = planned(
      { l2Advertisements: [l2({ preemption: 'Preferred', preferredNodes })] },
      {
        nodes: [node('n1', { labels: { fast: 'yes' } }), node('n2'), node('n3', { labels: { fast: 'yes' } }), node('n4', { ready: false })],
      },
    );
    expect(p.plan('ns/a')?.spec.addresses[0]?.layer2?.preference).toEqual([2, 1, 1]);
  });
});

describe('interfaces', () => {
  test('add up over advertisements, with exceptions per node', () => {
    const p = planned(
      {
        l2Advertisements: [
          l2({ interfaces: ['eth0'] }),
          l2({ name: 'more', interfaces: ['eth1'], nodeSelectors: [selector({ wide: 'yes' })] }),
          l2({ name: 'all', nodeSelectors: [selector({ open: 'yes' })] }),
        ],
      },
      { nodes: [node('n1'), node('n2'), node('n3', { labels: { wide: 'yes' } }), node('n4', { labels: { open: 'yes' } })] },
    );
    const plan = p.plan('ns/a')?.spec.addresses[0]?.layer2;
    expect(plan?.interfaces).toEqual(['eth0']);
    expect(plan?.nodeInterfaces?.toSorted((a, b) => (a.node < b.node ? -1 : 1))).toEqual([
      { node: 'n3', interfaces: ['eth0', 'eth1'] },
      { node: 'n4', interfaces: [] },
    ]);
  });
});

describe('sharing an address', () => {
  test('one order for all Services, among the nodes that serve each of them', () => {
    const p = shared(local, local, endpoints('n1', 'n2'), endpoints('n2', 'n3'));
    expect([order(p, 'ns/a'), order(p, 'ns/b')]).toEqual([['n2'], ['n2']]);
  });

  test('no common node', () => {
    const p = shared(local, local, endpoints('n1'), endpoints('n3'));
    expect([orders(p, 'ns/a'), reasons(p, 'ns/b')]).toEqual([[`${ip}: -`], ['layer2:SharedAddressNoCommonNode']]);
  });

  test('a Service that is not announced does not stand in the way', () => {
    const p = shared(local, local, endpoints('n1'), endpoints());
    expect([order(p, 'ns/a'), reasons(p, 'ns/a'), reasons(p, 'ns/b')]).toEqual([['n1'], [], ['NoReadyEndpoints']]);
    p.setEndpoints('ns/b', endpoints('n1'));
    expect(p.settle().map(({ key }) => key)).toEqual(['ns/b']);
    expect(order(p, 'ns/b')).toEqual(['n1']);
  });

  test('only on interfaces that each of them allows', () => {
    const settings = {
      l2Advertisements: [
        l2({ interfaces: ['eth0', 'eth1'], serviceSelectors: [selector({ s: 'a' })] }),
        l2({ name: 'b', interfaces: ['eth0'], serviceSelectors: [selector({ s: 'b' })] }),
      ],
    };
    const p = shared({ labels: { s: 'a' } }, { labels: { s: 'b' } }, endpoints('n1'), endpoints('n1'), settings);
    expect(p.plan('ns/a')?.spec.addresses[0]?.layer2?.interfaces).toEqual(['eth0']);
  });

  test('the rest is planned anew when one of them goes', () => {
    const p = shared(local, local, endpoints('n1', 'n2'), endpoints('n2', 'n3'));
    p.removeService('ns/b');
    expect(p.settle().map(({ key, plan }) => [key, plan === null])).toEqual([
      ['ns/a', false],
      ['ns/b', true],
    ]);
    expect(order(p, 'ns/a').toSorted()).toEqual(['n1', 'n2']);
    // It does not move because of that.
    expect(order(p, 'ns/a')[0]).toBe('n2');
  });
});

describe('stickiness', () => {
  test('a node that goes moves what it held; one that comes back takes what exceeds the bound of others, no more', () => {
    const p = many(300, ['n1', 'n2', 'n3']);
    const before = firsts(p, 300);
    const held = p.load().get('n1') as number;
    p.setNode(node('n1', { ready: false }));
    p.settle();
    const without = firsts(p, 300);
    expect(moved(before, without)).toBe(held);
    expect(without.filter(first => first === 'n1')).toEqual([]);
    p.setNode(node('n1'));
    p.settle();
    const load = p.load();
    expect(Math.max(...load.values())).toBeLessThanOrEqual(125);
    expect(moved(without, firsts(p, 300))).toBe(load.get('n1'));
  });

  test('a restart with the Announcements as they are changes nothing', () => {
    const p = many(200, ['n1', 'n2', 'n3', 'n4']);
    // A history that the present state alone would not lead to.
    p.setNode(node('n2', { ready: false }));
    p.settle();
    p.setNode(node('n2'));
    p.settle();
    const restarted = planner(
      config({ l2Advertisements: [l2()] }),
      ['n4', 'n3', 'n2', 'n1'].map(name => node(name)),
    );
    for (let i = 199; i >= 0; i--) {
      restarted.setService(service(`s${i}`, [`10.0.${i >> 8}.${i & 255}`]), p.plan(`ns/s${i}`)?.spec);
      restarted.setEndpoints(`ns/s${i}`, endpoints('n1'));
    }
    restarted.settle();
    for (let i = 0; i < 200; i++) expect(restarted.plan(`ns/s${i}`)).toEqual(p.plan(`ns/s${i}`));
  });

  test.each<{ what: string; silence: (p: Planner) => void; back: (p: Planner) => void }>([
    {
      what: 'all endpoints fail for a while',
      silence: p => p.setEndpoints('ns/s0', noEndpoints),
      back: p => p.setEndpoints('ns/s0', endpoints('n3')),
    },
    {
      what: 'the only advertisement is replaced by one of another name',
      silence: p => p.configure(config()),
      back: p => p.configure(config({ l2Advertisements: [l2({ name: 'other' })] })),
    },
  ])('an address comes back where it was: $what', ({ silence, back }) => {
    const p = many(1, ['n1', 'n2', 'n3']);
    const [chosen = ''] = firsts(p, 1);
    // A history that the present state alone would not lead to.
    p.setNode(node(chosen, { drained: true }));
    p.settle();
    p.setNode(node(chosen));
    p.settle();
    const [before] = firsts(p, 1);
    expect(before).not.toBe(chosen);
    silence(p);
    p.settle();
    expect(order(p, 'ns/s0')).toEqual([]);
    back(p);
    p.settle();
    expect(firsts(p, 1)).toEqual([before]);
  });

  test.each<{ what: string; change: (p: Planner, owner: string) => void; listed: boolean }>([
    { what: 'becomes NotReady', change: (p, owner) => p.setNode(node(owner, { ready: false })), listed: true },
    {
      what: 'is one of far more',
      change: p => {
        for (let i = 0; i < 300; i++) p.setNode(node(`new${i}`));
        for (let i = 0; i < 300; i++) p.setSpeaker({ node: `new${i}`, interfaces: new Set(['eth0']) });
      },
      listed: true,
    },
    { what: 'is drained', change: (p, owner) => p.setNode(node(owner, { drained: true })), listed: false },
  ])('a large cluster lists the node that announces an address as long as it may: it $what', ({ change, listed }) => {
    const owned = new Map<string, string>();
    const p = planner(
      config({ l2Advertisements: [l2()] }),
      Array.from({ length: 20 }, (_, i) => node(`n${i}`)),
      { list: { allUpTo: 4, first: 3 }, owners: (_, address) => [owned.get(address) ?? ''] },
    );
    p.setService(service('a', [ip]));
    p.setEndpoints('ns/a', endpoints('n1'));
    p.settle();
    // The second in order took it over.
    const owner = order(p, 'ns/a')[1] ?? '';
    owned.set(ip, owner);
    change(p, owner);
    p.settle();
    expect(order(p, 'ns/a').includes(owner)).toBe(listed);
    expect(order(p, 'ns/a')).toHaveLength(3);
    expect(order(p, 'ns/a')[0]).not.toBe(owner);
  });

  test('what is told again changes nothing', () => {
    const p = many(10, ['n1', 'n2']);
    p.setNode(node('n1'));
    p.setSpeaker({ node: 'n1', interfaces: new Set(['eth0']) });
    p.setService(service('s1', ['10.0.0.1']));
    p.setEndpoints('ns/s1', endpoints('n1'));
    p.configure(config({ l2Advertisements: [l2()] }));
    expect(p.settle()).toEqual([]);
  });

  test('large clusters list the first few', () => {
    const p = planner(
      config({ l2Advertisements: [l2()] }),
      Array.from({ length: 40 }, (_, i) => node(`n${i}`)),
      { list: { allUpTo: 10, first: 4 } },
    );
    p.setService(service('a', [ip]));
    p.setEndpoints('ns/a', endpoints('n1'));
    p.settle();
    expect(order(p, 'ns/a')).toHaveLength(4);
  });

  test('endpoints told before the Service are not lost', () => {
    const p = planner(config({ l2Advertisements: [l2()] }), nodes);
    p.setEndpoints('ns/a', endpoints('n1'));
    p.settle();
    p.setService(service('a', [ip]));
    p.settle();
    expect(order(p, 'ns/a')).toHaveLength(3);
    p.removeEndpoints('ns/a');
    p.settle();
    expect(reasons(p, 'ns/a')).toEqual(['NoReadyEndpoints']);
  });
});

describe('BGP', () => {
  test.each([
    ['Cluster: no list, every selected node', { bgpAdvertisements: [bgp()] }, {}, { advertisements: ['bgp'] }, []],
    [
      'all advertisements that select it',
      { bgpAdvertisements: [bgp(), bgp({ name: 'other' }), bgp({ name: 'no', pools: new Set(['x']) })] },
      {},
      { advertisements: ['bgp', 'other'] },
      [],
    ],
    [
      'a list as soon as a node is barred',
      { bgpAdvertisements: [bgp()] },
      { nodes: [node('n1'), node('n2', { drained: true })] },
      { advertisements: ['bgp'], nodes: ['n1'] },
      [],
    ],
    [
      'Local: the nodes with endpoints',
      { bgpAdvertisements: [bgp()] },
      { service: local, endpoints: endpoints('n3', 'n1', 'x') },
      { advertisements: ['bgp'], nodes: ['n1', 'n3'] },
      [],
    ],
    ['Local: none', { bgpAdvertisements: [bgp()] }, { service: local, endpoints: endpoints('x') }, undefined, ['bgp:NoLocalEndpoints']],
    ['no node selected', { bgpAdvertisements: [bgp({ nodeSelectors: [selector({ a: 'b' })] })] }, {}, undefined, ['bgp:NoEligibleNode']],
    [
      'all nodes barred',
      { bgpAdvertisements: [bgp()] },
      { nodes: [node('n1', { networkUnavailable: true })] },
      undefined,
      ['bgp:AllNodesExcluded'],
    ],
    ['no peer', { bgpAdvertisements: [bgp()], peers: [] }, {}, undefined, ['bgp:NoPeer']],
    ['no peer of that name', { bgpAdvertisements: [bgp({ peers: new Set(['spine']) })] }, {}, undefined, ['bgp:NoPeer']],
    ['no peer on these nodes', { bgpAdvertisements: [bgp()], peers: [peer('tor', [selector({ a: 'b' })])] }, {}, undefined, ['bgp:NoPeer']],
    [
      'weights by ready endpoints',
      { bgpAdvertisements: [bgp({ weightByEndpoints: true })] },
      { endpoints: endpoints('n1', 'n1', 'n3') },
      {
        advertisements: ['bgp'],
        weights: [
          { node: 'n1', endpoints: 2 },
          { node: 'n3', endpoints: 1 },
        ],
      },
      [],
    ],
  ])('%s', (_, settings, more, expected, why) => {
    expect(bgpOf(settings, more)).toMatchObject({ reasons: why });
    expect(bgpOf(settings, more).bgp).toEqual(expected);
  });

  test('both protocols, and one of them refused', () => {
    expect(bgpOf({ bgpAdvertisements: [bgp()], l2Advertisements: [l2()] }, {}).protocols).toBe('layer2,bgp');
    expect(bgpOf({ bgpAdvertisements: [bgp()], l2Advertisements: [l2({ interfaces: ['x'] })] }, {})).toMatchObject({
      protocols: 'bgp',
      reasons: ['layer2:InterfaceMissing'],
    });
  });
});

test('an address kept after its pool is gone goes with the advertisements of all pools', () => {
  const p = planner(
    config({ pools: [{ name: 'lan' }, { name: 'b' }], l2Advertisements: [l2({ pools: new Set(['lan', 'b']) }), l2({ name: 'one' })] }),
    nodes,
  );
  p.setService(service('a', [], { addresses: [{ ip, pool: 'gone' }] }));
  p.setEndpoints('ns/a', endpoints('n1'));
  p.settle();
  expect(order(p, 'ns/a')).toHaveLength(3);
});
