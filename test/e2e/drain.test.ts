import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, canMakeNamespaces, hasKubectl, kubectl } from './cluster.ts';
import { EchoService, IPV4 } from './echo-service.ts';
import { until } from './wait.ts';

/** TCP connections of both families. UDP flows end by silence alone, which a test need not wait for. */
const ALL = 120;

interface Command {
  child: ChildProcess;
  said: () => string;
  ended: Promise<number | null>;
}

const pod = (name: string) => [{ name, labels: { app: 'web' }, ports: [{ port: 80 }] }];

describe.skipIf(!canMakeNamespaces || !hasKubectl)('a node is drained for maintenance (skipped without namespaces or kubectl)', () => {
  let service: EchoService;
  let path = '';

  beforeAll(async () => {
    service = await EchoService.start({ name: 'e2e-drain' }, { udp: 0 });
    const { directory, heraldCommand } = service.playground;
    path = join(directory, 'bin');
    await mkdir(path);
    for (const name of ['herald', 'kubectl-herald']) await symlink(heraldCommand.at(-1) ?? '', join(path, name));
  });
  afterAll(async () => service?.stop());

  /** A command as its user runs it: from the PATH, with a kubeconfig in the environment. */
  function start(...[file = '', ...words]: string[]): Command {
    const env = { ...process.env, PATH: `${path}:${process.env['PATH']}`, KUBECONFIG: service.playground.kubeconfig };
    const child = spawn(file, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise<number | null>(resolve => child.once('exit', resolve));
    return { child, said: () => said, ended };
  }

  async function run(...words: string[]): Promise<{ code: number | null; said: string }> {
    const { ended, said } = start(...words);
    const code = await ended;
    return { code, said: said() };
  }

  /** Watches a move with all connections open, ends them, and waits for the end of the command. */
  async function gently(command: Command, to: string): Promise<void> {
    await until('the old node to forward for those it has', () => /draining, \d+ flows left/.test(command.said()));
    await sleep(3_000);
    const from = to === 'dn0' ? 'dn1' : 'dn0';
    const table = await kubectl(service.playground, 'get', 'announcements', 'echo');
    expect(table).toMatch(/NODE +SINCE +DRAINING +WHY NOT/);
    expect(table).toMatch(new RegExp(`^echo +192\\.168\\.150\\.200 +layer2 +${to} +\\S+ +${from}`, 'm'));
    expect(await kubectl(service.playground, 'get', 'announcements', 'echo', '-o', 'wide')).toMatch(
      new RegExp(`${from} +fd00:150::1:200 +${to} +lan `),
    );
    const { losses, kept, opened } = await service.lost();
    expect(losses).toEqual([]);
    expect(kept).toBe(ALL);
    expect(opened).toBeGreaterThan(20);
    expect(command.child.exitCode).toBeNull();
    await service.connections.pause();
    expect(await command.ended, command.said()).toBe(0);
    await service.owned(to);
    await service.connections.resume();
  }

  it('shows what would move, as a plugin of kubectl, and moves nothing', async () => {
    const { code, said } = await run('kubectl', 'herald', 'drain', 'dn0', '--dry-run');
    expect(said).toBe('192.168.150.200  layer2  dn0 → dn1  default/echo\nfd00:150::1:200  layer2  dn0 → dn1  default/echo\n');
    expect(code).toBe(0);
    expect(await kubectl(service.playground, 'get', 'node', 'dn0', '-o', 'jsonpath={.metadata.annotations}')).not.toContain('drain');
  });

  it.each([
    ['a node that is not there', ['drain', 'dn9'], 'there is no node dn9; nodes: dn0, dn1, dn2'],
    ['a time that is none', ['drain', 'dn0', '--timeout', '5'], 'is not a duration: write it like 15s'],
  ])('refuses %s', async (_, words, message) => {
    const { code, said } = await run('herald', ...words);
    expect(said).toContain(message);
    expect(code).toBe(1);
  });

  it('moves its addresses without breaking a connection, and ends when the last one has ended', async () => {
    await service.lost();
    const drain = start('herald', 'drain', 'dn0', '--timeout', '60s');
    await gently(drain, 'dn1');
    expect(drain.said()).toMatch(/192\.168\.150\.200 +layer2 +dn0 → dn1 +moved/);
    expect(drain.said()).toContain('dn0 is drained; when the maintenance is over: herald undrain dn0');
    expect(await kubectl(service.playground, 'get', 'node', 'dn0', '-o', 'jsonpath={.metadata.annotations.heraldlb\\.io/drain}')).toBe(
      '1m',
    );
  });

  it('does not drain the last node that can announce an address', async () => {
    const { code, said } = await run('herald', 'drain', 'dn1');
    expect(said).toMatch(/dn1 → nobody/);
    expect(said).toContain('nobody else can announce 192.168.150.200, fd00:150::1:200: nothing was changed');
    expect(code).toBe(1);
  });

  it('takes nothing back when it is undrained, until a rebalance asks for it, which breaks no connection either', async () => {
    expect(await run('herald', 'undrain', 'dn0')).toEqual({
      code: 0,
      said: 'dn0 may announce again; what moved stays where it is, herald rebalance moves it back\n',
    });
    expect((await run('herald', 'undrain', 'dn0')).said).toBe('dn0 is not drained\n');
    await until('a rebalance to have something to do', async () =>
      (await run('herald', 'rebalance', '--dry-run')).said.includes('dn1 → dn0'),
    );
    await service.lost();
    const rebalance = start('herald', 'rebalance');
    await gently(rebalance, 'dn0');
    expect(rebalance.said()).toMatch(/2 addresses moved\n$/);
    expect((await run('herald', 'rebalance', '--dry-run')).said).toBe('every address is announced by the node it is meant for\n');
  });

  it('goes on without the command, and says so, when Ctrl-C is pressed; connections that are left when the time is over are named', async () => {
    await service.lost();
    const first = start('herald', 'drain', 'dn0', '--timeout', '12s');
    await until('the move to begin', () => first.said().includes('draining'));
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(130);
    expect(first.said()).toContain('the drain goes on; herald drain dn0 shows how far it is, herald undrain dn0 ends it');
    const { code, said } = await run('herald', 'drain', 'dn0');
    expect(said).toMatch(/not everything ended in time:\n +192\.168\.150\.200 +layer2 +dn0 → dn1 +draining, \d+ flows left/);
    expect(code).toBe(1);
    await service.owned('dn1');
  });

  it('under externalTrafficPolicy Local leaves a node whose endpoints are ending, and lets them serve those they have', async () => {
    const { playground, connections } = service;
    await run('herald', 'undrain', 'dn0');
    const [from = '', to = ''] = (await service.owners()).includes('dn0') ? ['dn0', 'dn1'] : ['dn1', 'dn0'];
    const [leaving, ready] = [`local-${from}`, `local-${to}`];
    await connections.pause();
    await playground.addPods({ [from]: pod(leaving), [to]: pod(ready) });
    await kubectl(playground, 'patch', 'service', 'echo', '-p', '{"spec":{"externalTrafficPolicy":"Local"}}');
    await until('the endpoint of the announcing node to answer', async () => (await ask(playground, IPV4, 80))?.startsWith(leaving));
    await service.owned(from);
    await connections.resume();
    await service.lost();

    await kubectl(playground, 'delete', 'pod', leaving, '--grace-period=300', '--wait=false');
    await until('a node with a ready endpoint to take new clients', async () => {
      // As one that has not heard of the address yet: the router has, as a gateway.
      await playground.exec('router', ['ip', 'neigh', 'flush', 'to', IPV4]);
      const { stdout } = await playground.exec('router', ['curl', '-s', '-m', '2', `http://${IPV4}/`]);
      return stdout.startsWith(ready);
    });
    await sleep(3_000);
    const { losses, kept, opened } = await service.lost();
    expect(losses).toEqual([]);
    expect(kept).toBe(ALL);
    expect(opened).toBeGreaterThan(20);
    // It is the old node that they go through, until they have ended.
    const owners = JSON.parse(await kubectl(playground, 'get', 'announcements', 'echo', '-o', 'jsonpath={.status.owners}')) as object[];
    expect(owners).toHaveLength(2);
    for (const owner of owners) expect(owner).toMatchObject({ node: to, draining: { node: from } });
    await connections.pause();
    await service.owned(to);
    await connections.resume();
    await until('new connections on the new node', async () => (await ask(playground, IPV4, 80))?.startsWith(ready));
  });
});
