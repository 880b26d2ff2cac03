import { nodes } from '@herald/kube';
import { Connections, FrrRouter, Playground, UdpProbe } from '@herald/playground';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apply, counts, established, nextHops, paths } from './bgp-router.ts';
import { canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { RouteWatch } from './route-watch.ts';
import { SecondCluster } from './second-cluster.ts';
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
spec: { ipAddressPools: [bgp] }
---
apiVersion: heraldlb.io/v1beta1
kind: BGPPeer
metadata: { name: router, namespace: herald-system }
spec: { myASN: 64500, peerASN: 64501, peerAddress: 192.168.150.1, connectTime: 1s, gracefulRestart: { restartTime: 30 } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: LoadBalancer, selector: { app: web }, ports: [{ name: http, port: 80 }, { name: echo, port: 80, protocol: UDP }] }
`;
const ENDPOINT = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 80, protocol: TCP }]
endpoints: [{ addresses: [10.45.0.1], nodeName: second-0, conditions: { ready: true } }]
`;
const NODES = ['192.168.150.40', '192.168.150.41'];

const missing = FrrRouter.missing();
const able = canMakeNamespaces && hasKubectl && missing === undefined;

describe.skipIf(!able)(
  `a speaker restarts beside a router (skipped without namespaces, kubectl or FRR${missing === undefined ? '' : `: ${missing}`})`,
  () => {
    let playground: Playground;
    let router: FrrRouter;
    let ip: string;
    let probe: UdpProbe;
    let connections: Connections;
    let watch: RouteWatch;

    beforeAll(async () => {
      playground = await Playground.start({ name: 'e2e-bgp-restart', nodes: 2 });
      [router] = await Promise.all([
        playground.startRouter(),
        playground.addPods({ dn1: [{ name: 'web', labels: { app: 'web' }, ports: [{ port: 80 }] }] }),
      ]);
      await apply(playground, CONFIGURATION);
      ip = await externalIp(playground, 'web');
    });
    afterAll(async () => playground?.stop());

    beforeEach(async () => {
      await until('both routes', async () => (await nextHops(playground, ip)).join() === NODES.join());
      await until('that both work', async () => {
        const answer = await playground.exec('outside', ['curl', '-sS', '-m', '2', `http://${ip}/`]);
        return answer.code === 0;
      });
      watch = await RouteWatch.start(playground, ip);
      probe = await UdpProbe.start(playground, ip, 80, { host: 'outside', interval: 2 });
      connections = await Connections.start(playground, [{ name: 'ipv4', address: ip, port: 80 }], { host: 'outside', tcp: 20, udp: 0 });
    });
    afterEach(async () => {
      await Promise.all([connections?.stop(), watch?.stop()]);
    });

    const fresh = (): Promise<unknown> =>
      until('both paths, none of them stale', async () => {
        const found = Object.values(await paths(router, `${ip}/32`));
        return found.length === 2 && found.every(path => path.valid && path.stale !== true);
      });

    /** What the client and the router noticed: nothing. */
    const unnoticed = async (): Promise<void> => {
      const [report] = await connections.report();
      expect(report?.tcp.broken).toEqual([]);
      expect(report?.fresh.failed).toEqual([]);
      expect(report?.fresh.opened).toBeGreaterThan(10);
      const { blackouts, answered } = await probe.stop();
      expect(answered).toBeGreaterThan(500);
      expect(blackouts).toEqual([]);
      expect(watch.changes).toEqual([]);
    };

    it.each(['SIGKILL', 'SIGTERM'] as const)(
      '%s of every speaker in turn, with graceful restart: the router keeps the routes, and nobody notices',
      async signal => {
        for (const node of playground.topology.nodes) {
          const speaker = playground.speakers.get(node.name);
          if (signal === 'SIGKILL') await speaker?.kill();
          else expect(await speaker?.stop()).toBe(0);
          await until('a stale path', async () => (await paths(router, `${ip}/32`))[node.ipv4]?.stale);
          await new Promise(resolve => setTimeout(resolve, 1_000));
          const next = await playground.startSpeaker(node);
          await fresh();
          if (signal === 'SIGTERM') expect(speaker?.tail(20)).toContain('these peers keep the routes meanwhile');
          expect(next.running).toBe(true);
        }
        await unnoticed();
      },
    );

    it('a Service that goes while the speaker is away goes from the router when it is back', async () => {
      await apply(
        playground,
        'apiVersion: v1\nkind: Service\nmetadata: { name: short }\nspec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80 }] }',
      );
      const short = await externalIp(playground, 'short');
      await until('its routes', async () => (await nextHops(playground, short)).length === 2);
      const [, node] = playground.topology.nodes;
      if (node === undefined) throw new Error('no second node');
      await playground.speakers.get(node.name)?.kill();
      await kubectl(playground, 'delete', 'svc', 'short');
      await until('the stale path alone', async () => (await nextHops(playground, short)).join() === node.ipv4);
      await playground.startSpeaker(node);
      await until('no path', async () => (await nextHops(playground, short)).length === 0);
      await fresh();
      await unnoticed();
    });

    const setReady = (name: string, condition: object): Promise<unknown> =>
      playground.client.patch(
        nodes,
        { name },
        { status: { conditions: [{ type: 'Ready', ...condition }] } },
        { type: 'merge', subresource: 'status' },
      );
    it.each<[string, (node: string) => Promise<unknown>, (node: string) => Promise<unknown>]>([
      ['is cordoned', node => kubectl(playground, 'cordon', node), node => kubectl(playground, 'uncordon', node)],
      [
        'shuts down',
        node => setReady(node, { status: 'False', message: 'node is shutting down' }),
        node => setReady(node, { status: 'True' }),
      ],
    ])(
      'SIGTERM on a node that %s: no restart although the router would keep its routes; they go gently, without a loss',
      async (_, leave, comeBack) => {
        const [node] = playground.topology.nodes;
        if (node === undefined) throw new Error('no node');
        await leave(node.name);
        // Its speaker hears of it a moment later.
        await new Promise(resolve => setTimeout(resolve, 1_000));
        const speaker = playground.speakers.get(node.name);
        const states = new Set<string>();
        const stopped = speaker?.stop();
        await until('the path to go', async () => {
          const path = (await paths(router, `${ip}/32`))[node.ipv4];
          if (path !== undefined) states.add(path.stale === true ? 'stale' : (path.community?.string ?? 'fresh'));
          return path === undefined;
        });
        expect(await stopped).toBe(0);
        expect([...states].filter(state => state !== 'fresh')).toEqual([expect.stringContaining('graceful-shutdown')]);
        expect(await nextHops(playground, ip)).toEqual([NODES[1]]);
        expect(speaker?.tail(20)).toContain('handing addresses over');
        await comeBack(node.name);
        const next = await playground.startSpeaker(node);
        // Ready comes after the session: the next node of a rollout does not go before the routes of this one are back.
        expect(next.tail(100)).toMatch(/"bgp session".*"ready"/s);
        await fresh();
        const { blackouts, answered } = await probe.stop();
        expect(answered).toBeGreaterThan(500);
        expect(blackouts).toEqual([]);
      },
    );

    it('without graceful restart the routes go for a moment, gently, and the last line of the log says what that costs', async () => {
      const [node] = playground.topology.nodes;
      if (node === undefined) throw new Error('no node');
      await kubectl(
        playground,
        'patch',
        'bgppeers.heraldlb.io',
        'router',
        '-n',
        'herald-system',
        '--type',
        'merge',
        '-p',
        '{"spec":{"gracefulRestart":null}}',
      );
      await until('a session without it', async () => {
        const all =
          await router.json<Record<string, { gracefulRestartInfo?: { nBit?: boolean; remoteGrMode?: string } }>>('show bgp neighbors json');
        return Object.values(all).filter(each => each.gracefulRestartInfo?.remoteGrMode === 'Helper').length === 2;
      });
      await established(playground, 'router', '2/2');
      await until('both routes', async () => (await nextHops(playground, ip)).length === 2);
      const quiet = await UdpProbe.start(playground, ip, 80, { host: 'outside', interval: 2 });
      const speaker = playground.speakers.get(node.name);
      const stopped = speaker?.stop();
      await until('the route of the other node alone', async () => (await nextHops(playground, ip)).join() === NODES[1]);
      expect(await stopped).toBe(0);
      const lines =
        speaker
          ?.tail(5)
          .split('\n')
          .filter(line => line.includes('bgp')) ?? [];
      expect(lines.at(-1)).toContain('without graceful restart a restart costs the routes of this node');
      expect(lines.at(-1)).toContain('"peers":["router"],"routes":1');
      await playground.startSpeaker(node);
      await fresh();
      const { blackouts, answered } = await quiet.stop();
      expect(answered).toBeGreaterThan(500);
      expect(blackouts).toEqual([]);
      await probe.stop();
    });

    it("another cluster's speaker announces to the same router, also the same address, and neither disturbs the other", async () => {
      const { client } = playground.topology;
      const before = await counts(router);
      const node = {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'second-0' },
        status: { addresses: [{ type: 'InternalIP', address: client.ipv4 }] },
      };
      // Its pool is the same: its first address is the one that the first cluster's Service has.
      const second = await SecondCluster.start(playground, node, `${CONFIGURATION}---${ENDPOINT}`);
      try {
        await until(
          'three paths',
          async () => Object.keys(await paths(router, `${ip}/32`)).join() === [client.ipv4, ...NODES].sort().join(),
        );
        expect((await nextHops(playground, ip)).length).toBe(3);
        await until('its own status', async () => {
          const path = 'jsonpath={.items[0].status.established} {.items[0].status.lastError}';
          const text = await second.kubectl('get', 'bgppeers.heraldlb.io', '-n', 'herald-system', '-o', path);
          if (!text.startsWith('1/1')) throw new Error(`${text}${second.speaker.tail(5)}`);
          return true;
        });
      } finally {
        await second.stop();
      }
      await until('the paths of the first cluster alone', async () => (await nextHops(playground, ip)).join() === NODES.join());
      const { [client.ipv4]: _, ...after } = await counts(router);
      expect(after).toEqual(before);
      await established(playground, 'router', '2/2');
      await probe.stop();
    });
  },
);
