import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignNodes } from './assign.ts';
import { node, service } from './fixtures.ts';
import type { NodeService, ServingNode } from './inputs.ts';
import { defaultProtectedPorts, parseProtectedPorts } from './protected-ports.ts';

const protectedPorts = parseProtectedPorts(defaultProtectedPorts);
const assign = (nodes: readonly ServingNode[], services: readonly NodeService[]) => assignNodes(nodes, services, { protectedPorts });
const three = [node('dn0'), node('dn1'), node('dn2')];
const ip = (...indices: number[]) => indices.map(index => `192.168.150.${40 + index}`);
const k3s = 'svccontroller.k3s.cattle.io';
const rke2 = 'svccontroller.rke2.cattle.io';

interface Case {
  desc: string;
  nodes: readonly ServingNode[];
  service?: Partial<NodeService>;
  addresses: readonly string[];
  reason?: string;
  says?: string;
  ipMode?: string;
}

describe('the nodes of one Service', () => {
  it.each<Case>([
    { desc: 'are all of them', nodes: three, addresses: ip(0, 1, 2), says: 'dn0, dn1, dn2' },
    {
      desc: 'are sorted as texts, as ServiceLB sorts them',
      nodes: [node('a', { internalIPs: ['10.0.0.9'] }), node('b', { internalIPs: ['10.0.0.10'] })],
      addresses: ['10.0.0.10', '10.0.0.9'],
    },
    {
      desc: 'give both families in the order of the Service',
      nodes: three.slice(0, 2),
      service: { families: ['IPv6', 'IPv4'] },
      addresses: ['fd00:150::40', 'fd00:150::41', ...ip(0, 1)],
    },
    {
      desc: 'give only ExternalIPs as soon as one of them has one',
      nodes: [node('dn0'), node('dn1', { externalIPs: ['203.0.113.1'] })],
      addresses: ['203.0.113.1'],
    },
    {
      desc: 'give nothing where the ExternalIPs are of the other family',
      nodes: [node('dn0', { externalIPs: ['2001:db8::1'] }), node('dn1')],
      addresses: [],
      reason: 'NoNodeAddress',
      says: 'no node has an ExternalIP of IPv4',
    },
    {
      desc: 'are those with enablelb=true once any node carries the label, whatever its value',
      nodes: [
        node('dn0', { labels: { [`${k3s}/enablelb`]: 'true' } }),
        node('dn1'),
        node('dn2', { labels: { [`${rke2}/enablelb`]: 'false' } }),
      ],
      addresses: ip(0),
      says: 'dn1: it is not labelled enablelb=true',
    },
    {
      desc: 'are those of its pool',
      nodes: [
        node('dn0', { labels: { [`${k3s}/enablelb`]: 'true', [`${k3s}/lbpool`]: 'front' } }),
        node('dn1', { labels: { 'heraldlb.io/enablelb': 'true', 'heraldlb.io/lbpool': 'front' } }),
        node('dn2', { labels: { [`${k3s}/enablelb`]: 'true' } }),
      ],
      service: { lbpool: 'front' },
      addresses: ip(0, 1),
    },
    {
      desc: 'are all enabled ones, pooled or not, for a Service without a pool',
      nodes: [
        node('dn0', { labels: { [`${k3s}/enablelb`]: 'true', [`${k3s}/lbpool`]: 'front' } }),
        node('dn1', { labels: { [`${k3s}/enablelb`]: 'true' } }),
      ],
      addresses: ip(0, 1),
    },
    {
      desc: 'are all of them while no node carries enablelb, whatever the pool',
      nodes: [node('dn0', { labels: { [`${k3s}/lbpool`]: 'front' } }), node('dn1')],
      service: { lbpool: 'back' },
      addresses: ip(0, 1),
    },
    {
      desc: 'leave out those that are barred',
      nodes: [node('dn0', { barred: 'the node is being drained of its announcements' }), node('dn1')],
      addresses: ip(1),
      says: 'being drained',
    },
    {
      desc: 'leave out those without a speaker',
      nodes: [node('dn0', { kubeProxy: null }), node('dn1')],
      addresses: ip(1),
      says: 'dn0: its speaker',
    },
    {
      desc: 'leave out the dead',
      nodes: [node('dn0', { alive: false }), node('dn1')],
      addresses: ip(1),
      says: 'nobody hears from them: dn0',
    },
    {
      desc: 'stay as they were when all of them seem dead',
      nodes: three.map(each => ({ ...each, alive: false })),
      service: { listed: ip(0, 2) },
      addresses: ip(0, 2),
      says: 'the list stays as it was',
    },
    {
      desc: 'stay as they were, too, when all seem dead and with them every endpoint',
      nodes: three.map(each => ({ ...each, alive: false })),
      service: { trafficPolicy: 'Local', listed: ip(1) },
      addresses: ip(1),
    },
    {
      desc: 'are those with a ready endpoint under Local',
      nodes: three,
      service: { trafficPolicy: 'Local', readyNodes: new Set(['dn2', 'elsewhere']) },
      addresses: ip(2),
    },
    {
      desc: 'are none where no endpoint is ready under Local',
      nodes: [node('dn0', { alive: false }), node('dn1')],
      service: { trafficPolicy: 'Local', listed: ip(1) },
      addresses: [],
      reason: 'NoNodeWithEndpoints',
    },
    { desc: 'are none in an empty cluster', nodes: [], addresses: [], reason: 'NoNodeAddress', says: 'no node' },
    {
      desc: 'are none where no node has an address of the family',
      nodes: [node('dn0', { internalIPs: ['192.168.150.40'] })],
      service: { families: ['IPv6'] },
      addresses: [],
      reason: 'NoNodeAddress',
      says: 'no address of IPv6',
    },
    {
      desc: 'are none for a port of the nodes themselves',
      nodes: three,
      service: {
        ports: [
          { protocol: 'TCP', port: 80 },
          { protocol: 'TCP', port: 10_250 },
        ],
      },
      addresses: [],
      reason: 'ProtectedPort',
      says: '10250/TCP',
    },
    {
      desc: 'serve a protected port of another protocol',
      nodes: three,
      service: { ports: [{ protocol: 'UDP', port: 22 }] },
      addresses: ip(0, 1, 2),
    },
    {
      desc: 'are none under IPVS, even if it is that of a single node, where speakers may not forward',
      nodes: [node('dn0', { kubeProxy: 'IPVS' }), node('dn1')],
      service: { listed: ip(0, 1) },
      addresses: [],
      reason: 'KubeProxyIPVS',
      says: 'dn1: kube-proxy works in IPVS mode',
      ipMode: 'Proxy',
    },
    {
      desc: 'are those that forward under IPVS, for kube-proxy to leave alone',
      nodes: [node('dn0', { kubeProxy: 'IPVS', forwards: true }), node('dn1', { forwards: true }), node('dn2', { kubeProxy: 'IPVS' })],
      addresses: ip(0, 1),
      ipMode: 'Proxy',
    },
    {
      desc: 'are none for a headless Service',
      nodes: three,
      service: { problem: 'the Service has no cluster IP' },
      addresses: [],
      reason: 'HeadlessService',
    },
  ])('$desc', ({ nodes, service: more, addresses, reason = 'NodeAddressesListed', says = '', ipMode = 'VIP' }) => {
    const answer = assign(nodes, [service('a', more)]).get('default/a');
    expect(answer).toMatchObject({ addresses, reason, ipMode, satisfied: reason === 'NodeAddressesListed' });
    expect(answer?.message).toContain(says);
  });
});

describe('Services that want one port', () => {
  it('gives it to the older one, tells the other, and moves that on when it comes free', () => {
    const [old, young] = [service('a'), service('b')];
    const answers = assign(three, [young, old]);
    expect(answers.get('default/a')?.addresses).toEqual(ip(0, 1, 2));
    expect(answers.get('default/b')).toMatchObject({ addresses: [], reason: 'NodePortTaken' });
    expect(answers.get('default/b')?.message).toBe('port 80/TCP belongs to the older Service default/a on dn0, dn1, dn2');
    expect(assign(three, [young]).get('default/b')?.addresses).toEqual(ip(0, 1, 2));
  });

  it('leaves the nodes that the older one may not use to the younger one', () => {
    const labels = { [`${k3s}/enablelb`]: 'true' };
    const nodes = [node('dn0', { labels: { ...labels, [`${k3s}/lbpool`]: 'front' } }), node('dn1', { labels })];
    const answers = assign(nodes, [service('a', { lbpool: 'front' }), service('b')]);
    expect(answers.get('default/b')).toMatchObject({ addresses: ip(1), satisfied: true });
    expect(answers.get('default/b')?.message).toContain('belongs to the older Service default/a on dn0');
  });

  it.each([
    { desc: 'protocols do not meet', ports: [{ protocol: 'UDP', port: 80 }] },
    { desc: 'other ports do not meet', ports: [{ protocol: 'TCP', port: 81 }] },
  ])('$desc', ({ ports }) => {
    expect(assign(three, [service('a'), service('b', { ports })]).get('default/b')?.addresses).toEqual(ip(0, 1, 2));
  });

  it('keeps the port with a Service under Local although its endpoints are elsewhere', () => {
    const old = service('a', { trafficPolicy: 'Local', readyNodes: new Set(['dn0']) });
    const answers = assign(three, [old, service('b')]);
    expect([answers.get('default/a')?.addresses, answers.get('default/b')?.reason]).toEqual([ip(0), 'NodePortTaken']);
  });
});

const arbitraryNode = (index: number) =>
  fc
    .record({ alive: fc.boolean(), enabled: fc.constantFrom('true', 'false', null), external: fc.boolean(), barred: fc.boolean() })
    .map(({ alive, enabled, external, barred }) =>
      node(`dn${index}`, {
        alive,
        barred: barred ? 'barred' : null,
        labels: enabled === null ? {} : { [`${k3s}/enablelb`]: enabled },
        externalIPs: external ? [`203.0.113.${index}`] : [],
      }),
    );
const arbitraryNodes = fc
  .integer({ min: 0, max: 8 })
  .chain(count => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryNode(index))));
const arbitraryServices = fc
  .array(
    fc.record({
      ports: fc.uniqueArray(fc.integer({ min: 80, max: 83 }), { minLength: 1, maxLength: 2 }),
      maxNodes: fc.integer({ min: 0, max: 3 }),
    }),
    {
      maxLength: 6,
    },
  )
  .map(list =>
    list.map(({ ports, maxNodes }, index) =>
      service(`${'abcdef'[index]}`, { maxNodes, ports: ports.map(port => ({ protocol: 'TCP', port })) }),
    ),
  );

describe('whatever the cluster', () => {
  it('no two Services have one port on one node, and nobody has more nodes than it may', () => {
    fc.assert(
      fc.property(arbitraryNodes, arbitraryServices, (nodes, services) => {
        const holders = new Map<string, string>();
        const answers = assign(nodes, services);
        for (const { key, ports, maxNodes } of services) {
          const listed = answers.get(key)?.nodes ?? [];
          if (maxNodes > 0) expect(listed.length).toBeLessThanOrEqual(maxNodes);
          for (const name of listed) {
            for (const { port } of ports) {
              expect(holders.has(`${name}:${port}`)).toBe(false);
              holders.set(`${name}:${port}`, key);
            }
          }
        }
      }),
    );
  });

  it('what is listed stays when it is computed again from itself', () => {
    fc.assert(
      fc.property(arbitraryNodes, arbitraryServices, (nodes, services) => {
        const first = assign(nodes, services);
        const again = services.map(each => ({ ...each, listed: first.get(each.key)?.addresses ?? [] }));
        expect([...assign(nodes, again)]).toEqual([...first]);
      }),
    );
  });

  it('a list is never emptied by deaths alone', () => {
    fc.assert(
      fc.property(arbitraryNodes, fc.infiniteStream(fc.boolean()), (nodes, lives) => {
        const before = assign(nodes, [service('a')]).get('default/a');
        const after = assign(
          nodes.map(each => ({ ...each, alive: lives.next().value as boolean })),
          [service('a', { listed: before?.addresses ?? [] })],
        ).get('default/a');
        if (before?.satisfied === true) expect(after?.addresses).not.toEqual([]);
      }),
    );
  });

  it('a limited list loses no node to a new one', () => {
    const few = Array.from({ length: 5 }, (_, index) => node(`dn${index}`));
    const limited = service('a', { maxNodes: 3 });
    const before = assign(few, [limited]).get('default/a')?.addresses ?? [];
    expect(before).toHaveLength(3);
    const many = Array.from({ length: 20 }, (_, index) => node(`dn${index}`));
    expect(assign(many, [{ ...limited, listed: before }]).get('default/a')?.addresses).toEqual(before);
    const [lost, ...rest] = before;
    const without = many.filter(each => !each.internalIPs.includes(lost ?? ''));
    const after = assign(without, [{ ...limited, listed: before }]).get('default/a')?.addresses ?? [];
    expect(after).toHaveLength(3);
    expect(after).toEqual(expect.arrayContaining(rest));
  });
});
