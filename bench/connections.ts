import type { ConnectionsReport } from '@herald/playground';
import { missingRouter, ROUTED_CASES, RoutedScene } from './connections/bgp.ts';
import { CASES, type Case, darkness, type Figure } from './connections/cases.ts';
import { Scene } from './connections/scene.ts';
import { printTable, quantile, round } from './figures.ts';

export const description =
  'connections that break when speakers restart, are upgraded, drained or rebalanced, at a client with 60 TCP connections and 20 UDP flows per family';

const HEADING = [
  'responder',
  'case',
  'family',
  'runs',
  'TCP broken',
  'UDP moved',
  'UDP lost',
  'longest gap ms',
  'new',
  'new failed',
  'new p99 ms',
  'why',
];

/** What one case did to one family, over all runs. */
interface Row {
  responder: string;
  case: string;
  figure: Figure;
  family: string;
  reports: ConnectionsReport[];
}

/** `connections [RUNS] [CASE]`: each case so often with each responder; CASE is a part of its name. */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const runs = Number(args[0] ?? 1);
  const cases = CASES.filter(({ name }) => args[1] === undefined || name.includes(args[1]));
  const rows: Row[] = [];
  const dark: number[] = [];
  for (const responder of ['auto', 'packet']) {
    const scene = await Scene.start(`connections-${responder}`, ['--responder', responder]);
    try {
      for (const each of cases) {
        for (let i = 0; i < runs; i++) {
          const reports = await once(scene, each);
          if (each.figure === 'power-off') {
            const times = darkness(reports);
            console.log(`  new connections were answered again after ${times.map(ms => Math.round(ms)).join(' and ')} ms`);
            dark.push(...times);
          }
          for (const report of reports) note(rows, responder, each, report);
        }
      }
    } finally {
      await scene.stop();
    }
  }
  await routed(rows, runs, args[1]);
  printTable([HEADING, ...rows.map(cells)]);
  const check = rows.filter(({ figure }) => figure === 'check');
  if (check.length > 0 && broken(check) === 0)
    throw new Error('a plain move broke nothing: this client cannot see what it is there to see');
  const sum = (figure: Figure) => broken(rows.filter(row => row.figure === figure));
  const gently = rows.filter(({ figure }) => figure.endsWith('_broken') || figure === 'bgp');
  const gaps = rows.filter(({ figure }) => figure === 'restart_broken').flatMap(({ reports }) => reports.map(gapOf));
  return {
    restart_broken: sum('restart_broken'),
    upgrade_broken: sum('upgrade_broken'),
    drain_broken: sum('drain_broken'),
    new_failed: gently.flatMap(({ reports }) => reports).reduce((total, { fresh }) => total + fresh.failed.length, 0),
    bgp_restart_broken: sum('bgp'),
    held_poweroff_p99_ms: round(quantile(dark, 0.99)),
    restart_gap_p99_ms: round(quantile(gaps, 0.99)),
  };
}

/** The same client against a real router over BGP. */
async function routed(rows: Row[], runs: number, only: string | undefined): Promise<void> {
  const cases = ROUTED_CASES.filter(({ name }) => only === undefined || name.includes(only));
  const missing = missingRouter();
  if (missing !== undefined) console.log(`left out, over BGP: ${missing}`);
  if (missing !== undefined || cases.length === 0) return;
  const scene = await RoutedScene.start();
  try {
    for (const each of cases) {
      for (let i = 0; i < runs; i++) {
        await scene.connections.report();
        console.log(`- BGP: ${each.name}`);
        await each.run(scene);
        await scene.whole();
        const reports = await scene.connections.report();
        tell(reports);
        for (const report of reports) note(rows, 'bgp', { name: each.name, figure: 'bgp' }, report);
      }
    }
  } finally {
    await scene.stop();
  }
}

async function once(scene: Scene, each: Case): Promise<ConnectionsReport[]> {
  await scene.report();
  console.log(`- ${each.name}`);
  await each.run(scene);
  await new Promise(resolve => setTimeout(resolve, each.after));
  const reports = await scene.report();
  tell(reports);
  await each.restore?.(scene);
  return reports;
}

function tell(reports: readonly ConnectionsReport[]): void {
  for (const { name, tcp, udp, fresh } of reports)
    console.log(
      `  ${name}: ${tcp.broken.length} of ${tcp.open} connections and ${udp.broken.length} of ${udp.open} flows broken, ${fresh.failed.length} of ${fresh.opened} new ones failed`,
    );
}

function note(rows: Row[], responder: string, each: Pick<Case, 'name' | 'figure'>, report: ConnectionsReport): void {
  const known = rows.find(row => row.responder === responder && row.case === each.name && row.family === report.name);
  if (known) known.reports.push(report);
  else rows.push({ responder, case: each.name, figure: each.figure, family: report.name, reports: [report] });
}

function broken(rows: readonly Row[]): number {
  return rows.flatMap(({ reports }) => reports).reduce((sum, { tcp, udp }) => sum + tcp.broken.length + udp.broken.length, 0);
}

/** The longest time for which an established connection or a new one had no answer. */
function gapOf({ tcp, fresh }: ConnectionsReport): number {
  return Math.max(tcp.longestGapMs, ...fresh.answered.map(({ ms }) => ms));
}

function cells({ responder, case: name, family, reports }: Row): (string | number)[] {
  const total = (of: (report: ConnectionsReport) => number) => reports.reduce((sum, report) => sum + of(report), 0);
  const losses = reports.flatMap(({ tcp, udp, fresh }) => [...tcp.broken, ...udp.broken, ...fresh.failed]);
  const answered = reports.flatMap(({ fresh }) => fresh.answered.map(({ ms }) => ms));
  return [
    responder,
    name,
    family,
    reports.length,
    total(({ tcp }) => tcp.broken.length),
    total(({ udp }) => udp.broken.length),
    total(({ udp }) => udp.lost),
    round(Math.max(...reports.map(gapOf))),
    total(({ fresh }) => fresh.opened),
    total(({ fresh }) => fresh.failed.length),
    round(quantile(answered, 0.99)),
    [...new Set(losses.map(({ reason }) => reason))].slice(0, 2).join('; '),
  ];
}
