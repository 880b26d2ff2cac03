import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { helmPath } from '@herald/charts';
import type { Announcement, Speaker } from '@herald/crds';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { createLan, type Lan, missing, type Namespace } from 'raw-socket/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Door } from '../pods/door.ts';
import { applyObject, type Manifest } from './apply.ts';
import {
  config,
  countOf,
  doings,
  granted,
  install,
  manifest,
  metallbKinds,
  namespace,
  read,
  tokenOf,
  until,
  withoutEach,
} from './permissions.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PORT = 16_443;
const VIP = '10.66.0.50';
const METALLB = 'metallb-system';

const lacking =
  helmPath() === undefined ? 'helm' : missing({ capabilities: ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_NET_RAW'], programs: ['ip'] });

describe.skipIf(lacking !== undefined)('the permissions of the chart, for the speaker', () => {
  let server: ApiServer;
  let objects: Manifest[];
  let lan: Lan | undefined;
  let folder: string;
  const doors: Door[] = [];
  const speakers: ChildProcess[] = [];
  let log = '';

  beforeAll(async () => {
    server = await startApiServer({ port: 0 });
    // With MetalLB's objects read as well: a Role of its own, which the speaker needs nothing more than.
    await applyObject(server.url, manifest('v1', 'Namespace', METALLB));
    for (const crd of metallbKinds) await applyObject(server.url, crd);
    objects = await install(server, 'readMetalLB.enabled=true');
    folder = await mkdtemp(join(tmpdir(), 'herald-rbac-'));
    lan = createLan({ bridge: true });
    for (const [index, inside] of [lan.host, lan.peer].entries()) {
      const ready = [{ type: 'Ready', status: 'True' }];
      const status = { addresses: [{ type: 'InternalIP', address: `10.66.0.${index + 1}` }], conditions: ready };
      await applyObject(server.url, manifest('v1', 'Node', `n${index + 1}`, {}, { status }));
      doors.push(new Door(inside, PORT, Number(new URL(server.url).port)));
    }
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${PORT}` } }],
      users: [{ name: 'u', user: { token: await tokenOf(server, 'herald-speaker') } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(join(folder, 'kubeconfig'), stringify(kubeconfig), { mode: 0o600 });
  });

  afterAll(async () => {
    await endAll();
    await Promise.all(doors.map(door => door.close()));
    lan?.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  function start(inside: Namespace, node: string): ChildProcess {
    const program = [process.execPath, '--import', 'tsx', 'cli/herald.ts', 'speaker'];
    const flags = [
      '--kubeconfig',
      join(folder, 'kubeconfig'),
      '--node-name',
      node,
      '--http-address',
      'off',
      '--responder',
      'packet',
      '--daemon-set',
      'herald-speaker',
      '--read-metallb=true',
      `--metallb-namespace=${METALLB}`,
    ];
    const speaker = spawn('ip', ['netns', 'exec', inside.name, ...program, ...flags], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [speaker.stdout, speaker.stderr]) stream?.on('data', chunk => (log = `${log}${String(chunk)}`.slice(-16_000)));
    speakers.push(speaker);
    return speaker;
  }

  async function endAll(): Promise<void> {
    await Promise.all(
      speakers.map(async speaker => {
        if (speaker.exitCode !== null || speaker.signalCode !== null) return;
        speaker.kill('SIGKILL');
        await once(speaker, 'exit');
      }),
    );
  }

  const mine = () => doings(server, 'herald-speaker');
  const detail = (): string => `(refused: ${[...mine().refused].join(', ') || 'nothing'})\n${log}`;
  const owner = async (): Promise<string | undefined> => {
    const found = await read<Announcement>(server, '/apis/heraldlb.io/v1beta1/namespaces/default/announcements/web');
    return found?.status?.owners?.find(({ ip }) => ip === VIP)?.node;
  };

  const heard = async (node: string): Promise<string[]> => {
    const found = await read<Speaker>(server, `/apis/heraldlb.io/v1beta1/speakers/${node}`);
    return (found?.status?.segments ?? []).flatMap(({ peersHeard }) => peersHeard ?? []);
  };

  it('are enough, and each of them is needed', async () => {
    if (lan === undefined) throw new Error('there is no LAN');
    const mesh = { type: 'Opaque', data: { key: Buffer.alloc(32, 7).toString('base64') } };
    await applyObject(server.url, manifest('v1', 'Secret', 'herald-mesh', { namespace }, mesh));
    await applyObject(server.url, config('IPAddressPool', 'lan', { addresses: ['10.66.0.50/32'] }));
    const spec = { addresses: [{ ip: VIP, pool: 'lan', layer2: { nodes: ['n1', 'n2'], interfaces: [], holdSeconds: 0 } }] };
    await applyObject(server.url, manifest('v1', 'Service', 'web', {}, { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } }));
    await applyObject(server.url, manifest('heraldlb.io/v1beta1', 'Announcement', 'web', {}, { spec }));
    const daemonSet = objects.find(({ kind }) => kind === 'DaemonSet') as Manifest;
    await applyObject(server.url, daemonSet);
    // Clients beyond a router would be dropped: the speaker says so.
    lan.host.run('sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1');
    lan.host.run('ip', 'route', 'add', 'default', 'dev', 'lo');
    const first = start(lan.host, 'n1');
    await until('an owner', async () => (await owner()) === 'n1', detail);
    const second = start(lan.peer, 'n2');
    await until(
      'two speakers that hear each other',
      async () => (await heard('n1')).includes('n2') && (await heard('n2')).includes('n1'),
      detail,
    );
    const { status } = (await read<Speaker>(server, '/apis/heraldlb.io/v1beta1/speakers/n1')) ?? {};
    expect(status?.segments?.[0]?.hazards).toEqual([expect.stringMatching(/^rp_filter=1 and the default route leaves by lo: /)]);
    // Another speaker was quicker to write: what is there is read before the next attempt.
    server.faults.add({ verb: 'patch', resource: 'announcements', subresource: 'status', status: 409, times: 1 });
    first.kill('SIGKILL');
    await until('another owner', async () => (await owner()) === 'n2', detail);

    const unused = () => [...granted(objects, 'herald-speaker')].filter(permission => !mine().used.has(permission));
    await until(
      'a use of every permission',
      () => unused().length === 0,
      () => `(granted and never used: ${unused().join(', ')})`,
    );
    const theirs = objects.find(({ kind, metadata }) => kind === 'Role' && metadata.namespace === METALLB) as Manifest;
    const readThere = () => {
      const entries = server.audit.entries({ user: `system:serviceaccount:${namespace}:herald-speaker` });
      return new Set(
        entries.filter(entry => entry.namespace === METALLB && entry.status < 400).map(({ verb, resource }) => `${verb} ${resource}`),
      );
    };
    await until(
      "a use of every permission in MetalLB's namespace",
      () => [...granted([theirs], 'herald-speaker')].every(permission => readThere().has(permission)),
      detail,
    );
    expect([...mine().refused]).toEqual([]);
    expect(await withoutEach(server, objects, 'herald-speaker')).toEqual({
      tried: countOf(objects, 'herald-speaker'),
      needless: [],
      kept: true,
    });

    // As by helm uninstall: the DaemonSet, then what it may, and only then the pods are told.
    const path = `/apis/apps/v1/namespaces/${namespace}/daemonsets/herald-speaker`;
    for (const gone of [path, `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings/herald-speaker`])
      expect((await fetch(server.url + gone, { method: 'DELETE' })).status).toBe(200);
    second.kill('SIGTERM');
    await once(second, 'exit');
    expect(second.exitCode).toBe(0);
    expect(log).toContain('nothing stays behind on the node');
    expect(await owner()).toBeUndefined();
  });
});
