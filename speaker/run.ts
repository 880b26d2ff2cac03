import { connect, systemClock, systemRandom } from '@herald/kube';
import { apiCallMetrics, createRegistry, logWhenReady, type ProbeServer, startProbeServer } from '@herald/process';
import { capabilities } from 'raw-socket';
import { SpeakerError } from './error.ts';
import type { SpeakerOptions } from './options.ts';
import { Speaker } from './speaker.ts';

/** Runs the speaker of one node until `signal` aborts; then hands its addresses over and says goodbye. */
export async function runSpeaker(options: SpeakerOptions, signal: AbortSignal): Promise<void> {
  requireCapabilities();
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
  const speaker = new Speaker(options, client, registry);
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

function requireCapabilities(): void {
  if (capabilities().has('CAP_NET_RAW')) return;
  throw new SpeakerError(
    'missing-capability',
    'the speaker lacks CAP_NET_RAW and cannot answer ARP and NDP: run it as root, or add NET_RAW to securityContext.capabilities.add of its container',
  );
}
