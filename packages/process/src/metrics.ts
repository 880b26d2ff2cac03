import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** A registry with the process's own figures (memory, CPU, event loop) and `herald_build_info`. */
export function createRegistry(info: { component: string; version: string }): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({});
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'herald_build_info',
    help: 'Always 1; which program this is.',
    labelNames: ['component', 'version'],
    registers: [registry],
  }).set(info, 1);
  return registry;
}

/** One finished call to the Kubernetes API. */
export interface ApiCall {
  verb: string;
  resource: string;
  code: string;
  durationMs: number;
}

/** Counts calls to the Kubernetes API: `herald_api_requests_total`, `herald_api_request_duration_seconds`. */
export function apiCallMetrics(registry: Registry): (call: ApiCall) => void {
  const total = new Counter({
    name: 'herald_api_requests_total',
    help: 'Calls to the Kubernetes API, by verb, resource and HTTP status (or why there was no answer).',
    labelNames: ['verb', 'resource', 'code'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'herald_api_request_duration_seconds',
    help: 'Time a call to the Kubernetes API took; a watch until it began.',
    labelNames: ['verb'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  return ({ verb, resource, code, durationMs }) => {
    total.inc({ verb, resource, code });
    duration.observe({ verb }, durationMs / 1000);
  };
}

export interface QueueMetrics {
  depth(depth: number): void;
  added(): void;
  retried(): void;
  waited(ms: number): void;
  worked(ms: number): void;
}

/** Figures of work queues, named as in client-go with our prefix: `herald_workqueue_*`, label `name`. Call once per registry, then per queue. */
export function queueMetrics(registry: Registry): (name: string) => QueueMetrics {
  const common = { labelNames: ['name'], registers: [registry] };
  const buckets = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60];
  const depth = new Gauge({ name: 'herald_workqueue_depth', help: 'Keys waiting to be worked on.', ...common });
  const adds = new Counter({ name: 'herald_workqueue_adds_total', help: 'Keys added.', ...common });
  const retries = new Counter({ name: 'herald_workqueue_retries_total', help: 'Keys retried after a failure.', ...common });
  const waited = new Histogram({
    name: 'herald_workqueue_queue_duration_seconds',
    help: 'Time a key waited before it was worked on.',
    buckets,
    ...common,
  });
  const worked = new Histogram({
    name: 'herald_workqueue_work_duration_seconds',
    help: 'Time the work on a key took.',
    buckets,
    ...common,
  });
  return name => ({
    depth: value => depth.set({ name }, value),
    added: () => adds.inc({ name }),
    retried: () => retries.inc({ name }),
    waited: ms => waited.observe({ name }, ms / 1000),
    worked: ms => worked.observe({ name }, ms / 1000),
  });
}
