import { isIPv6 } from 'node:net';
import type { V1ServicePort } from '@kubernetes/client-node';
import type { Backend, NodeView, ServiceView, SliceView } from './objects.ts';

/** The endpoints of a Service port, each in a stable order. */
export interface Backends {
  /** In the whole cluster. */
  all: Backend[];
  /** Of this node, which is all there is for traffic from outside under `externalTrafficPolicy: Local`. */
  local: Backend[];
}

/**
 * The endpoints that a Service port forwards to: the ready ones; where there is none, in the cluster or on the node, those there that are
 * terminating but still serving (as kube-proxy does it, KEP-1669).
 */
export function backends(service: ServiceView, port: V1ServicePort, slices: readonly SliceView[], family: 4 | 6, node: NodeView): Backends {
  const ready = new Map<string, Backend>();
  const terminating = new Map<string, Backend>();
  for (const slice of slices) {
    if (slice.addressType !== (family === 4 ? 'IPv4' : 'IPv6')) continue;
    const target = slice.ports?.find(p => (p.name ?? '') === (port.name ?? '') && (p.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
    if (target?.port === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address === undefined || isIPv6(address) !== (family === 6)) continue;
      const backend = { address, port: target.port, local: endpoint.nodeName === node.name };
      const { ready: isReady = true, serving = isReady, terminating: isTerminating = false } = endpoint.conditions ?? {};
      if (isReady || service.spec?.publishNotReadyAddresses === true) ready.set(address, backend);
      else if (serving && isTerminating) terminating.set(address, backend);
    }
  }
  const choose = (counts: (backend: Backend) => boolean): Backend[] => {
    const chosen = [ready, terminating].map(list => [...list.values()].filter(counts)).find(list => list.length > 0) ?? [];
    return chosen.sort((a, b) => (a.address < b.address ? -1 : 1));
  };
  return { all: choose(() => true), local: choose(({ local }) => local) };
}
