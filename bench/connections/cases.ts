import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionsReport, cable } from '@herald/playground';
import { requestRebalance, type Scene } from './scene.ts';

/** What is counted into which figure. */
export type Figure = 'restart_broken' | 'upgrade_broken' | 'drain_broken' | 'bgp' | 'check' | 'power-off';

export interface Case {
  name: string;
  figure: Figure;
  /** Milliseconds to watch after it. */
  after: number;
  run: (scene: Scene) => Promise<void>;
  /** Back to dn0 owning both addresses; not watched. */
  restore?: (scene: Scene) => Promise<void>;
}

/** Until a node that comes back is in the mesh again, and reports of before have arrived (ms). */
const SETTLE = 1_500;
/** Connections are watched for so long while an address moves (ms). */
const MOVING = 8_000;

const restart = (name: string, signal: 'SIGKILL' | 'SIGTERM', away: number): Case => ({
  name,
  figure: 'restart_broken',
  after: SETTLE,
  run: async scene => scene.restart(scene.playground.node(await scene.owned()), signal, away),
});

export const CASES: readonly Case[] = [
  restart('speaker SIGKILL, started again', 'SIGKILL', 1_000),
  restart('speaker SIGTERM, back after 1 s', 'SIGTERM', 1_000),
  restart('speaker SIGTERM, back after 5 s', 'SIGTERM', 5_000),
  restart('speaker SIGTERM, back after 20 s', 'SIGTERM', 20_000),
  {
    name: 'speaker SIGSTOP 5 s',
    figure: 'restart_broken',
    after: SETTLE,
    run: async scene => {
      const speaker = scene.playground.speakers.get(await scene.owned());
      speaker?.signal('SIGSTOP');
      await sleep(5_000);
      speaker?.signal('SIGCONT');
    },
  },
  {
    name: 'rolling restart of all speakers',
    figure: 'restart_broken',
    after: SETTLE,
    run: async scene => {
      for (const node of scene.announcers) {
        await scene.restart(node, 'SIGTERM', 500);
        await sleep(1_000);
      }
    },
  },
  {
    name: 'upgrade of all speakers to another version',
    figure: 'upgrade_broken',
    after: SETTLE,
    run: async scene => {
      await upgrade(scene);
      for (const node of scene.announcers) {
        await scene.restart(node, 'SIGTERM', 500);
        await sleep(1_000);
      }
    },
  },
  {
    name: 'drain of the node by name',
    figure: 'drain_broken',
    after: 0,
    run: async scene => {
      await scene.annotate('dn0', { 'heraldlb.io/drain': '60s' });
      await moving(scene);
    },
    restore: async scene => scene.annotate('dn0', { 'heraldlb.io/drain': null }),
  },
  {
    name: 'rebalance',
    figure: 'drain_broken',
    after: 0,
    run: async scene => {
      await requestRebalance(scene.playground);
      await moving(scene, 'dn0');
    },
  },
  {
    name: 'preferred node back (preemption)',
    figure: 'drain_broken',
    after: 0,
    run: async scene => {
      // Until here connections broke with their node; they are new ones now.
      await scene.playground.fail('dn0', 600_000);
      await sleep(3_000);
      await scene.report();
      await sleep(1_000);
      await scene.configure({ preemption: 'Preferred' });
      await scene.playground.heal('dn0');
      await moving(scene, 'dn0');
    },
    restore: async scene => scene.configure({ preemption: 'Never' }),
  },
  {
    name: 'power-off of the node in the middle of a hold',
    figure: 'power-off',
    after: 2_000,
    run: async scene => {
      const node = scene.playground.node(await scene.owned());
      await scene.playground.speakers.get(node.name)?.kill();
      await sleep(1_500);
      await powerOff(scene, node.name);
    },
    restore: async scene => {
      for (const node of scene.announcers) await scene.playground.heal(node.name);
      await sleep(SETTLE);
      await requestRebalance(scene.playground);
      await scene.renew(() => scene.owned('dn0'));
    },
  },
  {
    name: 'check: a plain move, without hold',
    figure: 'check',
    after: SETTLE,
    run: async scene => {
      await scene.configure({ holdSeconds: 0 });
      await scene.restart(scene.playground.node(await scene.owned()), 'SIGKILL', 2_000);
    },
    restore: async scene => scene.configure({ holdSeconds: 30 }),
  },
];

/** The moment of the last power-off: [when it began, when it was certain]. */
export const powerCut = { began: 0, over: 0 };

async function powerOff(scene: Scene, node: string): Promise<void> {
  powerCut.began = Date.now();
  await cable(scene.playground.sandbox, node, 'down');
  powerCut.over = Date.now();
  await scene.playground.fail(node, 600_000);
}

/** From the power-off to the first answer of a new connection, per family (ms). */
export function darkness(reports: readonly ConnectionsReport[]): number[] {
  return reports.map(({ fresh }) => {
    const after = fresh.answered.filter(({ at }) => at >= powerCut.over).map(({ at, ms }) => at + ms);
    return Math.min(...after) - powerCut.began;
  });
}

/** Watches a move, then lets the connections end, so that it can be completed. */
async function moving(scene: Scene, to?: string): Promise<void> {
  await sleep(MOVING);
  await scene.renew(() => scene.owned(to));
}

/** The bundle once more, under another version; speakers are started with it from now on. */
async function upgrade(scene: Scene): Promise<void> {
  const { playground } = scene;
  const next = join(playground.directory, 'herald-next');
  await cp(join(playground.directory, 'herald'), next, { recursive: true });
  const program = join(next, 'herald.mjs');
  const text = await readFile(program, 'utf8');
  const changed = text.replace(/(name:\s*"@herald\/cli",\s*version:\s*")[^"]+/, '$1999.0.0');
  if (changed === text) throw new Error(`${program} names no version`);
  await writeFile(program, changed);
  playground.heraldCommand = [process.execPath, program];
}
