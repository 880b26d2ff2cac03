import { setTimeout as sleep } from 'node:timers/promises';
import { resource, services } from '@herald/kube';
import { type Playground, type PlaygroundNode, UdpProbe } from '@herald/playground';
import { lanCluster } from '../lan.ts';

/** Addresses per family: enough for each node to own some of both. */
const ADDRESSES = 8;
const IPV4 = Array.from({ length: ADDRESSES }, (_, index) => `192.168.150.${200 + index}`);
const IPV6 = Array.from({ length: ADDRESSES }, (_, index) => `fd00:150::1:${200 + index}`);
/** Addresses per family that are probed at a time. */
const PROBED = 2;

/** Clients that probe in every run: an ordinary Linux host, and one whose kernel drops gratuitous ARP and unsolicited advertisements. */
export const CLIENTS = { linux: 'client', deaf: 'router' } as const;
export type ClientName = keyof typeof CLIENTS;

/** Milliseconds between two datagrams to an address: with two addresses, one a ms per family. The echo behind all has to keep up on two cores. */
const INTERVALS = { linux: 2, deaf: 5 } as const;

const DEAF = ['net.ipv4.conf.all.drop_gratuitous_arp=1', 'net.ipv4.conf.all.arp_accept=0', 'net.ipv6.conf.all.drop_unsolicited_na=1'];

const advertisements = resource({
  group: 'heraldlb.io',
  version: 'v1beta1',
  plural: 'l2advertisements',
  kind: 'L2Advertisement',
  namespaced: true,
});

/** Eight dual-stack Services on three announcing nodes, and two clients that probe addresses of the node that is about to fail. */
export class Field {
  readonly playground: Playground;
  readonly probes: Record<ClientName, UdpProbe>;
  readonly #stop: () => Promise<void>;
  #hold = 30;

  private constructor(playground: Playground, probes: Record<ClientName, UdpProbe>, stop: () => Promise<void>) {
    this.playground = playground;
    this.probes = probes;
    this.#stop = stop;
  }

  static async start(): Promise<Field> {
    const { playground, stop } = await lanCluster(
      'failover',
      [...IPV4, ...IPV6].map(ip => `${ip}/${ip.includes(':') ? 128 : 32}`),
    );
    try {
      for (let index = 0; index < ADDRESSES; index++) {
        await playground.client.create(services, {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: `echo-${index}`, namespace: 'default' },
          spec: {
            type: 'LoadBalancer',
            selector: { app: 'web' },
            ipFamilyPolicy: 'RequireDualStack',
            ports: [{ port: 80, protocol: 'UDP' }],
          },
        });
      }
      await playground.sandbox.must(CLIENTS.deaf, ['sysctl', '-qw', ...DEAF]);
      const first = [IPV4[0] as string];
      const linux = await UdpProbe.start(playground, first, 80, { host: CLIENTS.linux, interval: INTERVALS.linux });
      const deaf = await UdpProbe.start(playground, first, 80, { host: CLIENTS.deaf, interval: INTERVALS.deaf });
      return new Field(playground, { linux, deaf }, stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  async hold(seconds = 30): Promise<void> {
    if (seconds === this.#hold) return;
    this.#hold = seconds;
    const ref = { namespace: 'herald-system', name: 'lan' };
    await this.playground.client.patch(advertisements, ref, { spec: { holdSeconds: seconds } }, { type: 'merge' });
    await sleep(500);
  }

  /** The node that owns most, and addresses of both families that it owns: as the clients' neighbour tables have it, which ask anew. */
  async victim(): Promise<{ node: PlaygroundNode; addresses: string[] }> {
    const { playground } = this;
    let seen = '';
    for (let tries = 0; tries < 100; tries++) {
      for (const host of Object.values(CLIENTS))
        await playground.exec(host, ['ip', 'neigh', 'flush', 'dev', playground.topology.interface]);
      for (const probe of Object.values(this.probes)) await probe.target([...IPV4, ...IPV6]);
      await sleep(150);
      const owners = await this.#owners();
      seen = [...owners].map(([ip, name]) => `${ip} ${name}`).join(', ');
      if (owners.size === 2 * ADDRESSES) {
        const of = (node: PlaygroundNode, list: readonly string[]) => list.filter(ip => owners.get(ip) === node.name).slice(0, PROBED);
        const both = playground.topology.nodes.map(node => ({ node, addresses: [of(node, IPV4), of(node, IPV6)] }));
        const [best] = both.sort((a, b) => fewest(b.addresses) - fewest(a.addresses));
        if (best !== undefined && fewest(best.addresses) > 0) {
          const addresses = best.addresses.flat();
          for (const probe of Object.values(this.probes)) await probe.target(addresses);
          return { node: best.node, addresses };
        }
      }
      await sleep(200);
    }
    throw new Error(`no node owns addresses of both families: ${seen}${playground.logTails()}`);
  }

  async #owners(): Promise<Map<string, string>> {
    const { nodes } = this.playground.topology;
    const owners = new Map<string, string>();
    const { stdout } = await this.playground.exec(CLIENTS.linux, ['ip', 'neigh', 'show']);
    for (const line of stdout.split('\n')) {
      const ip = line.split(' ')[0] ?? '';
      const node = nodes.find(({ mac }) => line.includes(mac));
      if (node !== undefined && (IPV4.includes(ip) || IPV6.includes(ip))) owners.set(ip, node.name);
    }
    return owners;
  }

  /** Waits until every probed address is answered at both clients; at most `timeout` ms. */
  async answered(timeout: number): Promise<void> {
    const deadline = performance.now() + timeout;
    for (let quiet = 0; quiet < 2 && performance.now() < deadline; ) {
      const silences = await Promise.all(Object.values(this.probes).map(probe => probe.silence()));
      quiet = Math.max(...silences.flat()) < 100 ? quiet + 1 : 0;
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    for (const probe of Object.values(this.probes)) await probe.stop();
    await this.#stop();
  }
}

function fewest(lists: readonly (readonly string[])[]): number {
  return Math.min(...lists.map(list => list.length));
}
