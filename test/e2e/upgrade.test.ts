import { cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Speaker } from '@herald/crds';
import { DEMO_PODS, FrrRouter, Playground, UdpProbe } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
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

/** What is on the nodes is replaced by a bundle that calls itself another version; processes that run go on with what they have. */
function installVersion(directory: string, version: string): void {
  const old = join(directory, 'herald');
  const next = join(directory, `herald-${version}`);
  cpSync(old, next, { recursive: true });
  let replaced = 0;
  for (const file of readdirSync(next).filter(name => name.endsWith('.mjs'))) {
    const text = readFileSync(join(next, file), 'utf8');
    const changed = text.replaceAll(/(name:"@herald\/cli",version:)"[^"]+"/g, `$1"${version}"`);
    if (changed === text) continue;
    writeFileSync(join(next, file), changed);
    replaced++;
  }
  expect(replaced, 'files that tell the version').toBeGreaterThan(0);
  renameSync(old, join(directory, 'herald-before'));
  renameSync(next, old);
}

const able = canMakeNamespaces && hasKubectl && FrrRouter.missing() === undefined;

describe.skipIf(!able)('an upgrade (skipped without namespaces, kubectl or FRR)', () => {
  let playground: Playground;

  beforeAll(async () => {
    playground = await Playground.start({ name: 'e2e-upgrade' });
    await playground.startRouter();
    await playground.addPods(DEMO_PODS);
    const input = [CONFIGURATION, service('layer2', 'lan'), service('bgp', 'bgp')].join('---');
    const result = await playground.kubectl(['apply', '-f', '-'], { input });
    expect(result.stderr).toBe('');
  });
  afterAll(async () => playground?.stop());

  const speakers = async (): Promise<Speaker[]> =>
    (JSON.parse(await kubectl(playground, 'get', 'speakers.heraldlb.io', '-o', 'json')) as { items: Speaker[] }).items;
  const versions = async (): Promise<Set<string | undefined>> => new Set((await speakers()).map(({ status }) => status?.version));
  const owner = (): Promise<string> =>
    kubectl(playground, 'get', 'announcements.heraldlb.io', 'layer2', '-o', 'jsonpath={.status.owners[0].node}');

  it('node by node and replica by replica loses no request to an address of either kind, and moves none', async () => {
    const layer2 = await externalIp(playground, 'layer2');
    const bgp = await externalIp(playground, 'bgp');
    const before = await until('an owner', async () => (await owner()) || undefined);
    await until('three next hops', async () => {
      const { stdout } = await playground.exec('router', ['ip', 'route', 'show', bgp]);
      return [...stdout.matchAll(/via/g)].length === 3;
    });
    const [old] = [...(await versions())];
    installVersion(playground.directory, '99.0.0');
    const fromLan = await UdpProbe.start(playground, layer2, 80, { interval: 5 });
    const fromOutside = await UdpProbe.start(playground, bgp, 80, { interval: 5, host: 'outside' });

    // As a Deployment with maxSurge 1 does it, then a DaemonSet with maxUnavailable 1.
    await playground.startController();
    expect(await playground.controllers[0]?.stop()).toBe(0);
    const mixed: Set<string | undefined>[] = [];
    for (const node of playground.topology.nodes) {
      expect(await playground.speakers.get(node.name)?.stop()).toBe(0);
      await playground.startSpeaker(node);
      await until(`version 99.0.0 on ${node.name}, and all of them hear each other`, async () => {
        const all = await speakers();
        const upgraded = all.find(({ metadata }) => metadata.name === node.name)?.status?.version === '99.0.0';
        return upgraded && all.every(({ status }) => status?.segments?.some(({ peersHeard }) => peersHeard?.length === 2));
      });
      mixed.push(await versions());
    }

    const results = await Promise.all([fromLan.stop(), fromOutside.stop()]);
    for (const { sent, answered, blackouts } of results) {
      expect(blackouts).toEqual([]);
      expect(answered).toBe(sent);
      expect(sent).toBeGreaterThan(500);
    }
    expect(mixed).toEqual([new Set([old, '99.0.0']), new Set([old, '99.0.0']), new Set(['99.0.0'])]);
    expect(await owner()).toBe(before);

    // The new controller works with the objects of the old one.
    const result = await playground.kubectl(['apply', '-f', '-'], { input: service('after', 'lan') });
    expect(result.stderr).toBe('');
    expect(await externalIp(playground, 'after')).not.toBe(layer2);
  });
});
