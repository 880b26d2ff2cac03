import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, endpointSlices, nodes, services } from '@herald/kube';
import { type Program, run as runProgram } from '@herald/playground';
import { createLan, missing } from 'raw-socket/testing';
import { Door } from '../test/pods/door.ts';
import { type PodOptions, startPod } from '../test/pods/pod.ts';
import { installRelease, namespace, type Release } from '../test/pods/release.ts';
import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';

export const description =
  'start-up and memory of the pods of the chart, run from the bundle as in the image: speaker idle, controller with 10,000 Services (arguments: starts, Services, node binary; 0: leave that part out)';

const PORT = 16_443;
const VIPS = '10.10.0.0/16';

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const lacking = missing({ capabilities: ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_NET_RAW'], programs: ['ip', 'unshare', 'setpriv'] });
  if (lacking !== undefined) throw new Error(lacking);
  const starts = Number(args[0] ?? 9);
  const many = Number(args[1] ?? 10_000);
  const node = args[2] ?? process.execPath;
  const folder = mkdtempSync(join(tmpdir(), 'herald-footprint-'));
  const image = join(folder, 'image');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const built = await runProgram([process.execPath, '--import', 'tsx', 'scripts/bundle.ts', image], { cwd: root, timeout: 120_000 });
  if (built.code !== 0) throw new Error(`could not bundle herald: ${built.stderr}`);
  const values = ['ipAddressPools[0].name=lan', `ipAddressPools[0].spec.addresses[0]=${VIPS}`];
  const release = await installRelease(join(folder, 'release'), values);
  const lan = createLan({ bridge: true });
  const doors = [lan.host, lan.peer].map(inside => new Door(inside, PORT, release.port));
  try {
    const pod = (name: string, on = 'n1'): Pick<PodOptions, 'image' | 'node' | 'fields' | 'folder'> => ({
      image,
      node,
      fields: { 'spec.nodeName': on, 'metadata.name': name, 'metadata.namespace': namespace },
      folder: join(folder, name),
    });
    const account = release.account('speaker', PORT);
    const own = { ...pod('speaker'), netns: lan.host.name, account };
    const peer = { ...pod('peer', 'n2'), netns: lan.peer.name, account };
    const controllerPod = { ...pod('controller'), account: release.account('controller', release.port) };
    const speakers = starts > 0 ? await speaker(release, own, peer, starts) : undefined;
    const controllers = many > 0 ? await controller(release, controllerPod, many) : [];
    if (speakers !== undefined)
      printTable([
        SPREAD_HEADING,
        ...Object.entries(speakers.ready).map(([when, ms]) => spread(`speaker: start to ready, ms, ${when}`, ms)),
      ]);
    printTable([
      ['resident memory, MB', 'all', 'anonymous', 'file', 'peak'],
      ...(speakers === undefined ? [] : [speakers.memory.row]),
      ...controllers.map(({ row }) => row),
    ]);
    const { version } = await versionOf(node);
    return {
      ...(speakers !== undefined && {
        speaker_ready_ms: round(quantile(speakers.ready[PEER] ?? [], 0.5), 0),
        speaker_ready_max_ms: round(Math.max(...(speakers.ready[PEER] ?? [])), 0),
        speaker_ready_alone_ms: round(quantile(speakers.ready[ALONE] ?? [], 0.5), 0),
        speaker_ready_unanswered_ms: round(quantile(speakers.ready[UNANSWERED] ?? [], 0.5), 0),
        speaker_rss_mb: speakers.memory.rss,
      }),
      ...(many > 0 && {
        controller_rss_mb: controllers[0]?.rss,
        [`controller_rss_${many}_mb`]: controllers[1]?.rss,
        [`controller_rss_${many}_restarted_mb`]: controllers[2]?.rss,
        [`controller_peak_${many}_mb`]: Math.max(...controllers.map(({ peak }) => peak)),
      }),
      node: version,
    };
  } finally {
    await Promise.all(doors.map(door => door.close()));
    lan.close();
    await release.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const ALONE = 'the only node';
const UNANSWERED = 'another node whose speaker is away';
const PEER = 'beside another speaker';

/** Starts a speaker again and again, as in a new cluster, an outage and a rollout, and leaves the last one in peace for a while. */
async function speaker(release: Release, own: PodOptions, peer: PodOptions, starts: number) {
  const spec = await release.pod('speaker');
  const addNode = (name: string, address: string) => {
    const status = { addresses: [{ type: 'InternalIP', address }] };
    return release.client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, status });
  };
  const measure = async (): Promise<number[]> => {
    const ready: number[] = [];
    for (let n = 0; n < starts; n++) {
      const started = performance.now();
      const program = await startPod(spec, own);
      ready.push(performance.now() - started);
      await program.stop();
    }
    return ready;
  };
  await addNode('n1', '10.66.0.1');
  // The first start fills the page cache.
  await (await startPod(spec, own)).stop();
  const ready: Record<string, number[]> = { [ALONE]: await measure() };
  await addNode('n2', '10.66.0.2');
  ready[UNANSWERED] = await measure();
  const other = await startPod(spec, peer);
  ready[PEER] = await measure();
  const program = await startPod(spec, own);
  await sleep(20_000);
  const memory = memoryOf('speaker, idle', program);
  await Promise.all([program.stop(), other.stop()]);
  return { ready, memory };
}

/** A controller with nothing, then with Services that come one after the other, then restarted among them. */
async function controller(release: Release, options: PodOptions, many: number): Promise<Memory[]> {
  const spec = await release.pod('controller');
  const memory: Memory[] = [];
  let program = await startPod(spec, options);
  await sleep(5_000);
  memory.push(memoryOf('controller, no Service', program));
  await createServices(release.client, many);
  await allAssigned(release);
  await sleep(20_000);
  memory.push(memoryOf(`controller, ${many} Services created`, program));
  await program.stop();
  program = await startPod(spec, options);
  await sleep(20_000);
  memory.push(memoryOf(`controller, restarted among them`, program));
  await program.stop();
  return memory;
}

/** Services as they are: labels, two ports, and an EndpointSlice with three endpoints each. */
async function createServices(client: Client, count: number): Promise<void> {
  const batch = 64;
  for (let i = 0; i < count; i += batch)
    await Promise.all(Array.from({ length: Math.min(batch, count - i) }, (_, k) => createOne(client, i + k)));
}

async function createOne(client: Client, i: number): Promise<void> {
  const name = `service-${i}`;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': `shop-${i % 50}`, 'app.kubernetes.io/managed-by': 'Helm' };
  const ports = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'https', port: 443, targetPort: 8443 },
  ];
  await client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', labels },
    spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, selector: { 'app.kubernetes.io/name': name }, ports },
  });
  const endpoint = (n: number) => ({
    addresses: [`10.42.${n}.${i % 250}`],
    nodeName: `n${n}`,
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: {
      kind: 'Pod',
      namespace: 'default',
      name: `${name}-7d4b9c-${n}`,
      uid: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    },
  });
  await client.create(endpointSlices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-x7k2p`, namespace: 'default', labels: { ...labels, 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 8080 },
      { name: 'https', port: 8443 },
    ],
    endpoints: [1, 2, 3].map(endpoint),
  });
}

async function allAssigned({ server }: Release): Promise<void> {
  const pending = () =>
    [...server.cluster.store.table('services').list()].filter(({ object }) => {
      const { spec, status } = object as { spec?: { type?: string }; status?: { loadBalancer?: { ingress?: unknown[] } } };
      return spec?.type === 'LoadBalancer' && (status?.loadBalancer?.ingress?.length ?? 0) === 0;
    }).length;
  for (const end = performance.now() + 300_000; pending() > 0; await sleep(500)) {
    if (performance.now() > end) throw new Error(`${pending()} Services have no address`);
  }
}

interface Memory {
  rss: number;
  peak: number;
  row: (string | number)[];
}

/** Resident memory as the kernel counts it against the limit of a container, and more: the file part is shared with other processes of the image. */
function memoryOf(name: string, { pid }: Program): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [rss = 0, anonymous = 0, file = 0, peak = 0] = ['VmRSS', 'RssAnon', 'RssFile', 'VmHWM'].map(key =>
    Math.round(Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024),
  );
  return { rss, peak, row: [name, rss, anonymous, file, peak] };
}

async function versionOf(node: string): Promise<{ version: string }> {
  return { version: (await runProgram([node, '--version'])).stdout.trim() };
}
