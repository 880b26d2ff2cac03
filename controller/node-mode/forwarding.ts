import type { AnnouncementForward } from '@herald/crds';
import { familyOf } from './candidates.ts';

/** What of an EndpointSlice forwarding needs. */
export interface ForwardSlice {
  readonly ports?: readonly {
    readonly name?: string | undefined;
    readonly port?: number | undefined;
    readonly protocol?: string | undefined;
  }[];
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[];
        readonly nodeName?: string | undefined;
        readonly conditions?: { readonly ready?: boolean | undefined } | undefined;
      }[]
    | null
    | undefined;
}

/** What of a Service forwarding needs. */
export interface ForwardService {
  readonly externalTrafficPolicy?: string | undefined;
  readonly sessionAffinity?: string | undefined;
  readonly loadBalancerSourceRanges?: readonly string[] | undefined;
  readonly ports?:
    | readonly { readonly name?: string | undefined; readonly port: number; readonly protocol?: string | undefined }[]
    | undefined;
}

type Endpoint = AnnouncementForward['ports'][number]['endpoints'][number];

const perFamily = 125;

/**
 * What the speakers of `nodes` forward for a Service. To its endpoints and not to its cluster IP: what comes from outside for a cluster IP
 * would meet the IPVS of kube-proxy, which neither keeps the client's address under Local nor lets another table masquerade for it.
 */
export function forwardOf(service: ForwardService, slices: readonly ForwardSlice[], nodes: readonly string[]): AnnouncementForward {
  const ranges = service.loadBalancerSourceRanges ?? [];
  return {
    nodes: [...nodes].sort().slice(0, 1000),
    trafficPolicy: service.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
    ...(service.sessionAffinity === 'ClientIP' && { affinity: true }),
    ...(ranges.length > 0 && { sourceRanges: [...new Set(ranges)].slice(0, 256) }),
    ports: (service.ports ?? []).slice(0, 100).map(({ name = '', port, protocol = 'TCP' }) => ({
      protocol: protocol as 'TCP' | 'UDP' | 'SCTP',
      port,
      endpoints: endpointsOf(slices, name, protocol),
    })),
  };
}

/** The ready endpoints of a port, each once, in an order that changes only when they do. */
function endpointsOf(slices: readonly ForwardSlice[], name: string, protocol: string): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    const target = slice.ports?.find(port => (port.name ?? '') === name && (port.protocol ?? 'TCP') === protocol)?.port;
    if (target === undefined) continue;
    for (const { addresses, nodeName, conditions } of slice.endpoints ?? []) {
      const [ip] = addresses;
      if (ip === undefined || conditions?.ready === false) continue;
      found.set(ip, { ip, port: target, ...(nodeName !== undefined && { node: nodeName }) });
    }
  }
  const all = [...found.values()].sort((a, b) => (a.ip < b.ip ? -1 : 1));
  return (['IPv4', 'IPv6'] as const).flatMap(family => all.filter(({ ip }) => familyOf(ip) === family).slice(0, perFamily));
}
