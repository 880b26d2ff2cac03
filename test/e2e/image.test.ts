import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { helmPath } from '@herald/charts';
import type { BGPPeer, Speaker } from '@herald/crds';
import { endpointSlices, nodes, resource, services } from '@herald/kube';
import { type Program, run } from '@herald/playground';
import { openKernelResponder } from 'raw-socket';
import { createLan, type Lan, missing } from 'raw-socket/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { instruction, instructions } from '../pods/dockerfile.ts';
import { Door } from '../pods/door.ts';
import { type PodOptions, type PodSpec, runPod, startPod } from '../pods/pod.ts';
import { installManifests, installRelease, namespace, podWith, type Release } from '../pods/release.ts';
import { hasKubectl } from './cluster.ts';
import { until } from './wait.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'herald-image-'));
const image = join(folder, 'herald');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ARGUMENTS = { encoding: 'utf8', maxBuffer: 64 << 20 } as const;
const sourcesOf = (words: string): string[] => words.split(' ').slice(0, -1);

/** What .dockerignore leaves out of a folder, and what is not checked in. */
const left = (path: string) => !path.includes('/node_modules') && !path.endsWith('.test.ts') && !path.includes('/.build');

/** What an engine sends to a build: what the Dockerfile copies, less what .dockerignore leaves out; and in it, as `npm ci` makes it, node_modules. */
function buildContext(): string {
  const context = join(folder, 'context');
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n');
  expect(ignored[0]).toBe('**');
  const copies = instructions.filter(([keyword, words]) => keyword === 'COPY' && !words.startsWith('--from'));
  for (const source of copies.flatMap(([, words]) => sourcesOf(words))) {
    expect(
      ignored.some(line => line === `!${source}` || line === `!${source}/**`),
      `.dockerignore lets ${source} in`,
    ).toBe(true);
    mkdirSync(dirname(join(context, source)), { recursive: true });
    cpSync(join(root, source), join(context, source), { recursive: true, filter: left });
  }
  linkModules('node_modules', context);
  return context;
}

/** Packages of the registry are linked; workspaces keep their links, which lead into the context. */
function linkModules(path: string, context: string): void {
  mkdirSync(join(context, path), { recursive: true });
  for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
    const each = join(path, entry.name);
    if (entry.isSymbolicLink()) cpSync(join(root, each), join(context, each), { verbatimSymlinks: true });
    else if (entry.name.startsWith('@')) linkModules(each, context);
    else symlinkSync(join(root, each), join(context, each));
  }
}

describe('the steps of the Dockerfile', () => {
  it('are all known here', () => {
    const steps = instructions.filter(([keyword]) => !['COPY', 'LABEL', 'ARG', 'WORKDIR'].includes(keyword));
    expect(steps.map(([keyword, words]) => `${keyword} ${words}`)).toEqual([
      expect.stringMatching(/^FROM node:24-/),
      'RUN npm ci --no-audit --no-fund',
      'RUN npm run -s bundle -- /herald',
      expect.stringMatching(/^FROM gcr\.io\/distroless\/nodejs24-debian12:nonroot$/),
      'USER 65532:65532',
      expect.stringMatching(/^ENTRYPOINT \["\/nodejs\/bin\/node", .*"\/herald\/herald\.mjs"\]$/),
    ]);
    expect(instruction('COPY')).toBe('--from=build /herald /herald');
  });

  it('npm ci: the lock file has the native library of both architectures, in the version of koffi', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; cpu?: string[]; optionalDependencies?: Record<string, string> }>;
    };
    const { version, optionalDependencies } = packages['node_modules/koffi'] ?? {};
    for (const cpu of ['x64', 'arm64']) {
      const name = `@koromix/koffi-linux-${cpu}`;
      expect(optionalDependencies?.[name], name).toBe(version);
      expect(packages[`node_modules/${name}`], name).toMatchObject({ version, cpu: [cpu] });
    }
  });

  it('npm run bundle: from the build context alone, without a word', async () => {
    const built = await run([process.execPath, '--import', 'tsx', 'scripts/bundle.ts', image], { cwd: buildContext(), timeout: 120_000 });
    expect(built.stderr).toBe('');
    expect(built.code).toBe(0);
    const files = readdirSync(image);
    for (const file of ['herald.mjs', 'worker.mjs', 'bfd-worker.mjs', 'package.json', 'sbom.spdx.json']) expect(files).toContain(file);
    const library = join(image, 'node_modules', '@koromix', `koffi-linux-${process.arch}`);
    expect(readdirSync(library, { recursive: true }).some(file => String(file).endsWith('.node'))).toBe(true);
    expect(files.some(file => file.endsWith('.map'))).toBe(false);
  });

  it('COPY /herald: names what is in it, and is small', () => {
    const bill = JSON.parse(readFileSync(join(image, 'sbom.spdx.json'), 'utf8')) as {
      packages: { name: string; licenseDeclared: string }[];
    };
    const names = bill.packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['herald', '@kubernetes/client-node', 'koffi', 'pino', 'prom-client', 'zod']));
    expect(names, 'development only').not.toContain('vitest');
    for (const { name, licenseDeclared } of bill.packages) expect(licenseDeclared, name).not.toMatch(/GPL|UNLICENSED|SEE|NOASSERTION/);
    // With Node (45 MB) and the base image (about 10 MB) the image stays far below 120 MB.
    const layer = gzipSync(execFileSync('tar', ['-C', image, '-c', '.'], { maxBuffer: 256 << 20 }));
    expect(layer.length).toBeLessThan(4 << 20);
  });

  it('ENTRYPOINT: tells its version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const told = spawnSync(process.execPath, [join(image, 'herald.mjs'), '--version'], { cwd: '/', ...ARGUMENTS });
    expect(told.stderr).toBe('');
    expect(told.stdout.trim()).toBe(version);
  });
});

const lacking =
  helmPath() === undefined
    ? 'helm'
    : missing({
        capabilities: ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SETPCAP'],
        programs: ['ip', 'unshare', 'setpriv', 'arping'],
      });

// Their numbers: linux/capability.h.
const NET_BIND_SERVICE = 1n << 10n;
const NET_ADMIN = 1n << 12n;
const NET_RAW = 1n << 13n;
const BPF = 1n << 39n;

/** The kernel answers where eBPF programs may be loaded. */
function hasKernelResponder(): boolean {
  const opened = openKernelResponder();
  if (opened.available) opened.responder.close();
  return opened.available;
}

/** Effective capabilities, user and escalation of a process, as the kernel tells them. */
function standing(program: Program) {
  const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
  const line = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/);
  return { capabilities: BigInt(`0x${line('CapEff')?.[0]}`), uid: line('Uid')?.[1], noNewPrivileges: line('NoNewPrivs')?.[0] };
}

const heraldlb = { group: 'heraldlb.io', version: 'v1beta1' };
const speakers = resource<Speaker>({ ...heraldlb, plural: 'speakers', kind: 'Speaker', namespaced: false });
const bgpPeers = resource<BGPPeer>({ ...heraldlb, plural: 'bgppeers', kind: 'BGPPeer', namespaced: true });

/** What the downward API tells a pod. */
const fieldsOf = (name: string) => ({ 'spec.nodeName': 'n1', 'metadata.name': name, 'metadata.namespace': namespace });

describe.skipIf(lacking !== undefined)(
  `the pods of the chart, as Kubernetes runs them${lacking === undefined ? '' : ` (skipped: ${lacking})`}`,
  () => {
    const VIP = '10.66.0.50';
    const PORT = 16_443;
    let release: Release;
    let lan: Lan;
    let door: Door;
    let speakerPod: PodSpec;
    const bpf = join(folder, 'bpf');
    const running: Program[] = [];

    beforeAll(async () => {
      if (!existsSync(join(image, 'herald.mjs'))) throw new Error('the bundle was not built');
      const values = [
        'ipAddressPools[0].name=lan',
        `ipAddressPools[0].spec.addresses[0]=${VIP}/32`,
        'l2Advertisements[0].name=lan',
        'l2Advertisements[0].spec.ipAddressPools[0]=lan',
      ];
      release = await installRelease(join(folder, 'release'), values);
      lan = createLan();
      mkdirSync(bpf);
      execFileSync('mount', ['-t', 'bpf', 'bpf', bpf]);
      door = new Door(lan.host, PORT, release.port);
      const status = { addresses: [{ type: 'InternalIP', address: '10.66.0.1' }] };
      await release.client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status });
      speakerPod = await release.pod('speaker');
    });

    afterAll(async () => {
      await Promise.all(running.map(program => program.stop(5_000)));
      spawnSync('umount', [bpf]);
      await door?.close();
      lan?.close();
      await release?.close();
    });

    const onNode = (name: string): PodOptions => ({
      image,
      netns: lan.host.name,
      fields: fieldsOf(name),
      account: release.account('speaker', PORT),
      folder: join(folder, name),
      bpf,
    });
    const speaker = async (spec: PodSpec, name: string): Promise<Program> => {
      const program = await startPod(spec, onNode(name));
      running.push(program);
      return program;
    };
    const answers = () => lan.peer.try('arping', '-c', '1', '-w', '1', '-I', 'eth0', VIP).status === 0;
    const endAll = async (): Promise<void> => {
      for (const program of running.splice(0)) expect(await program.stop()).toBe(0);
    };

    it('the controller starts as nobody in particular, with nothing', async () => {
      const pod = await release.pod('controller');
      const account = release.account('controller', release.port);
      const program = await startPod(pod, { image, fields: fieldsOf('controller-1'), account, folder: join(folder, 'controller-1') });
      running.push(program);
      expect(standing(program)).toEqual({ capabilities: 0n, uid: '65532', noNewPrivileges: '1' });
      const health = await fetch('http://127.0.0.1:9120/healthz');
      expect(health.status).toBe(200);
      await release.client.create(services, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'default' },
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
      });
      await release.client.create(endpointSlices, {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ port: 80 }],
        endpoints: [{ addresses: ['10.1.0.1'], nodeName: 'n1', conditions: { ready: true } }],
      });
      await until('an address', async () => {
        const found = await release.client.get(services, { name: 'web', namespace: 'default' });
        return found.status?.loadBalancer?.ingress?.[0]?.ip === VIP;
      });
    });

    it('the speaker starts with NET_RAW alone and answers on the wire', async () => {
      const program = await speaker(speakerPod, 'speaker-1');
      expect(standing(program)).toEqual({ capabilities: NET_RAW, uid: '0', noNewPrivileges: '1' });
      expect(lan.host.run('curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:9125/healthz')).toBe('200');
      await until('an ARP reply', answers);
      expect(readdirSync(join(folder, 'speaker-1', 'volumes', 'herald')), 'the snapshot, on the node').not.toEqual([]);
    });

    it('neither is refused anything by the API server', () => {
      const users = ['controller', 'speaker'].map(component => `system:serviceaccount:${namespace}:herald-${component}`);
      const entries = users.flatMap(user => release.server.audit.entries({ user }));
      expect(entries.length).toBeGreaterThan(10);
      expect(entries.filter(({ status }) => status === 401 || status === 403)).toEqual([]);
    });

    it('both end cleanly', endAll);

    it('a speaker of another user has no capability, and says so', async () => {
      const container = speakerPod.containers[0];
      if (container === undefined) throw new Error('there is no container');
      const other = { ...speakerPod, containers: [{ ...container, securityContext: { ...container.securityContext, runAsUser: 65_532 } }] };
      await expect(speaker(other, 'speaker-2')).rejects.toThrow('CAP_NET_RAW');
    });

    describe('installed in other ways', () => {
      afterEach(async () => {
        await Promise.all(running.splice(0).map(program => program.stop(5_000)));
      });

      it('a speaker that may bind port 179 waits for connections of routers there', async () => {
        const program = await speaker(await podWith('speaker', ['speaker.bgpListenPort=179']), 'speaker-3');
        expect(standing(program).capabilities).toBe(NET_RAW | NET_BIND_SERVICE);
        const spec = { myASN: 64_500, peerASN: 64_501, peerAddress: '10.66.0.2', passive: true };
        const metadata = { name: 'router', namespace };
        await release.client.create(bgpPeers, { apiVersion: 'heraldlb.io/v1beta1', kind: 'BGPPeer', metadata, spec });
        await until('a listener', () => lan.host.run('ss', '-Hltn', 'sport = :179').includes(':179'));
      });

      it('a speaker with NET_ADMIN, to count connections, starts with that and NET_RAW', async () => {
        const program = await speaker(await podWith('speaker', ['speaker.netAdmin=true']), 'speaker-7');
        expect(standing(program).capabilities).toBe(NET_RAW | NET_ADMIN);
      });

      it.skipIf(!hasKernelResponder())('a speaker with NET_ADMIN and BPF has the kernel answer, and pins that on its node', async () => {
        const values = ['speaker.netAdmin=true', 'speaker.bpf=true', 'speaker.responder=auto', 'speaker.pin.enabled=true'];
        const pod = await podWith('speaker', values);
        const first = await speaker(pod, 'speaker-4');
        expect(standing(first).capabilities).toBe(NET_RAW | NET_ADMIN | BPF);
        await until('what the kernel answers', async () => {
          const { status } = await release.client.get(speakers, { name: 'n1' });
          return status?.responder === 'kernel' && status.pinned === true && answers();
        });
        const pins = readdirSync(join(bpf, 'herald'), { recursive: true });
        await first.kill();
        running.splice(0);
        expect(answers(), 'the process is gone, and the kernel answers').toBe(true);
        const second = await speaker(pod, 'speaker-5');
        await until('what is taken over', () => readFileSync(second.logFile, 'utf8').includes('the kernel went on answering'));
        expect(readdirSync(join(bpf, 'herald'), { recursive: true }), 'the same pins').toEqual(pins);
        await second.kill();
        running.splice(0);
        const cleanup = parse(readFileSync(join(root, 'examples/operations/cleanup.yaml'), 'utf8')) as { spec: PodSpec };
        const cleaned = await runPod(cleanup.spec, onNode('cleanup'));
        expect(cleaned).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^removed \/sys\/fs\/bpf\/herald\//) });
        expect(answers()).toBe(false);
        expect(readdirSync(bpf)).not.toContain('herald');
      });

      it.skipIf(!hasKubectl)('those of deploy/, as kubectl apply -k makes them, start and are refused nothing', async () => {
        const manifests = await installManifests(join(folder, 'manifests'));
        const port = PORT + 1;
        const inside = new Door(lan.host, port, manifests.port);
        try {
          const status = { addresses: [{ type: 'InternalIP', address: '10.66.0.1' }] };
          await manifests.client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status });
          const controller = { image, fields: fieldsOf('controller-2'), account: manifests.account('controller', manifests.port) };
          running.push(await startPod(await manifests.pod('controller'), { ...controller, folder: join(folder, 'controller-2') }));
          const account = manifests.account('speaker', port);
          running.push(await startPod(await manifests.pod('speaker'), { ...onNode('speaker-6'), account }));
          await until('its Speaker to be ready', async () => {
            const { items } = await manifests.client.list(speakers);
            return items[0]?.status?.conditions?.some(({ type, status: ready }) => type === 'Ready' && ready === 'True') === true;
          });
          await endAll();
          expect(manifests.server.audit.entries({}).filter(({ status: code }) => code === 401 || code === 403)).toEqual([]);
        } finally {
          await inside.close();
          await manifests.close();
        }
      });
    });
  },
);
