import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestCluster } from '@herald/controller/testing';
import { leases } from '@herald/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const herald = ['--import', 'tsx', fileURLToPath(new URL('herald.ts', import.meta.url))];
const cwd = fileURLToPath(new URL('..', import.meta.url));
const timeout = 60_000;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'herald-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `herald` to its end. */
function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  return new Promise(resolve => {
    execFile(process.execPath, [...herald, ...args], { cwd, env: { ...process.env, ...env }, timeout }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr });
    });
  });
}

function kubeconfig(server: string): string {
  const file = join(folder, 'kubeconfig');
  const clusters = [{ name: 'k', cluster: { server } }];
  const contexts = [{ name: 'c', context: { cluster: 'k', user: 'u' } }];
  writeFileSync(file, JSON.stringify({ 'current-context': 'c', clusters, contexts, users: [{ name: 'u', user: {} }] }));
  return file;
}

describe('herald', { timeout }, () => {
  it('lists its commands, and loads the large ones only when called', async () => {
    const { code, output } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of ['controller', 'speaker', 'cleanup', 'drain', 'undrain', 'rebalance', 'migrate', 'playground'])
      expect(output).toMatch(new RegExp(`^  ${command}`, 'm'));
  });

  it('cleanup says that nothing is pinned', async () => {
    const { code, output } = await run(['cleanup', '--pin-directory', '/no/such/folder']);
    expect([code, output]).toEqual([0, expect.stringContaining('nothing is pinned under /no/such/folder')]);
  });

  it.each([
    ['a flag that is no duration', ['controller', '--leader-elect-lease-duration', '15'], {}, '--leader-elect-lease-duration'],
    ['a variable that is no number', ['controller'], { HERALD_KUBE_API_QPS: 'many' }, 'HERALD_KUBE_API_QPS'],
    ['an unknown flag', ['controller', '--no-such-flag'], {}, '--no-such-flag'],
    [
      'a kubeconfig that is not there',
      ['controller', '--http-address', 'off', '--kubeconfig', '/no/such/file'],
      {},
      'cannot read the kubeconfig /no/such/file',
    ],
  ])('refuses %s with a clear message', async (_, args, env, message) => {
    const { code, output } = await run(args, env);
    expect(code).toBe(1);
    expect(output).toContain(message);
  });

  it('runs the controller: ready, probes, metrics, and a clean end on SIGTERM that gives the lease back', async () => {
    const cluster = await TestCluster.start();
    const env = { ...process.env, HERALD_HTTP_ADDRESS: '127.0.0.1:0', HERALD_KUBECONFIG: kubeconfig(cluster.server.url) };
    const child = spawn(process.execPath, [...herald, 'controller'], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
    try {
      const port = await new Promise<number>((resolve, reject) => {
        let text = '';
        let found = 0;
        child.once('exit', () => reject(new Error(`ended too early: ${text}`)));
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          for (const line of text.split('\n').slice(0, -1)) {
            const { msg, port } = JSON.parse(line) as { msg: string; port?: number };
            found = port ?? found;
            if (msg === 'ready') resolve(found);
          }
        });
      });
      const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
      expect(await get('/healthz')).toBe('ok\n');
      expect(await get('/readyz')).toBe('ok\n');
      await cluster.pool('lan', ['10.0.0.1-10.0.0.4', 'fc00::/64']);
      await cluster.createService('web');
      await cluster.assigned('web', ['10.0.0.1']);
      const metrics = await get('/metrics');
      for (const line of [
        'herald_leader 1',
        'herald_pool_addresses_total{pool="lan",family="IPv4"} 4',
        'herald_pool_addresses_in_use{pool="lan",family="IPv4"} 1',
        'herald_pool_addresses_in_use{pool="lan",family="IPv6"} 0',
        'herald_allocation_requests_total{outcome="allocated",reason="AddressAssigned"} 1',
        'herald_services{outcome="allocated"} 1',
        'herald_service_status_seconds_count 1',
        'herald_workqueue_depth{name="services"} 0',
        'herald_api_requests_total{verb="patch",resource="services/status",code="200"}',
        'herald_build_info{component="controller"',
      ]) {
        expect(metrics).toContain(line);
      }
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
      const lease = await cluster.client.get(leases, { namespace: 'herald-system', name: 'herald-controller' });
      expect(lease.spec?.holderIdentity ?? '').toBe('');
    } finally {
      child.kill('SIGKILL');
      await cluster.stop();
    }
  });
});
