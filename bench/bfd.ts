import { Frr } from '../test/interop/peers/frr.ts';
import { Lan } from '../test/interop/peers/lan.ts';
import { RemoteSpeaker } from '../test/interop/peers/remote-speaker.ts';
import { until } from '../test/interop/peers/run.ts';
import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';

export const description = 'BFD with FRR at 3 x 50 ms: false downs while the main thread is blocked, and time to detect a cut link';

const BFD = { transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3 };

const FRR = `
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 neighbor 10.77.0.2 remote-as 65002
 neighbor 10.77.0.2 timers connect 1
 neighbor 10.77.0.2 bfd
 neighbor 10.77.0.2 bfd profile fast
`;
const BFDD = `
bfd
 profile fast
  detect-multiplier 3
  receive-interval 50
  transmit-interval 50
 exit
exit
`;

interface FrrBfdPeer {
  readonly status: string;
  readonly downtime?: number;
}

/** `args`: seconds of the blocked phase (60), and cuts of the link (20). */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const [seconds, cuts] = [Number(args[0] ?? 60), Number(args[1] ?? 20)];
  const missing = await Frr.missing();
  if (missing !== undefined) throw new Error(missing);
  const lan = await Lan.create();
  try {
    const router = await lan.host('rtr', { addresses: ['10.77.0.1/24'] });
    const node = await lan.host('n1', { addresses: ['10.77.0.2/24'] });
    const frr = await Frr.start(router, { bgpd: FRR, bfdd: BFDD });
    const speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    await speaker.addPeer({ name: 'rtr', address: '10.77.0.1', remoteAs: 65001, bfd: BFD });
    const isUp = async () => {
      const { state, bfd } = await speaker.status('rtr');
      return state === 'Established' && bfd?.state === 'Up' && bfd.detectionTime === 150;
    };
    await until('BFD is up at full speed', isUp);

    const before = await speaker.status('rtr');
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      await speaker.call('block', 1000);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    const after = await speaker.status('rtr');
    const [peer] = await frr.json<FrrBfdPeer[]>('show bfd peers json');
    const ourDowns = after.counters.bfdDowns - before.counters.bfdDowns;
    const sessions = after.counters.sessionsEstablished - before.counters.sessionsEstablished;
    console.log(
      `blocked for a second at a time over ${seconds} s: ${ourDowns} downs here, ${sessions} new sessions, FRR says ${peer?.status}`,
    );

    const times: number[] = [];
    for (let i = 0; i < cuts; i++) {
      await until('BFD is up at full speed', isUp, { timeout: 60_000 });
      const seen = speaker.events.length;
      await node.plug(false);
      const cut = performance.now();
      await until(
        'BFD is down',
        () =>
          speaker.events.slice(seen).some(({ event, data }) => event === 'bfd' && (data['status'] as { state: string }).state === 'Down'),
        { interval: 1 },
      );
      times.push(performance.now() - cut);
      await node.plug(true);
    }
    printTable([SPREAD_HEADING, spread('cut to Down, ms', times)]);
    return {
      false_downs: ourDowns + Math.max(0, sessions - ourDowns),
      detect_p50_ms: round(quantile(times, 0.5)),
      detect_p99_ms: round(quantile(times, 0.99)),
    };
  } finally {
    await lan.close();
  }
}
