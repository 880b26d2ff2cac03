import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bird } from './peers/bird.ts';
import { Exabgp } from './peers/exabgp.ts';
import { Gobgp } from './peers/gobgp.ts';
import { type Daemon, type Host, Lan } from './peers/lan.ts';
import { Openbgpd } from './peers/openbgpd.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until } from './peers/run.ts';

/** Beside BIRD's, GoBGP's and OpenBGPD's own tests: what each of them can as well. FRR's own tests have all of it. */

const AS4 = 4_200_000_007;

const BIRD = `
router id 10.77.0.11;
protocol device { scan time 2; }
template bgp node { local 10.77.0.11 as 65001; passive on; connect delay time 0; error wait time 1, 4; ipv4 { import all; export none; }; ipv6 { import all; export none; }; }
protocol bgp n_plain from node { neighbor 10.77.0.2 as 65002; }
protocol bgp n_wrong from node { neighbor 10.77.0.4 as 65002; password "other"; }
protocol bgp n_as4 from node { neighbor 10.77.0.7 as ${AS4}; }
protocol bgp n_far from node { neighbor 10.99.0.2 as 65002; multihop 3; }
protocol bgp n_next { local fd77::11 as 65001; neighbor fd77::7 as 65002; passive on; connect delay time 0; ipv4 { import all; export none; extended next hop on; }; ipv6 { import all; export none; }; }
protocol bgp n_link { local as 65001; neighbor range fe80::/10 external; interface "eth2"; dynamic name "link"; ipv4 { import all; export none; extended next hop on; }; ipv6 { import all; export none; }; }
protocol radv { interface "eth2" { max ra interval 4; default lifetime 0; }; }
`;

const gobgpNeighbor = (address: string, as: number, more = '') => `
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${address}"
    peer-as = ${as}
    ${more.startsWith('auth') ? more : ''}
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  ${more.startsWith('auth') ? '' : more}
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
`;
const GOBGP = `
[global.config]
  as = 65001
  router-id = "10.77.0.12"
  local-address-list = ["10.77.0.12", "fd77::12"]
${gobgpNeighbor('10.77.0.2', 65002)}
${gobgpNeighbor('10.77.0.4', 65002, 'auth-password = "other"')}
${gobgpNeighbor('10.77.0.7', AS4)}
${gobgpNeighbor('10.99.0.2', 65002, '[neighbors.ebgp-multihop.config]\n    enabled = true\n    multihop-ttl = 3')}
${gobgpNeighbor('fd77::7', 65002)}
`;

const openbgpdNeighbor = (address: string, as: number, more = '') => `
neighbor ${address} {
  remote-as ${as}
  passive
  announce IPv4 unicast
  announce IPv6 unicast
  ${more}
}
`;
const OPENBGPD = `
AS 65001
router-id 10.77.0.13
listen on 10.77.0.13
fib-update no
holdtime min 3
${openbgpdNeighbor('10.77.0.2', 65002)}
${openbgpdNeighbor('10.77.0.4', 65002, 'tcp md5sig password other')}
${openbgpdNeighbor('10.77.0.7', AS4)}
${openbgpdNeighbor('10.99.0.2', 65002, 'multihop 3')}
allow from any
`;

const missing = (await Bird.missing()) ?? (await Gobgp.missing()) ?? (await Openbgpd.missing()) ?? (await Exabgp.missing());
if (missing !== undefined) console.warn(`skipped: ${missing}`);

interface Router {
  readonly address: string;
  readonly daemon: Daemon;
  /** All there is about a prefix. */
  readonly route: (prefix: string) => Promise<string>;
}

describe.skipIf(missing !== undefined)('each router', () => {
  let lan: Lan;
  let node: Host;
  let speaker: RemoteSpeaker;
  let bird: Bird;
  let gobgp: Gobgp;
  const routers: Record<string, Router> = {};
  const router = (name: string) => routers[name] as Router;

  beforeAll(async () => {
    lan = await Lan.create();
    const addresses = [2, 4, 7].map(i => `10.77.0.${i}/24`);
    node = await lan.host('n1', { addresses: [...addresses, 'fd77::2/64', 'fd77::7/64'], loopback: ['10.99.0.2/32'] });
    const host = async (name: string, i: number) => {
      const made = await lan.host(name, { addresses: [`10.77.0.${i}/24`, `fd77::${i}/64`] });
      await made.ip('route', 'add', '10.99.0.2/32', 'via', '10.77.0.2');
      return made;
    };
    const [birdHost, gobgpHost, openbgpdHost] = [await host('bird', 11), await host('gobgp', 12), await host('openbgpd', 13)];
    await lan.link(node, 'eth2', birdHost, 'eth2');
    let openbgpd: Openbgpd;
    [bird, gobgp, openbgpd, speaker] = await Promise.all([
      Bird.start(birdHost, BIRD),
      Gobgp.start(gobgpHost, GOBGP),
      Openbgpd.start(openbgpdHost, OPENBGPD),
      RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' }),
    ]);
    routers['BIRD'] = { address: '10.77.0.11', daemon: bird.daemon, route: prefix => bird.route(prefix) };
    routers['GoBGP'] = { address: '10.77.0.12', daemon: gobgp.daemon, route: prefix => gobgp.route(prefix) };
    routers['OpenBGPD'] = { address: '10.77.0.13', daemon: openbgpd.daemon, route: prefix => openbgpd.route(prefix) };
    await speaker.announce({ prefix: '198.51.100.10/32', extendedCommunities: ['rt:65002:9'] });
    await speaker.announce({ prefix: '2001:db8:10::10/128' });
  });

  afterAll(async () => {
    await lan?.close();
  });

  const NAMES = ['BIRD', 'GoBGP', 'OpenBGPD'];
  const routeAt = (name: string, prefix = '198.51.100.10/32') =>
    until(`${name} has ${prefix}`, async () => await router(name).route(prefix), {
      explain: () => router(name).daemon.output,
    });

  it.each(NAMES)('refuses a wrong MD5 key, which is explained, and takes the right one: %s', async name => {
    const options = { name, address: router(name).address, sourceAddress: '10.77.0.4', remoteAs: 65001, connectTimeout: 1 };
    await speaker.addPeer({ ...options, password: 's3cret' });
    const error = await until('an explanation', async () => (await speaker.status(name)).lastError);
    expect(error.text).toMatch(/password/);
    await speaker.updatePeer({ ...options, password: 'other' });
    await speaker.waitState(name, 'Established');
    await speaker.removePeer(name);
  });

  it.each(NAMES)('peers with a four-octet AS: %s', async name => {
    await speaker.addPeer({ name, address: router(name).address, sourceAddress: '10.77.0.7', remoteAs: 65001, localAs: AS4 });
    await speaker.waitState(name, 'Established');
    expect(await routeAt(name)).toContain(String(AS4));
    await speaker.removePeer(name);
  });

  it.each(NAMES)('peers over several hops from a loopback address: %s', async name => {
    await speaker.addPeer({
      name,
      address: router(name).address,
      sourceAddress: '10.99.0.2',
      remoteAs: 65001,
      multihop: 3,
      nextHop: { ipv4: '10.77.0.2', ipv6: 'fd77::2' },
    });
    await speaker.waitState(name, 'Established');
    expect(await routeAt(name)).toContain('10.77.0.2');
    await speaker.removePeer(name);
  });

  it.each(NAMES)('frozen, loses its session by the hold timer: %s', async name => {
    await speaker.addPeer({ name, address: router(name).address, sourceAddress: '10.77.0.2', remoteAs: 65001, holdTime: 3 });
    await speaker.waitState(name, 'Established');
    router(name).daemon.signalAll('SIGSTOP');
    try {
      const status = await until('the hold timer', async () => {
        const now = await speaker.status(name);
        return now.state !== 'Established' && now;
      });
      expect(status.lastError?.text).toContain('Hold Timer Expired [4/0]');
    } finally {
      router(name).daemon.signalAll('SIGCONT');
    }
    await speaker.waitState(name, 'Established');
    await speaker.removePeer(name);
  });

  it.each(['BIRD', 'GoBGP'])('takes IPv4 routes by an IPv6 next hop: %s', async name => {
    const address = `fd77::${router(name).address.split('.')[3]}`;
    await speaker.addPeer({ name, address, sourceAddress: 'fd77::7', remoteAs: 65001, extendedNextHop: true });
    await speaker.waitState(name, 'Established');
    const route = await routeAt(name);
    expect(route).toContain('fd77::');
    expect(route).not.toContain('10.77.0');
    await speaker.removePeer(name);
  });

  it('peers over a link without addresses: BIRD', async () => {
    await speaker.addPeer({ name: 'link', interface: 'eth2', remoteAs: 'external' });
    await speaker.waitState('link', 'Established', 40_000);
    expect(await routeAt('BIRD')).toMatch(/BGP\.next_hop: .*fe80:/);
    expect(await routeAt('BIRD', '2001:db8:10::10/128')).toMatch(/BGP\.next_hop: .*fe80:/);
    await speaker.removePeer('link');
  });

  it('has the extended communities as they were given: GoBGP', async () => {
    await speaker.addPeer({ name: 'GoBGP', address: '10.77.0.12', sourceAddress: '10.77.0.2', remoteAs: 65001 });
    await speaker.waitState('GoBGP', 'Established');
    expect(await routeAt('GoBGP')).toContain('[65002:9]');
    await speaker.removePeer('GoBGP');
  });

  it('reads what is sent over iBGP with MD5, GTSM and a four-octet AS, IPv4 by an IPv6 next hop: ExaBGP', async () => {
    const host = await lan.host('exa', { addresses: ['10.77.0.14/24', 'fd77::14/64'] });
    const exabgp = await Exabgp.start(host, {
      local: 'fd77::14',
      peer: 'fd77::7',
      neighbor: `
  router-id 10.77.0.14; local-as ${AS4}; peer-as ${AS4}; hold-time 3;
  md5-password s3cret; outgoing-ttl 255; incoming-ttl 255;
  family { ipv4 unicast; ipv6 unicast; }
  capability { route-refresh enable; asn4 enable; nexthop enable; }
  nexthop { ipv4 unicast ipv6; }
`,
    });
    // Its own listener knows nothing of keys: it dials.
    await speaker.listen({ addresses: ['fd77::7'] });
    await speaker.addPeer({
      name: 'ExaBGP',
      passive: true,
      address: 'fd77::14',
      sourceAddress: 'fd77::7',
      remoteAs: 'internal',
      localAs: AS4,
      password: 's3cret',
      gtsm: true,
      extendedNextHop: true,
      connectTimeout: 1,
    });
    await speaker.waitState('ExaBGP', 'Established');
    const update = (end: string) =>
      until(`the UPDATE with ${end}`, async () => (await exabgp.received('update')).find(message => message.includes(end)), {
        explain: async () => JSON.stringify(await exabgp.messages()),
      });
    // AFI 1 with the 16 octets of an IPv6 next hop, an empty path and LOCAL_PREF 100.
    const hex = await update('20c633640a');
    expect(hex).toContain('00010110fd77000000000000000000000000000700');
    expect(hex).toContain('40020040050400000064');
    exabgp.daemon.signalAll('SIGSTOP');
    try {
      await until('the hold timer', async () => (await speaker.status('ExaBGP')).lastError?.text.includes('Hold Timer Expired [4/0]'));
    } finally {
      exabgp.daemon.signalAll('SIGCONT');
    }
    await speaker.removePeer('ExaBGP');
  });

  it('reads 10,000 routes and their withdrawal over several hops, and gets them again by a refresh: ExaBGP', async () => {
    const host = await lan.host('exa2', { addresses: ['10.77.0.15/24'] });
    await host.ip('route', 'add', '10.99.0.2/32', 'via', '10.77.0.2');
    const exabgp = await Exabgp.start(host, {
      local: '10.77.0.15',
      peer: '10.99.0.2',
      neighbor: `
  router-id 10.77.0.15; local-as 65001; peer-as 65002; hold-time 30;
  family { ipv4 unicast; }
  capability { route-refresh enable; asn4 enable; }
`,
    });
    const options = { address: '10.77.0.15', sourceAddress: '10.99.0.2', remoteAs: 65001, multihop: 3, connectTimeout: 1 };
    await speaker.addPeer({ name: 'far', ...options, families: ['ipv4-unicast'], nextHop: { ipv4: '10.77.0.2' } });
    await speaker.waitState('far', 'Established');
    const counts = async () => {
      const sum = { announced: 0, withdrawn: 0 };
      for (const hex of await exabgp.received('update')) {
        const bytes = Buffer.from(hex, 'hex');
        const withdrawn = bytes.readUInt16BE(19);
        const attributes = bytes.readUInt16BE(21 + withdrawn);
        // Every prefix is a /32: five octets.
        sum.withdrawn += withdrawn / 5;
        sum.announced += (bytes.length - 23 - withdrawn - attributes) / 5;
      }
      return sum;
    };
    const seen = (what: Awaited<ReturnType<typeof counts>>) =>
      until(
        JSON.stringify(what),
        async () => {
          const now = await counts();
          return now.announced === what.announced && now.withdrawn === what.withdrawn;
        },
        { interval: 200, explain: async () => JSON.stringify(await counts()) },
      );
    await speaker.call('announceMany', 0, 10_000, {});
    await seen({ announced: 10_001, withdrawn: 0 });
    await exabgp.command('neighbor 10.99.0.2 announce route-refresh ipv4 unicast');
    await seen({ announced: 20_002, withdrawn: 0 });
    await speaker.call('withdrawMany', 0, 10_000);
    await seen({ announced: 20_002, withdrawn: 10_000 });
    expect((await speaker.status('far')).counters.sessionsEstablished).toBe(1);
    await speaker.removePeer('far');
  });
});
