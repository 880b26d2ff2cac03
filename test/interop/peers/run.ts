import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface RunOptions {
  /** Milliseconds; 20 s when left out. */
  readonly timeout?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end and gives its output. Rejects with what it wrote to stderr. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  try {
    const { stdout } = await execute(command, args, { timeout: options.timeout ?? 20_000, maxBuffer: 64 << 20, env: options.env });
    return stdout;
  } catch (error) {
    const { stderr, stdout, message } = error as Error & { stderr?: string; stdout?: string };
    throw new Error(`${command} ${args.join(' ')}: ${stderr?.trim() || stdout?.trim() || message}`, { cause: error });
  }
}

/** The first of these files that can be executed. */
export async function findProgram(...paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not there: try the next.
    }
  }
  return undefined;
}

/** Polls until `probe` gives something other than undefined, false or an empty text. Rejects with `what` and the last error when the time is over. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  options: { readonly timeout?: number; readonly interval?: number; readonly explain?: () => Promise<string> | string } = {},
): Promise<T> {
  const { timeout = 20_000, interval = 50 } = options;
  const end = performance.now() + timeout;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false && value !== '') return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) break;
    await new Promise(resolve => setTimeout(resolve, interval));
  }
  const details = [last instanceof Error ? last.message : undefined, await options.explain?.()].filter(Boolean).join('\n');
  throw new Error(`not within ${timeout} ms: ${what}${details ? `\n${details}` : ''}`, { cause: last });
}

/** Asks the same question without pause until `stop`, which tells how often the answer was no. Ends by itself after two minutes. */
export function watch(question: () => Promise<boolean>): { readonly stop: () => Promise<{ readonly asked: number; readonly no: number }> } {
  const counts = { asked: 0, no: 0 };
  const stopped = new AbortController();
  let failure: unknown;
  const end = performance.now() + 120_000;
  const watching = (async () => {
    while (!stopped.signal.aborted && performance.now() < end) {
      counts.asked++;
      if (!(await question())) counts.no++;
    }
  })().catch((error: unknown) => {
    failure = error;
  });
  return {
    stop: async () => {
      stopped.abort();
      await watching;
      if (failure !== undefined) throw failure;
      return counts;
    },
  };
}
