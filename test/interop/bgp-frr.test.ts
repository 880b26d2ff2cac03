import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Frr } from './peers/frr.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until, watch } from './peers/run.ts';

const ROUTER = `
frr defaults traditional
log timestamp precision 3
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp graceful-restart
 timers bgp 3 9
 neighbor NODES peer-group
 neighbor NODES remote-as external
 neighbor NODES timers connect 1
 neighbor NODES advertisement-interval 0
 bgp listen range 10.77.0.0/24 peer-group NODES
 bgp listen range fd77::/64 peer-group NODES
 neighbor 10.77.0.3 remote-as 65002
 neighbor 10.77.0.3 password s3cret
 neighbor 10.77.0.3 timers connect 1
 neighbor 10.77.0.4 remote-as 65002
 neighbor 10.77.0.4 password other
 neighbor 10.77.0.4 timers connect 1
 neighbor 10.77.0.5 remote-as 65002
 neighbor 10.77.0.5 ttl-security hops 1
 neighbor 10.77.0.5 timers connect 1
 neighbor 10.77.0.6 remote-as internal
 neighbor 10.77.0.6 timers connect 1
 address-family ipv4 unicast
  network 203.0.113.0/24
  neighbor NODES activate
  neighbor 10.77.0.3 activate
  neighbor 10.77.0.4 activate
  neighbor 10.77.0.5 activate
  neighbor 10.77.0.6 activate
 exit-address-family
 address-family ipv6 unicast
  neighbor NODES activate
 exit-address-family
`;

const missing = await Frr.missing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('FRR as a router', () => {
  let lan: Lan;
  let frr: Frr;
  let node: Host;
  let speaker: RemoteSpeaker;
  const NAME = 'v4';
  const PEER = { name: NAME, address: '10.77.0.1', sourceAddress: '10.77.0.2', remoteAs: 65001, holdTime: 9 } as const;

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24', 'fd77::1/64'] });
    const extra = [3, 4, 5, 6, 7].map(i => `10.77.0.${i}/24`);
    node = await lan.host('n1', { addresses: ['10.77.0.2/24', ...extra, 'fd77::2/64', 'fd77::7/64'] });
    [frr, speaker] = await Promise.all([
      Frr.start(router, { bgpd: ROUTER, zebra: 'ip route 203.0.113.0/24 blackhole' }),
      RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2', hostname: 'node-1' }),
    ]);
    await speaker.announce({ prefix: '198.51.100.10/32' });
    await speaker.announce({ prefix: '2001:db8:10::10/128' });
    await speaker.addPeer(PEER);
    await frr.waitEstablished('10.77.0.2');
  });

  afterAll(async () => {
    await lan?.close();
  });

  it('accepts IPv4 and IPv6 routes over one session, and knows the name of the node', async () => {
    expect((await frr.neighbor('10.77.0.2'))?.hostname).toBe('node-1');
    const v4 = await until('the IPv4 route', () => frr.route('198.51.100.10/32'));
    expect(v4.paths[0]).toMatchObject({ valid: true, origin: 'IGP', aspath: { string: '65002' }, nexthops: [{ ip: '10.77.0.2' }] });
    const v6 = await until('the IPv6 route', () => frr.route('2001:db8:10::10/128'));
    // One of the interface's own, and a global one.
    expect(v6.paths[0]?.nexthops[0]?.ip).toMatch(/^fd77::[27]$/);
    const kernel = await until('the kernel route', async () => (await frr.host.ip('route', 'show', '198.51.100.10')).trim());
    expect(kernel).toContain('via 10.77.0.2');
  });

  it('sees communities of every kind, MED and a longer path as they were given', async () => {
    await speaker.announce({
      prefix: '198.51.100.11/32',
      med: 77,
      asPathPrepend: 2,
      communities: ['65002:7', 'no-export'],
      largeCommunities: ['4200000001:1:2'],
      extendedCommunities: ['rt:65002:100'],
    });
    const route = await until('the route', () => frr.route('198.51.100.11/32'));
    const [path] = route.paths;
    expect(path?.aspath.string).toBe('65002 65002 65002');
    expect(path?.metric ?? path?.med).toBe(77);
    expect(path?.community?.list).toEqual(['65002:7', 'noExport']);
    expect(path?.largeCommunity?.string).toBe('4200000001:1:2');
    expect(path?.extendedCommunity?.string).toContain('RT:65002:100');
  });

  it('sees a changed attribute by one UPDATE, without a withdrawal and without a flap', async () => {
    const before = await speaker.status(NAME);
    await speaker.announce({ prefix: '198.51.100.11/32', med: 78 });
    await until('the new MED', async () => (await frr.route('198.51.100.11/32'))?.paths[0]?.metric === 78);
    const after = await speaker.status(NAME);
    expect(after.counters.updatesSent - before.counters.updatesSent).toBe(1);
    expect(after.counters.routesWithdrawn).toBe(before.counters.routesWithdrawn);
    expect(after.counters.sessionsEstablished).toBe(1);
    expect(await speaker.withdraw('198.51.100.11/32')).toBe(true);
    await until('the route is gone', async () => !(await frr.route('198.51.100.11/32')));
  });

  it('drops nothing of what it sends us into our table: received routes are counted', async () => {
    await until('a received route', async () => (await speaker.status(NAME)).counters.prefixesReceived > 0);
  });

  it('gets all routes again when it asks for a refresh', async () => {
    const before = await speaker.status(NAME);
    await frr.vtysh('clear bgp ipv4 unicast 10.77.0.2 in');
    await until('a refresh', async () => (await speaker.status(NAME)).counters.refreshesReceived > before.counters.refreshesReceived);
    await until('the routes again', async () => (await speaker.status(NAME)).counters.routesAnnounced > before.counters.routesAnnounced);
    expect((await speaker.status(NAME)).counters.sessionsEstablished).toBe(1);
  });

  it('takes 10,000 routes as one burst of few messages, and their withdrawal likewise', async () => {
    const before = await speaker.status(NAME);
    await speaker.call('announceMany', 0, 10_000, {});
    await until('10,000 routes', async () => (await frr.count('ipv4')) >= 10_001);
    const announced = await speaker.status(NAME);
    expect(announced.counters.updatesSent - before.counters.updatesSent).toBeLessThan(20);
    await speaker.call('withdrawMany', 0, 10_000);
    await until('no routes', async () => (await frr.count('ipv4')) === 1);
    const withdrawn = await speaker.status(NAME);
    expect(withdrawn.counters.updatesSent - announced.counters.updatesSent).toBeLessThan(20);
  });

  it('is told by GRACEFUL_SHUTDOWN to prefer others', async () => {
    await speaker.call('setGracefulShutdown', true);
    await until('local preference 0', async () => (await frr.route('198.51.100.10/32'))?.paths[0]?.locPrf === 0);
    await speaker.call('setGracefulShutdown', false);
    await until('the community is gone', async () => (await frr.route('198.51.100.10/32'))?.paths[0]?.community === undefined);
  });

  it('speaks over IPv6 as well, with IPv4 routes by the IPv4 address of the interface', async () => {
    await speaker.addPeer({ name: 'v6', address: 'fd77::1', sourceAddress: 'fd77::7', remoteAs: 65001 });
    await frr.waitEstablished('fd77::7');
    const route = await until('two paths', async () => {
      const found = await frr.route('2001:db8:10::10/128');
      return found?.paths.length === 2 && found;
    });
    expect(route.paths.map(path => path.nexthops[0]?.ip)).toContain('fd77::7');
    await speaker.removePeer('v6');
    await until('its paths are gone', async () => (await frr.route('2001:db8:10::10/128'))?.paths.length === 1);
  });

  it('agrees on TCP MD5 signatures; a wrong key is explained', async () => {
    await speaker.addPeer({
      name: 'md5',
      address: '10.77.0.1',
      sourceAddress: '10.77.0.3',
      remoteAs: 65001,
      password: 's3cret',
      connectTimeout: 1,
    });
    await speaker.addPeer({
      name: 'wrong',
      address: '10.77.0.1',
      sourceAddress: '10.77.0.4',
      remoteAs: 65001,
      password: 's3cret',
      connectTimeout: 1,
    });
    await frr.waitEstablished('10.77.0.3');
    const wrong = await until('an explanation', async () => (await speaker.status('wrong')).lastError);
    expect(wrong.text).toMatch(/password/);
    expect(JSON.stringify(await speaker.call('status'))).not.toContain('s3cret');
    await speaker.updatePeer({
      name: 'wrong',
      address: '10.77.0.1',
      sourceAddress: '10.77.0.4',
      remoteAs: 65001,
      password: 'other',
      connectTimeout: 1,
    });
    await frr.waitEstablished('10.77.0.4');
    await speaker.removePeer('wrong');
    await speaker.removePeer('md5');
  });

  it('agrees on GTSM', async () => {
    await speaker.addPeer({
      name: 'gtsm',
      address: '10.77.0.1',
      sourceAddress: '10.77.0.5',
      remoteAs: 65001,
      gtsm: true,
      connectTimeout: 1,
    });
    await frr.waitEstablished('10.77.0.5');
    await speaker.removePeer('gtsm');
  });

  it('is dialled by the router under GTSM', async () => {
    const waiting = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.5' });
    try {
      await waiting.listen({ addresses: ['10.77.0.5'] });
      await waiting.addPeer({ name: 'gtsm', address: '10.77.0.1', remoteAs: 65001, passive: true, gtsm: true });
      await frr.waitEstablished('10.77.0.5');
      await waiting.waitState('gtsm', 'Established');
      // Without TTL security the router's segments have a TTL of 1: the connection is refused, and says so.
      await frr.configure('router bgp 65001', 'no neighbor 10.77.0.5 ttl-security hops 1');
      const error = await until('a refusal', async () => {
        const { state, lastError } = await waiting.status('gtsm');
        return state !== 'Established' && lastError?.text.includes('gtsm demands 255') && lastError;
      });
      expect(error.text).toContain('it arrived with TTL 1,');
      await frr.configure('router bgp 65001', 'neighbor 10.77.0.5 ttl-security hops 1');
      await waiting.waitState('gtsm', 'Established');
    } finally {
      await waiting.stop({ mode: 'cease' });
    }
  });

  it('peers inside its own AS, with LOCAL_PREF and an empty path', async () => {
    await speaker.announce({ prefix: '198.51.100.12/32', localPref: 321 }, { peers: ['ibgp'] });
    const options = {
      name: 'ibgp',
      address: '10.77.0.1',
      sourceAddress: '10.77.0.6',
      remoteAs: 'internal',
      localAs: 65001,
      routerId: '10.77.0.6',
    } as const;
    await speaker.addPeer(options);
    await frr.waitEstablished('10.77.0.6');
    const route = await until('the route', () => frr.route('198.51.100.12/32'));
    expect(route.paths).toHaveLength(1);
    expect(route.paths[0]?.aspath.string).toBe('Local');
    expect(route.paths[0]?.locPrf).toBe(321);
    await speaker.removePeer('ibgp');
  });

  it('accepts four-octet AS numbers', async () => {
    const options = { name: 'as4', address: '10.77.0.1', sourceAddress: '10.77.0.7', remoteAs: 65001, localAs: 4_200_000_007 } as const;
    await speaker.addPeer(options);
    await frr.waitEstablished('10.77.0.7');
    const route = await until('two paths', async () => {
      const found = await frr.route('198.51.100.10/32');
      return found?.paths.length === 2 && found;
    });
    expect(new Set(route.paths.map(path => path.aspath.string))).toEqual(new Set(['4200000007', '65002']));
    await speaker.removePeer('as4');
    const neighbor = await frr.neighbor('10.77.0.7');
    expect(neighbor?.bgpState).not.toBe('Established');
  });

  it('ends sessions in words both ways', async () => {
    await frr.configure('router bgp 65001', 'neighbor NODES shutdown message cable works');
    const status = await until('the reason', async () => {
      const now = await speaker.status(NAME);
      return now.state !== 'Established' && now.lastError && now;
    });
    expect(status.lastError?.text).toContain('Administrative Shutdown ("cable works")');
    await frr.configure('router bgp 65001', 'no neighbor NODES shutdown');
    await frr.waitEstablished('10.77.0.2');
    await speaker.call('resetPeer', NAME, 'new keys');
    await until('a new session', async () => (await speaker.status(NAME)).counters.sessionsEstablished >= 3);
    await frr.waitEstablished('10.77.0.2');
  });

  it('notices nothing when only what needs no reset is changed', async () => {
    const before = (await speaker.status(NAME)).counters.sessionsEstablished;
    await speaker.updatePeer({ ...PEER, connectRetryTime: 7, receivedRouteLimit: 100 });
    await speaker.updatePeer({ ...PEER, nextHop: { ipv4: '10.77.0.7' } });
    await until('the new next hop', async () => (await frr.route('198.51.100.10/32'))?.paths[0]?.nexthops[0]?.ip === '10.77.0.7');
    expect((await speaker.status(NAME)).counters.sessionsEstablished).toBe(before);
    await speaker.updatePeer(PEER);
  });

  it('is answered with Cease when it sends more routes than allowed', async () => {
    await speaker.updatePeer({ ...PEER, receivedRouteLimit: 0 });
    await speaker.call('resetPeer', NAME);
    await until('the limit', async () => (await speaker.status(NAME)).lastError?.text.includes('Maximum Number of Prefixes'));
    await speaker.removePeer(NAME);
    await speaker.addPeer(PEER);
    await frr.waitEstablished('10.77.0.2');
  });

  it('frozen, loses its session by the hold timer, with a NOTIFICATION', async () => {
    await speaker.updatePeer({ ...PEER, holdTime: 3 });
    await frr.waitEstablished('10.77.0.2');
    await speaker.waitState(NAME, 'Established');
    frr.daemons.get('bgpd')?.signal('SIGSTOP');
    const status = await until('the hold timer', async () => {
      const now = await speaker.status(NAME);
      return now.state !== 'Established' && now;
    });
    frr.daemons.get('bgpd')?.signal('SIGCONT');
    expect(status.lastError?.text).toContain('Hold Timer Expired [4/0]');
    await frr.waitEstablished('10.77.0.2');
  });

  it('keeps the routes while our process is killed and started again', async () => {
    const restart = { ...PEER, gracefulRestart: { restartTime: 20 } };
    await speaker.updatePeer(restart);
    await frr.waitEstablished('10.77.0.2');
    const holds = async () => (await frr.host.ip('route', 'show', '198.51.100.10')).includes('via 10.77.0.2');
    await until('the kernel route', holds);
    const stale = async () => (await frr.route('198.51.100.10/32'))?.paths[0]?.stale === true;
    const watching = watch(holds);
    await speaker.daemon.kill();
    await until('the path is stale', stale);
    speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    await speaker.announce({ prefix: '198.51.100.10/32' });
    await speaker.addPeer(restart);
    await frr.waitEstablished('10.77.0.2');
    await until('the path is fresh', async () => !(await stale()));
    const { asked, no } = await watching.stop();
    expect(asked).toBeGreaterThan(3);
    expect(no).toBe(0);
    // What was not announced again went with the End-of-RIB.
    await until('the old IPv6 route is gone', async () => !(await frr.route('2001:db8:10::10/128')));
  });

  it('drops the routes at once when we stop for good, and is told why', async () => {
    await speaker.stop({ mode: 'cease', message: 'node-1 is being upgraded' });
    await until('the route is gone', async () => !(await frr.route('198.51.100.10/32')));
    const log = await frr.vtysh('show bgp neighbors 10.77.0.2');
    expect(log).not.toContain('Established, up');
  });
});
