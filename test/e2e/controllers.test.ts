import { Playground, type Program } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const service = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } });

describe.skipIf(!canMakeNamespaces || !hasKubectl)('two controllers (skipped without namespaces or kubectl)', () => {
  let playground: Playground;

  beforeAll(async () => {
    const lease = ['--leader-elect-lease-duration', '3s', '--leader-elect-renew-deadline', '2s', '--leader-elect-retry-period', '500ms'];
    playground = await Playground.start({ name: 'e2e-controllers', nodes: 1, herald: false, controllerArguments: lease });
    await playground.startController();
    await playground.startController();
    await kubectl(playground, 'apply', '-f', 'examples/layer2');
  });
  afterAll(async () => playground?.stop());

  const create = async (name: string): Promise<string> => {
    const result = await playground.kubectl(['create', '-f', '-'], { input: service(name) });
    expect(result.stderr).toBe('');
    return externalIp(playground, name);
  };
  const holder = async (): Promise<string> =>
    (await kubectl(playground, 'get', 'lease', '-n', 'herald-system', '-o', 'jsonpath={.items[0].spec.holderIdentity}')).trim();
  /** The program behind an identity that ends in its process id. */
  const leader = async (): Promise<Program> => {
    const identity = await until('a leader', async () => (await holder()) || undefined);
    const found = playground.controllers.find(program => program.running && identity.endsWith(`_${program.pid}`));
    if (!found) throw new Error(`the leader ${identity} is none of ${playground.controllers.map(program => program.pid).join(', ')}`);
    return found;
  };

  it('one works, the other waits', async () => {
    const ip = await create('first');
    expect(ip).toBe('192.168.150.240');
    expect(playground.controllers.filter(program => program.running)).toHaveLength(2);
  });

  it('the other takes over when the leader is killed, and renumbers nothing', async () => {
    const dead = await leader();
    await dead.kill();
    expect(await create('second')).toBe('192.168.150.241');
    expect(await externalIp(playground, 'first')).toBe('192.168.150.240');
    expect((await leader()).pid).not.toBe(dead.pid);
  });

  it('a leader that exits cleanly gives the lease back, so that the other need not wait for it to expire', async () => {
    await playground.startController();
    const old = await leader();
    expect(await old.stop()).toBe(0);
    expect((await leader()).pid).not.toBe(old.pid);
    expect(await create('third')).toBe('192.168.150.242');
  });
});
