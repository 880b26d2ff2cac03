import { formatDuration, LONGEST_DRAIN } from '@herald/crds';
import type { Client } from '@herald/kube';
import { FlagError, parseDuration, stopSignal } from '@herald/process';
import { type Command, InvalidArgumentError } from 'commander';
import type { DrainFlags } from './run.ts';

interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
}

/** Adds `herald drain`, `herald undrain` and `herald rebalance`. */
export function registerDrain(program: Command): void {
  const add = (words: string, description: string): Command =>
    program
      .command(words)
      .description(description)
      .option('--kubeconfig <file>', 'kubeconfig of the cluster; without one: KUBECONFIG, then ~/.kube/config')
      .option('--context <name>', 'context of the kubeconfig');

  add('drain <node>', 'have all addresses of a node announced by others, without breaking a connection')
    .option(
      '--timeout <duration>',
      'how long established connections may take to end, 24h at most; default: the drainSeconds of the advertisements',
      text => duration(text, LONGEST_DRAIN),
    )
    .option('--dry-run', 'show what would move, and do nothing', false)
    .option('--force', 'go on although addresses would be left that nobody else can announce', false)
    .action((node: string, flags: DrainFlags & ClusterFlags) =>
      withCluster(flags, async (client, signal) => (await import('./run.ts')).drain(client, node, flags, signal)),
    );

  add('undrain <node>', 'let a drained node announce addresses again').action((node: string, flags: ClusterFlags) =>
    withCluster(flags, async client => (await import('./run.ts')).undrain(client, node)),
  );

  add('rebalance', 'move addresses to the nodes that they are meant for, without breaking a connection')
    .option('--timeout <duration>', 'when to give up waiting; the moves go on without', text => duration(text))
    .option('--dry-run', 'show what would move, and do nothing', false)
    .action((flags: DrainFlags & ClusterFlags) =>
      withCluster(flags, async (client, signal) => (await import('./run.ts')).rebalance(client, flags, signal)),
    );
}

/** Runs a command with a client, until its end or Ctrl-C; errors are one line that says what to do. */
async function withCluster(flags: ClusterFlags, run: (client: Client, signal: AbortSignal) => Promise<number>): Promise<void> {
  const stop = stopSignal(process, { onSecond: () => process.exit(130) });
  let client: Client | undefined;
  try {
    const { connect } = await import('@herald/kube');
    client = await connect({ env: process.env, ...flags });
    process.exitCode = await run(client, stop.signal);
  } catch (error) {
    // Only reading ends early, before anything was asked for.
    if (stop.signal.aborted && isAborted(error)) console.error('interrupted: nothing was changed');
    else console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = stop.signal.aborted ? 130 : 1;
  } finally {
    stop.dispose();
    client?.close();
  }
}

function isAborted(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'aborted';
}

function duration(text: string, longest = Number.POSITIVE_INFINITY): number {
  try {
    const ms = parseDuration('--timeout', text);
    if (ms > longest) throw new InvalidArgumentError(`at most ${formatDuration(longest)}`);
    return ms;
  } catch (error) {
    if (error instanceof FlagError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
