import { setTimeout as sleep } from 'node:timers/promises';
import { nodes, resource, services } from '@herald/kube';
import { Connections, type ConnectionTarget, FrrRouter, Playground } from '@herald/playground';
import { echoService, herald, restartSpeaker } from './scene.ts';

const IPV4 = '192.168.10.1';
const IPV6 = 'fd00:10:1::1';
const TARGETS: readonly ConnectionTarget[] = [
  { name: 'ipv4', address: IPV4, port: 80 },
  { name: 'ipv6', address: IPV6, port: 80 },
];

/** Why there can be no such scene on this machine. */
export function missingRouter(): string | undefined {
  return FrrRouter.missing();
}

/** The same connections from a host behind a real router (FRR), which takes routes from three nodes by BGP with graceful restart. */
export class RoutedScene {
  readonly playground: Playground;
  readonly connections: Connections;

  private constructor(playground: Playground, connections: Connections) {
    this.playground = playground;
    this.connections = connections;
  }

  static async start(): Promise<RoutedScene> {
    const playground = await Playground.start({ name: 'bench-connections-bgp', nodes: 4, log: line => console.log(`- ${line}`) });
    try {
      const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
      await playground.client.patch(nodes, { name: 'dn3' }, { metadata: { labels } }, { type: 'merge' });
      await playground.startRouter();
      await playground.addPods({
        dn3: [1, 2, 3].map(index => ({ name: `web-${index}`, labels: { app: 'web' }, ports: [{ port: 80 }] })),
      });
      const { ipv4, ipv6 } = playground.topology.router;
      await create(playground, 'IPAddressPool', 'bgp', { addresses: [`${IPV4}/32`, `${IPV6}/128`] });
      await create(playground, 'BGPAdvertisement', 'bgp', { ipAddressPools: ['bgp'] });
      await create(playground, 'BGPPeer', 'router-4', peer(ipv4));
      await create(playground, 'BGPPeer', 'router-6', peer(ipv6));
      await playground.client.create(services, echoService());
      await until(async () => (await hops(playground, '-4', IPV4)) === 3 && (await hops(playground, '-6', IPV6)) === 3);
      const host = playground.topology.router.outside.name;
      return new RoutedScene(playground, await Connections.start(playground, TARGETS, { host }));
    } catch (error) {
      await playground.stop();
      throw error;
    }
  }

  /** All three nodes are next hops, of both families. */
  async whole(): Promise<void> {
    await until(async () => (await hops(this.playground, '-4', IPV4)) === 3 && (await hops(this.playground, '-6', IPV6)) === 3);
    await sleep(500);
  }

  async stop(): Promise<void> {
    await this.connections.stop();
    await this.playground.stop();
  }
}

export interface RoutedCase {
  name: string;
  run: (scene: RoutedScene) => Promise<void>;
}

export const ROUTED_CASES: readonly RoutedCase[] = [
  {
    name: 'speaker SIGKILL, started again',
    run: async ({ playground }) => restartSpeaker(playground, playground.node('dn0'), 'SIGKILL', 1_000),
  },
  {
    name: 'speaker SIGTERM, back after 5 s',
    run: async ({ playground }) => restartSpeaker(playground, playground.node('dn0'), 'SIGTERM', 5_000),
  },
  {
    name: 'rolling restart of all speakers',
    run: async scene => {
      for (const node of scene.playground.topology.nodes.slice(0, 3)) {
        await restartSpeaker(scene.playground, node, 'SIGTERM', 500);
        await scene.whole();
      }
    },
  },
];

function peer(peerAddress: string): object {
  return { myASN: 64500, peerASN: 64501, peerAddress, gracefulRestart: { restartTime: 120 } };
}

async function create(playground: Playground, kind: string, name: string, spec: object): Promise<void> {
  const kinds = resource({ ...herald, plural: `${kind.toLowerCase()}s`, kind, namespaced: true });
  const object = { apiVersion: 'heraldlb.io/v1beta1', kind, metadata: { name, namespace: 'herald-system' }, spec };
  await playground.client.create(kinds, object);
}

async function hops(playground: Playground, family: '-4' | '-6', address: string): Promise<number> {
  const { stdout } = await playground.exec(playground.topology.router.name, ['ip', family, 'route', 'show', address]);
  return [...stdout.matchAll(/via (\S+)/g)].length;
}

async function until(look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error('the router has no route to all three nodes within 60 s');
    await sleep(100);
  }
}
