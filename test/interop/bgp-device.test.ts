import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bird } from './peers/bird.ts';
import { Frr } from './peers/frr.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { run, until } from './peers/run.ts';

const FRR = `
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 neighbor 10.77.0.2 remote-as 65002
 neighbor 10.77.0.2 timers connect 1
 neighbor 10.77.0.2 passive
 neighbor 10.77.0.2 bfd
`;
/** Generous: the machine that runs this may pause. */
const BFD = { transmitInterval: 100, receiveInterval: 100, detectMultiplier: 10 };
const BIRD = `
router id 10.77.0.11;
protocol device { scan time 2; }
protocol bfd { interface "eth1" { min rx interval 100 ms; min tx interval 100 ms; multiplier 10; }; }
protocol bgp node { bfd on; local 10.77.0.1 as 65011; neighbor 10.77.0.2 as 65002; passive on; connect delay time 0; error wait time 1, 4; ipv4 { import all; export none; }; }
`;

const missing = (await Frr.missing()) ?? (await Bird.missing());
if (missing !== undefined) console.warn(`skipped: ${missing}`);

/** Whether this kernel has VRF devices (CONFIG_NET_VRF). */
async function hasVrf(): Promise<boolean> {
  const namespace = `vrf-probe-${process.pid}`;
  await run('ip', ['netns', 'add', namespace]);
  try {
    return await run('ip', ['-n', namespace, 'link', 'add', 'red', 'type', 'vrf', 'table', '10']).then(
      () => true,
      () => false,
    );
  } finally {
    await run('ip', ['netns', 'delete', namespace]);
  }
}
const vrf = missing === undefined && (await hasVrf());
if (missing === undefined && !vrf) console.warn('the VRF tests are skipped: this kernel has no VRF devices');

describe.skipIf(missing !== undefined)('a node with two links to routers of the same address', () => {
  let lan: Lan;
  let frr: Frr;
  let bird: Bird;
  let node: Host;
  let speaker: RemoteSpeaker;

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24'] });
    const other = await lan.host('other');
    node = await lan.host('n1', { addresses: ['10.77.0.2/24'] });
    await lan.link(node, 'eth1', other, 'eth1');
    await node.ip('addr', 'add', '10.77.0.2/24', 'dev', 'eth1');
    await other.ip('addr', 'add', '10.77.0.1/24', 'dev', 'eth1');
    [frr, bird, speaker] = await Promise.all([
      Frr.start(router, { bgpd: FRR, bfdd: '' }),
      Bird.start(other, BIRD),
      RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' }),
    ]);
    await speaker.announce({ prefix: '198.51.100.10/32' });
    await speaker.announce({ prefix: '198.51.100.11/32' }, { peers: ['second'] });
  });

  afterAll(async () => {
    await lan?.close();
  });

  const state = async (name: string) => (await speaker.status(name)).bfd?.state;

  it('reaches each of them by the device its peer is bound to', async () => {
    await speaker.addPeer({ name: 'first', address: '10.77.0.1', remoteAs: 65001, device: 'eth0', bfd: BFD });
    await speaker.addPeer({ name: 'second', address: '10.77.0.1', remoteAs: 65011, device: 'eth1', bfd: BFD });
    await Promise.all([frr.waitEstablished('10.77.0.2'), bird.waitEstablished('node')]);
    await until('the routes at both', async () => (await bird.route('198.51.100.11/32')) !== '' && (await frr.route('198.51.100.10/32')));
    expect(await frr.route('198.51.100.11/32')).toBeUndefined();
    expect((await speaker.status('first')).remoteRouterId).toBe('10.77.0.1');
    expect((await speaker.status('second')).remoteRouterId).toBe('10.77.0.11');
  });

  it('tells their BFD sessions apart', async () => {
    await until('both are up', async () => (await state('first')) === 'Up' && (await state('second')) === 'Up', {
      explain: async () => JSON.stringify([await speaker.status('first'), await speaker.status('second')]),
    });
    await node.plug(false);
    await until('the first is down', async () => (await state('first')) === 'Down');
    expect(await state('second')).toBe('Up');
    await node.plug(true);
  });

  it('takes a connection that may be of either for neither, and says so', async () => {
    await speaker.listen({ addresses: ['0.0.0.0'] });
    await frr.configure('router bgp 65001', 'no neighbor 10.77.0.2 passive');
    await speaker.removePeer('first');
    await speaker.addPeer({ name: 'first', address: '10.77.0.1', remoteAs: 65001, device: 'eth0', passive: true });
    await until('that is said', () =>
      speaker.events.some(({ event, data }) => event === 'problem' && String(data['text']).includes('may be of second or of first')),
    );
    await speaker.listen({ addresses: ['0.0.0.0'], port: 1179, device: 'eth0' });
    await frr.configure('router bgp 65001', 'neighbor 10.77.0.2 port 1179');
    await speaker.waitState('first', 'Established');
  });

  it.skipIf(!vrf)('reaches a router inside a VRF', async () => {
    await speaker.removePeer('second');
    await node.ip('link', 'add', 'red', 'type', 'vrf', 'table', '10');
    await node.ip('link', 'set', 'red', 'up');
    await node.ip('link', 'set', 'eth1', 'master', 'red');
    await speaker.addPeer({ name: 'red', address: '10.77.0.1', remoteAs: 65011, device: 'red' });
    await bird.waitEstablished('node');
    expect((await speaker.status('red')).remoteRouterId).toBe('10.77.0.11');
    await until('the route', async () => (await bird.route('198.51.100.10/32')) !== '');
    expect((await speaker.status('first')).state).toBe('Established');
  });
});
