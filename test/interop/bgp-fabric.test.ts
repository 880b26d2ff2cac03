import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Frr } from './peers/frr.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until } from './peers/run.ts';

const ROUTER = `
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp bestpath as-path multipath-relax
 neighbor NODES peer-group
 neighbor NODES remote-as external
 neighbor NODES bfd
 neighbor NODES bfd profile fast
 neighbor NODES timers connect 1
 neighbor NODES advertisement-interval 0
 bgp listen range 10.77.0.0/24 peer-group NODES
 neighbor eth2 interface remote-as external
 neighbor eth2 timers connect 1
 neighbor 10.99.0.4 remote-as external
 neighbor 10.99.0.4 ebgp-multihop 3
 neighbor 10.99.0.4 bfd
 neighbor 10.99.0.4 timers connect 1
 address-family ipv4 unicast
  neighbor NODES activate
  neighbor eth2 activate
  neighbor 10.99.0.4 activate
  maximum-paths 64
 exit-address-family
 address-family ipv6 unicast
  neighbor eth2 activate
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
const VIP = '198.51.100.10';
/** Datagrams of a round that may miss it on a busy machine. */
const LATE = 6;
const BFD = { transmitInterval: 100, receiveInterval: 100, detectMultiplier: 5 };
const script = (name: string) => fileURLToPath(new URL(`peers/${name}`, import.meta.url));

const missing = await Frr.missing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('a router with several nodes', () => {
  let lan: Lan;
  let frr: Frr;
  const nodes: Host[] = [];
  const speakers: RemoteSpeaker[] = [];
  const nextHops = async (prefix: string) =>
    (await frr.host.ip('route', 'show', prefix)).match(/via (inet6 )?\S+( dev \S+)?( weight \d+)?/g) ?? [];

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24'] });
    const client = await lan.host('client');
    await lan.link(client, 'eth1', router, 'eth1');
    await router.ip('addr', 'add', '10.78.0.1/24', 'dev', 'eth1');
    await client.ip('addr', 'add', '10.78.0.2/24', 'dev', 'eth1');
    await client.ip('route', 'add', 'default', 'via', '10.78.0.1');
    for (const i of [2, 3, 4]) {
      const node = await lan.host(`n${i}`, { addresses: [`10.77.0.${i}/24`], loopback: [`${VIP}/32`, `10.99.0.${i}/32`] });
      await node.ip('route', 'add', 'default', 'via', '10.77.0.1');
      nodes.push(node);
    }
    await lan.link(nodes[0] as Host, 'eth2', router, 'eth2');
    await router.ip('route', 'add', '10.99.0.4/32', 'via', '10.77.0.4');
    frr = await Frr.start(router, { bgpd: ROUTER, bfdd: BFDD });
    speakers.push(
      ...(await Promise.all(
        nodes.map((node, i) => RemoteSpeaker.start(node, { asn: 65010 + i, routerId: `10.77.0.${i + 2}`, hostname: node.name })),
      )),
    );
    for (const speaker of speakers) {
      await speaker.announce({ prefix: `${VIP}/32` });
      await speaker.addPeer({ name: 'router', address: '10.77.0.1', remoteAs: 65001, bfd: BFD, families: ['ipv4-unicast'] });
    }
    for (const node of nodes) {
      const server = node.start(process.execPath, [script('echo-server.mjs'), VIP, '5300', node.name]);
      await until('the server is ready', () => server.output.includes('ready'));
    }
  });

  afterAll(async () => {
    await lan?.close();
  });

  it('puts all three into one ECMP set', async () => {
    await until('three next hops', async () => (await nextHops(VIP)).length === 3, {
      explain: () => frr.vtysh(`show bgp ipv4 unicast ${VIP}`),
    });
  });

  it('follows the link bandwidth: three quarters of the flows to the node with three times as much', async () => {
    await (speakers[0] as RemoteSpeaker).announce({ prefix: `${VIP}/32`, linkBandwidth: 1_000_000 });
    await (speakers[1] as RemoteSpeaker).announce({ prefix: `${VIP}/32`, linkBandwidth: 3_000_000 });
    await (speakers[2] as RemoteSpeaker).withdraw(`${VIP}/32`);
    const weights = await until('two weighted next hops', async () => {
      const found = (await nextHops(VIP)).map(hop => Number(/weight (\d+)/.exec(hop)?.[1]));
      return found.length === 2 && found[0] !== found[1] && found;
    });
    expect(Math.max(...weights) / Math.min(...weights)).toBeCloseTo(3, 0);
    for (const speaker of speakers) await speaker.announce({ prefix: `${VIP}/32` });
    await until('three next hops of equal weight', async () => {
      const found = await nextHops(VIP);
      return found.length === 3 && new Set(found.map(hop => /weight \d+/.exec(hop)?.[0])).size === 1;
    });
  });

  it('spreads the flows of a client over all nodes, and loses only those of a node that is cut, for the BFD time', async () => {
    const { lan: network } = nodes[0] as Host;
    const client = network.hosts.get('client') as Host;
    const victim = nodes[2] as Host;
    const rounds: Record<string, number>[] = [];
    const flows = client.start(process.execPath, [script('flows.mjs'), VIP, '5300', '60', '250'], { ipc: true });
    flows.process.on('message', message => rounds.push(message as Record<string, number>));
    // A busy machine may answer a datagram late: a few are no sign.
    const settled = () => (rounds.at(-1)?.['none'] ?? 0) <= LATE && rounds.at(-1);
    const explain = async () =>
      [
        JSON.stringify(rounds.slice(-3)),
        await frr.host.ip('route', 'show', VIP),
        await frr.host.ip('neigh'),
        await victim.run('ss', '-uanp'),
      ].join('\n');
    const spread = await until(
      'every node has flows',
      () => {
        const last = settled();
        return last && nodes.every(node => (last[node.name] ?? 0) > 5) && last;
      },
      { explain },
    );
    // A path whose BFD session has not come up yet when it is cut is only noticed by the hold timer.
    for (const speaker of speakers)
      await until('BFD is up on both sides', async () => {
        const { bfd } = await speaker.status('router');
        return bfd?.state === 'Up' && bfd.remoteState === 'Up' && bfd.detectionTime === 500;
      });
    const before = rounds.length;
    try {
      await victim.plug(false);
      await until('its flows have moved', () => rounds.length > before + 3 && settled() && rounds.at(-1)?.[victim.name] === undefined, {
        explain,
      });
      const lost = Math.max(...rounds.slice(before).map(round => round['none'] ?? 0));
      expect(lost).toBeLessThanOrEqual((spread[victim.name] ?? 0) + LATE);
    } finally {
      await victim.plug(true);
      await flows.stop();
    }
    await until('three next hops again', async () => (await nextHops(VIP)).length === 3, { timeout: 40_000 });
  });

  it('peers over a link without addresses, and takes IPv4 routes by an IPv6 next hop', async () => {
    const [speaker] = speakers as [RemoteSpeaker];
    await speaker.announce({ prefix: '198.51.100.77/32' }, { peers: ['unnumbered'] });
    await speaker.announce({ prefix: '2001:db8:77::/64' }, { peers: ['unnumbered'] });
    await speaker.addPeer({ name: 'unnumbered', interface: 'eth2', remoteAs: 'external' });
    const status = await speaker.waitState('unnumbered', 'Established', 40_000);
    expect(status.address).toMatch(/^fe80:.*%eth2$/);
    const hops = await until(
      'the kernel route',
      async () => {
        const found = await nextHops('198.51.100.77');
        return found.length > 0 && found;
      },
      { explain: () => frr.vtysh('show bgp ipv4 unicast 198.51.100.77/32') },
    );
    expect(hops[0]).toMatch(/via inet6 fe80:\S+ dev eth2/);
    expect(await frr.host.ip('-6', 'route', 'show', '2001:db8:77::/64')).toMatch(/via fe80:\S+ dev eth2/);
  });

  it('peers over several hops from a loopback address, with BFD for several hops', async () => {
    const speaker = speakers[2] as RemoteSpeaker;
    await speaker.announce({ prefix: '198.51.100.78/32' }, { peers: ['far'] });
    const options = {
      name: 'far',
      address: '10.77.0.1',
      sourceAddress: '10.99.0.4',
      remoteAs: 65001,
      multihop: 3,
      bfd: {},
      nextHop: { ipv4: '10.77.0.4' },
    };
    await speaker.addPeer({ ...options, families: ['ipv4-unicast'] });
    await frr.waitEstablished('10.99.0.4');
    await until('the kernel route', async () => (await nextHops('198.51.100.78')).some(hop => hop.includes('10.77.0.4')));
    await until('BFD is up', async () => (await speaker.status('far')).bfd?.state === 'Up', {
      explain: async () => JSON.stringify([await speaker.status('far'), await frr.vtysh('show bfd peers')]),
    });
  });
});
