import { isDeepStrictEqual } from 'node:util';
import { FrrRouter, Playground, UdpProbe } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announced, apply, counts, established, metric, metricOfEach, neighbors, nextHops, paths, peerField } from './bgp-router.ts';
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
spec: { ipAddressPools: [bgp] }
---
apiVersion: heraldlb.io/v1beta1
kind: BFDProfile
metadata: { name: fast, namespace: herald-system }
spec: { receiveInterval: 300, transmitInterval: 300 }
---
apiVersion: heraldlb.io/v1beta1
kind: BGPPeer
metadata: { name: router, namespace: herald-system }
spec: { myASN: 64500, peerASN: 64501, peerAddress: 192.168.150.1, bfdProfile: fast }
---
apiVersion: heraldlb.io/v1beta1
kind: BGPPeer
metadata: { name: second, namespace: herald-system }
spec: { myASN: 64500, peerASN: 64502, peerAddress: 192.168.150.100, passwordSecret: { name: second }, connectTime: 1s }
`;
const service = (name: string, more = '') => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { type: LoadBalancer, selector: { app: web }, ports: [{ name: http, port: 80 }, { name: echo, port: 80, protocol: UDP }]${more} }
`;
const secret = (password: string) => `
apiVersion: v1
kind: Secret
metadata: { name: second, namespace: herald-system }
type: kubernetes.io/basic-auth
stringData: { password: ${password} }
`;
const NODES = ['192.168.150.40', '192.168.150.41'];

const missing = FrrRouter.missing();
const able = canMakeNamespaces && hasKubectl && missing === undefined;

describe.skipIf(!able)(
  `changes towards two routers (skipped without namespaces, kubectl or FRR${missing === undefined ? '' : `: ${missing}`})`,
  () => {
    let playground: Playground;
    let router: FrrRouter;
    let second: FrrRouter;
    let ip: string;

    const patch = (kind: string, name: string, spec: object) =>
      kubectl(playground, 'patch', `${kind}.heraldlb.io`, name, '-n', 'herald-system', '--type', 'merge', '-p', JSON.stringify({ spec }));
    /** Does something, waits for its effect, and tells how many UPDATEs each node sent the first router for it; no session of it may be reset. */
    const updates = async (act: () => Promise<unknown>, effect: () => Promise<unknown>): Promise<number[]> => {
      const before = await counts(router);
      await act();
      await effect();
      const after = await counts(router);
      return NODES.map(node => {
        expect({ ...after[node], updates: 0 }).toEqual({ ...before[node], updates: 0 });
        return (after[node]?.updates ?? 0) - (before[node]?.updates ?? 0);
      });
    };
    const everyPath = async (wanted: (path: { community?: { string: string } }) => boolean, at = ip): Promise<boolean> => {
      const found = Object.values(await paths(router, `${at}/32`));
      return found.length === NODES.length && found.every(wanted);
    };

    const ups = async () => Object.values(await neighbors(second)).map(({ connectionsEstablished }) => connectionsEstablished);
    const two = async () => (await nextHops(playground, await externalIp(playground, 'two'))).length === 2;
    const ready = () => kubectl(playground, 'wait', 'ipaddresspools.heraldlb.io/more', '-n', 'herald-system', '--for=condition=Ready');
    const alias = (value: string) =>
      apply(
        playground,
        `apiVersion: heraldlb.io/v1beta1\nkind: Community\nmetadata: { name: ours, namespace: herald-system }\nspec: { communities: [{ name: ours, value: "${value}" }] }`,
      );
    const community = (text: string) => () => until(text, () => everyPath(path => path.community?.string === text));
    const bfd = async () => {
      const peers = await router.json<{ status: string; 'remote-transmit-interval': number }[]>('show bfd peers json');
      return peers.length === 2 && peers.every(peer => peer.status === 'up' && peer['remote-transmit-interval'] === 200);
    };
    const held = () =>
      until('the hold time', async () => {
        const all = Object.values(await neighbors(second)) as { bgpState?: string; bgpTimerHoldTimeMsecs?: number }[];
        return all.length === 2 && all.every(each => each.bgpState === 'Established' && each.bgpTimerHoldTimeMsecs === 6_000);
      });

    beforeAll(async () => {
      playground = await Playground.start({ name: 'e2e-bgp-changes', nodes: 2 });
      [router, second] = await Promise.all([
        playground.startRouter(),
        playground.startRouter({ host: 'client', asn: 64502, password: 'first' }),
        playground.addPods({ dn1: [{ name: 'web', labels: { app: 'web' }, ports: [{ port: 80 }] }] }),
      ]);
      await apply(playground, `${CONFIGURATION}---${service('web')}`);
      ip = await externalIp(playground, 'web');
      await until('the route', async () => (await nextHops(playground, ip)).join() === NODES.join());
    });
    afterAll(async () => playground?.stop());

    it('a peer whose Secret is missing waits alone, says so, and starts once it is there', async () => {
      await established(playground, 'router', '2/2');
      await until('the reason', async () =>
        (await peerField(playground, 'second', 'lastError')).includes('Secret herald-system/second of type'),
      );
      expect(await peerField(playground, 'second', 'established')).toBe('0/2');
      expect(
        await updates(
          () => apply(playground, secret('first')),
          () => established(playground, 'second', '2/2'),
        ),
      ).toEqual([0, 0]);
      await until('the route at the second router', async () => Object.keys(await paths(second, `${ip}/32`)).join() === NODES.join());
      expect(await announced(playground, 'web', 'Announced')).toContain(`${ip} by BGP (router, second)`);
    });

    it('a password is rotated: that session alone is reset', async () => {
      const rotate = async () => {
        await second.vtysh('configure terminal', 'router bgp 64502', 'neighbor NODES password rotated');
        await apply(playground, secret('rotated'));
      };
      const again = () =>
        until('sessions by the new password', async () => {
          const states = Object.values(await neighbors(second)).filter(({ bgpState }) => bgpState === 'Established');
          return states.length === 2 && (await metric(playground, 'dn0', 'herald_bgp_sessions_established_total{peer="second"}')) === 2;
        });
      expect(await updates(rotate, again)).toEqual([0, 0]);
      expect((await ups()).length).toBe(2);
      await established(playground, 'second', '2/2');
    });

    it('a peer whose BFDProfile is missing waits alone, and starts once it is there', async () => {
      const peer = 'spec: { myASN: 64500, peerASN: 64503, peerAddress: 192.168.150.200, bfdProfile: later }';
      const create = () =>
        apply(playground, `apiVersion: heraldlb.io/v1beta1\nkind: BGPPeer\nmetadata: { name: third, namespace: herald-system }\n${peer}`);
      const waiting = () =>
        until('the reason', async () => (await peerField(playground, 'third', 'lastError')).includes('no BFDProfile "later"'));
      expect(await updates(create, waiting)).toEqual([0, 0]);
      const profile = () =>
        apply(
          playground,
          'apiVersion: heraldlb.io/v1beta1\nkind: BFDProfile\nmetadata: { name: later, namespace: herald-system }\nspec: {}',
        );
      const tries = () =>
        until('an attempt', async () => {
          const error = await peerField(playground, 'third', 'lastError');
          return error !== '' && !error.includes('BFDProfile') && !error.includes('not reported') && !error.includes('not answered');
        });
      expect(await updates(profile, tries)).toEqual([0, 0]);
      await kubectl(playground, 'delete', 'bgppeers.heraldlb.io', 'third', '-n', 'herald-system');
    });

    it('what is added says only what is new, and what is changed is one UPDATE', async () => {
      expect(
        await updates(
          () => apply(playground, service('two')),
          () => until('its route', two),
        ),
      ).toEqual([1, 1]);
      const pool =
        'apiVersion: heraldlb.io/v1beta1\nkind: IPAddressPool\nmetadata: { name: more, namespace: herald-system }\nspec: { addresses: [192.168.11.0/24], autoAssign: false }';
      expect(await updates(() => apply(playground, pool), ready)).toEqual([0, 0]);
      await alias('64500:1');
      expect(await updates(() => patch('bgpadvertisements', 'bgp', { communities: ['ours'] }), community('64500:1'))).toEqual([1, 1]);
      expect(await updates(() => alias('64500:2'), community('64500:2'))).toEqual([1, 1]);
    });

    it('timers of BFD change while every session stays', async () => {
      expect(
        await updates(
          () => patch('bfdprofiles', 'fast', { transmitInterval: 200 }),
          () => until('the new interval', bfd),
        ),
      ).toEqual([0, 0]);
    });

    it('a peer whose hold time changes is reset alone', async () => {
      expect(await updates(() => patch('bgppeers', 'second', { holdTime: '6s' }), held)).toEqual([0, 0]);
    });

    it('labels of nodes decide who has the session, and who announces', async () => {
      const selected = (count: string) => () => established(playground, 'second', count);
      expect(
        await updates(() => patch('bgppeers', 'second', { nodeSelectors: [{ matchLabels: { second: 'yes' } }] }), selected('0/0')),
      ).toEqual([0, 0]);
      expect(await peerField(playground, 'second', 'conditions[?(@.type=="Established")].reason')).toBe('NoNodeSelected');
      expect(await updates(() => kubectl(playground, 'label', 'node', 'dn1', 'second=yes'), selected('1/1'))).toEqual([0, 0]);
      await patch('bgppeers', 'second', { nodeSelectors: null });
      await established(playground, 'second', '2/2');
      await kubectl(playground, 'label', 'node', 'dn0', 'edge=yes');
      await patch('bgpadvertisements', 'bgp', { nodeSelectors: [{ matchLabels: { edge: 'yes' } }] });
      await until('the labelled node alone', async () => (await nextHops(playground, ip)).join() === NODES[0]);
      await kubectl(playground, 'label', 'node', 'dn0', 'edge-');
      await until('nobody', async () => (await nextHops(playground, ip)).length === 0);
      await announced(playground, 'web', 'NoEligibleNode');
      await patch('bgpadvertisements', 'bgp', { nodeSelectors: null });
      await until('both again', async () => (await nextHops(playground, ip)).length === 2);
    });

    it('advertisements that contradict each other are reported, not guessed about', async () => {
      const other =
        'apiVersion: heraldlb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: { name: other, namespace: herald-system }\nspec: { ipAddressPools: [bgp], peers: [router], med: 5 }';
      await apply(playground, other);
      expect(await announced(playground, 'web', 'ConflictingAdvertisements')).toContain(
        `${ip}/32 is not announced to BGPPeer router: advertisements want different med: bgp: none; other: 5`,
      );
      expect(await nextHops(playground, ip)).toEqual([]);
      expect(Object.keys(await paths(second, `${ip}/32`))).toEqual(NODES);
      await kubectl(playground, 'delete', 'bgpadvertisements.heraldlb.io', 'other', '-n', 'herald-system');
      await announced(playground, 'web', 'Announced');
      await until('the routes', async () => (await nextHops(playground, ip)).length === 2);
    });

    it('a family that no session carries', async () => {
      await apply(
        playground,
        'apiVersion: heraldlb.io/v1beta1\nkind: IPAddressPool\nmetadata: { name: six, namespace: herald-system }\nspec: { addresses: ["2001:db8:10::/112"], autoAssign: false }',
      );
      await patch('bgpadvertisements', 'bgp', { ipAddressPools: ['bgp', 'six'] });
      await apply(
        playground,
        service('six', ', ipFamilies: [IPv6]').replace('name: six', 'name: six, annotations: { heraldlb.io/address-pool: six }'),
      );
      expect(await announced(playground, 'six', 'FamilyNotNegotiated')).toContain('router, second');
      await patch('bgppeers', 'second', { addressFamilies: ['ipv4', 'ipv6'] });
      expect(await announced(playground, 'six', 'Announced')).toContain('by BGP (second)');
      expect(Object.keys(await paths(second, '2001:db8:10::/128'))).toEqual(NODES);
    });

    it('layer 2 and BGP for one address at once', async () => {
      await apply(
        playground,
        `
apiVersion: heraldlb.io/v1beta1
kind: IPAddressPool
metadata: { name: both, namespace: herald-system }
spec: { addresses: [192.168.150.240/32], autoAssign: false }
---
apiVersion: heraldlb.io/v1beta1
kind: L2Advertisement
metadata: { name: both, namespace: herald-system }
spec: { ipAddressPools: [both] }
---${service('both').replace('name: both', 'name: both, annotations: { heraldlb.io/address-pool: both }')}`,
      );
      await patch('bgpadvertisements', 'bgp', { ipAddressPools: ['bgp', 'both'] });
      await until('the route', async () => (await nextHops(playground, '192.168.150.240')).length === 2);
      expect(
        await until('both ways', async () => {
          const text = await announced(playground, 'both', 'Announced');
          return /dn\d \(eth0\), BGP \(router, second\)/.exec(text)?.[0];
        }),
      ).toBeDefined();
      for (const host of ['client', 'outside']) {
        const answer = await playground.exec(host, ['curl', '-sS', '-m', '2', 'http://192.168.150.240/']);
        expect(answer.stdout, host).toContain('web on dn1');
      }
      const { stdout } = await playground.exec('client', ['ip', 'neigh', 'show', '192.168.150.240']);
      expect(stdout).toContain('lladdr');
    });

    it('a router that flaps gets its routes back each time; the other notices nothing', async () => {
      const before = await counts(second);
      const came = () => metricOfEach(playground, 'herald_bgp_sessions_established_total{peer="router"}');
      const sessions = await came();
      const lost = 'herald_bgp_sessions_lost_total{peer="router"}';
      const told = 'herald_bgp_notifications_total{peer="router",direction="received",code="6/4"}';
      const [lostBefore, toldBefore] = [await metric(playground, 'dn0', lost), await metric(playground, 'dn0', told)];
      for (let i = 1; i <= 3; i++) {
        await router.vtysh('clear bgp *');
        // The router clears in the background: until its sessions came up anew, it shows those of before.
        await until('the sessions', async () => (await came()).every((count, node) => count === (sessions[node] ?? 0) + i));
        await until(
          'the routes',
          async () => (await everyPath(path => path.community !== undefined)) && (await nextHops(playground, ip)).length === 2,
        );
      }
      expect(await metric(playground, 'dn0', lost)).toBe((lostBefore ?? 0) + 3);
      expect(await metric(playground, 'dn0', told)).toBe((toldBefore ?? 0) + 3);
      expect(await metric(playground, 'dn0', 'herald_bgp_session_state{peer="router",state="Established"}')).toBe(1);
      expect(await counts(second)).toEqual(before);
      await established(playground, 'router', '2/2');
    });

    it('while the API server is away everything stays as it is', async () => {
      const both = () => Promise.all([counts(router), counts(second)]);
      const before = await until('quiet', async () => {
        const seen = await both();
        await new Promise(resolve => setTimeout(resolve, 500));
        return isDeepStrictEqual(seen, await both()) && seen;
      });
      const probe = await UdpProbe.start(playground, ip, 80, { host: 'outside', interval: 2 });
      await playground.blockApi();
      await kubectl(playground, 'delete', 'svc', 'two');
      await new Promise(resolve => setTimeout(resolve, 3_000));
      const { blackouts, answered } = await probe.stop();
      expect(answered).toBeGreaterThan(500);
      expect(blackouts).toEqual([]);
      expect(await both()).toEqual(before);
      await playground.unblockApi();
      await until('what happened meanwhile', async () =>
        Object.values(await counts(router)).every(({ updates }, index) => updates > (Object.values(before[0] ?? {})[index]?.updates ?? 0)),
      );
      expect(Object.values(await counts(second)).map(({ down }) => down)).toEqual(Object.values(before[1] ?? {}).map(({ down }) => down));
    });
  },
);
