import {
  Allocator,
  buildRequest,
  claimsOf,
  configKinds,
  eventually,
  herald,
  ingressAddresses,
  type Replica,
  type Service,
  TestCluster,
  TestProxy,
} from '@herald/controller/testing';
import { type Announcement, announcement, resolve } from '@herald/crds';
import { formatAddress } from '@herald/ip';
import { connectTo, keyOf, namespaces, resource, services } from '@herald/kube';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

/**
 * The whole controller against the embedded API server, with everything that may happen to it: sequences of changes in random order,
 * restarts, kills, takeovers, outages, conflicts, caches that lag behind. At every single write to a status no two Services may
 * come to show one address without an agreement; after every step the answers are those that a fresh allocator gives.
 */

const announcements = resource<Announcement>({
  group: announcement.group,
  version: announcement.version,
  plural: announcement.plural,
  kind: announcement.kind,
  namespaced: true,
});

type ServiceName = keyof typeof definitions;
/** What each Service asks for; fixed by its name, so that agreements to share never change under way. */
const definitions = {
  'red/plain': {},
  'red/other': {},
  'blue/plain': {},
  'blue/named': { annotations: { 'heraldlb.io/loadBalancerIPs': '10.0.0.2' } },
  'red/pooled': { annotations: { 'metallb.io/address-pool': 'b' } },
  'red/shared-1': { annotations: { 'heraldlb.io/allow-shared-ip': 'k' }, spec: { ports: [{ port: 80 }] } },
  'red/shared-2': { annotations: { 'heraldlb.io/allow-shared-ip': 'k' }, spec: { ports: [{ port: 81 }] } },
  'red/shared-clash': { annotations: { 'heraldlb.io/allow-shared-ip': 'k' }, spec: { ports: [{ port: 80 }] } },
  'blue/dual': { spec: { ipFamilyPolicy: 'PreferDualStack' } },
  'blue/both': { spec: { ipFamilyPolicy: 'RequireDualStack' } },
  'red/keep': { annotations: { 'heraldlb.io/keep-ip': 'true' } },
} as const satisfies Record<string, { annotations?: Record<string, string>; spec?: object }>;

const pools = {
  a: [
    { addresses: ['10.0.0.1-10.0.0.3'] },
    { addresses: ['10.0.0.2-10.0.0.4', 'fc00::1/128'] },
    { addresses: ['10.0.0.1/32'], onRemoval: 'Keep' },
  ],
  b: [
    { addresses: ['10.0.1.0/31', 'fc00:1::/127'] },
    { addresses: ['10.0.1.0/30'], serviceAllocation: { namespaceSelectors: [{ matchLabels: { team: 'x' } }] } },
  ],
  c: [{ addresses: ['10.0.0.3-10.0.0.6'] }, { addresses: ['10.0.2.0/31'], autoAssign: false }, { addresses: ['10.0.2.0/30'], drain: true }],
} as const;

type Change =
  | { do: 'create' | 'delete' | 'toggle' | 'wipe'; service: ServiceName }
  | { do: 'pool'; pool: keyof typeof pools; variant: number }
  | { do: 'unpool'; pool: keyof typeof pools }
  | { do: 'label'; namespace: 'red' | 'blue'; team: 'x' | 'y' };
type Trouble = 'restart' | 'kill' | 'takeover' | 'cut' | 'outage' | 'freeze' | 'conflicts' | 'errors';
interface Step {
  trouble: Trouble | null;
  changes: Change[];
}

const serviceName = fc.constantFrom(...(Object.keys(definitions) as ServiceName[]));
const poolName = fc.constantFrom('a' as const, 'b' as const, 'c' as const);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('create' as const), service: serviceName }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'toggle' as const, 'wipe' as const), service: serviceName }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pool' as const), pool: poolName, variant: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unpool' as const), pool: poolName }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('label' as const),
      namespace: fc.constantFrom('red' as const, 'blue' as const),
      team: fc.constantFrom('x' as const, 'y' as const),
    }),
  },
);
const trouble = fc.option(fc.constantFrom<Trouble>('restart', 'kill', 'takeover', 'cut', 'outage', 'freeze', 'conflicts', 'errors'), {
  freq: 2,
});
const step: fc.Arbitrary<Step> = fc.record({ trouble, changes: fc.array(change, { maxLength: 4 }) });

const leaderElection = { name: 'herald-controller', leaseDurationMs: 700, renewDeadlineMs: 500, retryPeriodMs: 60 };
const network = { serviceCidrs: ['10.96.0.0/16', 'fd00:96::/112'] };

/** A replica that sees the API server through its own proxy. */
interface Node {
  replica: Replica;
  proxy: TestProxy;
}

class World {
  readonly cluster: TestCluster;
  readonly violations: string[] = [];
  /** Changes of addresses, as they were written. */
  readonly moves: string[] = [];
  nodes: Node[] = [];
  #serial = 0;

  private constructor(cluster: TestCluster) {
    this.cluster = cluster;
    cluster.server.cluster.store.table('services').listen(({ current, previous }) => {
      const after = current.object as unknown as Service;
      const before = previous === undefined ? [] : ingressAddresses(previous.object as unknown as Service);
      const gained = ingressAddresses(after).filter(address => !before.includes(address));
      if (before.length > 0 && ingressAddresses(after).join() !== before.join())
        this.moves.push(`${keyOf(after)}: ${before.join()} -> ${ingressAddresses(after).join()}`);
      for (const address of gained) this.#check(after, address);
    });
  }

  static async start(): Promise<World> {
    const world = new World(await TestCluster.start({ network }));
    for (const name of ['red', 'blue']) await world.cluster.client.create(namespaces, { metadata: { name, labels: { team: 'y' } } });
    await world.join();
    return world;
  }

  async join(): Promise<void> {
    const proxy = new TestProxy(this.cluster.server.url);
    await proxy.up();
    const connect = (more: object) => Promise.resolve(connectTo(proxy.url, { ...more, timeoutMs: 3000 }));
    this.nodes.push({ proxy, replica: this.cluster.start({ connect, leaderElection, identity: `replica-${this.#serial++}` }) });
  }

  async end(): Promise<void> {
    await this.cluster.stop();
    await Promise.all(this.nodes.map(({ proxy }) => proxy.down()));
  }

  async run({ trouble, changes }: Step): Promise<void> {
    const [node] = this.nodes as [Node];
    const applied = async () => {
      for (const each of changes) await this.#apply(each);
    };
    let left = 4;
    const failing = (status: number, reason: string) => {
      node.proxy.fault = ({ method, path }) =>
        method === 'PATCH' && path.includes('/services/') && left-- > 0 ? { status, reason } : undefined;
    };
    switch (trouble) {
      case 'restart':
        await Promise.all([this.#replace(node, true), applied()]);
        break;
      case 'kill':
        await Promise.all([this.#replace(node, false), applied()]);
        break;
      case 'takeover':
        await this.join();
        await Promise.all([this.#leave(node, false), applied()]);
        break;
      case 'cut':
        node.proxy.cutWatches();
        await applied();
        node.proxy.cutWatches();
        break;
      case 'outage':
        await node.proxy.down();
        await applied();
        await node.proxy.up();
        break;
      case 'freeze':
        node.proxy.freeze();
        await applied();
        await new Promise(done => setTimeout(done, 30));
        node.proxy.thaw();
        break;
      case 'conflicts':
        failing(409, 'Conflict');
        await applied();
        break;
      case 'errors':
        failing(500, 'InternalError');
        await applied();
        break;
      case null:
        await applied();
    }
  }

  /** Waits until every answer is the one a fresh allocator gives that knows nothing but the API server. */
  async settled(): Promise<void> {
    await eventually(async () => expect(await this.#answers()).toEqual(await this.#expected()), 'the answers of a fresh allocator', 15_000);
    expect(this.violations).toEqual([]);
  }

  async #replace(node: Node, cleanly: boolean): Promise<void> {
    await this.#leave(node, cleanly);
    await this.join();
  }

  /** Not cleanly: cut off first, so that nothing of its end reaches the API server. */
  async #leave(node: Node, cleanly: boolean): Promise<void> {
    this.nodes = this.nodes.filter(other => other !== node);
    if (!cleanly) await node.proxy.down();
    await node.replica.stop();
    await node.proxy.down();
  }

  async #apply(each: Change): Promise<void> {
    const { cluster } = this;
    if (each.do === 'label') {
      await cluster.client.patch(namespaces, { name: each.namespace }, { metadata: { labels: { team: each.team } } }, { type: 'merge' });
      return;
    }
    if (each.do === 'pool') {
      const variants = pools[each.pool];
      const spec = variants[each.variant % variants.length] ?? variants[0];
      await this.#quietly(() => cluster.deleteConfig('IPAddressPool', each.pool));
      return cluster.createConfig('IPAddressPool', each.pool, spec);
    }
    if (each.do === 'unpool') return this.#quietly(() => cluster.deleteConfig('IPAddressPool', each.pool));
    const [namespace = '', name = ''] = each.service.split('/');
    const definition: { annotations?: Record<string, string>; spec?: Record<string, unknown> } = definitions[each.service];
    const existing = await cluster.client.find(services, { namespace, name });
    if (each.do === 'create' && existing === undefined) await cluster.createService(name, { namespace, ...definition });
    if (existing === undefined) return;
    if (each.do === 'delete') await this.#quietly(() => cluster.deleteService(name, namespace));
    if (each.do === 'wipe' && existing.spec?.type === 'LoadBalancer') {
      const status = { loadBalancer: { ingress: null } };
      await cluster.client.patch(services, { namespace, name }, { status }, { type: 'merge', subresource: 'status' });
    }
    if (each.do === 'toggle') {
      const type = existing.spec?.type === 'LoadBalancer' ? 'ClusterIP' : 'LoadBalancer';
      await cluster.patchService(
        name,
        { spec: { type, allocateLoadBalancerNodePorts: type === 'LoadBalancer' ? false : null } },
        namespace,
      );
    }
  }

  async #quietly(act: () => Promise<unknown>): Promise<void> {
    await act().catch((error: unknown) => {
      if (!String(error).includes('not found')) throw error;
    });
  }

  #check(service: Service, address: string): void {
    for (const stored of this.cluster.server.cluster.store.table('services').list()) {
      const other = stored.object as unknown as Service;
      if (keyOf(other) === keyOf(service) || !ingressAddresses(other).includes(address)) continue;
      if (!mayShare(service, other)) this.violations.push(`${address}: ${keyOf(service)} and ${keyOf(other)}`);
    }
  }

  async #state() {
    const { client } = this.cluster;
    const [{ items: all }, { items: spaces }, { items: planned }, ...config] = await Promise.all([
      client.list(services),
      client.list(namespaces),
      client.list(announcements),
      ...configKinds.map(kind => client.list(kind, { namespace: herald })),
    ]);
    return {
      all: all.filter(({ metadata }) => metadata.name !== 'kubernetes'),
      spaces,
      planned,
      config: config.flatMap(({ items }) => items),
    };
  }

  async #answers(): Promise<Record<string, string>> {
    const { all, planned } = await this.#state();
    const answers = all.map((service): [string, string] => {
      const condition = service.status?.conditions?.find(({ type }) => type === 'heraldlb.io/Allocated');
      const addresses = ingressAddresses(service);
      const announced = planned.find(each => keyOf(each) === keyOf(service))?.spec.addresses.map(({ ip }) => ip) ?? [];
      return [keyOf(service), `${condition?.reason ?? 'none'} ${addresses.join()} announced ${announced.join()}`];
    });
    return Object.fromEntries(answers);
  }

  async #expected(): Promise<Record<string, string>> {
    const { all, spaces, planned, config } = await this.#state();
    const allocator = new Allocator();
    allocator.configure(resolve(config).config);
    for (const { metadata } of spaces) allocator.setNamespace(metadata.name, metadata.labels ?? {});
    for (const service of all) {
      if (service.spec?.type !== 'LoadBalancer') continue;
      allocator.observe(
        buildRequest(service).request,
        claimsOf(
          service,
          planned.find(each => keyOf(each) === keyOf(service)),
        ),
      );
    }
    allocator.settle(Date.now());
    return Object.fromEntries(
      all.map(service => {
        const outcome = allocator.outcome(keyOf(service));
        const addresses = outcome?.addresses.map(({ address }) => formatAddress(address)).join() ?? '';
        return [keyOf(service), `${outcome?.reason ?? 'none'} ${addresses} announced ${addresses}`];
      }),
    );
  }
}

const sharingKey = (service: Service) => service.metadata.annotations?.['heraldlb.io/allow-shared-ip'] ?? '';
const ports = (service: Service) => (service.spec?.ports ?? []).map(({ port, protocol = 'TCP' }) => `${protocol} ${port}`);

function mayShare(one: Service, other: Service): boolean {
  return sharingKey(one) !== '' && sharingKey(one) === sharingKey(other) && !ports(one).some(port => ports(other).includes(port));
}

let world: World | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

const runs = Number(process.env['HERALD_MODEL_RUNS'] ?? 4);

describe('the whole controller', () => {
  it('keeps its promises through random changes and troubles', { timeout: 60_000 + runs * 30_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 8 }), async steps => {
        world = await World.start();
        try {
          for (const each of steps) {
            const before = world.moves.length;
            await world.run(each);
            await world.settled();
            // Trouble alone moves no address.
            if (each.changes.length === 0) expect(world.moves.slice(before)).toEqual([]);
          }
        } finally {
          await world.end();
          world = undefined;
        }
      }),
      { numRuns: runs, endOnFailure: true },
    );
  });

  it('comes to the same end whatever the order in which objects were made', { timeout: 120_000 }, async () => {
    const now = new Date('2026-01-01T00:00:00Z');
    let serial = 0;
    const environment = {
      now: () => now,
      uuid: () => `00000000-0000-4000-8000-${String(serial++).padStart(12, '0')}`,
      suffix: () => 'abcde',
      random: () => 0,
    };
    const objects = fc.record({
      names: fc.uniqueArray(serviceName, { minLength: 4, maxLength: 9 }),
      variants: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)),
    });
    const makings = objects.chain(({ names, variants }) => {
      const creations: Change[] = [
        ...names.map((service): Change => ({ do: 'create', service })),
        ...variants.map((variant, index): Change => ({ do: 'pool', pool: (['a', 'b', 'c'] as const)[index] ?? 'a', variant })),
      ];
      return fc.tuple(...[0, 1].map(() => fc.shuffledSubarray(creations, { minLength: creations.length })));
    });
    await fc.assert(
      fc.asyncProperty(makings, async orders => {
        const ends: Record<string, string[]>[] = [];
        for (const changes of orders) {
          const cluster = await TestCluster.start({ network, environment });
          try {
            for (const name of ['red', 'blue']) await cluster.client.create(namespaces, { metadata: { name, labels: { team: 'x' } } });
            for (const each of changes) {
              if (each.do === 'create') {
                const [namespace = '', name = ''] = each.service.split('/');
                await cluster.createService(name, { namespace, ...definitions[each.service] });
              } else if (each.do === 'pool') {
                const variants = pools[each.pool];
                await cluster.createConfig('IPAddressPool', each.pool, variants[each.variant % variants.length] ?? variants[0]);
              }
            }
            cluster.start();
            ends.push(
              await eventually(async () => {
                const { items } = await cluster.client.list(services);
                const ours = items.filter(({ spec }) => spec?.type === 'LoadBalancer');
                expect(ours.every(({ status }) => status?.conditions?.some(({ type }) => type === 'heraldlb.io/Allocated'))).toBe(true);
                return Object.fromEntries(ours.map(service => [keyOf(service), ingressAddresses(service)]));
              }, 'answers'),
            );
          } finally {
            await cluster.stop();
          }
        }
        expect(ends[1]).toEqual(ends[0]);
      }),
      { numRuns: runs * 2, endOnFailure: true },
    );
  });
});
