import type { Logger } from './logger.ts';

/** How often is looked (ms). */
const INTERVAL = 50;

/**
 * Logs one line, `ready`, the first time that nothing is missing: what whoever started the process waits for.
 * @param ready why the process cannot work yet, or null when it can
 */
export function logWhenReady(logger: Logger, ready: () => string | null, signal: AbortSignal): void {
  if (signal.aborted) return;
  const timer = setInterval(() => {
    if (ready() !== null) return;
    stop();
    logger.info('ready');
  }, INTERVAL);
  timer.unref();
  const stop = (): void => {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
  };
  signal.addEventListener('abort', stop, { once: true });
}
