import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Frr } from './peers/frr.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until } from './peers/run.ts';

const TIMERS = { transmitInterval: 100, receiveInterval: 100, detectMultiplier: 5 } as const;
const BFD = { ...TIMERS, echoInterval: 100 } as const;
const FRR = `
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 neighbor 10.77.0.2 remote-as 65002
 neighbor 10.77.0.2 bfd
 neighbor 10.77.0.2 bfd profile echo
 neighbor 10.77.0.2 timers connect 1
 neighbor fd77::2 remote-as 65002
 neighbor fd77::2 bfd
 neighbor fd77::2 bfd profile echo
 neighbor fd77::2 timers connect 1
`;
const BFDD = `
bfd
 profile echo
  detect-multiplier 5
  receive-interval 100
  transmit-interval 100
  echo-mode
  echo transmit-interval 100
  echo receive-interval 100
 exit
exit
`;

const missing = await Frr.missing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

const forward = (host: Host, on: boolean) =>
  host.run('sysctl', '-qw', ...['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'].map(name => `${name}=${on ? 1 : 0}`));

describe.skipIf(missing !== undefined)('BFD echo packets with FRR', () => {
  let lan: Lan;
  let frr: Frr;
  let router: Host;
  let node: Host;
  let speaker: RemoteSpeaker;
  const PEER = { name: 'frr', address: '10.77.0.1', remoteAs: 65001, bfd: BFD } as const;
  const PEER6 = { name: 'frr6', address: 'fd77::1', remoteAs: 65001, bfd: BFD } as const;

  beforeAll(async () => {
    lan = await Lan.create();
    router = await lan.host('rtr', { addresses: ['10.77.0.1/24', 'fd77::1/64'] });
    node = await lan.host('n1', { addresses: ['10.77.0.2/24', 'fd77::2/64'] });
    await forward(node, false);
    [frr, speaker] = await Promise.all([
      Frr.start(router, { bgpd: FRR, bfdd: BFDD }),
      RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' }),
    ]);
    await speaker.addPeer(PEER);
  });

  afterAll(async () => {
    await lan?.close();
  });

  const up = (name = 'frr') =>
    until(`BFD of ${name} is up`, async () => (await speaker.status(name)).bfd?.state === 'Up', {
      explain: () => frr.vtysh('show bfd peers'),
    });
  const problems = () => speaker.events.filter(({ event }) => event === 'problem').map(({ data }) => data['text']);
  /** As FRR counts them. */
  const echoes = async (address = '10.77.0.2') => {
    const counters = await frr.vtysh(`show bfd peer ${address} counters`);
    const count = (name: string) => Number(new RegExp(`${name}: (\\d+) packets`).exec(counters)?.[1] ?? Number.NaN);
    return { sent: count('Echo packet output'), back: count('Echo packet input') };
  };
  /** Ten more have come back: how many more than that have been sent meanwhile. */
  const lostOfTen = async (address: string): Promise<number> => {
    const first = await echoes(address);
    const last = await until('ten echoes', async () => {
      const counted = await echoes(address);
      return counted.back >= first.back + 10 && counted;
    });
    return last.sent - first.sent - (last.back - first.back);
  };

  it('are not asked for where the kernel would not send them back, and that is said', async () => {
    await up();
    expect(await echoes()).toEqual({ sent: 0, back: 0 });
    expect(problems()).toEqual([expect.stringContaining('net.ipv4.ip_forward')]);
  });

  it('come back to FRR while this machine forwards', async () => {
    await forward(node, true);
    await speaker.removePeer('frr');
    await speaker.addPeer(PEER);
    await speaker.addPeer(PEER6);
    for (const [name, address] of [
      ['frr', '10.77.0.2'],
      ['frr6', 'fd77::2'],
    ] as const) {
      await up(name);
      // Those before are lost while the kernel asks for its neighbour.
      await until('the first echo', async () => (await echoes(address)).back > 0);
      // One may be under way at either end.
      expect(await lostOfTen(address)).toBeLessThanOrEqual(2);
      expect((await speaker.status(name)).bfd?.state).toBe('Up');
    }
  });

  it('tell FRR of a data path that has failed although control packets arrive', async () => {
    const { bfdDowns } = (await speaker.status('frr')).counters;
    await forward(node, false);
    await until('FRR has taken the session down', async () => (await speaker.status('frr')).counters.bfdDowns > bfdDowns);
    await until('the failure in words', async () => (await speaker.status('frr')).lastError?.text.includes('BFD'));
  });

  it.each([
    { ...PEER, sysctl: 'net.ipv4.ip_forward' },
    { ...PEER6, sysctl: 'net.ipv6.conf.all.forwarding' },
  ])('of our own come back from FRR, and tell us when its data path fails: $address', async ({ sysctl, ...peer }) => {
    const { name } = peer;
    await speaker.removePeer(name);
    await router.run('sysctl', '-qw', `${sysctl}=1`);
    await speaker.addPeer({ ...peer, bfd: { ...TIMERS, echoTransmitInterval: 100 } });
    const active = () =>
      until('our echoes are watched', async () => (await speaker.status(name)).bfd?.echo, {
        explain: async () => JSON.stringify([(await speaker.status(name)).bfd, problems()]),
      });
    expect(await active()).toEqual({ transmitInterval: 100, detectionTime: 500 });
    await speaker.waitState(name, 'Established');
    const before = await speaker.status(name);
    await speaker.call('block', 1500);
    expect((await speaker.status(name)).counters.bfdDowns).toBe(before.counters.bfdDowns);
    await router.run('sysctl', '-qw', `${sysctl}=0`);
    // FRR hears of it and ends its session as well: its word may be the last one.
    const texts = () =>
      speaker.events.filter(({ event, data }) => event === 'failure' && data['peer'] === name).map(({ data }) => data['text']);
    await until('the session is gone', () => texts().some(text => String(text).includes('BFD: echo function failed')), {
      explain: () => JSON.stringify(texts()),
    });
    await router.run('sysctl', '-qw', `${sysctl}=1`);
    await speaker.waitState(name, 'Established');
    await active();
  });

  it('of our own that never come back are told of, and take nothing down', async () => {
    await speaker.removePeer('frr');
    await router.run('sysctl', '-qw', 'net.ipv4.ip_forward=0');
    await speaker.addPeer({ ...PEER, bfd: { ...TIMERS, echoTransmitInterval: 100 } });
    await until('that is said', () => problems().some(text => String(text).includes('no echo packet comes back')));
    const { bfd, counters } = await speaker.status('frr');
    expect({ state: bfd?.state, echo: bfd?.echo, downs: counters.bfdDowns }).toEqual({ state: 'Up', echo: undefined, downs: 0 });
  });
});
