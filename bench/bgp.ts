import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bird } from '../test/interop/peers/bird.ts';
import { BIRDC, ControlSocket, VTY } from '../test/interop/peers/control-socket.ts';
import { Frr } from '../test/interop/peers/frr.ts';
import { Gobgp } from '../test/interop/peers/gobgp.ts';
import { Lan } from '../test/interop/peers/lan.ts';
import { RemoteSpeaker } from '../test/interop/peers/remote-speaker.ts';

export const description = 'BGP: 10,000 prefixes to FRR and BIRD beside GoBGP, their withdrawal, and the time of one change';

const PREFIXES = 10_000;
/** More for GoBGP: its client ends before the last of an import has been taken. Both are timed up to the 10,000th. */
const DUMPED = 12_000;
/** Milliseconds between two looks at a router: its own work comes first. */
const POLL = 2;

const FRR = `
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 neighbor 10.77.0.2 remote-as 65002
 neighbor 10.77.0.2 passive
 neighbor 10.77.0.3 remote-as 65003
 neighbor 10.77.0.3 passive
`;
const BIRD = `
router id 10.77.0.4;
protocol device { scan time 10; }
template bgp node { local 10.77.0.4 as 65001; passive on; connect delay time 0; error wait time 1, 4; ipv4 { import all; export none; }; }
protocol bgp ours from node { neighbor 10.77.0.2 as 65002; }
protocol bgp gobgp from node { neighbor 10.77.0.3 as 65003; }
`;
const neighbor = (address: string) => `
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${address}"
    peer-as = 65001
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
`;
const GOBGP = `
[global.config]
  as = 65003
  router-id = "10.77.0.3"
  port = -1
${neighbor('10.77.0.1')}
${neighbor('10.77.0.4')}
`;

/** The same prefixes as `RemoteSpeaker`'s `announceMany`. */
function prefix(i: number): number[] {
  return [10, 100 + (i >>> 16), (i >>> 8) & 255, i & 255];
}

const record = (subtype: number, body: number[]) => [0, 0, 0, 0, 0, 13, 0, subtype, 0, 0, body.length >>> 8, body.length & 255, ...body];
const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** The prefixes as an MRT dump (RFC 6396 §4.3): the fastest way GoBGP's client can be given many. */
function mrt(): Uint8Array {
  const peers = record(1, [10, 77, 0, 3, 0, 0, 0, 1, 2, 10, 77, 0, 3, 10, 77, 0, 3, ...u32(65003)]);
  const attributes = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 77, 0, 3];
  const entry = [0, 0, 0, 0, 0, 0, 0, attributes.length, ...attributes];
  const out = [peers];
  for (let i = 0; i < DUMPED; i++) out.push(record(2, [...u32(i), 32, ...prefix(i), 0, 1, ...entry]));
  return Uint8Array.from(out.flat());
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const percentile = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
const ms = (value: number) => Math.round(value * 100) / 100;

interface Router {
  readonly name: string;
  /** Routes it has, from everybody. */
  readonly count: () => Promise<number>;
}

async function timeUntil(router: Router, target: number, began: number, limit = 60_000): Promise<number> {
  for (;;) {
    const count = await router.count();
    if (target === 0 ? count === 0 : count >= target) return performance.now() - began;
    await new Promise(resolve => setTimeout(resolve, POLL));
    if (performance.now() - began > limit) throw new Error(`${router.name} has not come to ${target} routes within ${limit} ms`);
  }
}

/** Waits until a router's count stays the same for half a second. */
async function settled(router: Router): Promise<void> {
  for (let last = -1, now = await router.count(); now !== last; now = await router.count()) {
    last = now;
    await new Promise(resolve => setTimeout(resolve, 500));
  }
}

async function measure(router: Router, act: () => Promise<unknown>, target: number): Promise<number> {
  const began = performance.now();
  const [elapsed] = await Promise.all([timeUntil(router, target, began), act()]);
  return elapsed;
}

/** Rounds with both sides in turn; GoBGP is given the prefixes in one go by its client's MRT import, ours by `announce()` in a loop. `args`: the number of rounds. */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const rounds = Number(args[0] ?? 5);
  for (const missing of [await Frr.missing(), await Bird.missing(), await Gobgp.missing()]) if (missing) throw new Error(missing);
  const lan = await Lan.create();
  try {
    const frrHost = await lan.host('frr', { addresses: ['10.77.0.1/24'] });
    const birdHost = await lan.host('bird', { addresses: ['10.77.0.4/24'] });
    const node = await lan.host('ours', { addresses: ['10.77.0.2/24'] });
    const other = await lan.host('gobgp', { addresses: ['10.77.0.3/24'] });
    const [frr, bird] = await Promise.all([Frr.start(frrHost, { bgpd: FRR }), Bird.start(birdHost, BIRD)]);
    const speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    const gobgp = await Gobgp.start(other, GOBGP);
    await speaker.addPeer({ name: 'frr', address: '10.77.0.1', remoteAs: 65001 });
    await speaker.addPeer({ name: 'bird', address: '10.77.0.4', remoteAs: 65001 });
    await Promise.all([frr.waitEstablished('10.77.0.2'), frr.waitEstablished('10.77.0.3', 60_000)]);
    await Promise.all([bird.waitEstablished('ours'), bird.waitEstablished('gobgp')]);
    const vty = await ControlSocket.open(join(frr.directory, 'bgpd.vty'), VTY);
    const birdc = await ControlSocket.open(bird.socket, BIRDC);
    const routers: Router[] = [
      {
        name: 'frr',
        // The summary costs FRR little; its statistics would walk the whole table for every look.
        count: async () => {
          const answer = await vty.ask('show bgp ipv4 unicast summary json');
          return [...answer.matchAll(/"pfxRcd":(\d+)/g)].reduce((sum, match) => sum + Number(match[1]), 0);
        },
      },
      { name: 'bird', count: async () => Number(/(\d+) of \d+ routes/.exec(await birdc.ask('show route count'))?.[1] ?? 0) },
    ];
    const dump = join(lan.directory, 'prefixes.mrt');
    await writeFile(dump, mrt());
    const sides = [
      {
        name: 'ours',
        announce: () => speaker.call('announceMany', 0, PREFIXES, {}),
        withdraw: () => speaker.call('withdrawMany', 0, PREFIXES),
      },
      {
        name: 'gobgp',
        announce: () => gobgp.ask('mrt', 'inject', 'global', dump, '--nexthop', '10.77.0.3'),
        withdraw: () => gobgp.ask('global', 'rib', 'del', 'all', '-a', 'ipv4'),
      },
    ];
    const times: Record<string, number[]> = {};
    const memory: number[] = [];
    for (let round = 0; round < rounds; round++)
      for (const router of routers)
        for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
          (times[`${side.name} announce ${router.name}`] ??= []).push(await measure(router, side.announce, PREFIXES));
          for (const each of routers) await timeUntil(each, PREFIXES, performance.now());
          // What GoBGP still imports after a deletion would stay.
          for (const each of routers) await settled(each);
          if (side.name === 'ours') memory.push((await speaker.call<NodeJS.MemoryUsage>('memory')).rss / 2 ** 20);
          (times[`${side.name} withdraw ${router.name}`] ??= []).push(await measure(router, side.withdraw, 0));
          // GoBGP now and then keeps some towards the other peer: it is told again, outside of what is measured.
          for (const each of routers) await timeUntil(each, 0, performance.now(), 5000).catch(() => measure(each, side.withdraw, 0));
        }
    const changes = await changeTimes(speaker, vty);
    for (const [what, values] of Object.entries(times).sort(([a], [b]) => a.localeCompare(b)))
      console.log(`${what.padEnd(24)} median ${ms(median(values))} ms, from ${ms(Math.min(...values))} to ${ms(Math.max(...values))} ms`);
    console.log(
      `one change at FRR        p50 ${ms(percentile(changes, 0.5))} ms, p99 ${ms(percentile(changes, 0.99))} ms of ${changes.length}`,
    );
    const of = (name: string) => ms(median(times[name] ?? []));
    vty.close();
    birdc.close();
    return {
      announce_10000_ms: of('ours announce frr'),
      gobgp_announce_10000_ms: of('gobgp announce frr'),
      withdraw_10000_ms: of('ours withdraw frr'),
      gobgp_withdraw_10000_ms: of('gobgp withdraw frr'),
      bird_announce_10000_ms: of('ours announce bird'),
      gobgp_bird_announce_10000_ms: of('gobgp announce bird'),
      change_p50_ms: ms(percentile(changes, 0.5)),
      change_p99_ms: ms(percentile(changes, 0.99)),
      speaker_rss_10000_mb: ms(median(memory)),
    };
  } finally {
    await lan.close();
  }
}

/** From the call that changes one route's MED to FRR having it. */
async function changeTimes(speaker: RemoteSpeaker, vty: ControlSocket): Promise<number[]> {
  const times: number[] = [];
  for (let med = 1; med <= 300; med++) {
    const began = performance.now();
    await speaker.announce({ prefix: '198.51.100.9/32', med });
    while (!(await vty.ask('show bgp ipv4 unicast 198.51.100.9/32 json')).includes(`"metric":${med},`))
      if (performance.now() - began > 10_000) throw new Error('FRR does not see the change');
    times.push(performance.now() - began);
    await new Promise(resolve => setTimeout(resolve, 15));
  }
  return times;
}
