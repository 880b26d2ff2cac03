import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement } from '@herald/crds';
import { type KubeObject, nodes, resource, services } from '@herald/kube';
import { Connections, type ConnectionsReport, type ConnectionTarget, type Playground, type PlaygroundNode } from '@herald/playground';
import { lanCluster } from '../lan.ts';

const IPV4 = '192.168.150.200';
const IPV6 = 'fd00:150::1:200';
export const TARGETS: readonly ConnectionTarget[] = [
  { name: 'ipv4', address: IPV4, port: 80 },
  { name: 'ipv6', address: IPV6, port: 80 },
];

export const herald = { group: 'heraldlb.io', version: 'v1beta1' };
const announcements = resource<Announcement>({ ...herald, plural: 'announcements', kind: 'Announcement', namespaced: true });
const advertisements = resource({ ...herald, plural: 'l2advertisements', kind: 'L2Advertisement', namespaced: true });

/** A dual-stack Service for TCP and UDP behind three pods, none of them on an announcing node. */
export function echoService(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'echo', namespace: 'default' },
    spec: {
      type: 'LoadBalancer',
      selector: { app: 'web' },
      ipFamilyPolicy: 'RequireDualStack',
      ports: [
        { name: 'tcp', port: 80, protocol: 'TCP' },
        { name: 'udp', port: 80, protocol: 'UDP' },
      ],
    },
  } as KubeObject;
}

/** Connections to one Service on both of its addresses, which node dn0 is preferred to announce, and dn1 after it. */
export class Scene {
  readonly playground: Playground;
  readonly connections: Connections;
  readonly #stop: () => Promise<void>;

  private constructor(playground: Playground, connections: Connections, stop: () => Promise<void>) {
    this.playground = playground;
    this.connections = connections;
    this.#stop = stop;
  }

  static async start(name: string, speakerArguments: readonly string[]): Promise<Scene> {
    const { playground, stop } = await lanCluster(name, [`${IPV4}/32`, `${IPV6}/128`], { speakerArguments });
    try {
      await playground.addPods({ dn3: ['web-2', 'web-3'].map(pod => ({ name: pod, labels: { app: 'web' }, ports: [{ port: 80 }] })) });
      const preferences = { dn0: 100, dn1: 50 };
      const preferredNodeSelectors = Object.entries(preferences).map(([name, weight]) => ({
        weight,
        preference: { matchLabels: { 'kubernetes.io/hostname': name } },
      }));
      await playground.client.patch(advertisements, ADVERTISEMENT, { spec: { preferredNodeSelectors } }, { type: 'merge' });
      await playground.client.create(services, echoService());
      await owned(playground);
      // Where the machine stands still, another node may have been faster at first.
      await requestRebalance(playground);
      await settled(playground, 'dn0');
      return new Scene(playground, await Connections.start(playground, TARGETS), stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  get announcers(): PlaygroundNode[] {
    return this.playground.topology.nodes.slice(0, 3);
  }

  async configure(spec: object): Promise<void> {
    await this.playground.client.patch(advertisements, ADVERTISEMENT, { spec }, { type: 'merge' });
    await sleep(300);
  }

  async restart(node: PlaygroundNode, signal: 'SIGKILL' | 'SIGTERM', away: number): Promise<void> {
    await restartSpeaker(this.playground, node, signal, away);
  }

  /** Lets connections end in good order and new ones begin: nothing holds a move up any more. */
  async renew(wait: () => Promise<unknown>): Promise<void> {
    await this.connections.pause();
    await wait();
    await this.connections.resume();
    await sleep(500);
  }

  async annotate(name: string, annotations: Record<string, string | null>): Promise<void> {
    await this.playground.client.patch(nodes, { name }, { metadata: { annotations } }, { type: 'merge' });
  }

  /** Waits until both addresses are owned by `node` (by any, without one) and no move is under way. */
  owned(node?: string): Promise<string> {
    return settled(this.playground, node);
  }

  report(): Promise<ConnectionsReport[]> {
    return this.connections.report();
  }

  async stop(): Promise<void> {
    await this.connections.stop();
    await this.#stop();
  }
}

/** Kills or ends a speaker, and starts it again `away` ms later. */
export async function restartSpeaker(
  playground: Playground,
  node: PlaygroundNode,
  signal: 'SIGKILL' | 'SIGTERM',
  away: number,
): Promise<void> {
  const speaker = playground.speakers.get(node.name);
  speaker?.signal(signal);
  await Promise.all([speaker?.exited(), sleep(away)]);
  await playground.startSpeaker(node);
}

const ECHO = { namespace: 'default', name: 'echo' };
const ADVERTISEMENT = { namespace: 'herald-system', name: 'lan' };

interface OwnerView {
  ip: string;
  node: string;
  draining?: unknown;
}

async function settled(playground: Playground, node: string | undefined): Promise<string> {
  const deadline = performance.now() + 90_000;
  for (;;) {
    const announcement = await playground.client.find(announcements, ECHO);
    const owners: readonly OwnerView[] = announcement?.status?.owners ?? [];
    const names = new Set(owners.map(owner => owner.node));
    const first = owners[0]?.node;
    if (
      owners.length === 2 &&
      names.size === 1 &&
      first !== undefined &&
      (node === undefined || first === node) &&
      owners.every(owner => owner.draining === undefined)
    )
      return first;
    if (performance.now() > deadline)
      throw new Error(`${node ?? 'one node'} does not own both addresses: ${JSON.stringify(owners)}${playground.logTails()}`);
    await sleep(100);
  }
}

/** Waits until both addresses have an owner. */
async function owned(playground: Playground): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (((await playground.client.find(announcements, ECHO))?.status?.owners ?? []).length < 2) {
    if (performance.now() > deadline) throw new Error(`nobody owns the addresses${playground.logTails()}`);
    await sleep(100);
  }
}

/** Asks for the addresses to be owned by the first of their order. */
export async function requestRebalance(playground: Playground): Promise<void> {
  const annotations = { 'heraldlb.io/rebalance': new Date().toISOString() };
  await playground.client.patch(announcements, ECHO, { metadata: { annotations } }, { type: 'merge' });
}
