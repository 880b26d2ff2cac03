import { DEMO_PODS, Playground } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, canMakeNamespaces, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const nodes = ['192.168.150.40', '192.168.150.41', '192.168.150.42'];

/** The addresses in the status of a Service. */
const listed = async (playground: Playground, service: string): Promise<string[]> => {
  const text = await kubectl(playground, 'get', 'svc', service, '-o', 'jsonpath={.status.loadBalancer.ingress[*].ip}');
  return text === '' ? [] : text.split(' ');
};
const lists = (playground: Playground, service: string, addresses: readonly string[], timeout?: number) =>
  until(
    `${service} to list ${addresses.join(', ')}`,
    async () => ((await listed(playground, service)).join() === addresses.join() ? true : undefined),
    timeout,
  );

describe.skipIf(!canMakeNamespaces || !hasKubectl)('node mode (skipped without namespaces or kubectl)', () => {
  let playground: Playground;

  beforeAll(async () => {
    playground = await Playground.start({ name: 'e2e-node-mode' });
    await playground.addPods(DEMO_PODS);
  });
  afterAll(async () => playground?.stop());

  it('lists the nodes, and each of them answers: with kube-proxy in nftables mode the status is all it takes', async () => {
    await kubectl(playground, 'apply', '-f', 'examples/node-mode/service.yaml');
    await lists(playground, 'web-on-nodes', nodes);
    for (const address of nodes)
      expect(await until(`an answer from ${address}`, () => ask(playground, address, 8081))).toMatch(/ on dn[012], client /);
    // No pod, no daemon set, no Announcement: nothing but the status.
    expect(await kubectl(playground, 'get', 'announcements', '-A', '--no-headers')).toBe('');
  });

  it('keeps a node whose speaker restarts: its kernel answers', async () => {
    const version = () => kubectl(playground, 'get', 'svc', 'web-on-nodes', '-o', 'jsonpath={.metadata.resourceVersion}');
    const before = await version();
    await playground.speakers.get('dn1')?.kill();
    await until('the others to notice', async () => {
      const answering = await kubectl(playground, 'get', 'speakers', 'dn0', '-o', 'jsonpath={.status.segments[0].peersAnswering}');
      return answering === '["dn1"]';
    });
    await new Promise(resolve => setTimeout(resolve, 6_000));
    await playground.startSpeaker(playground.node('dn1'));
    expect(await version()).toBe(before);
  });

  it('drops a dead node although the control plane still believes in it, and takes it back', async () => {
    await playground.fail('dn2', 300_000);
    const cut = Date.now();
    await lists(playground, 'web-on-nodes', nodes.slice(0, 2), 20_000);
    console.log(`gone from the list ${Date.now() - cut} ms after the power cut`);
    expect(await kubectl(playground, 'get', 'node', 'dn2', '--no-headers')).toMatch(/dn2 +Ready/);
    expect(await kubectl(playground, 'describe', 'svc', 'web-on-nodes')).toContain(`-> [${nodes.slice(0, 2).join(', ')}]`);
    await playground.heal('dn2');
    await lists(playground, 'web-on-nodes', nodes);
  });
});

describe.skipIf(!canMakeNamespaces || !hasKubectl)('node mode under IPVS (skipped without namespaces or kubectl)', () => {
  let playground: Playground;

  beforeAll(async () => {
    playground = await Playground.start({
      name: 'e2e-node-mode-ipvs',
      nodes: 2,
      kubeProxy: 'ipvs',
      speakerArguments: ['--node-forwarding', 'true'],
    });
    await playground.addPods({ dn1: DEMO_PODS.dn1 });
  });
  afterAll(async () => playground?.stop());

  const both = ['192.168.150.40', '192.168.150.41', 'fd00:150::40', 'fd00:150::41'];
  const reaches = async (from: string, to: string) => (await playground.exec(from, ['ping', '-c', '1', '-W', '2', to])).code === 0;
  const rules = async (node: string) => (await playground.exec(node, ['nft', 'list', 'table', 'inet', 'herald'])).stdout;
  const service = (name: string, port: number, spec: object) =>
    playground.kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name },
        spec: {
          type: 'LoadBalancer',
          loadBalancerClass: 'heraldlb.io/node',
          ipFamilyPolicy: 'RequireDualStack',
          selector: { app: 'nginx' },
          ports: [{ port, targetPort: 80 }],
          ...spec,
        },
      }),
    });

  it('shows the trap: a node address as a VIP cuts the other nodes off from the node', async () => {
    expect(await reaches('dn0', '192.168.150.41')).toBe(true);
    const trap = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'trap' },
      spec: { externalIPs: ['192.168.150.41'], ports: [{ port: 9 }] },
    };
    expect((await playground.kubectl(['apply', '-f', '-'], { input: JSON.stringify(trap) })).code).toBe(0);
    await until('dn0 to take the address of dn1 for its own', async () => {
      const { stdout } = await playground.exec('dn0', ['ip', 'route', 'get', '192.168.150.41']);
      return stdout.startsWith('local');
    });
    await kubectl(playground, 'delete', 'service', 'trap');
    await until('dn0 to find dn1 again', () => reaches('dn0', '192.168.150.41'));
  });

  it('lists the nodes for kube-proxy to leave alone, and the speakers forward to the endpoints in both families', async () => {
    expect((await service('web', 8081, {})).code).toBe(0);
    await lists(playground, 'web', both);
    const modes = await kubectl(playground, 'get', 'svc', 'web', '-o', 'jsonpath={.status.loadBalancer.ingress[*].ipMode}');
    expect(modes).toBe('Proxy Proxy Proxy Proxy');
    for (const address of both)
      expect(await until(`an answer from ${address}`, () => ask(playground, address, 8081))).toMatch(/ on dn1, client /);
    expect(await reaches('dn0', '192.168.150.41')).toBe(true);
    expect(await rules('dn0')).toContain('ip daddr 192.168.150.40 tcp dport 8081 jump to-0');
    // A process of the node itself is served, too.
    expect((await playground.exec('dn0', ['curl', '-sS', '-m', '2', 'http://192.168.150.40:8081/'])).stdout).toMatch(/ on dn1, client /);
  });

  it('keeps the address of the client under Local, on the nodes with an endpoint', async () => {
    expect((await service('local', 8082, { externalTrafficPolicy: 'Local' })).code).toBe(0);
    await lists(playground, 'local', [both[1] ?? '', both[3] ?? '']);
    const answer = await until('an answer', () => ask(playground, '192.168.150.41', 8082));
    expect(answer).toContain(`client ${playground.topology.client.ipv4}`);
    expect(await rules('dn0')).not.toContain('8082');
  });

  it('lets in only the clients it shall', async () => {
    expect((await service('few', 8083, { loadBalancerSourceRanges: ['10.9.0.0/16', 'fd00:150::/64'] })).code).toBe(0);
    await lists(playground, 'few', both);
    expect(await until('an answer', () => ask(playground, 'fd00:150::40', 8083))).toContain(' on dn1');
    expect(await ask(playground, '192.168.150.40', 8083)).toBeUndefined();
  });

  it('serves on while the speaker restarts', async () => {
    await playground.speakers.get('dn0')?.kill();
    expect(await ask(playground, '192.168.150.40', 8081)).toContain(' on dn1');
    await playground.startSpeaker(playground.node('dn0'));
    expect(await ask(playground, '192.168.150.40', 8081)).toContain(' on dn1');
  });

  it('takes the rules away with the last Service', async () => {
    await kubectl(playground, 'delete', 'service', 'few', 'local');
    await until('the rules of one Service', async () => !(await rules('dn1')).includes('8082'));
    await kubectl(playground, 'delete', 'service', 'web');
    for (const node of ['dn0', 'dn1']) await until(`no table on ${node}`, async () => (await rules(node)) === '');
  });

  it('refuses, with the reason, where the speakers may not forward', async () => {
    expect((await service('web', 8081, {})).code).toBe(0);
    await lists(playground, 'web', both);
    for (const node of playground.topology.nodes) {
      await playground.speakers.get(node.name)?.stop(5_000);
      await playground.startSpeaker(node, ['--node-forwarding', 'false']);
    }
    await lists(playground, 'web', []);
    expect(await kubectl(playground, 'get', 'svc', 'web', '-o', 'jsonpath={.status.conditions[0].reason}')).toBe('KubeProxyIPVS');
    for (const node of ['dn0', 'dn1']) await until(`no table on ${node}`, async () => (await rules(node)) === '');
  });
});
