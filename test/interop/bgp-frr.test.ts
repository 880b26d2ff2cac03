import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Frr } from './peers/frr.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until } from './peers/run.ts';

const ROUTER = `
frr defaults traditional
log timestamp precision 3
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp bestpath as-path multipath-relax
 timers bgp 3 9
 neighbor NODES peer-group
 neighbor NODES remote-as external
 neighbor NODES timers connect 1
 neighbor NODES advertisement-interval 0
 bgp listen range 10.77.0.0/24 peer-group NODES
 bgp listen range fd77::/64 peer-group NODES
 address-family ipv4 unicast
  neighbor NODES activate
  maximum-paths 64
 exit-address-family
 address-family ipv6 unicast
  neighbor NODES activate
  maximum-paths 64
 exit-address-family
`;

const missing = await Frr.missing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('FRR as a router', () => {
  let lan: Lan;
  let frr: Frr;
  let node: Host;
  let speaker: RemoteSpeaker;

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24', 'fd77::1/64'] });
    node = await lan.host('n1', { addresses: ['10.77.0.2/24', 'fd77::2/64'] });
    [frr, speaker] = await Promise.all([
      Frr.start(router, { bgpd: ROUTER }),
      RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2', hostname: 'node-1' }),
    ]);
  });

  afterAll(async () => {
    await lan?.close();
  });

  it('accepts IPv4 and IPv6 routes over one session', async () => {
    await speaker.announce({ prefix: '198.51.100.10/32' });
    await speaker.announce({ prefix: '2001:db8:10::10/128' });
    await speaker.addPeer({ name: 'v4', address: '10.77.0.1', remoteAs: 65001, holdTime: 9 });
    const neighbor = await frr.waitEstablished('10.77.0.2');
    expect(neighbor.hostname).toBe('node-1');
    const v4 = await until('the IPv4 route', () => frr.route('198.51.100.10/32'));
    expect(v4.paths[0]).toMatchObject({ valid: true, origin: 'IGP', aspath: { string: '65002' }, nexthops: [{ ip: '10.77.0.2' }] });
    const v6 = await until('the IPv6 route', () => frr.route('2001:db8:10::10/128'));
    expect(v6.paths[0]?.nexthops[0]).toMatchObject({ ip: 'fd77::2' });
  });
});
