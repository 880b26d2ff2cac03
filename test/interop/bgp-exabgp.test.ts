import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Exabgp } from './peers/exabgp.ts';
import { Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until } from './peers/run.ts';

const NEIGHBOR = `
  router-id 10.77.0.1; local-as 65001; peer-as 65002; hold-time 9;
  family { ipv4 unicast; ipv6 unicast; }
  capability { graceful-restart 60; route-refresh enable; asn4 enable; nexthop enable; }
  nexthop { ipv4 unicast ipv6; }
`;

const MARKER = 'ffffffffffffffffffffffffffffffff';

const missing = await Exabgp.missing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('ExaBGP as the reader of every octet', () => {
  let lan: Lan;
  let exabgp: Exabgp;
  let speaker: RemoteSpeaker;
  const PEER = { name: 'exa', address: '10.77.0.1', remoteAs: 65001, holdTime: 9, extendedMessages: false } as const;

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24', 'fd77::1/64'] });
    const node = await lan.host('n1', { addresses: ['10.77.0.2/24', 'fd77::2/64'] });
    speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    await speaker.listen({ addresses: ['10.77.0.2'] });
    exabgp = await Exabgp.start(router, { local: '10.77.0.1', peer: '10.77.0.2', neighbor: NEIGHBOR });
    await speaker.announce({ prefix: '198.51.100.10/32' });
    await speaker.addPeer(PEER);
    await speaker.waitState('exa', 'Established');
  });

  afterAll(async () => {
    await lan?.close();
  });

  const update = (hex: string) => until(`the UPDATE ${hex}`, async () => (await exabgp.received('update')).includes(hex));

  it('reads the UPDATE of RFC 4271 and the End-of-RIB of both families', async () => {
    await update(`${MARKER}0030020000001440010100400206020100 00fdea4003040a4d000220c633640a`.replaceAll(' ', ''));
    await update(`${MARKER}00170200000000`);
    await update(`${MARKER}001e0200000007900f0003000201`);
  });

  it('reads IPv6 routes with the 16 octets of a global next hop', async () => {
    await speaker.announce({ prefix: '2001:db8::/32' });
    await update(
      `${MARKER}0042020000002b900e001a00020110fd7700000000000000000000000000020020 20010db8 40010100 40020602010000fdea`.replaceAll(
        ' ',
        '',
      ),
    );
    await speaker.withdraw('2001:db8::/32');
    await update(`${MARKER}0023020000000c900f0008000201 2020010db8`.replaceAll(' ', ''));
  });

  it('reads communities of every kind, sorted, and MED', async () => {
    await speaker.announce({
      prefix: '198.51.100.11/32',
      med: 5,
      communities: ['65002:9', '65002:7', 'no-export'],
      largeCommunities: ['65002:1:2'],
      linkBandwidth: 1000,
    });
    const hex = await until('the UPDATE', async () => (await exabgp.received('update')).find(message => message.endsWith('20c633640b')));
    expect(hex).toContain('80040400000005');
    expect(hex).toContain('c0080cfdea0007fdea0009ffffff01');
    expect(hex).toContain('c010084004fdea447a0000');
    expect(hex).toContain('c0200c0000fdea0000000100000002');
  });

  it('has its unknown attributes read and dropped', async () => {
    await exabgp.command('neighbor 10.77.0.2 announce route 203.0.119.0/24 next-hop self attribute [0x63 0xc0 0xdeadbeef]');
    await until('the route', async () => (await speaker.status('exa')).counters.prefixesReceived >= 1);
    expect((await speaker.status('exa')).state).toBe('Established');
  });

  it('reads the OPEN, and the NOTIFICATION at the end', async () => {
    const [open] = await exabgp.received('open');
    // Version 4, AS 65002, 9 s, our identifier.
    expect(open).toContain('0104fdea00090a4d0002');
    await speaker.stop({ mode: 'cease', message: 'upgrading' });
    const reasons = async () =>
      JSON.stringify((await exabgp.messages()).filter(message => message.type === 'state').map(({ neighbor }) => neighbor));
    // ExaBGP 4.2 formats the text of a shutdown into octets, which Python 3 refuses: it says that it cannot read message type 3. Later ones show it.
    await until('the reason of the end', async () => /upgrading|message of type \W+3/.test(await reasons()), { explain: reasons });
  });
});
