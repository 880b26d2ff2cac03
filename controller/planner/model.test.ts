import { type L2AdvertisementConfig, matches, matchesAny } from '@herald/crds';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bgp, config, l2, peer, selector } from './fixtures.ts';
import { excludeLabel, type PlannedNode, type PlannedService, type PlannedSpeaker, type ServiceEndpoints } from './inputs.ts';
import { Planner } from './planner.ts';
import type { PlannerConfig } from './topology.ts';

/** Everything a planner was told of. */
interface World {
  config: PlannerConfig;
  nodes: Map<string, PlannedNode>;
  speakers: Map<string, PlannedSpeaker>;
  services: Map<string, PlannedService>;
  endpoints: Map<string, ServiceEndpoints>;
}

const nodeNames = ['n1', 'n2', 'n3', 'n4', 'n5'];
const keys = ['ns/a', 'ns/b', 'ns/c', 'ns/d', 'ns/e', 'ns/f'];
const zones = ['x', 'y'].map(zone => selector({ zone }));
const tiers = ['gold'].map(tier => selector({ tier }));

const l2Arbitrary = (name: string) =>
  fc
    .record({
      pools: fc.constantFrom(new Set(['lan']), new Set(['lan', 'dmz'])),
      nodeSelectors: fc.subarray(zones),
      serviceSelectors: fc.constantFrom([], [], tiers),
      interfaces: fc.constantFrom([], [], ['eth0'], ['eth0', 'eth1'], ['eth9']),
      preferredNodes: fc.constantFrom([], [{ weight: 10, selector: zones[0]! }], [{ weight: 5, selector: zones[1]! }]),
      preemption: fc.constantFrom('Never' as const, 'Preferred' as const),
    })
    .map(more => l2({ name, ...more }));

const bgpArbitrary = fc
  .record({
    pools: fc.constantFrom(new Set(['lan']), new Set(['dmz'])),
    nodeSelectors: fc.subarray(zones),
    weightByEndpoints: fc.boolean(),
  })
  .map(more => bgp(more));

const configArbitrary: fc.Arbitrary<PlannerConfig> = fc
  .record({
    first: fc.option(l2Arbitrary('one')),
    second: fc.option(l2Arbitrary('two')),
    routes: fc.option(bgpArbitrary),
    peers: fc.boolean(),
  })
  .map(({ first, second, routes, peers }) =>
    config({
      pools: [{ name: 'lan' }, { name: 'dmz' }],
      l2Advertisements: [first, second].filter(ad => ad !== null),
      bgpAdvertisements: routes === null ? [] : [routes],
      peers: peers ? [peer('tor')] : [],
    }),
  );

const nodeArbitrary: fc.Arbitrary<PlannedNode> = fc.record({
  name: fc.constantFrom(...nodeNames),
  labels: fc.constantFrom<Record<string, string>>({}, { zone: 'x' }, { zone: 'y' }, { zone: 'x' }, { [excludeLabel]: '' }),
  ready: fc.boolean(),
  networkUnavailable: fc.constantFrom(false, false, false, true),
  drained: fc.constantFrom(false, false, false, true),
});

const serviceArbitrary: fc.Arbitrary<PlannedService> = fc.record({
  key: fc.constantFrom(...keys),
  labels: fc.constantFrom<Record<string, string>>({}, { tier: 'gold' }),
  trafficPolicy: fc.constantFrom('Cluster' as const, 'Cluster' as const, 'Local' as const),
  addresses: fc.uniqueArray(
    fc.constantFrom(
      { ip: '10.0.0.1', pool: 'lan' },
      { ip: '10.0.0.2', pool: 'lan' },
      { ip: 'fc00::1', pool: 'dmz' },
      { ip: '10.0.0.9', pool: 'gone' },
    ),
    { maxLength: 2 },
  ),
});

const endpointsArbitrary: fc.Arbitrary<ServiceEndpoints> = fc
  .record({ on: fc.subarray(nodeNames), nodeless: fc.constantFrom(0, 0, 1) })
  .map(({ on, nodeless }) => ({ serving: new Map(on.map(name => [name, 1])), ready: new Map(on.map(name => [name, 1])), nodeless }));

type Change = (planner: Planner, world: World) => void;
const changeArbitrary: fc.Arbitrary<Change> = fc.oneof(
  configArbitrary.map(
    (settings): Change =>
      (planner, world) => {
        planner.configure(settings);
        world.config = settings;
      },
  ),
  nodeArbitrary.map(
    (node): Change =>
      (planner, world) => {
        planner.setNode(node);
        world.nodes.set(node.name, node);
      },
  ),
  fc.constantFrom(...nodeNames).map(
    (name): Change =>
      (planner, world) => {
        planner.removeNode(name);
        world.nodes.delete(name);
      },
  ),
  fc.record({ node: fc.constantFrom(...nodeNames), interfaces: fc.subarray(['eth0', 'eth1']) }).map(
    ({ node, interfaces }): Change =>
      (planner, world) => {
        const speaker = { node, interfaces: new Set(interfaces) };
        planner.setSpeaker(speaker);
        world.speakers.set(node, speaker);
      },
  ),
  fc.constantFrom(...nodeNames).map(
    (name): Change =>
      (planner, world) => {
        planner.removeSpeaker(name);
        world.speakers.delete(name);
      },
  ),
  serviceArbitrary.map(
    (service): Change =>
      (planner, world) => {
        planner.setService(service);
        world.services.set(service.key, service);
      },
  ),
  fc.constantFrom(...keys).map(
    (key): Change =>
      (planner, world) => {
        planner.removeService(key);
        world.services.delete(key);
      },
  ),
  fc.tuple(fc.constantFrom(...keys), endpointsArbitrary).map(
    ([key, endpoints]): Change =>
      (planner, world) => {
        planner.setEndpoints(key, endpoints);
        world.endpoints.set(key, endpoints);
      },
  ),
);

interface Eligible {
  interfaces: Set<string> | null;
  tier: number;
  score: number;
}

/** Who may announce an address of a Service by layer 2, by the rules alone; null: it is not announced so at all. */
function eligible(world: World, service: PlannedService, pool: string): Map<string, Eligible> | null {
  const { config: settings, nodes, speakers, endpoints } = world;
  const known = new Set(settings.pools.map(({ name }) => name));
  const ads = settings.l2Advertisements.filter(
    ad => (ad.pools.has(pool) || (!known.has(pool) && ad.pools.size === known.size)) && matchesAny(ad.serviceSelectors, service.labels),
  );
  const serving = endpoints.get(service.key);
  if (ads.length === 0 || serving === undefined || serving.serving.size + serving.nodeless === 0) return null;
  const result = new Map<string, Eligible>();
  for (const node of nodes.values()) {
    const own = ads.filter(ad => matchesAny(ad.nodeSelectors, node.labels));
    if (own.length === 0 || excludeLabel in node.labels || node.networkUnavailable || node.drained) continue;
    if (service.trafficPolicy === 'Local' && !serving.serving.has(node.name)) continue;
    const interfaces = own.some(ad => ad.interfaces.length === 0) ? null : new Set(own.flatMap(ad => ad.interfaces));
    if (interfaces !== null && ![...interfaces].some(name => speakers.get(node.name)?.interfaces.has(name))) continue;
    result.set(node.name, { interfaces, tier: node.ready && speakers.has(node.name) ? 0 : 1, score: scoreOf(own, node) });
  }
  return result.size === 0 ? null : result;
}

function scoreOf(ads: readonly L2AdvertisementConfig[], node: PlannedNode): number {
  return ads.flatMap(ad => ad.preferredNodes).reduce((sum, each) => sum + (matches(each.selector, node.labels) ? each.weight : 0), 0);
}

/** Who may announce an address for all Services that have it. */
function common(world: World, ip: string): Map<string, Eligible> {
  const holders = [...world.services.values()].flatMap(service =>
    service.addresses.filter(a => a.ip === ip).map(({ pool }) => eligible(world, service, pool)),
  );
  const wanted = holders.filter(each => each !== null);
  const [first, ...others] = wanted;
  const result = new Map<string, Eligible>();
  for (const [name, { interfaces, tier, score }] of first ?? []) {
    const all = others.map(other => other.get(name));
    if (all.some(each => each === undefined)) continue;
    let left = interfaces;
    for (const each of all)
      left =
        left === null
          ? (each?.interfaces ?? null)
          : each?.interfaces == null
            ? left
            : new Set([...left].filter(x => each.interfaces?.has(x)));
    if (left?.size === 0) continue;
    result.set(name, { interfaces: left, tier, score: all.reduce((sum, each) => sum + (each?.score ?? 0), score) });
  }
  return result;
}

function check(planner: Planner, world: World, limit: number): void {
  for (const service of world.services.values()) {
    const plan = planner.plan(service.key);
    expect(plan?.spec.addresses.map(({ ip, pool }) => ({ ip, pool }))).toEqual(service.addresses);
    for (const { ip, pool, layer2, bgp: routes } of plan?.spec.addresses ?? []) {
      const own = eligible(world, service, pool);
      const all = common(world, ip);
      const listed = layer2?.nodes ?? [];
      expect(listed).toHaveLength(own === null ? 0 : Math.min(limit, all.size));
      expect(listed.filter(name => !all.has(name))).toEqual([]);
      const unlisted = own === null ? [] : [...all].flatMap(([name, each]) => (listed.includes(name) ? [] : [each]));
      // Ready before not ready, preferred before not preferred.
      const classes = (layer2?.nodes ?? []).map(name => all.get(name) as Eligible);
      for (const [i, each] of classes.entries()) {
        for (const next of [...classes.slice(i + 1, i + 2), ...unlisted])
          expect(each.tier < next.tier || (each.tier === next.tier && each.score >= next.score)).toBe(true);
      }
      for (const name of layer2?.nodes ?? []) {
        const interfaces = layer2?.nodeInterfaces?.find(({ node }) => node === name)?.interfaces ?? layer2?.interfaces ?? [];
        expect([...interfaces].sort()).toEqual([...(all.get(name)?.interfaces ?? [])].sort());
      }
      // Whatever is not announced has a reason.
      const reasons = plan?.spec.reasons?.filter(reason => reason.ip === ip) ?? [];
      if (layer2 === undefined && routes === undefined) expect(reasons).not.toEqual([]);
      // Services on one address agree on who announces it.
      for (const other of world.services.values()) {
        const twin = planner.plan(other.key)?.spec.addresses.find(each => each.ip === ip);
        if (twin?.layer2 !== undefined && layer2 !== undefined) expect(twin.layer2.nodes).toEqual(layer2.nodes);
      }
    }
    // A node that may announce is not told to be excluded.
    const excluded = new Set(plan?.nodes.map(({ node }) => node));
    for (const { layer2 } of plan?.spec.addresses.slice(0, 1) ?? [])
      for (const name of layer2?.nodes ?? []) expect(excluded.has(name)).toBe(false);
  }
}

function begin(): World {
  return { config: config(), nodes: new Map(), speakers: new Map(), services: new Map(), endpoints: new Map() };
}

// A loaded machine may take its time.
describe('random lives of a cluster', { timeout: 120_000 }, () => {
  const life = fc.array(fc.array(changeArbitrary, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 });

  test('the plans follow the rules, and a restart on them changes nothing', () => {
    fc.assert(
      fc.property(life, fc.constantFrom(2, 16), (steps, limit) => {
        const list = { allUpTo: limit, first: limit };
        const planner = new Planner({ list });
        const world = begin();
        planner.configure(world.config);
        for (const changes of steps) {
          const before = new Map(keys.map(key => [key, planner.plan(key)]));
          for (const change of changes) change(planner, world);
          const changed = new Set(planner.settle().map(({ key }) => key));
          for (const key of keys) if (!changed.has(key)) expect(planner.plan(key)).toEqual(before.get(key) ?? null);
          check(planner, world, limit);
          expect(planner.settle()).toEqual([]);
        }
        const restarted = new Planner({ list });
        for (const service of [...world.services.values()].reverse()) restarted.setService(service, planner.plan(service.key)?.spec);
        for (const [key, endpoints] of world.endpoints) restarted.setEndpoints(key, endpoints);
        for (const speaker of world.speakers.values()) restarted.setSpeaker(speaker);
        for (const node of world.nodes.values()) restarted.setNode(node);
        restarted.configure(world.config);
        restarted.settle();
        for (const key of keys) expect(restarted.plan(key)).toEqual(planner.plan(key));
      }),
      { numRuns: Number(process.env['HERALD_TEST_RUNS'] ?? 120) },
    );
  });
});
