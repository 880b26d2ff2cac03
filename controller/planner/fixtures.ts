import {
  type BGPAdvertisementConfig,
  type L2AdvertisementConfig,
  type LabelSelectorSource,
  type PeerConfig,
  parseSelector,
  type Selector,
} from '@herald/crds';
import { bgpAdvertisement } from '@herald/crds/testing';
import type { PlannedNode, PlannedService, ServiceEndpoints } from './inputs.ts';
import { Planner, type PlannerOptions } from './planner.ts';
import type { PlannerConfig } from './topology.ts';

// Short forms for tests: advertisements, nodes, Services, endpoints, and a planner that has been told of them.

export function selector(labels: Record<string, string>): Selector {
  const source: LabelSelectorSource = { matchLabels: labels };
  const result = parseSelector(source);
  if (!result.ok) throw new Error(result.error);
  return result.selector;
}

export function l2(more: Partial<L2AdvertisementConfig> = {}): L2AdvertisementConfig {
  const { name = 'l2' } = more;
  return {
    ref: { apiVersion: 'heraldlb.io/v1beta1', kind: 'L2Advertisement', namespace: 'herald-system', name },
    name,
    pools: new Set(['lan']),
    nodeSelectors: [],
    serviceSelectors: [],
    interfaces: [],
    preferredNodes: [],
    preemption: 'Never',
    drain: null,
    hold: 30_000,
    ...more,
  };
}

export function bgp(more: Partial<BGPAdvertisementConfig> = {}): BGPAdvertisementConfig {
  return bgpAdvertisement(more.name ?? 'bgp', more);
}

/** Only what the planner reads of a peer. */
export function peer(name: string, nodeSelectors: readonly Selector[] = []): PeerConfig {
  return { name, nodeSelectors } as unknown as PeerConfig;
}

export function config(more: Partial<PlannerConfig> = {}): PlannerConfig {
  return { pools: [{ name: 'lan' }], l2Advertisements: [], bgpAdvertisements: [], peers: [], ...more };
}

export function node(name: string, more: Partial<PlannedNode> = {}): PlannedNode {
  return { name, labels: {}, ready: true, networkUnavailable: false, drained: false, ...more };
}

/** A Service `ns/NAME` of pool `lan`. */
export function service(name: string, ips: readonly string[], more: Partial<PlannedService> = {}): PlannedService {
  return { key: `ns/${name}`, labels: {}, trafficPolicy: 'Cluster', addresses: ips.map(ip => ({ ip, pool: 'lan' })), ...more };
}

export function endpoints(...nodes: string[]): ServiceEndpoints {
  const counts = new Map<string, number>();
  for (const name of nodes) counts.set(name, (counts.get(name) ?? 0) + 1);
  return { serving: counts, ready: counts, nodeless: 0 };
}

/** A planner with nodes that all have a speaker with interface `eth0`. */
export function planner(settings: PlannerConfig, nodes: readonly PlannedNode[], options: PlannerOptions = {}): Planner {
  const p = new Planner(options);
  p.configure(settings);
  for (const each of nodes) {
    p.setNode(each);
    p.setSpeaker({ node: each.name, interfaces: new Set(['eth0']) });
  }
  return p;
}

/** `ip: node node node` for each address announced by layer 2. */
export function orders(p: Planner, key: string): string[] {
  return (p.plan(key)?.spec.addresses ?? []).map(({ ip, layer2 }) => `${ip}: ${layer2?.nodes.join(' ') ?? '-'}`);
}

/** The nodes in order for the first address. */
export function order(p: Planner, key: string): string[] {
  return p.plan(key)?.spec.addresses[0]?.layer2?.nodes ?? [];
}

export function reasons(p: Planner, key: string): string[] {
  return (p.plan(key)?.spec.reasons ?? []).map(({ protocol, reason }) => (protocol === undefined ? reason : `${protocol}:${reason}`));
}
