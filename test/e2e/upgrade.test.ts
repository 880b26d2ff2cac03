import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Announcement, Speaker } from '@herald/crds';
import { DEMO_PODS, FrrRouter, Playground, run, UdpProbe } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { ADDED, NEXT_VERSION, writeNextDefinitions } from './next-version.ts';
import { until } from './wait.ts';

const CONFIGURATION = `
apiVersion: heraldlb.io/v1beta1
kind: IPAddressPool
metadata: { name: lan, namespace: herald-system }
spec: { addresses: [192.168.150.240/29] }
---
apiVersion: heraldlb.io/v1beta1
kind: L2Advertisement
metadata: { name: lan, namespace: herald-system }
spec: { ipAddressPools: [lan] }
---
apiVersion: heraldlb.io/v1beta1
kind: IPAddressPool
metadata: { name: bgp, namespace: herald-system }
spec: { addresses: [192.168.10.0/24], avoidBuggyIPs: true, autoAssign: false }
---
apiVersion: heraldlb.io/v1beta1
kind: BGPAdvertisement
metadata: { name: bgp, namespace: herald-system }
spec: { ipAddressPools: [bgp] }
---
apiVersion: heraldlb.io/v1beta1
kind: BGPPeer
metadata: { name: router, namespace: herald-system }
spec: { myASN: 64500, peerASN: 64501, peerAddress: 192.168.150.1, gracefulRestart: { restartTime: 60 } }
`;
const service = (name: string, pool: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, annotations: { heraldlb.io/address-pool: ${pool} } }
spec: { type: LoadBalancer, selector: { app: nginx }, ports: [{ port: 80, protocol: UDP }] }
`;

/** The bundle of the next version; its command. */
async function buildNext(directory: string): Promise<string[]> {
  const out = join(directory, 'herald-next');
  const plugin = fileURLToPath(new URL('./next-version.ts', import.meta.url));
  const words = [process.execPath, '--import', 'tsx', 'scripts/bundle.ts', out, plugin];
  const { code, stderr } = await run(words, { cwd: fileURLToPath(new URL('../..', import.meta.url)), timeout: 120_000 });
  expect(code, stderr).toBe(0);
  return [process.execPath, join(out, 'herald.mjs')];
}

const able = canMakeNamespaces && hasKubectl && FrrRouter.missing() === undefined;

describe.skipIf(!able)('an upgrade (skipped without namespaces, kubectl or FRR)', () => {
  let playground: Playground;

  beforeAll(async () => {
    playground = await Playground.start({ name: 'e2e-upgrade' });
    await playground.startRouter();
    await playground.addPods(DEMO_PODS);
    await apply([CONFIGURATION, service('layer2', 'lan'), service('bgp', 'bgp')].join('---'));
  });
  afterAll(async () => playground?.stop());

  const speakers = async (): Promise<Speaker[]> =>
    (JSON.parse(await kubectl(playground, 'get', 'speakers.heraldlb.io', '-o', 'json')) as { items: Speaker[] }).items;
  const versions = async (): Promise<Set<string | undefined>> => new Set((await speakers()).map(({ status }) => status?.version));
  const announcement = async (name: string): Promise<Announcement> =>
    JSON.parse(await kubectl(playground, 'get', 'announcements.heraldlb.io', name, '-o', 'json')) as Announcement;
  const owner = async (name: string): Promise<string | undefined> => (await announcement(name)).status?.owners?.[0]?.node;
  const apply = async (input: string): Promise<void> => expect((await playground.kubectl(['apply', '-f', '-'], { input })).stderr).toBe('');

  /** As a Deployment with maxSurge 1 does it, then a DaemonSet with maxUnavailable 1. The versions that were there after each node. */
  const roll = async (command: readonly string[], version: string): Promise<Set<string | undefined>[]> => {
    playground.heraldCommand = command;
    await playground.startController();
    expect(await playground.controllers.at(-2)?.stop()).toBe(0);
    const mixed: Set<string | undefined>[] = [];
    for (const node of playground.topology.nodes) {
      expect(await playground.speakers.get(node.name)?.stop()).toBe(0);
      await playground.startSpeaker(node);
      await until(`version ${version} on ${node.name}, and all of them hear each other`, async () => {
        const all = await speakers();
        const rolled = all.find(({ metadata }) => metadata.name === node.name)?.status?.version === version;
        return rolled && all.every(({ status }) => status?.segments?.some(({ peersHeard }) => peersHeard?.length === 2));
      });
      mixed.push(await versions());
    }
    return mixed;
  };

  it('to a version that says more, and back, loses no request to an address of either kind, and moves none', async () => {
    const layer2 = await externalIp(playground, 'layer2');
    const bgp = await externalIp(playground, 'bgp');
    const before = await until('an owner', () => owner('layer2'));
    await until('three next hops', async () => {
      const { stdout } = await playground.exec('router', ['ip', 'route', 'show', bgp]);
      return [...stdout.matchAll(/via/g)].length === 3;
    });
    const [old = ''] = [...(await versions())];
    const oldCommand = playground.heraldCommand;
    const nextCommand = await buildNext(playground.directory);
    const definitions = join(playground.directory, 'next-crds');
    writeNextDefinitions(definitions);
    const fromLan = await UdpProbe.start(playground, layer2, 80, { interval: 5 });
    const fromOutside = await UdpProbe.start(playground, bgp, 80, { interval: 5, host: 'outside' });

    await kubectl(playground, 'apply', '--server-side', '--force-conflicts', '-f', definitions);
    const both = new Set([old, NEXT_VERSION]);
    expect(await roll(nextCommand, NEXT_VERSION)).toEqual([both, both, new Set([NEXT_VERSION])]);
    // What this version does not know was there for it to read, and stayed.
    for (const { status } of await speakers()) expect(status).toMatchObject({ [ADDED]: NEXT_VERSION });
    expect((await announcement('layer2')).spec.addresses).toMatchObject([{ [ADDED]: 'address' }]);
    // It writes nothing of what it only goes on with.
    expect(await owner('layer2')).toBe(before);
    await apply(service('between', 'lan'));
    const between = await until('an owner of a Service that is new', () => owner('between'));
    expect((await announcement('between')).status?.owners).toMatchObject([{ [ADDED]: 'owner' }]);

    expect(await roll(oldCommand, old)).toEqual([both, both, new Set([old])]);
    const results = await Promise.all([fromLan.stop(), fromOutside.stop()]);
    for (const { sent, answered, blackouts } of results) {
      expect(blackouts).toEqual([]);
      expect(answered).toBe(sent);
      expect(sent).toBeGreaterThan(500);
    }
    expect([await owner('layer2'), await owner('between')]).toEqual([before, between]);

    // Each controller works with the objects of the other.
    await apply(service('after', 'lan'));
    expect([layer2, await externalIp(playground, 'between')]).not.toContain(await externalIp(playground, 'after'));
  });
});
