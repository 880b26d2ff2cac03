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
