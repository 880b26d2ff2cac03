import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { FrrRouter } from '@herald/playground';
import { afterEach, describe, expect, it } from 'vitest';
import { canMakeNamespaces } from './cluster.ts';
import { until } from './wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const children: ChildProcess[] = [];

interface Command {
  child: ChildProcess;
  said: () => string;
  ended: Promise<number>;
}

/** The herald command as a user runs it. */
function herald(...words: string[]): Command {
  return start([process.execPath, '--import', 'tsx', 'cli/herald.ts', ...words]);
}

function start([file, ...words]: readonly string[]): Command {
  const child = spawn(file as string, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number>(resolve => child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128))));
  return { child, said: () => said, ended };
}

/** What a `herald playground` command that must succeed prints. */
async function run(...words: string[]): Promise<string> {
  const { said, ended } = herald('playground', ...words);
  expect(await ended, said()).toBe(0);
  return said();
}

/** Run directories and processes of playgrounds whose name starts so. */
function leftovers(name: string): string[] {
  const directories = readdirSync(tmpdir()).filter(file => file.startsWith('herald-playground-') && file.includes(name));
  const processes = readdirSync('/proc')
    .filter(file => /^\d+$/.test(file))
    .map(pid => commandLine(pid))
    .filter(line => line.includes(`herald-playground-`) && line.includes(name));
  return [...directories, ...processes];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe.skipIf(!canMakeNamespaces)('herald playground (skipped where namespaces may not be made)', () => {
  it('demo walks the whole tour and leaves nothing', async () => {
    const { child, said, ended } = herald('playground', 'demo');
    expect(await ended, said()).toBe(0);
    const text = said();
    expect(text).toMatch(/nginx-svc +LoadBalancer +10\.43\.\d+\.\d+ +<pending>/);
    expect(text).toMatch(/nginx-svc +LoadBalancer +10\.43\.\d+\.\d+ +192\.168\.150\.24\d/);
    expect(text).toMatch(/lladdr 02:00:c0:a8:96:2[89a]/);
    expect(text).toMatch(/answered again after \d+\.\d\d s/);
    expect(text).toMatch(/nginx-svc +ClusterIP +10\.43\.\d+\.\d+ +<none>/);
    if (FrrRouter.missing() === undefined) expect(text).toMatch(/dn0 was drained and came back: \d{3,} requests, 0 lost/);
    expect(text).toMatch(/web-on-nodes +LoadBalancer +10\.43\.\d+\.\d+ +192\.168\.150\.40,192\.168\.150\.41,192\.168\.150\.42/);
    expect(text).toMatch(/dn2 loses its power: after \d+\.\d\d s the list is 192\.168\.150\.40, 192\.168\.150\.41$/m);
    expect(leftovers(`demo-${child.pid}`)).toEqual([]);
  });

  const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps', '-all', '--bounding-set', '-all'];
  const isRoot = process.getuid?.() === 0;
  const can =
    isRoot &&
    spawnSync('setpriv', [...nobody.slice(1), 'sh', '-c', 'test -r cli/herald.ts && unshare -Urmn true'], { cwd: root }).status === 0;
  it.skipIf(!can)(
    'demo runs for a normal user (skipped without root to become one, or where that user may not make namespaces)',
    async () => {
      const { child, said, ended } = start([...nobody, process.execPath, '--import', 'tsx', 'cli/herald.ts', 'playground', 'demo']);
      expect(await ended, said()).toBe(0);
      expect(said()).toMatch(/answered again after \d+\.\d\d s/);
      expect(leftovers(`demo-${child.pid}`)).toEqual([]);
    },
  );

  it.each(['SIGINT', 'SIGKILL'] as const)('demo leaves nothing after %s in the middle', async signal => {
    const { child, said, ended } = herald('playground', 'demo');
    await until('the tour to be on its way', () => said().includes('4. Services'), 60_000);
    child.kill(signal);
    const code = await ended;
    if (signal === 'SIGINT') expect(code).toBe(130);
    await until('everything to be gone', () => leftovers(`demo-${child.pid}`).length === 0, 10_000);
  });

  it('up, kubeconfig, exec, fail, heal, down', async () => {
    const name = `cli-${process.pid}`;
    expect(await run('up', '--detach', '--nodes', '2', '--name', name)).toContain('export KUBECONFIG=');
    try {
      expect(await run('kubeconfig', '--name', name)).toMatch(/kubeconfig$/m);
      expect(await run('exec', '--name', name, 'dn1', '--', 'ip', '-o', '-4', 'addr', 'show', 'eth0')).toContain('192.168.150.41/24');
      expect(await run('apply', '--name', name, '-f', 'examples/services/nginx-svc.yaml')).toContain('services/nginx-svc applied');
      expect(await run('get', '--name', name, 'svc')).toMatch(/nginx-svc +LoadBalancer .*<pending>/);
      if (FrrRouter.missing() === undefined) {
        expect(await run('router', '--name', name)).toContain('192.168.150.1, AS 64501');
        expect(await run('router', '--name', name, 'show bgp summary')).toContain('No BGP neighbors found');
      }
      await run('fail', '--name', name, 'dn1');
      await run('heal', '--name', name, 'dn1');
      const wrong = herald('playground', 'fail', '--name', name, 'dn9');
      expect(await wrong.ended).not.toBe(0);
      expect(wrong.said()).toContain('there is no node dn9; nodes: dn0, dn1');
    } finally {
      await run('down', '--name', name);
    }
    expect(leftovers(name)).toEqual([]);
  });
});
