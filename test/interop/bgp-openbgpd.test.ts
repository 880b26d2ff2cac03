import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lan } from './peers/lan.ts';
import { Openbgpd } from './peers/openbgpd.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until } from './peers/run.ts';

const neighbor = (address: string, as: number, more = '') => `
neighbor ${address} {
  remote-as ${as}
  passive
  announce IPv4 unicast
  announce IPv6 unicast
  announce refresh yes
  announce enhanced refresh yes
  announce restart yes
  ${more}
}
`;

const ROUTER = `
AS 65001
router-id 10.77.0.1
listen on 10.77.0.1
listen on fd77::1
fib-update no
holdtime min 3
${neighbor('10.77.0.2', 65002)}
${neighbor('10.77.0.3', 65002, 'tcp md5sig password s3cret')}
${neighbor('10.77.0.5', 65002, 'ttl-security yes')}
${neighbor('10.77.0.6', 65001)}
${neighbor('fd77::7', 65002)}
allow from any
`;

const missing = await Openbgpd.missing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('OpenBGPD as a router', () => {
  let lan: Lan;
  let openbgpd: Openbgpd;
  let speaker: RemoteSpeaker;
  const PEER = { name: 'plain', address: '10.77.0.1', sourceAddress: '10.77.0.2', remoteAs: 65001, holdTime: 9 } as const;

  const rows = async () =>
    (await openbgpd.ask('show', 'rib', 'neighbor', '10.77.0.2')).split('\n').filter(line => line.includes('/32')).length;

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24', 'fd77::1/64'] });
    const extra = [3, 5, 6].map(i => `10.77.0.${i}/24`);
    const node = await lan.host('n1', { addresses: ['10.77.0.2/24', ...extra, 'fd77::2/64', 'fd77::7/64'] });
    [openbgpd, speaker] = await Promise.all([
      Openbgpd.start(router, ROUTER),
      RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' }),
    ]);
    await speaker.announce({
      prefix: '198.51.100.10/32',
      communities: ['65002:7'],
      largeCommunities: ['65002:1:2'],
      extendedCommunities: ['rt:65002:9'],
    });
    await speaker.announce({ prefix: '2001:db8:10::10/128' });
    await speaker.addPeer(PEER);
    await openbgpd.waitEstablished('10.77.0.2');
  });

  afterAll(async () => {
    await lan?.close();
  });

  it('accepts IPv4 and IPv6 routes over one session, with communities of every kind', async () => {
    const v4 = await until('the IPv4 route', async () => await openbgpd.route('198.51.100.10/32'));
    expect(v4).toContain('65002:7');
    expect(v4).toContain('65002:1:2');
    expect(v4).toMatch(/rt 65002:9/);
    expect(await until('the IPv6 route', async () => await openbgpd.route('2001:db8:10::10/128'))).toContain('fd77::');
  });

  it('gets all routes again, between brackets, when it asks for a refresh', async () => {
    await openbgpd.ask('neighbor', '10.77.0.2', 'refresh');
    await until('a refresh', async () => (await speaker.status('plain')).counters.refreshesReceived > 0);
    expect(await openbgpd.route('198.51.100.10/32')).not.toBe('');
    expect((await speaker.status('plain')).counters.sessionsEstablished).toBe(1);
  });

  it('takes 10,000 routes and their withdrawal', async () => {
    await speaker.call('announceMany', 0, 10_000, {});
    await until('10,000 routes', async () => (await rows()) >= 10_001);
    await speaker.call('withdrawMany', 0, 10_000);
    await until('no routes', async () => (await rows()) === 1);
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
      await openbgpd.waitEstablished(peer.sourceAddress);
      await speaker.removePeer(peer.name);
    }
  });

  it('ends sessions in words both ways', async () => {
    await openbgpd.ask('neighbor', '10.77.0.2', 'down', 'cable works');
    await until('the reason', async () => (await speaker.status('plain')).lastError?.text.includes('"cable works"'));
    await openbgpd.ask('neighbor', '10.77.0.2', 'up');
    await openbgpd.waitEstablished('10.77.0.2');
    await speaker.stop({ mode: 'cease', message: 'node-1 is being upgraded' });
    await until('our reason', async () => (await openbgpd.ask('show', 'neighbor', '10.77.0.2')).includes('node-1 is being upgraded'));
    expect(await openbgpd.route('198.51.100.10/32')).toBe('');
  });
});
