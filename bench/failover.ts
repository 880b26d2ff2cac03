import { setTimeout as sleep } from 'node:timers/promises';
import { services } from '@herald/kube';
import { cable, type Playground, type PlaygroundNode, UdpProbe } from '@herald/playground';
import { printTable, quantile, round } from './figures.ts';
import { lanCluster } from './lan.ts';

export const description = 'how long an address is dark at a client (a datagram each ms) when its owner fails or leaves, by cause';

/** One way to lose an owner, and the way back. */
interface Case {
  name: string;
  act: (playground: Playground, owner: PlaygroundNode) => Promise<void>;
  restore: (playground: Playground, owner: PlaygroundNode) => Promise<void>;
  /** Milliseconds to watch after the act. */
  watch: number;
}

const restartSpeaker = async (playground: Playground, owner: PlaygroundNode): Promise<void> => {
  if (!playground.speakers.get(owner.name)?.running) await playground.startSpeaker(owner);
};

const CASES: readonly Case[] = [
  {
    name: 'power-off',
    act: (playground, owner) => playground.fail(owner.name, 600_000),
    restore: (playground, owner) => playground.heal(owner.name),
    watch: 2_500,
  },
  {
    name: 'cable out',
    act: async (playground, owner) => void (await cable(playground.sandbox, owner.name, 'down')),
    restore: async (playground, owner) => void (await cable(playground.sandbox, owner.name, 'up')),
    watch: 2_500,
  },
  {
    name: 'speaker SIGKILL',
    act: async (playground, owner) => playground.speakers.get(owner.name)?.kill(),
    restore: restartSpeaker,
    watch: 2_500,
  },
  {
    name: 'speaker SIGSTOP 2 s',
    act: async (playground, owner) => {
      playground.speakers.get(owner.name)?.signal('SIGSTOP');
      await sleep(2_000);
      playground.speakers.get(owner.name)?.signal('SIGCONT');
    },
    restore: async () => undefined,
    watch: 1_500,
  },
  {
    name: 'speaker SIGTERM',
    act: async (playground, owner) => void (await playground.speakers.get(owner.name)?.stop()),
    restore: restartSpeaker,
    watch: 2_500,
  },
];

const ADDRESSES = { ipv4: '192.168.150.200', ipv6: 'fd00:150::1:200' } as const;

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const runs = Number(args[0] ?? 30);
  const only = args[1];
  const { playground, stop } = await lanCluster('failover', ['192.168.150.200/32', 'fd00:150::1:200/128']);
  try {
    await playground.client.create(services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'echo', namespace: 'default' },
      spec: {
        type: 'LoadBalancer',
        selector: { app: 'web' },
        ipFamilyPolicy: 'RequireDualStack',
        ports: [{ port: 80, protocol: 'UDP' }],
      },
    });
    const figures: Record<string, unknown>[] = [];
    const rows: (string | number)[][] = [['case', 'family', 'runs', 'p50 ms', 'p99 ms', 'max ms', 'lost p50', 'lost max']];
    for (const each of CASES.filter(c => only === undefined || c.name.includes(only))) {
      for (const family of ['ipv4', 'ipv6'] as const) {
        const dark: number[] = [];
        const lost: number[] = [];
        for (let i = 0; i < runs; i++) {
          const blackout = await once(playground, each, ADDRESSES[family]);
          dark.push(blackout.ms);
          lost.push(blackout.lost);
        }
        rows.push([each.name, family, runs, ...[0.5, 0.99, 1].map(q => round(quantile(dark, q))), quantile(lost, 0.5), Math.max(...lost)]);
        figures.push({
          case: each.name,
          family,
          p50_ms: round(quantile(dark, 0.5)),
          p99_ms: round(quantile(dark, 0.99)),
          lost: quantile(lost, 0.5),
        });
      }
    }
    printTable(rows);
    return { cases: figures };
  } finally {
    await stop();
  }
}

async function once(playground: Playground, each: Case, address: string): Promise<{ ms: number; lost: number }> {
  const owner = await ownerOf(playground, address);
  const probe = await UdpProbe.start(playground, address, 80);
  await sleep(300);
  const begun = Date.now();
  await each.act(playground, owner);
  await sleep(each.watch);
  const result = await probe.stop();
  await each.restore(playground, owner);
  // A returning speaker listens before it counts again; the next run starts from a settled mesh.
  await sleep(1_500);
  const after = result.blackouts.filter(blackout => blackout.at + blackout.ms > begun - 5);
  return { ms: Math.max(0, ...after.map(blackout => blackout.ms)), lost: after.reduce((sum, blackout) => sum + blackout.lost, 0) };
}

/** The node whose MAC address the client has for the address, asking until it has one. */
async function ownerOf(playground: Playground, address: string): Promise<PlaygroundNode> {
  for (let tries = 0; tries < 200; tries++) {
    await playground.exec('client', ['ping', '-c', '1', '-W', '1', address]);
    const { stdout } = await playground.exec('client', ['ip', 'neigh', 'show', address]);
    const node = playground.topology.nodes.find(candidate => stdout.includes(candidate.mac));
    if (node) return node;
    await sleep(50);
  }
  throw new Error(`nobody answers for ${address}${playground.logTails()}`);
}
