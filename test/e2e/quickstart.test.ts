import { existsSync } from 'node:fs';
import { DEMO_PODS, Playground, Probe } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announcer, ask, canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const SERVICES = ['nginx-svc', 'kubia-loadbalancer', 'my-nginx-svc', 'test1-two'];
const PORTS: Record<string, number[]> = {
  'nginx-svc': [8080],
  'kubia-loadbalancer': [80],
  'my-nginx-svc': [80],
  'test1-two': [2180, 3180],
};

describe.skipIf(!canMakeNamespaces || !hasKubectl)('a Service gets an address that answers (skipped without namespaces or kubectl)', () => {
  let playground: Playground;

  beforeAll(async () => {
    playground = await Playground.start({ name: 'e2e-quickstart' });
    await playground.addPods(DEMO_PODS);
  });
  afterAll(async () => playground?.stop());

  it('1. kubectl sees a cluster', async () => {
    expect(await kubectl(playground, 'get', '--raw', '/readyz')).toBe('ok');
    const nodes = (await kubectl(playground, 'get', 'nodes', '--no-headers')).trim().split('\n');
    expect(nodes.map(line => line.split(/\s+/).slice(0, 2))).toEqual([
      ['dn0', 'Ready'],
      ['dn1', 'Ready'],
      ['dn2', 'Ready'],
    ]);
  });

  it('2. the nodes stand on one LAN, each with a speaker and Service forwarding', async () => {
    for (const node of playground.topology.nodes) {
      const { stdout } = await playground.exec('client', [
        'curl',
        '-sS',
        '-m',
        '2',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        `http://${node.ipv4}:10256/`,
      ]);
      expect(stdout).toBe('000');
      expect(await announcer(playground, node.ipv4)).toEqual(node);
      expect((await playground.exec(node.name, ['nft', 'list', 'table', 'ip', 'playground-services'])).code).toBe(0);
      expect((await playground.exec(node.name, ['curl', '-sS', '-m', '2', 'http://127.0.0.1:9125/healthz'])).code).toBe(0);
    }
  });

  it('3. pods with endpoints, as a user would see them', async () => {
    expect(await kubectl(playground, 'get', 'pods', '--no-headers')).toMatch(/nginx-1 +1\/1 +Running/);
  });

  it('4. Services wait for a pool, then each has an address of its own', async () => {
    await kubectl(playground, 'apply', ...SERVICES.flatMap(name => ['-f', `examples/services/${name}.yaml`]));
    for (const name of SERVICES) expect(await kubectl(playground, 'get', 'svc', name, '--no-headers')).toContain('<pending>');
    const why = await until('a reason for nginx-svc', async () => {
      const text = await kubectl(
        playground,
        'get',
        'svc',
        'nginx-svc',
        '-o',
        'jsonpath={.status.conditions[?(@.type=="heraldlb.io/Allocated")]}',
      );
      return text === '' ? undefined : (JSON.parse(text) as { status: string; reason: string; message: string });
    });
    expect(why).toMatchObject({ status: 'False' });
    expect(why.reason).toMatch(/^[A-Z][A-Za-z]+$/);

    await kubectl(playground, 'apply', '-f', 'examples/layer2');
    const addresses = await Promise.all(SERVICES.map(name => externalIp(playground, name)));
    expect(new Set(addresses).size).toBe(SERVICES.length);
    for (const ip of addresses) expect(ip).toMatch(/^192\.168\.150\.24\d$/);
    expect(await kubectl(playground, 'get', 'ipaddresspools', '-n', 'herald-system')).toContain('192.168.150.240-192.168.150.250');
  });

  it('5. a client that sees only the LAN gets answers, from the node whose MAC it holds', async () => {
    for (const name of SERVICES) {
      const ip = await externalIp(playground, name);
      for (const port of PORTS[name] ?? []) {
        const body = await until(`an answer from ${name}:${port}`, () => ask(playground, ip, port));
        expect(body).toMatch(/ on dn[12], client /);
      }
      const node = await announcer(playground, ip);
      expect(node?.name).toMatch(/^dn[012]$/);
      const owners = await until('an owner in the status of the Announcement', async () => {
        const text = await kubectl(playground, 'get', 'announcements', name, '-o', 'jsonpath={.status.owners[*].node}');
        return text === '' ? undefined : text;
      });
      expect(owners).toBe(node?.name);
    }
    expect(await kubectl(playground, 'describe', 'svc', 'nginx-svc')).toMatch(/LoadBalancer Ingress: +192\.168\.150\.24\d/);
  });

  it('6. the announcing node loses its power: another one answers, and the first takes nothing back', async () => {
    const ip = await externalIp(playground, 'nginx-svc');
    const before = await until('an announcing node', () => announcer(playground, ip));
    const probe = new Probe(playground, ip, 8080, { interval: 10, duration: 60_000 });
    try {
      expect(await probe.first(answer => answer.ok, 5_000)).toBeDefined();
      const cut = Date.now();
      await playground.fail(before.name);
      const dark = Date.now();
      const back = await probe.first(answer => answer.ok && answer.at > dark, 30_000);
      expect(back).toBeDefined();
      console.log(`answered again ${(back?.at ?? 0) - cut} ms after the power cut`);
      const after = await announcer(playground, ip);
      expect(after).toBeDefined();
      expect(after?.name).not.toBe(before.name);
      await playground.heal(before.name);
      await until(
        'the status to name the new owner',
        async () =>
          (await kubectl(playground, 'get', 'announcements', 'nginx-svc', '-o', 'jsonpath={.status.owners[*].node}')) === after?.name,
      );
      expect((await announcer(playground, ip))?.name).toBe(after?.name);
    } finally {
      await probe.stop();
    }
  });

  it('7. a Service that becomes a ClusterIP loses its address, and nobody answers for it', async () => {
    const ip = await externalIp(playground, 'nginx-svc');
    await kubectl(playground, 'patch', 'svc', 'nginx-svc', '-p', '{"spec":{"type":"ClusterIP"}}');
    expect((await kubectl(playground, 'get', 'svc', 'nginx-svc', '--no-headers')).trim().split(/\s+/)[3]).toBe('<none>');
    await until('nobody to answer ARP requests', async () => {
      await playground.exec('client', ['ip', 'neigh', 'flush', 'dev', 'eth0']);
      await ask(playground, ip, 8080);
      return (await announcer(playground, ip)) === undefined;
    });
  });

  it('8. a Deployment made with kubectl gets pods that answer behind an address, and they end with it', async () => {
    await kubectl(playground, 'create', 'deployment', 'hello', '--image=nginx', '--port=80', '--replicas=3');
    await kubectl(playground, 'expose', 'deployment', 'hello', '--type=LoadBalancer');
    const ip = await externalIp(playground, 'hello');
    const places = await until('three pods', async () => {
      const text = await kubectl(playground, 'get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].spec.nodeName}');
      return text.split(' ').length === 3 ? text : undefined;
    });
    expect(places.split(' ').sort()).toEqual(['dn0', 'dn1', 'dn2']);
    expect(await until('an answer', () => ask(playground, ip, 80))).toMatch(/^hello-\S+ on dn\d, client /);
    await kubectl(playground, 'delete', 'deployment', 'hello');
    await until('the pods to end', async () => (await kubectl(playground, 'get', 'pods', '-l', 'app=hello', '-o', 'name')) === '');
    expect(await ask(playground, ip, 80)).toBeUndefined();
  });

  it('9. nothing stays behind', async () => {
    const { directory } = playground;
    const pids = [...playground.speakers.values(), ...playground.controllers].map(program => program.pid);
    await playground.stop();
    expect(existsSync(directory)).toBe(false);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});
