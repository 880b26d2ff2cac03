import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gobgp } from './peers/gobgp.ts';
import { Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until } from './peers/run.ts';

const neighbor = (address: string, more = '', as = 65002) => `
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${address}"
    peer-as = ${as}
    ${more.includes('password') ? more : ''}
  [neighbors.timers.config]
    hold-time = 9
    keepalive-interval = 3
    connect-retry = 1
    idle-hold-time-after-reset = 1
  ${more.includes('password') ? '' : more}
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
`;

const ROUTER = `
[global.config]
  as = 65001
  router-id = "10.77.0.1"
  port = 179
  local-address-list = ["10.77.0.1", "fd77::1"]
${neighbor('10.77.0.2')}
${neighbor('10.77.0.3', 'auth-password = "s3cret"')}
${neighbor('10.77.0.5', '[neighbors.ttl-security.config]\n    enabled = true\n    ttl-min = 255')}
${neighbor('10.77.0.6', '', 65001)}
${neighbor('fd77::7')}
`;

const missing = await Gobgp.missing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('GoBGP as a router', () => {
  let lan: Lan;
  let gobgp: Gobgp;
  let speaker: RemoteSpeaker;
  const PEER = { name: 'plain', address: '10.77.0.1', sourceAddress: '10.77.0.2', remoteAs: 65001, holdTime: 9 } as const;

  const count = async () => Number(/Destination: (\d+)/.exec(await gobgp.ask('global', 'rib', 'summary'))?.[1]);

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24', 'fd77::1/64'] });
    const extra = [3, 5, 6].map(i => `10.77.0.${i}/24`);
    const node = await lan.host('n1', { addresses: ['10.77.0.2/24', ...extra, 'fd77::2/64', 'fd77::7/64'] });
    [gobgp, speaker] = await Promise.all([Gobgp.start(router, ROUTER), RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' })]);
    await speaker.announce({ prefix: '198.51.100.10/32', communities: ['65002:7'], largeCommunities: ['65002:1:2'] });
    await speaker.announce({ prefix: '2001:db8:10::10/128' });
    await speaker.addPeer(PEER);
    await gobgp.waitEstablished('10.77.0.2');
  });

  afterAll(async () => {
    await lan?.close();
  });

  it('accepts IPv4 and IPv6 routes over one session, with their communities', async () => {
    const v4 = await until('the IPv4 route', async () => await gobgp.route('198.51.100.10/32'));
    expect(v4).toMatch(/10\.77\.0\.2\s+65002/);
    expect(v4).toContain('{Communities: 65002:7}');
    expect(v4).toContain('65002:1:2');
    expect(await until('the IPv6 route', async () => await gobgp.route('2001:db8:10::10/128'))).toContain('fd77::');
  });

  it('takes 10,000 routes and their withdrawal', async () => {
    const before = await count();
    await speaker.call('announceMany', 0, 10_000, {});
    await until('10,000 routes', async () => (await count()) >= before + 10_000);
    await speaker.call('withdrawMany', 0, 10_000);
    await until('no routes', async () => (await count()) === before);
  });

  it('agrees on MD5, GTSM, iBGP and IPv6 transport', async () => {
    const peers = [
      { name: 'md5', address: '10.77.0.1', sourceAddress: '10.77.0.3', remoteAs: 65001, password: 's3cret' },
      { name: 'gtsm', address: '10.77.0.1', sourceAddress: '10.77.0.5', remoteAs: 65001, gtsm: true },
      { name: 'internal', address: '10.77.0.1', sourceAddress: '10.77.0.6', remoteAs: 65001, localAs: 65001 },
      { name: 'v6', address: 'fd77::1', sourceAddress: 'fd77::7', remoteAs: 65001 },
    ];
    for (const peer of peers) {
      await speaker.addPeer(peer);
      await gobgp.waitEstablished(peer.sourceAddress);
      await speaker.removePeer(peer.name);
    }
  });

  it('ends sessions in words both ways', async () => {
    await speaker.call('resetPeer', 'plain', 'new keys');
    await until('our reason', () => gobgp.daemon.output.includes('new keys'));
    await gobgp.waitEstablished('10.77.0.2');
    await gobgp.ask('neighbor', '10.77.0.2', 'reset', '--reason', 'cable works');
    await until('the reason', async () => (await speaker.status('plain')).lastError?.text.includes('"cable works"'));
  });
});
