import { connect, systemClock, systemRandom } from '@herald/kube';
import { apiCallMetrics, createRegistry, logWhenReady, type ProbeServer, startProbeServer } from '@herald/process';
import type { SpeakerOptions } from './options.ts';
import { Speaker } from './speaker.ts';
import type { WireThread } from './wire/thread.ts';

/** A speaker with its connection to the API server, its probes and its metrics, until `signal` aborts. */
export async function serve(options: SpeakerOptions, wire: WireThread, signal: AbortSignal): Promise<void> {
  const registry = createRegistry({ component: 'speaker', version: options.version });
  const { env, kubeconfig, context, qps, burst, listen, logger } = options;
  const client = await connect({
    env,
    kubeconfig,
    context,
    qps,
    burst,
    userAgent: `herald-speaker/${options.version}`,
    observer: apiCallMetrics(registry),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  });
  const speaker = new Speaker(options, client, registry, wire);
  let probes: ProbeServer | undefined;
  try {
    if (listen !== undefined) {
      probes = await startProbeServer({ listen, registry, live: () => speaker.hung() ?? null, ready: () => speaker.problem() ?? null });
      logger.info({ port: probes.port }, 'serving /healthz, /readyz and /metrics');
    }
    logWhenReady(logger, () => speaker.problem() ?? null, signal);
    await speaker.run(signal);
  } finally {
    await probes?.close();
    client.close();
  }
}
