import {
  Connections,
  type ConnectionsOptions,
  type ConnectionsReport,
  type ConnectionTarget,
  Playground,
  type PlaygroundOptions,
} from '@herald/playground';
import { kubectl } from './cluster.ts';
import { until } from './wait.ts';

export const IPV4 = '192.168.150.200';
const IPV6 = 'fd00:150::1:200';
const TARGETS: readonly ConnectionTarget[] = [
  { name: 'ipv4', address: IPV4, port: 80 },
  { name: 'ipv6', address: IPV6, port: 80 },
];
const OBJECTS = `
apiVersion: heraldlb.io/v1beta1
kind: IPAddressPool
metadata: { name: lan, namespace: herald-system }
spec: { addresses: [${IPV4}/32, ${IPV6}/128] }
---
apiVersion: heraldlb.io/v1beta1
kind: L2Advertisement
metadata: { name: lan, namespace: herald-system }
spec:
  ipAddressPools: [lan]
  interfaces: [eth0]
  preferredNodeSelectors: [{ weight: 100, preference: { matchLabels: { kubernetes.io/hostname: dn0 } } }]
---
apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  type: LoadBalancer
  selector: { app: web }
  ipFamilyPolicy: RequireDualStack
  ports: [{ name: tcp, port: 80 }, { name: udp, port: 80, protocol: UDP }]
`;

/** Two announcing nodes, of which dn0 is preferred, pods on a third, and a client with connections to a Service on both of its addresses. */
export class EchoService {
  readonly playground: Playground;
  readonly connections: Connections;

  private constructor(playground: Playground, connections: Connections) {
    this.playground = playground;
    this.connections = connections;
  }

  static async start(options: PlaygroundOptions, client: ConnectionsOptions = {}): Promise<EchoService> {
    const playground = await Playground.start(options);
    try {
      // A node that announces nothing, so that announcements move and pods stay.
      await kubectl(playground, 'label', 'node', 'dn2', 'node.kubernetes.io/exclude-from-external-load-balancers=');
      await playground.addPods({ dn2: [1, 2, 3].map(i => ({ name: `web-${i}`, labels: { app: 'web' }, ports: [{ port: 80 }] })) });
      const { code, stderr } = await playground.kubectl(['apply', '-f', '-'], { input: OBJECTS });
      if (code !== 0) throw new Error(stderr);
      await until('owners of both addresses', async () => {
        const text = await kubectl(playground, 'get', 'announcements', 'echo', '-o', 'jsonpath={.status.owners[*].node}');
        return text.split(' ').length === 2;
      });
      // Where a machine stands still, another node may have been faster at first.
      await kubectl(playground, 'annotate', 'announcements', 'echo', `heraldlb.io/rebalance=${new Date().toISOString()}`);
      await ownedBy(playground, 'dn0');
      return new EchoService(playground, await Connections.start(playground, TARGETS, client));
    } catch (error) {
      await playground.stop();
      throw error;
    }
  }

  /** Waits until a node owns both addresses and no move is under way. */
  async owned(node: string): Promise<void> {
    await ownedBy(this.playground, node);
  }

  /** Who owns the addresses now. */
  async owners(): Promise<string[]> {
    return (await kubectl(this.playground, 'get', 'announcements', 'echo', '-o', 'jsonpath={.status.owners[*].node}')).split(' ');
  }

  /** What broke and what failed since the last call, in words; how much there was to break. */
  async lost(): Promise<{ losses: string[]; kept: number; opened: number }> {
    const reports = await this.connections.report();
    return {
      losses: reports.flatMap(lossesOf),
      kept: reports.reduce((sum, { tcp, udp }) => sum + tcp.open - tcp.broken.length + udp.open - udp.broken.length, 0),
      opened: reports.reduce((sum, { fresh }) => sum + fresh.opened, 0),
    };
  }

  async stop(): Promise<void> {
    await this.connections.stop();
    await this.playground.stop();
  }
}

function lossesOf({ name, tcp, udp, fresh }: ConnectionsReport): string[] {
  return [
    ...tcp.broken.map(({ reason }) => `${name} connection: ${reason}`),
    ...udp.broken.map(({ reason }) => `${name} flow: ${reason}`),
    ...fresh.failed.map(({ reason }) => `${name} new connection: ${reason}`),
  ];
}

async function ownedBy(playground: Playground, node: string): Promise<void> {
  await until(`${node} to own both addresses`, async () => {
    const text = await kubectl(playground, 'get', 'announcements', 'echo', '-o', 'jsonpath={.status.owners}');
    const owners = (text === '' ? [] : JSON.parse(text)) as { node: string; draining?: object }[];
    return owners.length === 2 && owners.every(owner => owner.node === node && owner.draining === undefined);
  });
}
