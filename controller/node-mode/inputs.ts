import type { ServiceObject } from '../allocator/index.ts';

/** Class of Services whose addresses are those of nodes. */
export const nodeClass = 'heraldlb.io/node';

/** Prefixes of the labels, ours first: that of k3s ServiceLB and that of its twin in RKE2 are understood, too. */
export const labelPrefixes = ['heraldlb.io', 'svccontroller.k3s.cattle.io', 'svccontroller.rke2.cattle.io'] as const;

/** On a Service: at most so many nodes are listed, in place of the number the controller was told. */
export const maxNodesAnnotation = 'heraldlb.io/max-nodes';

/** A node as node mode sees it. */
export interface ServingNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly externalIPs: readonly string[];
  readonly internalIPs: readonly string[];
  /** Why it may serve no Service at all, in words; null: it may. */
  readonly barred: string | null;
  /** What its speaker said of kube-proxy; null: there is no speaker, or it has said nothing yet. */
  readonly kubeProxy: 'IPVS' | 'Other' | null;
  /** Its speaker forwards where kube-proxy cannot. */
  readonly forwards: boolean;
  /** Nobody has reason to think it dead. */
  readonly alive: boolean;
}

export interface ServicePort {
  readonly protocol: string;
  readonly port: number;
}

/** A Service of node mode. */
export interface NodeService {
  /** `namespace/name`. */
  readonly key: string;
  /** Milliseconds since the epoch: of two Services that want one port the older one has it. */
  readonly createdAt: number;
  /** The pool of nodes it asks for; null: none. */
  readonly lbpool: string | null;
  /** In the order of `spec.ipFamilies`. */
  readonly families: readonly string[];
  readonly ports: readonly ServicePort[];
  readonly trafficPolicy: 'Cluster' | 'Local';
  /** Nodes with a ready endpoint. */
  readonly readyNodes: ReadonlySet<string>;
  /** Addresses in its status. */
  readonly listed: readonly string[];
  /** At most so many nodes; 0: all. */
  readonly maxNodes: number;
  /** A mistake in the Service itself, in words. */
  readonly problem: string | null;
}

/** The value of the label `name` under the first prefix that is there. */
export function prefixed(labels: Readonly<Record<string, string>>, name: string): string | null {
  for (const prefix of labelPrefixes) {
    const key = `${prefix}/${name}`;
    if (Object.hasOwn(labels, key)) return labels[key] ?? '';
  }
  return null;
}

/** Reads a Service. A mistake in it becomes `problem`, never an exception. */
export function nodeServiceOf(
  service: ServiceObject,
  { readyNodes, listed, maxNodes }: { readyNodes: ReadonlySet<string>; listed: readonly string[]; maxNodes: number },
): NodeService {
  const { metadata = {}, spec = {} } = service;
  const { name = '', namespace = '', labels = {}, annotations = {} } = metadata;
  const created = Date.parse(metadata.creationTimestamp ?? '');
  const wanted = Object.hasOwn(annotations, maxNodesAnnotation) ? (annotations[maxNodesAnnotation] ?? '').trim() : undefined;
  const problem =
    spec.clusterIP === 'None'
      ? 'the Service has no cluster IP (clusterIP: None)'
      : wanted !== undefined && !/^\d{1,4}$/.test(wanted)
        ? `annotation ${maxNodesAnnotation} must be a number from 0 to 9999, not ${JSON.stringify(wanted.slice(0, 40))}`
        : null;
  return {
    key: `${namespace}/${name}`,
    createdAt: Number.isNaN(created) ? 0 : created,
    lbpool: prefixed(labels, 'lbpool'),
    families: spec.ipFamilies !== undefined && spec.ipFamilies.length > 0 ? spec.ipFamilies : ['IPv4'],
    ports: (spec.ports ?? []).map(({ port, protocol }) => ({ port, protocol: protocol ?? 'TCP' })),
    trafficPolicy: spec.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
    readyNodes,
    listed,
    maxNodes: wanted === undefined || problem !== null ? maxNodes : Number(wanted),
    problem,
  };
}
