import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bird } from './peers/bird.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until, watch } from './peers/run.ts';

const ROUTER = `
router id 10.77.0.1;
debug protocols { states, events };
protocol device { scan time 2; }
protocol kernel { merge paths on limit 16; ipv4 { export where source = RTS_BGP; import none; }; }
template bgp node {
  local 10.77.0.1 as 65001;
  passive on;
  hold time 9;
  connect delay time 0;
  error wait time 1, 4;
  ipv4 { import all; export none; };
  ipv6 { import all; export none; };
}
protocol bgp n_plain from node { neighbor 10.77.0.2 as 65002; enable route refresh on; long lived graceful restart on; graceful restart on; }
protocol bgp n_md5 from node { neighbor 10.77.0.3 as 65002; password "s3cret"; }
protocol bgp n_gtsm from node { neighbor 10.77.0.5 as 65002; ttl security on; }
protocol bgp n_internal from node { neighbor 10.77.0.6 as 65001; }
protocol bgp n_roles from node { neighbor 10.77.0.7 as 65002; local role provider; require roles on; }
protocol bgp n_other from node { local fd77::1 as 65001; neighbor fd77::7 as 65002; }
protocol bgp n_mismatch from node { neighbor 10.77.0.8 as 65002; local role customer; }
`;

const missing = await Bird.missing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('BIRD as a router', () => {
  let lan: Lan;
  let bird: Bird;
  let node: Host;
  let speaker: RemoteSpeaker;
  const PEER = {
    name: 'plain',
    address: '10.77.0.1',
    sourceAddress: '10.77.0.2',
    remoteAs: 65001,
    holdTime: 9,
    gracefulRestart: { restartTime: 20, longLivedStaleTime: 600 },
  } as const;

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24', 'fd77::1/64'] });
    const extra = [3, 5, 6, 7, 8].map(i => `10.77.0.${i}/24`);
    node = await lan.host('n1', { addresses: ['10.77.0.2/24', ...extra, 'fd77::2/64', 'fd77::7/64'] });
    [bird, speaker] = await Promise.all([Bird.start(router, ROUTER), RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' })]);
    await speaker.announce({
      prefix: '198.51.100.10/32',
      communities: ['65002:7'],
      largeCommunities: ['65002:1:2'],
      extendedCommunities: ['rt:65002:9'],
    });
    await speaker.announce({ prefix: '2001:db8:10::10/128' });
    await speaker.addPeer(PEER);
    await bird.waitEstablished('n_plain');
  });

  afterAll(async () => {
    await lan?.close();
  });

  it('accepts IPv4 and IPv6 routes over one session, with communities of every kind', async () => {
    const v4 = await until('the IPv4 route', async () => await bird.route('198.51.100.10/32'));
    expect(v4).toContain('BGP.origin: IGP');
    expect(v4).toContain('BGP.as_path: 65002');
    expect(v4).toContain('BGP.next_hop: 10.77.0.2');
    expect(v4).toContain('BGP.community: (65002,7)');
    expect(v4).toContain('BGP.large_community: (65002, 1, 2)');
    expect(v4).toContain('BGP.ext_community: (rt, 65002, 9)');
    const v6 = await until('the IPv6 route', async () => await bird.route('2001:db8:10::10/128'));
    expect(v6).toMatch(/BGP.next_hop: fd77::[27]\b/);
  });

  it('gets all routes again when it asks for a refresh', async () => {
    const before = await speaker.status('plain');
    await bird.ask('reload', 'in', 'n_plain');
    await until('a refresh of both families', async () => (await speaker.status('plain')).counters.refreshesReceived >= 2);
    await until(
      'the routes again',
      async () => (await speaker.status('plain')).counters.routesAnnounced >= before.counters.routesAnnounced + 2,
    );
    expect(await bird.route('198.51.100.10/32')).not.toBe('');
  });

  it('takes 10,000 routes and their withdrawal', async () => {
    const before = await bird.count();
    await speaker.call('announceMany', 0, 10_000, {});
    await until('10,000 routes', async () => (await bird.count()) >= before + 10_000);
    await speaker.call('withdrawMany', 0, 10_000);
    await until('no routes', async () => (await bird.count()) === before);
  });

  it('agrees on MD5, GTSM, iBGP and IPv6 transport', async () => {
    await speaker.addPeer({ name: 'md5', address: '10.77.0.1', sourceAddress: '10.77.0.3', remoteAs: 65001, password: 's3cret' });
    await speaker.addPeer({ name: 'gtsm', address: '10.77.0.1', sourceAddress: '10.77.0.5', remoteAs: 65001, gtsm: true });
    await speaker.addPeer({ name: 'internal', address: '10.77.0.1', sourceAddress: '10.77.0.6', remoteAs: 65001, localAs: 65001 });
    await speaker.addPeer({ name: 'other', address: 'fd77::1', sourceAddress: 'fd77::7', remoteAs: 65001 });
    for (const name of ['md5', 'gtsm', 'internal', 'other']) {
      await bird.waitEstablished(`n_${name}`);
      await speaker.removePeer(name);
    }
  });

  it('agrees on roles, and refuses those that do not match, in words', async () => {
    await speaker.addPeer({
      name: 'roles',
      address: '10.77.0.1',
      sourceAddress: '10.77.0.7',
      remoteAs: 65001,
      role: 'customer',
      strictRole: true,
    });
    await bird.waitEstablished('n_roles');
    await speaker.call('resetPeer', 'roles', 'new keys');
    await until('our reason at BIRD', async () => (await bird.ask('show', 'protocols', 'all', 'n_roles')).includes('new keys'));
    await speaker.removePeer('roles');
    await speaker.addPeer({ name: 'mismatch', address: '10.77.0.1', sourceAddress: '10.77.0.8', remoteAs: 65001, role: 'customer' });
    const error = await until('a refusal', async () => (await speaker.status('mismatch')).lastError);
    expect(error.text).toMatch(/Role Mismatch/);
    await speaker.removePeer('mismatch');
  });

  it('frozen, loses its session by the hold timer', async () => {
    await speaker.updatePeer({ ...PEER, holdTime: 3 });
    await bird.waitEstablished('n_plain');
    await speaker.waitState('plain', 'Established');
    bird.daemon.signal('SIGSTOP');
    const status = await until('the hold timer', async () => {
      const now = await speaker.status('plain');
      return now.state !== 'Established' && now;
    });
    bird.daemon.signal('SIGCONT');
    expect(status.lastError?.text).toContain('Hold Timer Expired [4/0]');
    await speaker.updatePeer(PEER);
    await bird.waitEstablished('n_plain');
  });

  it('keeps the routes while our process is killed and started again', async () => {
    const holds = async () => (await bird.host.ip('route', 'show', '198.51.100.10')).includes('via 10.77.0.2');
    await until('the kernel route', holds);
    const watching = watch(holds);
    await speaker.daemon.kill();
    await until('the session is gone', async () => !(await bird.ask('show', 'protocols', 'n_plain')).includes('Established'));
    speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    await speaker.announce({ prefix: '198.51.100.10/32' });
    await speaker.addPeer(PEER);
    await bird.waitEstablished('n_plain');
    await until('what was not announced again is gone', async () => (await bird.route('2001:db8:10::10/128')) === '');
    const { asked, no } = await watching.stop();
    expect(asked).toBeGreaterThan(3);
    expect(no).toBe(0);
  });

  it('is told in words when we stop for good, although it keeps routes over NOTIFICATIONs', async () => {
    await speaker.stop({ mode: 'cease', message: 'node-1 is being upgraded' });
    await until('the route is gone', async () => (await bird.route('198.51.100.10/32')) === '');
    expect(await bird.ask('show', 'protocols', 'all', 'n_plain')).toMatch(/Administrative shutdown|Hard reset/i);
  });
});
