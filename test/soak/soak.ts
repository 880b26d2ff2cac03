import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement } from '@herald/crds';
import { resource, services } from '@herald/kube';
import { DEMO_PODS, Playground, type Program } from '@herald/playground';
import { until } from '../e2e/wait.ts';

/** A long unquiet time in which nothing is really broken: no address may change its owner. */
export interface SoakOptions {
  /** Names the playground. */
  name: string;
  /** ms */
  duration: number;
  nodes: number;
  addresses: number;
  /** Per cent of the packets that do not arrive at a node. */
  loss: number;
  /** Mean time between two stalls of a speaker (ms). */
  stallEvery: number;
  /** Mean length of a stall (ms): a speaker is stopped for half to one and a half times as long. */
  stallFor: number;
  /** Uniform in [0, 1). */
  random: () => number;
  log: (line: string) => void;
}

export interface SoakReport {
  seconds: number;
  /** Changes of owner while this machine itself ran on. */
  takeovers: string[];
  /** Changes of owner within two seconds of the machine's standing still for as long as it takes to be thought dead. */
  excused: string[];
  /** Addresses that have not exactly one owner at the end. */
  unsettled: string[];
  packetsLost: number;
  stalls: number;
  /** Of the speakers' own metrics: stalls noticed, peers lost, addresses owned twice. */
  stallsNoticed: number;
  peersLost: number;
  duplicates: number;
  /** The longest time this machine stood still (ms). */
  standstill: number;
}

/** A speaker is thought dead after 400 ms of silence; a stall of 90 ms and a machine that stands still for this long come near. */
const STANDSTILL = 250;
const EXCUSED_FOR = 2_000;

const announcements = resource<Announcement>({
  group: 'heraldlb.io',
  version: 'v1beta1',
  plural: 'announcements',
  kind: 'Announcement',
  namespaced: true,
});

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { log } = options;
  const playground = await Playground.start({ name: options.name, nodes: options.nodes, log });
  const stop = new AbortController();
  try {
    await playground.addPods(DEMO_PODS);
    const applied = await playground.kubectl(['apply', '-f', 'examples/layer2']);
    if (applied.code !== 0) throw new Error(`kubectl apply: ${applied.stderr}`);
    for (let i = 0; i < options.addresses; i++) await createService(playground, `soak-${i}`);
    await until('an owner of every address', async () => (await ownersOf(playground)).size === options.addresses, 60_000);
    // Claims of the first seconds may still cross.
    await sleep(2_000);
    const pulse = watchPulse(stop.signal);
    await lose(playground, options.loss);
    const stalling = Promise.all([...playground.speakers.values()].map(speaker => stallAtRandom(speaker, options, stop.signal)));
    const watched = await watchOwners(playground, options, pulse);
    stop.abort();
    const stalls = (await stalling).reduce((sum, count) => sum + count, 0);
    const packetsLost = await lost(playground);
    await until('an end of the last stall', async () => (await unsettled(playground, options.addresses)).length === 0, 5_000).catch(
      () => undefined,
    );
    const metric = async (name: string) =>
      sumOf(await Promise.all(playground.topology.nodes.map(node => scrape(playground, node.name))), name);
    return {
      ...watched,
      unsettled: await unsettled(playground, options.addresses),
      packetsLost,
      stalls,
      stallsNoticed: await metric('herald_mesh_stalls_total'),
      peersLost: await metric('herald_mesh_peers_lost_total'),
      duplicates: await metric('herald_layer2_duplicate_owners_total'),
      standstill: Math.round(pulse.longest()),
    };
  } finally {
    stop.abort();
    await playground.stop();
  }
}

async function createService(playground: Playground, name: string): Promise<void> {
  await playground.client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { type: 'LoadBalancer', selector: { app: 'nginx' }, ports: [{ port: 80 }] },
  });
}

/** Node and epoch by address; an address without an owner is left out. */
async function ownersOf(playground: Playground): Promise<Map<string, { node: string; epoch: number }>> {
  const { items } = await playground.client.list(announcements);
  return new Map(items.flatMap(({ status }) => (status?.owners ?? []).map(({ ip, node, epoch }) => [ip, { node, epoch }] as const)));
}

/** Looks twice a second for as long as it takes; an epoch that grew is a change of owner, however short. */
async function watchOwners(
  playground: Playground,
  { duration, log }: SoakOptions,
  pulse: Pulse,
): Promise<Pick<SoakReport, 'seconds' | 'takeovers' | 'excused'>> {
  const begun = performance.now();
  const takeovers: string[] = [];
  const excused: string[] = [];
  let known = await ownersOf(playground);
  let told = begun;
  for (let now = begun; now - begun < duration; now = performance.now()) {
    await sleep(500);
    const owners = await ownersOf(playground);
    for (const [ip, { node, epoch }] of owners) {
      const before = known.get(ip);
      if (before === undefined || before.epoch === epoch) continue;
      const what = `after ${Math.round((now - begun) / 1000)} s: ${ip} from ${before.node} (epoch ${before.epoch}) to ${node} (epoch ${epoch})`;
      (now - pulse.lastStandstill() < EXCUSED_FOR ? excused : takeovers).push(what);
      log(what);
    }
    known = owners;
    if (now - told < 60_000) continue;
    told = now;
    log(`${Math.round((now - begun) / 60_000)} min: ${takeovers.length} takeovers, ${excused.length} while the machine stood still`);
  }
  return { seconds: Math.round((performance.now() - begun) / 1000), takeovers, excused };
}

async function unsettled(playground: Playground, addresses: number): Promise<string[]> {
  const answers = await Promise.all(playground.topology.nodes.map(node => scrape(playground, node.name)));
  const owned = sumOf(answers, 'herald_layer2_addresses_owned');
  return owned === addresses ? [] : [`the speakers own ${owned} addresses of ${addresses}`];
}

/** Drops what arrives at the nodes, at random, below everything else: ARP and NDP, heartbeats, Service traffic and API alike. */
async function lose(playground: Playground, percent: number): Promise<void> {
  const device = playground.topology.interface;
  const rules = `table netdev soak {
  chain in {
    type filter hook ingress device "${device}" priority 0;
    numgen random mod 1000 < ${Math.round(percent * 10)} counter drop
  }
}
`;
  for (const node of playground.topology.nodes) await playground.sandbox.must(node.name, ['nft', '-f', '-'], { input: rules });
}

async function lost(playground: Playground): Promise<number> {
  const counts = playground.topology.nodes.map(async node => {
    const text = await playground.sandbox.must(node.name, ['nft', 'list', 'table', 'netdev', 'soak']);
    return Number(/counter packets (\d+)/.exec(text)?.[1] ?? 0);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Stops and continues a speaker at random. Returns how often. */
async function stallAtRandom(speaker: Program, { stallEvery, stallFor, random }: SoakOptions, signal: AbortSignal): Promise<number> {
  let count = 0;
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    await pause(-Math.log(1 - random()) * stallEvery);
    if (signal.aborted) break;
    speaker.signal('SIGSTOP');
    await pause(stallFor * (0.5 + random()));
    speaker.signal('SIGCONT');
    count += 1;
  }
  return count;
}

interface Pulse {
  /** The longest time between two beats beyond the usual (ms). */
  longest: () => number;
  /** When the last one of `STANDSTILL` ended, on the clock of `performance.now()`. */
  lastStandstill: () => number;
}

/** Notices when this machine has no time for us: then it has none for the speakers either. */
function watchPulse(signal: AbortSignal): Pulse {
  const interval = 20;
  let longest = 0;
  let last = Number.NEGATIVE_INFINITY;
  let before = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const late = now - before - interval;
    before = now;
    longest = Math.max(longest, late);
    if (late >= STANDSTILL) last = now;
  }, interval);
  signal.addEventListener('abort', () => clearInterval(timer));
  return { longest: () => longest, lastStandstill: () => last };
}

async function scrape(playground: Playground, node: string): Promise<string> {
  return playground.sandbox.must(node, ['curl', '-sS', '-m', '5', 'http://127.0.0.1:9125/metrics']);
}

/** The sum of a metric over all its labels, in all the texts. */
function sumOf(texts: readonly string[], metric: string): number {
  const lines = texts.flatMap(text => text.split('\n')).filter(line => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
