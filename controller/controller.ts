import { type Client, LeaderElector, sleep } from '@herald/kube';
import { apiCallMetrics, createRegistry, logWhenReady, type ProbeServer, queueMetrics, startProbeServer } from '@herald/process';
import { holderIsDead } from './holder.ts';
import { ControllerMetrics } from './metrics.ts';
import type { ControllerOptions } from './options.ts';
import { servedClasses } from './service-view.ts';
import { Term } from './term.ts';

/**
 * The controller as a process: connects, serves probes and metrics, and leads whenever it holds the lease. Losing the lease ends the
 * term and starts another election; only `signal` ends the controller, which then gives the lease back.
 */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { logger, namespace, identity, version } = options;
  const registry = createRegistry({ component: 'controller', version });
  const client = await options.connect({
    qps: options.qps,
    burst: options.burst,
    userAgent: `herald-controller/${version}`,
    observer: apiCallMetrics(registry),
  });
  const metrics = new ControllerMetrics(registry);
  const forQueue = queueMetrics(registry);
  let term: Term | undefined;
  let standby = false;
  const ready = () => (term === undefined ? (standby ? null : 'waiting for the API server') : term.problem);
  let probes: ProbeServer | undefined;
  try {
    if (options.listen !== undefined) {
      probes = await startProbeServer({ listen: options.listen, ready, registry });
      logger.info({ port: probes.port }, 'serving probes and metrics');
    }
    logWhenReady(logger, ready, signal);
    const lead = async (lost: AbortSignal, holds: () => boolean) => {
      metrics.leading(true);
      term = new Term({
        client,
        namespace,
        metallb: options.metallb,
        identity,
        classes: servedClasses(options.loadBalancerClass, options.nodeMode?.classless),
        nodeMode: options.nodeMode,
        logger,
        metrics,
        queueMetrics: forQueue,
        holds,
        conflictQuarantineMs: options.conflictQuarantineMs,
        planner: { ignoreExcludeLabel: options.ignoreExcludeLabel ?? false },
      });
      logger.info({ identity }, 'leading');
      try {
        await term.run(lost);
      } finally {
        term = undefined;
        metrics.leading(false);
      }
    };
    await elections(
      client,
      options,
      lead,
      leader => {
        standby = true;
        if (leader !== identity) logger.info({ leader }, 'another replica leads; ready to take over');
      },
      signal,
    );
  } finally {
    await probes?.close();
    client.close();
  }
}

/** Elections and terms in turn, until `signal`. */
async function elections(
  client: Client,
  options: ControllerOptions,
  lead: (lost: AbortSignal, holds: () => boolean) => Promise<void>,
  onLeader: (leader: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { leaderElection, logger, namespace, identity } = options;
  let complaint = '';
  while (!signal.aborted) {
    if (leaderElection === undefined) await lead(signal, () => true);
    else {
      const elector = new LeaderElector(client, {
        ...leaderElection,
        namespace,
        identity,
        onLeader: leader => {
          complaint = '';
          onLeader(leader);
        },
        isDead: (holder, stop) => holderIsDead(client, holder, stop),
        onError: error => {
          const message = error instanceof Error ? error.message : String(error);
          if (message !== complaint) logger.warn({ lease: `${namespace}/${leaderElection.name}` }, message);
          complaint = message;
        },
      });
      await elector.run(lost => lead(lost, () => elector.holds), signal);
      if (!signal.aborted) logger.warn('the lease could not be renewed in time: no longer leading');
    }
    if (!signal.aborted) await sleep(client.clock, 1000, signal);
  }
}
