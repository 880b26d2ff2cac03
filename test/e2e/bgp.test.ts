import { readFileSync } from 'node:fs';
import { nodes } from '@herald/kube';
import { DEMO_PODS, FrrRouter, Playground, UdpProbe } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { counts, nextHops, paths } from './bgp-router.ts';
import { canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const CONFIGURATION = `
apiVersion: heraldlb.io/v1beta1
kind: IPAddressPool
metadata: { name: bgp, namespace: herald-system }
spec: { addresses: [192.168.10.0/24], avoidBuggyIPs: true }
---
apiVersion: heraldlb.io/v1beta1
kind: BGPAdvertisement
metadata: { name: bgp, namespace: herald-system }
spec: { ipAddressPools: [bgp], communities: ["64500:100"] }
---
apiVersion: heraldlb.io/v1beta1
kind: BFDProfile
metadata: { name: fast, namespace: herald-system }
spec: { receiveInterval: 100, transmitInterval: 100 }
---
apiVersion: heraldlb.io/v1beta1
kind: BGPPeer
metadata: { name: router, namespace: herald-system }
spec: { myASN: 64500, peerASN: 64501, peerAddress: 192.168.150.1, bfdProfile: fast }
`;
const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: LoadBalancer, selector: { app: nginx }, ports: [{ name: http, port: 80 }, { name: echo, port: 80, protocol: UDP }] }
---
apiVersion: v1
kind: Service
metadata: { name: local }
spec: { type: LoadBalancer, externalTrafficPolicy: Local, selector: { app: nginx }, ports: [{ port: 80 }] }
`;

const SIX = `
apiVersion: v1
kind: Service
metadata: { name: six, annotations: { heraldlb.io/address-pool: bgp-v6 } }
spec: { type: LoadBalancer, ipFamilies: [IPv6], selector: { app: nginx }, ports: [{ port: 80 }] }
`;
const example = (name: string) => readFileSync(new URL(`../../examples/bgp/${name}.yaml`, import.meta.url), 'utf8');
interface Attributes {
  community?: { string: string };
  largeCommunity?: { string: string };
  extendedCommunity?: { string: string };
}

const unavailable = (status: string) => ({
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'NetworkUnavailable', status },
    ],
  },
});

const missing = FrrRouter.missing();
const able = canMakeNamespaces && hasKubectl && missing === undefined;

describe.skipIf(!able)(
  `BGP to a real router (skipped without namespaces, kubectl or FRR${missing === undefined ? '' : `: ${missing}`})`,
  () => {
    let playground: Playground;
    let router: FrrRouter;

    beforeAll(async () => {
      playground = await Playground.start({ name: 'e2e-bgp' });
      router = await playground.startRouter();
      await playground.addPods(DEMO_PODS);
      const result = await playground.kubectl(['apply', '-f', '-'], { input: `${CONFIGURATION}---${SERVICE}` });
      expect(result.stderr).toBe('');
    });
    afterAll(async () => playground?.stop());

    const answers = async (ip: string): Promise<string | undefined> => {
      const result = await playground.exec('outside', ['curl', '-sS', '-m', '2', `http://${ip}/`]);
      return result.code === 0 ? result.stdout : undefined;
    };

    it('a client behind the router reaches a Service over every node', async () => {
      const ip = await externalIp(playground, 'web');
      expect(
        await until('three next hops', async () => ((await nextHops(playground, ip)).length === 3 ? nextHops(playground, ip) : undefined)),
      ).toEqual(['192.168.150.40', '192.168.150.41', '192.168.150.42']);
      expect(await until('an answer', () => answers(ip))).toMatch(/nginx-\d on dn[12]/);
      const all = Object.values(await paths(router, `${ip}/32`));
      expect(all.map(path => path.community?.string)).toEqual(['64500:100', '64500:100', '64500:100']);
    });

    it('externalTrafficPolicy Local is announced only by the nodes with an endpoint', async () => {
      const ip = await externalIp(playground, 'local');
      await until('the two nodes with pods', async () => (await nextHops(playground, ip)).join() === '192.168.150.41,192.168.150.42');
      expect(await until('an answer', () => answers(ip))).toContain('client 10.0.0.100');
    });

    it('the status tells each session, and kubectl shows it', async () => {
      const sessions = await until('established sessions', async () => {
        const text = await kubectl(playground, 'get', 'speakers', '-o', 'jsonpath={.items[*].status.sessionsEstablished}');
        return text === '1/1 1/1 1/1' ? text : undefined;
      });
      expect(sessions).toBeDefined();
      await until('heraldlb.io/Announced', async () => {
        const text = await kubectl(
          playground,
          'get',
          'svc',
          'web',
          '-o',
          'jsonpath={.status.conditions[?(@.type=="heraldlb.io/Announced")].status}',
        );
        return text === 'True';
      });
    });

    it('the last endpoint goes, and the route with it; it comes back with the endpoint', async () => {
      const ip = await externalIp(playground, 'web');
      await kubectl(playground, 'patch', 'svc', 'web', '-p', '{"spec":{"selector":{"app":"nobody"}}}');
      await until('no route', async () => (await nextHops(playground, ip)).length === 0);
      await kubectl(playground, 'patch', 'svc', 'web', '-p', '{"spec":{"selector":{"app":"nginx"}}}');
      await until('the route again', async () => (await nextHops(playground, ip)).length === 3);
    });

    const exclude = 'node.kubernetes.io/exclude-from-external-load-balancers';
    const condition = (status: string) => () =>
      playground.client.patch(nodes, { name: 'dn0' }, unavailable(status), { type: 'merge', subresource: 'status' });
    it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
      [
        'is drained by name',
        () => kubectl(playground, 'annotate', 'node', 'dn0', 'heraldlb.io/drain=3s'),
        () => kubectl(playground, 'annotate', 'node', 'dn0', 'heraldlb.io/drain-'),
      ],
      [
        'is kept out of load balancing',
        () => kubectl(playground, 'label', 'node', 'dn0', `${exclude}=`),
        () => kubectl(playground, 'label', 'node', 'dn0', `${exclude}-`),
      ],
      ['has lost its network', condition('True'), condition('False')],
    ])('a node that %s leaves without a lost datagram, and its session stays', async (_, leave, comeBack) => {
      const ip = await externalIp(playground, 'web');
      const before = await counts(router);
      const probe = await UdpProbe.start(playground, ip, 80, { host: 'outside', interval: 2 });
      try {
        await leave();
        await until('two next hops', async () => (await nextHops(playground, ip)).join() === '192.168.150.41,192.168.150.42');
        // Marked for graceful shutdown (65535:0) it is no next hop any more; a little later the route itself is gone.
        expect((await paths(router, `${ip}/32`))['192.168.150.40']?.community?.string).toContain('graceful-shutdown');
        await until('two paths', async () => Object.keys(await paths(router, `${ip}/32`)).length === 2);
      } finally {
        await comeBack();
      }
      await until('three next hops again', async () => (await nextHops(playground, ip)).length === 3);
      const { blackouts, answered } = await probe.stop();
      expect(answered).toBeGreaterThan(100);
      expect(blackouts).toEqual([]);
      const resets = Object.entries(await counts(router)).map(([node, { up, down }]) => [
        up - (before[node]?.up ?? 0),
        down - (before[node]?.down ?? 0),
      ]);
      expect(resets).toEqual([
        [0, 0],
        [0, 0],
        [0, 0],
      ]);
    });

    it.each<[string, string, (path: Attributes) => void]>([
      ['aggregate', '192.168.10.0/24', path => expect(path.community).toBeUndefined()],
      ['aggregate', 'web', path => expect(path.community?.string).toBe('64500:100 no-export')],
      [
        'communities',
        'web',
        path => expect([path.community?.string, path.largeCommunity?.string]).toEqual(['64500:100', '64500:1:2 64500:10:1']),
      ],
      ['weighted', 'web', path => expect(path.extendedCommunity?.string).toMatch(/^LB:64500:/)],
    ])('examples/bgp/%s.yaml does what it says, for %s', async (name, what, check) => {
      const prefix = what.includes('/') ? what : `${await externalIp(playground, what)}/32`;
      await kubectl(playground, 'label', 'svc', 'web', 'spread=by-endpoints', '--overwrite');
      const before = JSON.stringify(await paths(router, prefix));
      const { stderr } = await playground.kubectl(['apply', '-f', '-'], { input: example(name) });
      expect(stderr).toBe('');
      try {
        await until('the routes to change', async () => {
          const found = Object.values(await paths(router, prefix));
          return found.length === 3 && JSON.stringify(await paths(router, prefix)) !== before;
        });
        await until('every node', async () => {
          for (const path of Object.values(await paths(router, prefix))) check(path);
          return true;
        });
      } finally {
        await playground.kubectl(['delete', '-f', '-', '--ignore-not-found'], { input: example(name) });
      }
    });

    it('examples/bgp/ipv6.yaml announces over a session by IPv6', async () => {
      const { ipv6 } = playground.topology.router;
      const yaml = example('ipv6').replaceAll('2001:db8::1\n', `${ipv6}\n`);
      expect((await playground.kubectl(['apply', '-f', '-'], { input: `${yaml}---${SIX}` })).stderr).toBe('');
      const ip = await externalIp(playground, 'six');
      await until('three next hops', async () => (await nextHops(playground, ip)).join() === 'fd00:150::40,fd00:150::41,fd00:150::42');
      await until('an answer', () => answers(`[${ip}]`));
    });

    it('a node loses its power: the router drops it, and the others go on', async () => {
      const ip = await externalIp(playground, 'web');
      await playground.fail('dn0', 600_000);
      await until('two next hops', async () => (await nextHops(playground, ip)).join() === '192.168.150.41,192.168.150.42', 10_000);
      expect(await until('an answer', () => answers(ip))).toMatch(/nginx/);
      await playground.heal('dn0');
      await until('three next hops again', async () => (await nextHops(playground, ip)).length === 3);
    });
  },
);
