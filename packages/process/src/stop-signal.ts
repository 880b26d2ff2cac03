export interface StopSignal {
  /** Aborts on the first SIGTERM or SIGINT; its reason is the signal's name. */
  signal: AbortSignal;
  /** Stops listening for signals. */
  dispose(): void;
}

export interface StopSignalOptions {
  signals?: readonly NodeJS.Signals[];
  /** Called on a second signal: who asks twice does not want to wait. */
  onSecond?: () => void;
}

/** Turns the process's signals into an AbortSignal. */
export function stopSignal(target: NodeJS.Process, options: StopSignalOptions = {}): StopSignal {
  const controller = new AbortController();
  const signals = options.signals ?? ['SIGTERM', 'SIGINT'];
  const onSignal = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) options.onSecond?.();
    else controller.abort(signal);
  };
  for (const signal of signals) target.on(signal, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const signal of signals) target.off(signal, onSignal);
    },
  };
}
