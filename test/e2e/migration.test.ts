import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Connections, DEMO_PODS, Playground, Probe, run } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetalLB } from '../metallb/metallb.ts';
import { announcer, ask, canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const SERVICES = ['nginx-svc', 'kubia-loadbalancer', 'my-nginx-svc'];

const web = (name: string) => [{ name, labels: { app: 'web' }, ports: [{ port: 80 }] }];

/** The longest time without an answer (ms). */
function darkest(answers: readonly Answer[]): number {
  const good = answers.filter(({ ok }) => ok).map(({ at }) => at);
  return Math.max(0, ...good.slice(1).map((at, index) => at - (good[index] ?? at)));
}

const owners = (playground: Playground): Promise<string> =>
  kubectl(playground, 'get', 'announcements', '-o', 'jsonpath={range .items[*]}{.status.owners[*].ip}={.status.owners[*].node} {end}');

describe.skipIf(!canMakeNamespaces || !hasKubectl)('a cluster moves from MetalLB (skipped without namespaces or kubectl)', () => {
  let playground: Playground;
  let metallb: MetalLB;
  let before: string[];
  let probe: Probe;
  let connections: Connections;

  const addresses = (): Promise<string[]> => Promise.all(SERVICES.map(name => externalIp(playground, name)));
  const herald = ['--read-metallb'];

  beforeAll(async () => {
    playground = await Playground.start({ name: 'e2e-metallb', herald: false });
    await playground.addPods(DEMO_PODS);
    metallb = await MetalLB.install(playground);
    await kubectl(playground, 'apply', ...SERVICES.flatMap(name => ['-f', `examples/services/${name}.yaml`]));
    before = await addresses();
    await until('MetalLB to answer', () => ask(playground, before[0] ?? '', 8080));
    probe = new Probe(playground, before[0] ?? '', 8080, { interval: 10, duration: 120_000 });
    connections = await Connections.start(playground, [{ name: 'kubia', address: before[1] ?? '', port: 80 }], { tcp: 20, udp: 0 });
  });
  afterAll(async () => {
    await probe?.stop();
    await connections?.stop();
    await metallb?.stop();
    await playground?.stop();
  });

  it("1. MetalLB's controller goes, Herald comes, and leaves each address with the node that MetalLB answers from", async () => {
    expect(new Set(before).size).toBe(SERVICES.length);
    await kubectl(playground, '-n', 'metallb-system', 'scale', 'deployment', 'controller', '--replicas=0');
    await playground.startController(herald);
    // One node after the other, as a DaemonSet comes up: the first finds MACs that it cannot know yet.
    for (const node of playground.topology.nodes) await playground.startSpeaker(node, herald);
    const expected = before.map(ip => `${ip}=${metallb.elected(ip)}`).toSorted();
    await until(
      'an owner for each address',
      async () => (await owners(playground)).trim().split(' ').toSorted().join() === expected.join(),
    );
    expect(await addresses()).toEqual(before);
  });

  it("2. MetalLB's speakers go, and no request fails", async () => {
    await kubectl(playground, '-n', 'metallb-system', 'delete', 'daemonset', 'speaker');
    await sleep(3_000);
    await playground.exec('client', ['ip', 'neigh', 'flush', 'dev', 'eth0']);
    await until('an answer by Herald alone', () => ask(playground, before[0] ?? '', 8080));
    expect((await announcer(playground, before[0] ?? ''))?.name).toBe(metallb.elected(before[0] ?? ''));
    const [report] = await connections.report();
    const failed = probe.answers.filter(({ ok }) => !ok);
    console.log(
      `moved from MetalLB: ${probe.answers.length} requests, ${failed.length} failed, longest time without an answer ${darkest(probe.answers).toFixed(0)} ms; ${report?.tcp.open} connections, ${report?.tcp.broken.length} broken`,
    );
    expect(failed).toEqual([]);
    expect(report?.tcp.broken).toEqual([]);
    expect(report?.tcp.open).toBe(20);
  });

  it("3. Herald's own objects take over from MetalLB's, whose kinds then go, and nothing changes", async () => {
    const bundle = join(playground.directory, 'herald/herald.mjs');
    const words = [process.execPath, bundle, 'migrate', 'metallb', '--from-cluster', '--kubeconfig', playground.kubeconfig];
    const dry = await run([...words, '--dry-run']);
    for (const [index, name] of SERVICES.entries())
      expect(dry.stdout).toMatch(new RegExp(`default/${name} +${before[index]} +${before[index]} +keeps`));
    const { code, stdout, stderr } = await run(words);
    expect([code, stderr]).toEqual([0, '']);
    const applied = await playground.kubectl(['apply', '-f', '-'], { input: stdout });
    expect(applied.stdout).toContain('ipaddresspool.heraldlb.io/lan created');
    await until('the pool to be in use', async () => {
      const pool = await kubectl(
        playground,
        '-n',
        'herald-system',
        'get',
        'ipaddresspools.heraldlb.io',
        'lan',
        '-o',
        'jsonpath={.status.assigned}',
      );
      return pool === String(SERVICES.length);
    });
    await kubectl(playground, 'delete', '-f', join(import.meta.dirname, '../metallb/crds.yaml'));
    await kubectl(playground, 'apply', '-f', 'examples/services/test1-two.yaml');
    await externalIp(playground, 'test1-two');
    expect(await addresses()).toEqual(before);
    const events = await kubectl(playground, 'get', 'events', '-o', 'jsonpath={.items[*].reason}');
    expect(events).not.toMatch(/Address(Changed|Lost|Released)/);
    expect(probe.answers.filter(({ ok }) => !ok)).toEqual([]);
    expect((await connections.report())[0]?.tcp.broken).toEqual([]);
  });
});

describe.skipIf(!canMakeNamespaces || !hasKubectl)(
  'a cluster moves from externalIPs by hand (skipped without namespaces or kubectl)',
  () => {
    let playground: Playground;
    const node = '192.168.150.41';
    const free = '192.168.150.200';
    const probes: Probe[] = [];

    beforeAll(async () => {
      playground = await Playground.start({ name: 'e2e-externalips', nodes: 2 });
      await playground.addPods({ dn0: web('web-0'), dn1: web('web-1') });
      await kubectl(playground, 'apply', '-f', 'examples/migration/externalips.yaml');
      // By hand as well: somebody has to answer for an address that is no node's.
      await playground.exec('dn1', ['ip', 'address', 'add', `${free}/32`, 'dev', 'eth0']);
    });
    afterAll(async () => {
      await Promise.all(probes.map(probe => probe.stop()));
      await playground?.stop();
    });

    /** Cuts a node's power and tells how long the address was silent (ms); undefined: longer than `patience`. */
    async function silence(address: string, port: number, cut: string, patience: number): Promise<number | undefined> {
      const probe = new Probe(playground, address, port, { interval: 20, duration: 60_000 });
      probes.push(probe);
      expect(await probe.first(({ ok }) => ok, 10_000)).toBeDefined();
      const at = Date.now();
      await playground.fail(cut);
      const dark = Date.now();
      const back = await probe.first(answer => answer.ok && answer.at > dark, patience);
      return back === undefined ? undefined : back.at - at;
    }

    it('1. before: the node is down, and its address is dead although a pod of the Service lives elsewhere', async () => {
      expect(await silence(node, 82, 'dn1', 5_000)).toBeUndefined();
      expect(await ask(playground, free, 83)).toBeUndefined();
      await playground.heal('dn1');
      await until('the node to be back', () => ask(playground, node, 82));
      await until('the other address to be back', () => ask(playground, free, 83));
    });

    it('2. herald migrate externalips shows and writes the equivalent', async () => {
      const bundle = join(playground.directory, 'herald/herald.mjs');
      const words = [process.execPath, bundle, 'migrate', 'externalips', '--from-cluster', '--kubeconfig', playground.kubeconfig];
      const dry = await run([...words, '--dry-run']);
      expect(dry.stdout).toMatch(/default\/nginx-service-x +192\.168\.150\.41 +192\.168\.150\.40,192\.168\.150\.41 /);
      expect(dry.stdout).toMatch(/default\/turbo-gateway +192\.168\.150\.200 +192\.168\.150\.200 +keeps/);
      const { stdout } = await run(words);
      await playground.exec('dn1', ['ip', 'address', 'del', `${free}/32`, 'dev', 'eth0']);
      expect((await playground.kubectl(['apply', '-f', '-'], { input: stdout })).stderr).not.toContain('error');
      expect(await externalIp(playground, 'turbo-gateway')).toBe(free);
      await until(
        'both nodes',
        async () => (await externalIp(playground, 'nginx-service-x')).split(',').toSorted().join() === `192.168.150.40,${node}`,
      );
      await until(
        'an answer of either',
        async () => (await ask(playground, '192.168.150.40', 82)) !== undefined && ask(playground, node, 82),
      );
      await until('an answer of the kept address', () => ask(playground, free, 83));
    });

    it('3. after: the node is down, the kept address answers, and so does the Service of the node', async () => {
      const owner = await until('an owner', () => announcer(playground, free));
      const gap = await silence(free, 83, owner.name, 10_000);
      expect(gap).toBeDefined();
      const survivor = playground.topology.nodes.find(({ name }) => name !== owner.name);
      const at = Date.now();
      await until('the dead node to leave the list', async () => (await externalIp(playground, 'nginx-service-x')) === survivor?.ipv4);
      console.log(
        `node down: the kept address answered again after ${gap?.toFixed(0)} ms, the node was gone from the list ${Date.now() - at} ms later`,
      );
      expect(await until('an answer', () => ask(playground, survivor?.ipv4 ?? '', 82))).toContain(` on ${survivor?.name}`);
    });
  },
);
