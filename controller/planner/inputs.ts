import { drainOf, type Labels, type Speaker } from '@herald/crds';

/** A node as the planner sees it. */
export interface PlannedNode {
  readonly name: string;
  readonly labels: Labels;
  /** Condition `Ready`. NotReady nodes come last, never not at all: their network may work while their kubelet does not. */
  readonly ready: boolean;
  /** Condition `NetworkUnavailable`. */
  readonly networkUnavailable: boolean;
  /** Asked to give its announcements away (annotation `heraldlb.io/drain`). Cordoning does not ask for that. */
  readonly drained: boolean;
}

/** What the speaker of a node has reported, as far as it bears on the plan. */
export interface PlannedSpeaker {
  readonly node: string;
  readonly interfaces: ReadonlySet<string>;
}

/** A Service with its addresses. */
export interface PlannedService {
  /** `namespace/name`. */
  readonly key: string;
  readonly labels: Labels;
  readonly trafficPolicy: 'Cluster' | 'Local';
  /** In the order of its status. */
  readonly addresses: readonly { readonly ip: string; readonly pool: string }[];
}

/** The endpoints of a Service that serve: ready, or terminating and still serving. */
export interface ServiceEndpoints {
  /** By node. */
  readonly serving: ReadonlyMap<string, number>;
  /** Ready ones by node, the weights of BGP. */
  readonly ready: ReadonlyMap<string, number>;
  /** Serving ones that name no node. */
  readonly nodeless: number;
}

export const noEndpoints: ServiceEndpoints = { serving: new Map(), ready: new Map(), nodeless: 0 };

/** `node.kubernetes.io/exclude-from-external-load-balancers`, with any value. */
export const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** A `v1` Node on the wire, as far as it is read here. */
export interface NodeObject {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Labels | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] | undefined } | undefined;
}

export function nodeOf(node: NodeObject): PlannedNode {
  const { name, labels = {}, annotations } = node.metadata;
  const condition = (type: string) => node.status?.conditions?.find(each => each.type === type)?.status;
  return {
    name,
    labels,
    // A node that has no such condition has no kubelet to say it is not ready.
    ready: (condition('Ready') ?? 'True') === 'True',
    networkUnavailable: condition('NetworkUnavailable') === 'True',
    drained: drainOf(annotations) !== undefined,
  };
}

export function speakerOf({ metadata, status }: Speaker): PlannedSpeaker {
  const used = (status?.segments ?? []).map(segment => segment.interface);
  // An excluded interface is used as soon as the plan names it.
  return { node: metadata.name, interfaces: new Set([...used, ...(status?.excludedInterfaces ?? [])]) };
}

/** A `discovery.k8s.io/v1` EndpointSlice on the wire, as far as it is read here. */
export interface EndpointSliceObject {
  readonly addressType?: string | undefined;
  readonly endpoints?:
    | readonly {
        readonly addresses?: readonly string[] | undefined;
        readonly nodeName?: string | undefined;
        readonly conditions?: { readonly ready?: boolean | undefined; readonly serving?: boolean | undefined } | undefined;
      }[]
    | null
    | undefined;
}

/**
 * Adds up the slices of one Service. A dual-stack endpoint is listed once per address type, so the types are counted
 * apart and the larger count is taken.
 */
export function endpointsOf(slices: Iterable<EndpointSliceObject>): ServiceEndpoints {
  const types = new Map<string, { serving: Map<string, number>; ready: Map<string, number>; nodeless: number }>();
  const seen = new Set<string>();
  for (const { addressType = 'IPv4', endpoints } of slices) {
    let counts = types.get(addressType);
    if (counts === undefined) types.set(addressType, (counts = { serving: new Map(), ready: new Map(), nodeless: 0 }));
    for (const { conditions, nodeName, addresses } of endpoints ?? []) {
      // `ready` absent means unknown, to be taken for true (EndpointConditions).
      const ready = conditions?.ready !== false;
      if (!ready && conditions?.serving !== true) continue;
      // While endpoints move from one slice to another they may be listed twice.
      const id = `${addressType} ${nodeName ?? ''} ${addresses?.[0] ?? ''}`;
      if (addresses?.[0] !== undefined && seen.has(id)) continue;
      seen.add(id);
      if (nodeName === undefined) {
        counts.nodeless++;
        continue;
      }
      counts.serving.set(nodeName, (counts.serving.get(nodeName) ?? 0) + 1);
      if (ready) counts.ready.set(nodeName, (counts.ready.get(nodeName) ?? 0) + 1);
    }
  }
  const all = [...types.values()];
  return {
    serving: greatest(all.map(each => each.serving)),
    ready: greatest(all.map(each => each.ready)),
    nodeless: Math.max(0, ...all.map(each => each.nodeless)),
  };
}

function greatest(maps: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const result = new Map<string, number>();
  for (const map of maps) for (const [key, count] of map) result.set(key, Math.max(count, result.get(key) ?? 0));
  return result;
}
