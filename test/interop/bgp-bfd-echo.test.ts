import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Frr } from './peers/frr.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until } from './peers/run.ts';

const BFD = { transmitInterval: 100, receiveInterval: 100, detectMultiplier: 5, echoInterval: 100 } as const;
const FRR = `
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 neighbor 10.77.0.2 remote-as 65002
 neighbor 10.77.0.2 bfd
 neighbor 10.77.0.2 bfd profile echo
 neighbor 10.77.0.2 timers connect 1
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

describe.skipIf(missing !== undefined)('the BFD echo packets of FRR', () => {
  let lan: Lan;
  let frr: Frr;
  let node: Host;
  let speaker: RemoteSpeaker;
  const PEER = { name: 'frr', address: '10.77.0.1', remoteAs: 65001, bfd: BFD } as const;

  beforeAll(async () => {
    lan = await Lan.create();
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24'] });
    node = await lan.host('n1', { addresses: ['10.77.0.2/24'] });
    await forward(false);
    [frr, speaker] = await Promise.all([
      Frr.start(router, { bgpd: FRR, bfdd: BFDD }),
      RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' }),
    ]);
    await speaker.addPeer(PEER);
  });

  afterAll(async () => {
    await lan?.close();
  });

  const forward = (on: boolean) => node.run('sysctl', '-qw', `net.ipv4.ip_forward=${on ? 1 : 0}`);
  const up = () =>
    until('BFD is up', async () => (await speaker.status('frr')).bfd?.state === 'Up', { explain: () => frr.vtysh('show bfd peers') });
  /** As FRR counts them. */
  const echoes = async () => {
    const counters = await frr.vtysh('show bfd peers counters');
    const count = (name: string) => Number(new RegExp(`${name}: (\\d+) packets`).exec(counters)?.[1] ?? Number.NaN);
    return { sent: count('Echo packet output'), back: count('Echo packet input') };
  };

  it('are not asked for where the kernel would not send them back, and that is said', async () => {
    await up();
    expect(await echoes()).toEqual({ sent: 0, back: 0 });
    const problems = speaker.events.filter(({ event }) => event === 'problem').map(({ data }) => data['text']);
    expect(problems).toEqual([expect.stringContaining('net.ipv4.ip_forward')]);
  });

  it('come back while it forwards', async () => {
    await forward(true);
    await speaker.removePeer('frr');
    await speaker.addPeer(PEER);
    await up();
    const { sent, back } = await until('ten echoes', async () => {
      const counted = await echoes();
      return counted.back >= 10 && counted;
    });
    // One may be under way, and one may have been sent before the kernel knew its neighbour.
    expect(sent - back).toBeLessThanOrEqual(2);
    expect((await speaker.status('frr')).bfd?.state).toBe('Up');
  });

  it('tell FRR of a data path that has failed although control packets arrive', async () => {
    const { bfdDowns } = (await speaker.status('frr')).counters;
    await forward(false);
    await until('FRR has taken the session down', async () => (await speaker.status('frr')).counters.bfdDowns > bfdDowns);
    await until('the failure in words', async () => (await speaker.status('frr')).lastError?.text.includes('BFD'));
  });
});
