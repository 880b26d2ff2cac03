import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chartFolder, helm, helmPath } from '@herald/charts';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { missing } from 'raw-socket/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { applyObject } from './apply.ts';
import { config, manifest, namespace } from './permissions.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const own = '/apis/heraldlb.io/v1beta1';
const lacking = helmPath() === undefined ? 'helm' : missing({ programs: ['kubectl'] });

interface Stored {
  metadata: { uid: string };
  spec: Record<string, unknown>;
  status?: { owners?: unknown[] };
}

/** The commands of the guide's chapter on upgrades. */
async function documented(): Promise<string[]> {
  const guide = await readFile(join(root, 'docs/guides/install.md'), 'utf8');
  const chapter = /^## Upgrade\n([\s\S]*?)^## /m.exec(guide)?.[1] ?? '';
  return [...chapter.matchAll(/^\$ (.+)$/gm)].map(([, command]) => command ?? '');
}

describe.skipIf(lacking !== undefined)('kinds of an earlier version', () => {
  let server: ApiServer;
  let folder: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    server = await startApiServer({ port: 0 });
    folder = await mkdtemp(join(tmpdir(), 'herald-crd-upgrade-'));
    await writeFile(join(folder, 'kubeconfig'), server.kubeconfig(), { mode: 0o600 });
    const path = [dirname(helmPath() ?? ''), process.env['PATH'] ?? ''].join(delimiter);
    env = { PATH: path, HOME: folder, KUBECONFIG: join(folder, 'kubeconfig') };
  });

  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The chart as it would have been before pools had a delay, and before there were reservations. */
  async function earlierChart(): Promise<string> {
    const chart = join(folder, 'chart');
    await cp(chartFolder, chart, { recursive: true });
    const file = join(chart, 'crds/heraldlb.io_ipaddresspools.yaml');
    const kind = parse(await readFile(file, 'utf8')) as {
      spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: Record<string, unknown> } } } } }[] };
    };
    delete kind.spec.versions[0]?.schema.openAPIV3Schema.properties.spec.properties['reuseDelay'];
    await writeFile(file, stringify(kind));
    await rm(join(chart, 'crds/heraldlb.io_ipreservations.yaml'));
    return chart;
  }

  const get = async (path: string): Promise<{ status: number; object: Stored }> => {
    const answer = await fetch(server.url + path);
    return { status: answer.status, object: (await answer.json()) as Stored };
  };

  it('are replaced as the guide says, and objects live on', async () => {
    const kubeconfig = ['--kubeconfig', join(folder, 'kubeconfig')];
    await helm(['install', 'herald', await earlierChart(), '--namespace', namespace, '--create-namespace', ...kubeconfig]);
    const pool = config('IPAddressPool', 'lan', { addresses: ['10.0.0.0/24'] });
    const delayed = config('IPAddressPool', 'lan', { addresses: ['10.0.0.0/24'], reuseDelay: '1m' });
    const reservation = config('IPReservation', 'kept', { service: { namespace: 'default', name: 'web' }, addresses: ['10.0.0.7'] });
    await applyObject(server.url, pool);
    await expect(applyObject(server.url, delayed)).rejects.toThrow('reuseDelay');
    expect((await get(`${own}/namespaces/${namespace}/ipreservations`)).status).toBe(404);
    const spec = { addresses: [{ ip: '10.0.0.7', pool: 'lan', layer2: { nodes: ['n1'], interfaces: [] } }] };
    await applyObject(server.url, manifest('heraldlb.io/v1beta1', 'Announcement', 'web', {}, { spec }));
    const announcement = `${own}/namespaces/default/announcements/web`;
    const mac = '02:00:00:00:00:01';
    const owners = [
      { ip: '10.0.0.7', node: 'n1', segment: '10.0.0.0/24', interface: 'eth0', mac, epoch: 3, since: '2026-01-01T00:00:00Z' },
    ];
    const written = await fetch(`${server.url}${announcement}/status`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ status: { owners } }),
    });
    expect(written.status).toBe(200);
    const paths = [`${own}/namespaces/${namespace}/ipaddresspools/lan`, announcement];
    const before = await Promise.all(paths.map(get));
    expect(before.map(({ status }) => status)).toEqual([200, 200]);
    expect(before[0]?.object.spec['reuseDelay']).toBeUndefined();
    expect(before[1]?.object.status?.owners).toHaveLength(1);

    const commands = await documented();
    expect(commands.map(command => command.split(' ').slice(0, 2).join(' '))).toEqual(['kubectl apply', 'helm upgrade']);
    for (const command of commands) {
      const [program = '', ...words] = command.split(' ');
      await run(program, words, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 });
    }

    const after = await Promise.all(paths.map(get));
    expect(after.map(({ object }) => object.metadata.uid)).toEqual(before.map(({ object }) => object.metadata.uid));
    expect(after[0]?.object.spec).toMatchObject(before[0]?.object.spec ?? {});
    expect(after[1]?.object).toEqual(before[1]?.object);
    expect((await applyObject(server.url, delayed)) as unknown as Stored).toMatchObject({ spec: { reuseDelay: '1m' } });
    await applyObject(server.url, reservation);
  });
});
