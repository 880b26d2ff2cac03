import type { ServicePort } from './inputs.ts';

/** Ports on which nodes serve themselves: a Service that took one would cut the nodes off. */
export interface ProtectedPorts {
  readonly ranges: readonly { readonly from: number; readonly to: number /** Null: any. */; readonly protocol: string | null }[];
}

/**
 * SSH, BGP, etcd, BFD, VXLAN, the API server and k3s's, metrics and heartbeats of load balancers, WireGuard of CNIs, kubelet, kube-proxy and the control plane.
 */
export const defaultProtectedPorts =
  '22/TCP,179/TCP,2379-2382/TCP,3784/UDP,4784/UDP,4789/UDP,6443-6444/TCP,7472/TCP,7946-7947,8472/UDP,9120/TCP,9125/TCP,9345/TCP,10248-10260/TCP,51820-51821/UDP';

/** Reads `22,6443/TCP,10248-10260/TCP`; empty: none. @throws RangeError naming the part that is wrong */
export function parseProtectedPorts(text: string): ProtectedPorts {
  const parts = text.split(',').map(part => part.trim());
  return {
    ranges: parts
      .filter(part => part !== '')
      .map(part => {
        const [, first = '', last = first, protocol] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(TCP|UDP|SCTP))?$/i.exec(part) ?? [];
        const [from, to] = [Number(first), Number(last)];
        if (first === '' || from < 1 || to > 65_535 || from > to)
          throw new RangeError(`--node-mode-protected-ports: ${JSON.stringify(part)} is no port such as 22, 22/TCP or 10248-10260/TCP`);
        return { from, to, protocol: protocol === undefined ? null : protocol.toUpperCase() };
      }),
  };
}

export function isProtected({ ranges }: ProtectedPorts, { port, protocol }: ServicePort): boolean {
  return ranges.some(range => port >= range.from && port <= range.to && (range.protocol === null || range.protocol === protocol));
}
