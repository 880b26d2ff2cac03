import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planned, SpeakerLan, until } from './layer2-lan.ts';

const VIPS = ['10.66.0.240', 'fd66::240'];
const NEW_MAC = '02:66:00:00:00:aa';

const skip = process.getuid?.() === 0 ? undefined : 'network namespaces need root';

describe.skipIf(skip !== undefined)('two nodes whose gateway changes its MAC', () => {
  let lan: SpeakerLan;

  beforeEach(() => {
    lan = new SpeakerLan(2);
  });
  afterEach(async () => {
    await lan?.close();
  });

  // The client of the LAN is the gateway, and for each case there is no other.
  it.each([
    ['IPv4', '-4', '10.66.0.9'],
    ['IPv6', '-6', 'fd66::9'],
  ])('%s: no address moves, and no node counts as cut off', async (_, family, gateway) => {
    for (const { host } of lan.nodes) host.run('ip', family, 'route', 'add', 'default', 'via', gateway, 'dev', 'eth0');
    for (const node of lan.nodes) node.start();
    await until('the nodes to hear each other', () =>
      lan.nodes.every(({ events }) => events.findLast(event => event.kind === 'report')?.segments[0]?.peersHeard.length === 1),
    );
    lan.plan(VIPS.map(ip => planned(ip, lan.nodes)));
    await until('an owner of each address', () => VIPS.every(ip => lan.owner(ip) !== undefined));
    for (const node of lan.nodes) node.events.length = 0;

    // Without a word about it; and before the nodes would have asked again, the kernel of one of them learns it.
    lan.client.run('ip', 'link', 'set', 'eth0', 'address', NEW_MAC);
    if (family === '-6') lan.client.run('ip', 'addr', 'replace', 'fd66::9/64', 'dev', 'eth0', 'nodad');
    const { host } = lan.node(1);
    host.run('ip', 'neigh', 'flush', 'dev', 'eth0');
    host.try('ping', family, '-c', '1', '-W', '1', gateway);
    expect(host.run('ip', 'neigh', 'show', gateway, 'dev', 'eth0')).toContain(NEW_MAC);
    await new Promise(resolve => {
      setTimeout(resolve, 2_500);
    });

    for (const { name, events } of lan.nodes) {
      const reports = events.filter(event => event.kind === 'report').flatMap(event => event.segments);
      expect(reports.length, name).toBeGreaterThanOrEqual(2);
      for (const { unfitReason } of reports) expect(unfitReason, name).toBeUndefined();
      expect(
        events.filter(event => event.kind === 'acquired' || event.kind === 'released'),
        name,
      ).toEqual([]);
    }
  });
});

describe.skipIf(skip !== undefined)('gateways that ignore an address', () => {
  let lan: SpeakerLan;

  beforeEach(() => {
    lan = new SpeakerLan(1);
  });
  afterEach(async () => {
    await lan?.close();
  });

  it('are told apart from those that confirm', async () => {
    const { host } = lan.node(0);
    host.run('ip', '-4', 'route', 'add', 'default', 'via', '10.66.0.9', 'dev', 'eth0');
    host.run('ip', '-6', 'route', 'add', 'default', 'via', 'fd66::9', 'dev', 'eth0');
    // What inspects ARP and ND lets pass what comes from the node itself only; the second IPv6 address is let in.
    for (const rule of [
      'add table arp f',
      'add chain arp f in { type filter hook input priority 0; }',
      'add rule arp f in arp saddr ip 10.66.0.240 drop',
    ])
      lan.client.run('nft', rule);
    for (const rule of [
      'add table ip6 f',
      'add chain ip6 f in { type filter hook input priority 0; }',
      'add rule ip6 f in ip6 saddr fd66::240 drop',
    ])
      lan.client.run('nft', rule);
    lan.node(0).start();
    lan.plan([...VIPS, 'fd66::241'].map(ip => planned(ip, lan.nodes)));
    await until('a confirmation of the other address', () => lan.node(0).about('confirmed', 'fd66::241').length > 0);
    const silent = await until('the gateways to be reported', () => {
      const report = lan.node(0).events.findLast(event => event.kind === 'report');
      const gateways = report?.segments[0]?.gatewaysUnconfirmed ?? [];
      return gateways.length > 1 && gateways;
    });
    expect(silent).toEqual([
      { gateway: '10.66.0.9', address: '10.66.0.240', addresses: 1 },
      { gateway: 'fd66::9', address: 'fd66::240', addresses: 1 },
    ]);
    expect(VIPS.flatMap(ip => lan.node(0).about('confirmed', ip))).toEqual([]);
  });
});
