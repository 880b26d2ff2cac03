import { Planner } from '@herald/controller/planner';
import { type Config, resolve } from '@herald/crds';
import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';

export const description = 'planning: 10,000 Services on 100 nodes from nothing, then one change';

const rounds = 7;

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const [services = 10_000, nodes = 100] = args.map(Number);
  const config = configuration();
  const full: number[] = [];
  const one: Record<'service' | 'endpoints' | 'node', number[]> = { service: [], endpoints: [], node: [] };
  let load: number[] = [];
  let churned: number[] = [];
  // The first two rounds warm up the compiler.
  for (let i = -2; i < rounds; i++) {
    const started = performance.now();
    const planner = filled(config, services, nodes);
    const changed = planner.settle().length;
    const took = performance.now() - started;
    if (changed !== services) throw new Error(`${changed} of ${services} Services were planned`);
    load = [...planner.load().values()];
    if (i < 0) continue;
    full.push(took);
    for (let k = 0; k < 50; k++) {
      const key = `ns/s-${(k * 197) % services}`;
      one.service.push(timed(planner, () => planner.removeService(key)));
      one.service.push(timed(planner, () => planner.setService(serviceOf((k * 197) % services))));
      one.endpoints.push(timed(planner, () => planner.setEndpoints(key, endpoints([k, k + 1], nodes))));
    }
    for (let k = 0; k < 5; k++) {
      for (const ready of [false, true]) one.node.push(timed(planner, () => planner.setNode({ ...nodeOf(k * 3), ready })));
    }
    churned = churn(planner, services, nodes);
  }
  const mean = services / nodes;
  printTable([
    SPREAD_HEADING,
    spread(`${services} × ${nodes} from nothing, ms`, full),
    spread('a Service comes or goes, µs', one.service.map(micros)),
    spread('endpoints of a Service change, µs', one.endpoints.map(micros)),
    spread('a node becomes (not) Ready, ms', one.node),
  ]);
  console.log(`first place: ${Math.min(...load)} to ${Math.max(...load)} addresses per node, mean ${round(mean)}`);
  console.log(`after churn: ${Math.min(...churned)} to ${Math.max(...churned)} addresses per node`);
  return {
    full_10000x100_ms: round(quantile(full, 0.5)),
    one_change_ms: round(quantile([...one.service, ...one.endpoints], 0.5), 3),
    one_change_p99_ms: round(quantile([...one.service, ...one.endpoints], 0.99), 3),
    node_change_ms: round(quantile(one.node, 0.5)),
    max_over_mean: round(Math.max(...load) / mean, 2),
    max_over_mean_after_churn: round(Math.max(...churned) / mean, 2),
  };
}

/** A tenth of the nodes goes and comes back one by one, then a third of the Services is made anew; the loads at the end. */
function churn(planner: Planner, services: number, nodes: number): number[] {
  for (let i = 0; i < nodes; i += 10) {
    for (const ready of [false, true]) {
      planner.setNode({ ...nodeOf(i), ready });
      planner.settle();
    }
  }
  for (let i = 0; i < services; i += 3) planner.removeService(`ns/s-${i}`);
  planner.settle();
  for (let i = 0; i < services; i += 3) planner.setService(serviceOf(i));
  planner.settle();
  return [...planner.load().values()];
}

function micros(ms: number): number {
  return ms * 1000;
}

function timed(planner: Planner, change: () => void): number {
  const started = performance.now();
  change();
  planner.settle();
  return performance.now() - started;
}

function object(kind: string, name: string, spec: object) {
  return { apiVersion: 'heraldlb.io/v1beta1', kind, metadata: { namespace: 'herald-system', name }, spec };
}

function configuration(): Config {
  return resolve([object('IPAddressPool', 'lan', { addresses: ['10.0.0.0/8'] }), object('L2Advertisement', 'l2', {})]).config;
}

function nodeOf(i: number) {
  return { name: `node-${i}`, labels: {}, ready: true, networkUnavailable: false, drained: false };
}

/** Every fourth one with externalTrafficPolicy Local. */
function serviceOf(i: number) {
  const trafficPolicy = i % 4 === 0 ? ('Local' as const) : ('Cluster' as const);
  return { key: `ns/s-${i}`, labels: {}, trafficPolicy, addresses: [{ ip: `10.0.${i >> 8}.${i & 255}`, pool: 'lan' }] };
}

function endpoints(on: readonly number[], nodes: number) {
  const serving = new Map(on.map(i => [`node-${i % nodes}`, 1]));
  return { serving, ready: serving, nodeless: 0 };
}

function filled(config: Config, services: number, nodes: number): Planner {
  const planner = new Planner();
  planner.configure(config);
  for (let i = 0; i < nodes; i++) {
    planner.setNode(nodeOf(i));
    planner.setSpeaker({ node: `node-${i}`, interfaces: new Set(['eth0']) });
  }
  for (let i = 0; i < services; i++) {
    planner.setService(serviceOf(i));
    planner.setEndpoints(`ns/s-${i}`, endpoints([i * 7, i * 7 + 31, i * 7 + 62], nodes));
  }
  return planner;
}
