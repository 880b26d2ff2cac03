import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chartFolder, helm, helmPath } from '@herald/charts';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';

const namespace = 'herald-system';
const run = promisify(execFile);

/** The fenced blocks of a language in the README of the chart. */
async function snippets(language: string): Promise<string[]> {
  const text = await readFile(join(chartFolder, 'README.md'), 'utf8');
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block]) => block ?? '');
}

describe.skipIf(helmPath() === undefined)('a release, with helm and an API server', () => {
  let server: ApiServer;
  let folder: string;

  beforeAll(async () => {
    server = await startApiServer({ port: 0 });
    folder = await mkdtemp(join(tmpdir(), 'herald-helm-'));
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: server.url } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(join(folder, 'kubeconfig'), stringify(kubeconfig));
    await writeFile(join(folder, 'values.yaml'), (await snippets('yaml'))[0] ?? '');
  });

  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const release = (...args: string[]): Promise<string> => {
    const homes = [
      '--kubeconfig',
      join(folder, 'kubeconfig'),
      '--registry-config',
      join(folder, 'r'),
      '--repository-config',
      join(folder, 'c'),
    ];
    return helm([...args, ...homes, '--repository-cache', join(folder, 'cache')]);
  };

  async function get<T>(path: string): Promise<T> {
    const answer = await fetch(server.url + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  const meshKey = async (): Promise<string> =>
    (await get<{ data: { key: string } }>(`/api/v1/namespaces/${namespace}/secrets/herald-mesh`)).data.key;

  it('has the commands that its README tells', async () => {
    const commands = (await snippets('sh')).flatMap(block => block.trim().split('\n'));
    expect(commands.map(command => command.split(' ').slice(0, 2).join(' '))).toEqual(['helm install', 'kubectl label', 'kubectl apply']);
    const words = (commands[0] ?? '').split(' ').slice(1);
    const { stdout } = await run(helmPath() ?? '', [...words, '--dry-run', '--kubeconfig', join(folder, 'kubeconfig')], {
      cwd: join(chartFolder, '../..'),
      maxBuffer: 64 * 1024 * 1024,
    });
    expect(stdout).toContain('STATUS: pending-install');
  });

  it('installs the kinds, the daemons and the values of the README, keeps its key over an upgrade, and goes', async () => {
    const install = ['install', 'herald', chartFolder, '--namespace', namespace, '--create-namespace', '-f', join(folder, 'values.yaml')];
    expect(await release(...install)).toContain('STATUS: deployed');
    const key = await meshKey();
    expect(Buffer.from(key, 'base64').length).toBeGreaterThanOrEqual(32);
    const pool = await get<{ spec: { addresses: string[] } }>(`/apis/heraldlb.io/v1beta1/namespaces/${namespace}/ipaddresspools/lan`);
    expect(pool.spec.addresses).toEqual(['192.168.150.240-192.168.150.250']);

    const upgrade = ['upgrade', 'herald', chartFolder, '--namespace', namespace, '--reuse-values', '--set', 'logLevel=debug'];
    expect(await release(...upgrade)).toContain('REVISION: 2');
    expect(await meshKey()).toBe(key);
    const daemons = await get<{ spec: { template: { spec: { containers: { args: string[] }[] } } } }>(
      `/apis/apps/v1/namespaces/${namespace}/daemonsets/herald-speaker`,
    );
    expect(daemons.spec.template.spec.containers[0]?.args).toContain('--log-level=debug');

    await release('uninstall', 'herald', '--namespace', namespace);
    await expect(get(`/apis/apps/v1/namespaces/${namespace}/daemonsets/herald-speaker`)).rejects.toThrow('404');
    expect(await meshKey(), 'the key outlives the release').toBe(key);
    expect(await release('install', 'herald', chartFolder, '--namespace', namespace, '--skip-crds')).toContain('STATUS: deployed');
    expect(await meshKey()).toBe(key);
  });
});
