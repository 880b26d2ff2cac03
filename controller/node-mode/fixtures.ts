import type { Speaker } from '@herald/crds';
import type { NodeService, ServingNode } from './inputs.ts';

/** A node that may serve, for tests. */
export function node(name: string, more: Partial<ServingNode> = {}): ServingNode {
  const index = Number(/\d+$/.exec(name)?.[0] ?? 0);
  return {
    name,
    labels: {},
    externalIPs: [],
    internalIPs: [`192.168.150.${40 + index}`, `fd00:150::${40 + index}`],
    barred: null,
    kubeProxy: 'Other',
    forwards: false,
    alive: true,
    ...more,
  };
}

/** A Service of node mode, for tests; the letter of its name is its age. */
export function service(name: string, more: Partial<NodeService> = {}): NodeService {
  return {
    key: `default/${name}`,
    createdAt: name.charCodeAt(0),
    lbpool: null,
    families: ['IPv4'],
    ports: [{ protocol: 'TCP', port: 80 }],
    trafficPolicy: 'Cluster',
    readyNodes: new Set(),
    listed: [],
    maxNodes: 0,
    problem: null,
    ...more,
  };
}

/** A Speaker whose status says who is alive; `version` is when it was written. */
export function speaker(
  name: string,
  version: number,
  heard: readonly string[],
  answering: readonly string[] = [],
  segment = 'lan',
): Speaker {
  const base = { interface: 'eth0', segment, mac: '02:00:00:00:00:01', carrier: true, fit: true, stalls: 0 };
  return {
    apiVersion: 'heraldlb.io/v1beta1',
    kind: 'Speaker',
    metadata: { name, resourceVersion: String(version) },
    status: { segments: [{ ...base, peersHeard: [...heard], peersAnswering: [...answering] }] },
  };
}
