import { drainAnnotation, drainOf, formatDuration } from '@herald/crds';
import { type Client, isApiError, nodes } from '@herald/kube';
import { FlagError } from '@herald/process';
import { type ClusterView, isDrained, type NodeObject, REBALANCE } from './cluster-view.ts';
import { type Followed, follow, readCluster } from './follow.ts';
import { counted, planLines, stateLines } from './lines.ts';
import { drainMoves, type Move, rebalanceMoves } from './moves.ts';
import { announcements } from './resources.ts';
import { screenFor } from './screen.ts';

export interface DrainFlags {
  /** Milliseconds. */
  timeout?: number;
  dryRun: boolean;
  force: boolean;
}

/** What the speakers are started with, unless an advertisement says otherwise (ms). */
const DEFAULT_DRAIN = 60_000;
const FIELD_MANAGER = 'herald-cli';

/** `herald drain`: resolves with the exit code. */
export async function drain(client: Client, name: string, flags: DrainFlags, signal: AbortSignal): Promise<number> {
  const view = await readCluster(client, signal);
  const node = nodeOf(view, name);
  const moves = drainMoves(view, name);
  if (moves.length === 0) console.log(`${name} announces nothing`);
  for (const line of planLines(moves)) console.log(line);
  const stranded = moves.filter(({ to }) => to === undefined);
  if (flags.dryRun) return 0;
  if (stranded.length > 0 && !flags.force) {
    console.error(
      `nobody else can announce ${stranded.map(({ ip }) => ip).join(', ')}: nothing was changed; let other nodes announce them, or accept that they go dark with --force`,
    );
    return 1;
  }
  const known = drainOf(node.metadata.annotations);
  if (known === undefined || (flags.timeout !== undefined && known.within !== flags.timeout))
    await annotate(client, name, flags.timeout === undefined ? 'true' : formatDuration(flags.timeout));
  const followed = await watch(
    client,
    moves.filter(({ to }) => to !== undefined),
    flags.timeout ?? known?.within ?? longestDrain(view, moves),
    signal,
  );
  const again = `herald drain ${name} shows how far it is, herald undrain ${name} ends it`;
  if (followed.end === 'interrupted') {
    console.error(`not waiting any longer: the drain goes on; ${again}`);
    return 130;
  }
  if (followed.end === 'stuck') return left(followed, `${name} is still being drained: ${again}`);
  if (followed.cut.length > 0)
    return left(followed, `the time was over; ${name} announces nothing any more, herald undrain ${name} ends the drain`);
  console.log(`${name} is drained; when the maintenance is over: herald undrain ${name}`);
  return 0;
}

/** `herald undrain` */
export async function undrain(client: Client, name: string): Promise<number> {
  const node = nodeOf(await readCluster(client), name);
  if (!isDrained(node)) {
    console.log(`${name} is not drained`);
    return 0;
  }
  await annotate(client, name, null);
  console.log(`${name} may announce again; what moved stays where it is, herald rebalance moves it back`);
  return 0;
}

/** `herald rebalance` */
export async function rebalance(client: Client, flags: Omit<DrainFlags, 'force'>, signal: AbortSignal): Promise<number> {
  const view = await readCluster(client, signal);
  const moves = rebalanceMoves(view);
  if (moves.length === 0) console.log('every address is announced by the node it is meant for');
  for (const line of planLines(moves)) console.log(line);
  if (flags.dryRun || moves.length === 0) return 0;
  const asked = new Date(client.clock.wall()).toISOString();
  const keys = [...new Set(moves.flatMap(({ services }) => services))];
  for (const key of keys) {
    if (signal.aborted) break;
    const [namespace = '', name = ''] = key.split('/');
    const patch = { metadata: { annotations: { [REBALANCE]: asked } } };
    try {
      await client.patch(announcements, { namespace, name }, patch, { type: 'merge', fieldManager: FIELD_MANAGER });
    } catch (error) {
      // The Service went away meanwhile: nothing is left to move.
      if (!isApiError(error, 'not-found')) throw error;
    }
  }
  const followed = await watch(client, moves, flags.timeout ?? longestDrain(view, moves), signal);
  if (followed.end === 'interrupted') {
    console.error('not waiting any longer: moves that have begun go on; herald rebalance --dry-run shows what is left');
    return 130;
  }
  if (followed.end === 'stuck') return left(followed, 'herald rebalance asks again');
  if (followed.cut.length > 0) return left(followed, 'the time was over for their connections');
  console.log(`${counted(moves.length, 'address', 'addresses')} moved`);
  return 0;
}

function longestDrain(view: ClusterView, moves: readonly Move[]): number {
  const moved = new Set(moves.map(({ ip }) => ip));
  const plans = view.announcements.flatMap(({ spec }) => spec.addresses.filter(({ ip }) => moved.has(ip)));
  return Math.max(0, ...plans.map(({ layer2 }) => (layer2?.drainSeconds === undefined ? DEFAULT_DRAIN : layer2.drainSeconds * 1_000)));
}

async function watch(client: Client, moves: readonly Move[], drainMs: number, signal: AbortSignal): Promise<Followed> {
  if (moves.length === 0) return { end: 'done', states: [], cut: [] };
  const screen = screenFor(process.stdout);
  const followed = await follow({ client, moves, drainMs, signal, onState: (states, elapsed) => screen.show(states, elapsed) });
  screen.end();
  return followed;
}

function left({ states, cut, problem }: Followed, remedy: string): number {
  const open = [
    ...states.filter(({ phase }) => phase === 'waiting' || phase === 'draining'),
    ...cut.map(state => ({ ...state, phase: 'draining' as const })),
  ];
  console.error(`not everything ended in time:`);
  for (const line of stateLines(open)) console.error(`  ${line}`);
  if (problem !== undefined) console.error(`what has happened since is not known: ${problem}`);
  console.error(remedy);
  return 1;
}

function nodeOf(view: ClusterView, name: string): NodeObject {
  const node = view.nodes.find(({ metadata }) => metadata.name === name);
  if (node === undefined)
    throw new FlagError(`there is no node ${name}; nodes: ${view.nodes.map(({ metadata }) => metadata.name).join(', ')}`);
  return node;
}

async function annotate(client: Client, name: string, value: string | null): Promise<void> {
  await client.patch(
    nodes,
    { name },
    { metadata: { annotations: { [drainAnnotation]: value } } },
    { type: 'merge', fieldManager: FIELD_MANAGER },
  );
}
