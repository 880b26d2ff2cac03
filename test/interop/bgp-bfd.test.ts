import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bird } from './peers/bird.ts';
import { Frr } from './peers/frr.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until, watch } from './peers/run.ts';

/** Generous: the machine that runs this may pause. What a pause costs is measured in bench/bfd.ts. */
const BFD = { transmitInterval: 100, receiveInterval: 100, detectMultiplier: 5 } as const;

const FRR = `
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp graceful-restart
 neighbor NODES peer-group
 neighbor NODES remote-as external
 neighbor NODES bfd
 neighbor NODES bfd profile fast
 neighbor NODES timers connect 1
 bgp listen range 10.77.0.0/24 peer-group NODES
 bgp listen range fd77::/64 peer-group NODES
 address-family ipv4 unicast
  neighbor NODES activate
 exit-address-family
 address-family ipv6 unicast
  neighbor NODES activate
 exit-address-family
`;
const BFDD = `
bfd
 profile fast
  detect-multiplier 5
  receive-interval 100
  transmit-interval 100
 exit
exit
`;
const BIRD = `
router id 10.77.0.11;
protocol device { scan time 2; }
protocol bfd { interface "eth0" { min rx interval 100 ms; min tx interval 100 ms; multiplier 5; authentication meticulous keyed sha1; password "s3cret" { id 7; }; }; }
protocol bgp node { local 10.77.0.11 as 65001; neighbor 10.77.0.2 as 65002; passive on; bfd on; error wait time 1, 4; connect delay time 0; ipv4 { import all; export none; }; }
`;

const missing = (await Frr.missing()) ?? (await Bird.missing());
if (missing !== undefined) console.warn(`skipped: ${missing}`);

interface FrrBfdPeer {
  readonly peer: string;
  readonly status: string;
  readonly diagnostic: string;
  readonly 'remote-diagnostic': string;
}

describe.skipIf(missing !== undefined)('BFD with FRR and BIRD', () => {
  let lan: Lan;
  let frr: Frr;
  let bird: Bird;
  let node: Host;
  let speaker: RemoteSpeaker;
  const bfdPeer = async (address: string) => (await frr.json<FrrBfdPeer[]>('show bfd peers json')).find(peer => peer.peer === address);

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24', 'fd77::1/64'] });
    const other = await lan.host('bird', { addresses: ['10.77.0.11/24'] });
    node = await lan.host('n1', { addresses: ['10.77.0.2/24', 'fd77::2/64'] });
    [frr, bird, speaker] = await Promise.all([
      Frr.start(router, { bgpd: FRR, bfdd: BFDD }),
      Bird.start(other, BIRD),
      RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' }),
    ]);
    await speaker.announce({ prefix: '198.51.100.10/32' });
    await speaker.addPeer({ name: 'frr', address: '10.77.0.1', remoteAs: 65001, bfd: BFD });
    await speaker.addPeer({ name: 'frr6', address: 'fd77::1', remoteAs: 65001, bfd: BFD });
    const authentication = { type: 'meticulous-keyed-sha1', keyId: 7, key: 's3cret' } as const;
    await speaker.addPeer({ name: 'bird', address: '10.77.0.11', remoteAs: 65001, bfd: { ...BFD, authentication } });
  });

  afterAll(async () => {
    await lan?.close();
  });

  const up = (name: string) =>
    until(
      `BFD of ${name} is up`,
      async () => {
        const status = await speaker.status(name);
        // Ours is up by a packet in which the other side still says Init.
        return status.bfd?.state === 'Up' && status.bfd.remoteState === 'Up' && status.state === 'Established' && status;
      },
      { explain: async () => JSON.stringify([await speaker.status(name), speaker.events.filter(({ event }) => event === 'problem')]) },
    );

  it.each(['frr', 'frr6', 'bird'])('comes up with the intervals both sides want: %s', async name => {
    await up(name);
    const timers = await until('the fast timers', async () => {
      const bfd = (await speaker.status(name)).bfd;
      return bfd?.detectionTime === 500 && bfd;
    });
    expect(timers.transmitInterval).toBe(100);
  });

  it('is up at the routers, too', async () => {
    expect((await bfdPeer('10.77.0.2'))?.status).toBe('up');
    expect((await bfdPeer('fd77::2'))?.status).toBe('up');
    expect(await bird.ask('show', 'bfd', 'sessions')).toMatch(/10\.77\.0\.2\s+eth0\s+Up/);
  });

  it('stays up while the main thread is blocked for longer than the detection time', async () => {
    const downs = (await speaker.status('frr')).counters.bfdDowns;
    for (let i = 0; i < 3; i++) await speaker.call('block', 1500);
    expect((await bfdPeer('10.77.0.2'))?.status).toBe('up');
    const status = await speaker.status('frr');
    expect(status.bfd?.state).toBe('Up');
    expect(status.counters.bfdDowns).toBe(downs);
    expect(status.counters.sessionsEstablished).toBe(1);
  });

  it('ends the sessions of a cut link long before the hold timer, and says why', async () => {
    await node.plug(false);
    const status = await until('the session is gone', async () => {
      const now = await speaker.status('frr');
      return now.state !== 'Established' && now;
    });
    await until('the routers have dropped the route', async () => !(await frr.route('198.51.100.10/32')), { timeout: 10_000 });
    expect(status.lastError?.text).toContain('BFD: control detection time expired');
    expect(status.counters.bfdDowns).toBe(1);
    await node.plug(true);
    await up('frr');
    await up('bird');
  });

  it('takes other timers without going down', async () => {
    const before = await speaker.status('frr');
    await speaker.updatePeer({
      name: 'frr',
      address: '10.77.0.1',
      remoteAs: 65001,
      bfd: { ...BFD, transmitInterval: 200, detectMultiplier: 6 },
    });
    await until('the slower timers', async () => (await speaker.status('frr')).bfd?.transmitInterval === 200);
    const after = await speaker.status('frr');
    expect(after.bfd?.state).toBe('Up');
    expect(after.counters.sessionsEstablished).toBe(before.counters.sessionsEstablished);
  });

  it('says AdminDown when it ends on purpose, which is no failure to us', async () => {
    const before = (await speaker.status('frr')).counters;
    await speaker.updatePeer({ name: 'frr', address: '10.77.0.1', remoteAs: 65001 });
    // FRR of this version ends a session on AdminDown too, and with it a neighbour it has learned; what matters is that it is not left waiting.
    await until('FRR has heard of it', async () => (await bfdPeer('10.77.0.2'))?.status !== 'up', {
      explain: async () => JSON.stringify(await bfdPeer('10.77.0.2')),
    });
    await frr.waitEstablished('10.77.0.2');
    const after = await speaker.status('frr');
    expect(after.bfd).toBeUndefined();
    expect(after.counters.bfdDowns).toBe(before.bfdDowns);
  });

  it('does not cost the routes when our process leaves for a restart', async () => {
    const restart = { name: 'frr', address: '10.77.0.1', remoteAs: 65001, bfd: BFD, gracefulRestart: { restartTime: 20 } };
    await speaker.updatePeer(restart);
    await up('frr');
    await frr.waitEstablished('10.77.0.2');
    const holds = async () => (await frr.host.ip('route', 'show', '198.51.100.10')).includes('via 10.77.0.2');
    await until('the kernel route', holds);
    const watching = watch(holds);
    await speaker.stop({ mode: 'graceful-restart' });
    await until('BFD is not up at FRR', async () => (await bfdPeer('10.77.0.2'))?.status !== 'up');
    await until('the path is stale', async () => (await frr.route('198.51.100.10/32'))?.paths[0]?.stale);
    speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    await speaker.announce({ prefix: '198.51.100.10/32' });
    await speaker.addPeer(restart);
    await until('the path is fresh', async () => {
      const path = (await frr.route('198.51.100.10/32'))?.paths[0];
      return path && !path.stale;
    });
    await up('frr');
    const { asked, no } = await watching.stop();
    expect(asked).toBeGreaterThan(3);
    expect(no).toBe(0);
  });
});
