import { setTimeout as sleep } from 'node:timers/promises';
import type { UdpResult } from '@herald/playground';
import { FAULTS, type Fault } from './failover/faults.ts';
import { type ClientName, Field } from './failover/field.ts';
import { printTable, quantile, round } from './figures.ts';

export const description =
  'how long addresses of both families are dark at two clients (a datagram each ms and family) when their owner fails or leaves, by cause';

/** Given up so long after the fault (ms). */
const PATIENCE = 8_000;
/** Until a node that comes back has listened and counts again (ms). */
const REJOIN = 1_000;

interface Sample {
  fault: string;
  family: 'ipv4' | 'ipv6';
  client: ClientName;
  api: 'up' | 'away';
  ms: number;
  lost: number;
}

/** `failover [RUNS] [CASE]`: so many samples of each case and family at least; CASE is a part of its name. */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const runs = Number(args[0] ?? 30);
  const faults = FAULTS.filter(({ name }) => args[1] === undefined || name.includes(args[1]));
  const samples: Sample[] = [];
  const field = await Field.start();
  try {
    for (const fault of faults) {
      const of = () => samples.filter(sample => sample.fault === fault.name && sample.client === 'linux');
      const enough = () => (['ipv4', 'ipv6'] as const).every(family => of().filter(sample => sample.family === family).length >= runs);
      const begun = performance.now();
      // With the API server away every other time. A drain is asked for through it.
      for (let i = 0; !enough(); i++) samples.push(...(await once(field, fault, i % 2 === 1 && !fault.name.startsWith('drain'))));
      const dark = of().map(({ ms }) => ms);
      console.log(
        `- ${fault.name}: p50 ${round(quantile(dark, 0.5))} ms, max ${round(Math.max(...dark))} ms, measured in ${Math.round((performance.now() - begun) / 1000)} s`,
      );
    }
  } finally {
    await field.stop();
  }
  const rows: (string | number)[][] = [
    ['case', 'family', 'client', 'runs', 'p50 ms', 'p99 ms', 'max ms', 'max ms, API away', 'lost p50', 'lost max'],
  ];
  const cases: Record<string, unknown>[] = [];
  for (const { name } of faults) {
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const client of ['linux', 'deaf'] as const) {
        const of = samples.filter(sample => sample.fault === name && sample.family === family && sample.client === client);
        const dark = of.map(({ ms }) => ms);
        const lost = of.map(sample => sample.lost);
        const away = of.filter(({ api }) => api === 'away').map(({ ms }) => ms);
        const [p50, p99, max] = [0.5, 0.99, 1].map(q => round(quantile(dark, q)));
        rows.push([
          name,
          family,
          client,
          of.length,
          p50 ?? 0,
          p99 ?? 0,
          max ?? 0,
          away.length > 0 ? round(Math.max(...away)) : '-',
          quantile(lost, 0.5),
          Math.max(...lost),
        ]);
        cases.push({
          case: name,
          family,
          client,
          runs: of.length,
          p50_ms: p50,
          p99_ms: p99,
          lost: quantile(lost, 0.5),
          lost_max: Math.max(...lost),
        });
      }
    }
  }
  printTable(rows);
  return { cases };
}

async function once(field: Field, fault: Fault, apiAway: boolean): Promise<Sample[]> {
  const { playground, probes } = field;
  await field.hold(fault.hold);
  const { node, addresses } = await field.victim();
  if (apiAway) await playground.blockApi();
  await field.answered(2_000);
  const begun = Date.now();
  await fault.act(playground, node);
  await sleep(Math.max(0, begun + fault.watch - Date.now()));
  await field.answered(begun + PATIENCE - Date.now());
  const [linux, deaf] = await Promise.all([probes.linux.report(), probes.deaf.report()]);
  if (apiAway) await playground.unblockApi();
  await fault.restore(playground, node);
  await sleep(REJOIN);
  const sample = (client: ClientName) => (result: UdpResult, index: number) => ({
    ...worst(result, begun),
    fault: fault.name,
    family: addresses[index]?.includes(':') === true ? ('ipv6' as const) : ('ipv4' as const),
    client,
    api: apiAway ? ('away' as const) : ('up' as const),
  });
  return [...linux.map(sample('linux')), ...deaf.map(sample('deaf'))];
}

/** The longest time without an answer after the fault, and how many datagrams were lost in all. */
function worst({ blackouts }: UdpResult, begun: number): { ms: number; lost: number } {
  const after = blackouts.filter(blackout => blackout.at + blackout.ms > begun - 5);
  return { ms: Math.max(0, ...after.map(({ ms }) => ms)), lost: after.reduce((sum, { lost }) => sum + lost, 0) };
}
