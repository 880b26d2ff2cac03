import { FlagError, type Logger, stopSignal } from '@herald/process';

/** How long a clean end may take before the process ends anyway; below the 30 s that Kubernetes gives a pod. */
const graceMs = 25_000;

/**
 * Runs a long-lived part until a signal: the first asks it to end cleanly (exit code 0), a second or `graceMs` ends it at once. What
 * it throws is the last line of the log, and exit code 1.
 */
export async function runProcess(logger: Logger, run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  let deadline: NodeJS.Timeout | undefined;
  const stop = stopSignal(process, { onSecond: () => process.exit(1) });
  stop.signal.addEventListener('abort', () => {
    logger.info({ signal: stop.signal.reason as unknown }, 'stopping');
    deadline = setTimeout(() => {
      logger.error('did not stop in time');
      process.exit(1);
    }, graceMs);
    deadline.unref();
  });
  try {
    await run(stop.signal);
    logger.info('stopped');
    process.exitCode = 0;
  } catch (error) {
    if (error instanceof FlagError || !(error instanceof Error)) logger.fatal(String(error));
    else logger.fatal({ err: error }, error.message);
    process.exitCode = 1;
  } finally {
    clearTimeout(deadline);
    stop.dispose();
  }
}
