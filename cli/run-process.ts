import { FlagError, type Logger, stopSignal } from '@herald/process';

/** How long a clean end may take before the process ends anyway; below the 30 s that Kubernetes gives a pod (ms). */
const GRACE = 25_000;
/** What is left open when all is done keeps the process for so long at most (ms): whoever is to start it anew waits for its end. */
const LINGER = 3_000;

export interface RunProcessOptions {
  /** How long a clean end may take before the process ends anyway (ms); the pod's terminationGracePeriodSeconds has to be longer. */
  readonly graceMs?: number;
  /** Whose signals count, and what ends; a test gives its own. */
  readonly target?: NodeJS.Process;
}

/**
 * Runs a long-lived part until a signal: the first asks it to end cleanly (exit code 0), a second or `graceMs` ends it at once. What
 * it throws is the last line of the log, and exit code 1.
 */
export async function runProcess(
  logger: Logger,
  run: (signal: AbortSignal) => Promise<void>,
  { graceMs = GRACE, target = process }: RunProcessOptions = {},
): Promise<void> {
  let deadline: NodeJS.Timeout | undefined;
  const stop = stopSignal(target, { onSecond: () => target.exit(1) });
  stop.signal.addEventListener('abort', () => {
    logger.info({ signal: stop.signal.reason as unknown }, 'stopping');
    deadline = setTimeout(() => {
      logger.error('did not stop in time');
      target.exit(1);
    }, graceMs);
    deadline.unref();
  });
  try {
    await run(stop.signal);
    logger.info('stopped');
    target.exitCode = 0;
  } catch (error) {
    if (error instanceof FlagError || !(error instanceof Error)) logger.fatal(String(error));
    else logger.fatal({ err: error }, error.message);
    target.exitCode = 1;
  } finally {
    clearTimeout(deadline);
    stop.dispose();
    setTimeout(() => target.exit(), LINGER).unref();
  }
}
