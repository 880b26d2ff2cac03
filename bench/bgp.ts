import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bird } from '../test/interop/peers/bird.ts';
import { BIRDC, ControlSocket, VTY } from '../test/interop/peers/control-socket.ts';
import { Frr } from '../test/interop/peers/frr.ts';
import { Gobgp } from '../test/interop/peers/gobgp.ts';
import { type Host, Lan } from '../test/interop/peers/lan.ts';
import { RemoteSpeaker } from '../test/interop/peers/remote-speaker.ts';
import { until } from '../test/interop/peers/run.ts';
import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';
import { GobgpApi } from './gobgp-api.ts';

export const description = 'BGP: 10,000 prefixes to FRR and BIRD beside GoBGP, their withdrawal, the time of one change, and memory';

const PREFIXES = 10_000;
const CHANGES = 500;
/** Sessions for the memory of one. */
const SESSIONS = 32;
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
 neighbor MANY peer-group
 neighbor MANY remote-as 65002
 bgp listen range 10.77.0.128/25 peer-group MANY
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
const address = (i: number) => `10.${100 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`;
const NEXT_HOP = '10.77.0.3';

interface Router {
  readonly name: string;
  /** Routes it has, from everybody. */
  readonly count: () => Promise<number>;
  /** Ends the session with a side; both come back by themselves. */
  readonly reset: (side: string) => Promise<unknown>;
  /** Routes it has from a side; undefined while there is no session. */
  readonly from: (side: string) => Promise<number | undefined>;
}

interface Side {
  readonly name: string;
  readonly announce: () => Promise<unknown>;
  readonly withdraw: () => Promise<unknown>;
  /** Gives the route of one prefix another MED. */
  readonly change: (med: number) => Promise<unknown>;
}

async function timeUntil(router: Router, target: number, began: number, limit = 60_000): Promise<number> {
  for (;;) {
    const count = await router.count();
    if (target === 0 ? count === 0 : count >= target) return performance.now() - began;
    await new Promise(resolve => setTimeout(resolve, POLL));
    if (performance.now() - began > limit) throw new Error(`${router.name} has not come to ${target} routes within ${limit} ms`);
  }
}

async function measure(router: Router, act: () => Promise<unknown>, target: number): Promise<number> {
  const began = performance.now();
  const [elapsed] = await Promise.all([timeUntil(router, target, began), act()]);
  return elapsed;
}

/** A new session with everything in the table: from Established to the last of the prefixes, both as the router sees them. */
async function transfer(router: Router, side: string): Promise<number> {
  await router.reset(side);
  await until('the session has ended', async () => ((await router.from(side)) ?? 0) < PREFIXES, { interval: 1 });
  let established: number | undefined;
  return await until(
    `${router.name} has everything from ${side} again`,
    async () => {
      const count = await router.from(side);
      if (count === undefined) established = undefined;
      else established ??= performance.now();
      return count !== undefined && count >= PREFIXES && performance.now() - (established ?? 0);
    },
    { timeout: 60_000, interval: POLL },
  );
}

/**
 * Rounds with both sides in turn. Ours: `announce()` in a loop, as a program would. GoBGP: one AddPathStream with all paths, made before the clock
 * starts, over a connection to its API that is kept open; that is the quickest it has, and the call is part of the time as it is of ours.
 * `transfer` leaves both APIs out: the table is full and a session comes up. `args`: the number of rounds.
 */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const rounds = Number(args[0] ?? 5);
  for (const missing of [await Frr.missing(), await Bird.missing(), await Gobgp.missing()]) if (missing) throw new Error(missing);
  const lan = await Lan.create();
  const open: { close(): void }[] = [];
  try {
    const frrHost = await lan.host('frr', { addresses: ['10.77.0.1/24'] });
    const birdHost = await lan.host('bird', { addresses: ['10.77.0.4/24'] });
    const many = Array.from({ length: SESSIONS }, (_, i) => `10.77.0.${128 + i}`);
    const node = await lan.host('ours', { addresses: ['10.77.0.2/24', ...many.map(each => `${each}/24`)] });
    const other = await lan.host('gobgp', { addresses: [`${NEXT_HOP}/24`] });
    const [frr, bird] = await Promise.all([Frr.start(frrHost, { bgpd: FRR }), Bird.start(birdHost, BIRD)]);
    const speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    const gobgp = await Gobgp.start(other, GOBGP);
    await speaker.addPeer({ name: 'frr', address: '10.77.0.1', sourceAddress: '10.77.0.2', remoteAs: 65001, connectRetryTime: 1 });
    await speaker.addPeer({ name: 'bird', address: '10.77.0.4', sourceAddress: '10.77.0.2', remoteAs: 65001, connectRetryTime: 1 });
    await Promise.all([frr.waitEstablished('10.77.0.2'), frr.waitEstablished(NEXT_HOP, 60_000)]);
    await Promise.all([bird.waitEstablished('ours'), bird.waitEstablished('gobgp')]);
    const vty = await ControlSocket.open(join(frr.directory, 'bgpd.vty'), VTY);
    const birdc = await ControlSocket.open(bird.socket, BIRDC);
    const api = new GobgpApi(gobgp.socket);
    open.push(vty, birdc, api);
    const routers = [frrRouter(vty), birdRouter(birdc)];
    const paths = Array.from({ length: PREFIXES }, (_, i) => ({ address: address(i), nextHop: NEXT_HOP }));
    const [add, remove] = [GobgpApi.request(paths), GobgpApi.request(paths.map(path => ({ ...path, withdraw: true })))];
    const sides: Side[] = [
      {
        name: 'ours',
        announce: () => speaker.call('announceMany', 0, PREFIXES, {}),
        withdraw: () => speaker.call('withdrawMany', 0, PREFIXES),
        change: (med: number) => speaker.announce({ prefix: '198.51.100.9/32', med }),
      },
      {
        name: 'gobgp',
        announce: () => api.send(add),
        withdraw: () => api.send(remove),
        change: (med: number) => api.send(GobgpApi.request([{ address: '198.51.100.9', nextHop: NEXT_HOP, med }])),
      },
    ];
    const times: Record<string, number[]> = {};
    const note = (what: string, value: number) => (times[what] ??= []).push(value);
    const memory: Record<string, number[]> = {};
    for (let turn = 0; turn < rounds; turn++)
      for (const router of routers)
        for (const side of turn % 2 === 0 ? sides : sides.toReversed()) {
          note(`${side.name} announce ${router.name}`, await measure(router, side.announce, PREFIXES));
          for (const each of routers) await timeUntil(each, PREFIXES, performance.now());
          note(`${side.name} transfer ${router.name}`, await transfer(router, side.name));
          for (const each of routers) await timeUntil(each, PREFIXES, performance.now());
          (memory[side.name] ??= []).push(await residentMb(side.name === 'ours' ? speaker.daemon.process.pid : gobgp.daemon.process.pid));
          note(`${side.name} withdraw ${router.name}`, await measure(router, side.withdraw, 0));
          for (const each of routers) await timeUntil(each, 0, performance.now());
        }
    await changeTimes(sides, vty, note);
    const held = await heldMemory(node, many);
    printTable([
      SPREAD_HEADING.map(heading => heading || 'ms'),
      ...Object.entries(times)
        .sort(([a], [b]) => (a.split(' ').slice(1).join() + a).localeCompare(b.split(' ').slice(1).join() + b))
        .map(([what, values]) => spread(what, values)),
    ]);
    const of = (name: string, q = 0.5) => round(quantile(times[name] ?? [], q), 2);
    return {
      announce_10000_ms: of('ours announce frr'),
      gobgp_announce_10000_ms: of('gobgp announce frr'),
      bird_announce_10000_ms: of('ours announce bird'),
      gobgp_bird_announce_10000_ms: of('gobgp announce bird'),
      transfer_10000_ms: of('ours transfer frr'),
      gobgp_transfer_10000_ms: of('gobgp transfer frr'),
      bird_transfer_10000_ms: of('ours transfer bird'),
      gobgp_bird_transfer_10000_ms: of('gobgp transfer bird'),
      withdraw_10000_ms: of('ours withdraw frr'),
      gobgp_withdraw_10000_ms: of('gobgp withdraw frr'),
      bird_withdraw_10000_ms: of('ours withdraw bird'),
      gobgp_bird_withdraw_10000_ms: of('gobgp withdraw bird'),
      change_p50_ms: of('ours change frr'),
      change_p99_ms: of('ours change frr', 0.99),
      gobgp_change_p50_ms: of('gobgp change frr'),
      gobgp_change_p99_ms: of('gobgp change frr', 0.99),
      speaker_rss_10000_mb: round(quantile(memory['ours'] ?? [], 0.5)),
      gobgp_rss_10000_mb: round(quantile(memory['gobgp'] ?? [], 0.5)),
      ...held,
    };
  } finally {
    for (const each of open) each.close();
    await lan.close();
  }
}

const ADDRESSES: Readonly<Record<string, string>> = { ours: '10.77.0.2', gobgp: NEXT_HOP };

function frrRouter(vty: ControlSocket): Router {
  const summary = async () => {
    // The summary costs FRR little; its statistics would walk the whole table for every look.
    const answer = await vty.ask('show bgp ipv4 unicast summary json');
    return (JSON.parse(answer) as { peers?: Record<string, { state: string; pfxRcd?: number }> }).peers ?? {};
  };
  return {
    name: 'frr',
    count: async () => Object.values(await summary()).reduce((sum, peer) => sum + (peer.pfxRcd ?? 0), 0),
    reset: side => vty.ask(`clear bgp ${ADDRESSES[side]}`),
    from: async side => {
      const peer = (await summary())[ADDRESSES[side] ?? ''];
      return peer?.state === 'Established' ? (peer.pfxRcd ?? 0) : undefined;
    },
  };
}

function birdRouter(birdc: ControlSocket): Router {
  const routes = async (which: string) => Number(/(\d+) of \d+ routes/.exec(await birdc.ask(`show route ${which}count`))?.[1] ?? 0);
  return {
    name: 'bird',
    count: () => routes(''),
    reset: side => birdc.ask(`restart ${side}`),
    from: async side =>
      (await birdc.ask(`show protocols ${side}`)).includes('Established') ? await routes(`protocol ${side} `) : undefined,
  };
}

async function residentMb(pid: number | undefined): Promise<number> {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** From the call that changes one route's MED to FRR having it; the sides in turn. */
async function changeTimes(sides: readonly Side[], vty: ControlSocket, note: (what: string, value: number) => void): Promise<void> {
  for (let med = 1; med <= CHANGES * sides.length; med++) {
    const side = sides[med % sides.length] as Side;
    const began = performance.now();
    await side.change(med);
    while (!(await vty.ask('show bgp ipv4 unicast 198.51.100.9/32 json')).includes(`"metric":${med},`))
      if (performance.now() - began > 10_000) throw new Error('FRR does not see the change');
    note(`${side.name} change frr`, performance.now() - began);
    await new Promise(resolve => setTimeout(resolve, 15));
  }
}

/** What a speaker holds, garbage collected: for 10,000 routes in its table, for a session, and for a session that has announced them. */
async function heldMemory(node: Host, sources: readonly string[]): Promise<Record<string, number>> {
  const speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.9' });
  const held = async () => {
    const { heapUsed, external } = await speaker.call<NodeJS.MemoryUsage>('memory');
    return (heapUsed + external) / 1024;
  };
  const peers = async (from: readonly string[]) => {
    for (const source of from) {
      await speaker.addPeer({ name: source, address: '10.77.0.1', sourceAddress: source, remoteAs: 65001 });
    }
    for (const source of from) await speaker.waitState(source, 'Established', 60_000);
    await until('everybody has everything', () => speaker.events.filter(({ event }) => event === 'synchronized').length >= from.length);
  };
  const empty = await held();
  await speaker.call('announceMany', 0, PREFIXES, {});
  const table = (await held()) - empty;
  await speaker.call('withdrawMany', 0, PREFIXES);
  const before = await held();
  await peers(sources);
  const idle = ((await held()) - before) / sources.length;
  await speaker.call('announceMany', 0, PREFIXES, {});
  await until('everybody has been told', async () => {
    const told = await Promise.all(sources.map(async source => (await speaker.status(source)).announced['ipv4-unicast']));
    return told.every(count => count >= PREFIXES);
  });
  const full = ((await held()) - before - table) / sources.length;
  await speaker.stop({ mode: 'cease' });
  return {
    memory_10000_routes_kb: round(table, 0),
    memory_peer_kb: round(idle, 0),
    memory_peer_10000_routes_kb: round(full, 0),
  };
}
