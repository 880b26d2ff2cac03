import { type NodeService, prefixed, type ServingNode } from './inputs.ts';

/** The nodes a Service may be served by, before ports and endpoints are looked at; and why the others may not. */
export interface Candidates {
  readonly nodes: readonly ServingNode[];
  readonly excluded: readonly { readonly node: string; readonly why: string }[];
}

/**
 * ServiceLB's choice by labels. As soon as any node carries `enablelb`, with whatever value, only nodes where it is exactly `true` are
 * eligible, and only then does `lbpool` count: a Service that asks for a pool is served by the nodes of that pool, one that asks for none by all.
 */
export function candidatesFor(service: NodeService, nodes: readonly ServingNode[], ipvs: boolean): Candidates {
  const allowList = nodes.some(({ labels }) => prefixed(labels, 'enablelb') !== null);
  const chosen: ServingNode[] = [];
  const excluded: { node: string; why: string }[] = [];
  for (const node of nodes) {
    const why = whyNot(service, node, allowList, ipvs);
    if (why === null) chosen.push(node);
    else excluded.push({ node: node.name, why });
  }
  return { nodes: chosen, excluded };
}

function whyNot({ lbpool, families }: NodeService, node: ServingNode, allowList: boolean, ipvs: boolean): string | null {
  if (node.barred !== null) return node.barred;
  if (allowList && prefixed(node.labels, 'enablelb') !== 'true') return 'it is not labelled enablelb=true, and other nodes are';
  if (allowList && lbpool !== null && prefixed(node.labels, 'lbpool') !== lbpool) return `it is not labelled lbpool=${lbpool}`;
  if (node.kubeProxy === null) return 'its speaker has not reported';
  if (![...node.externalIPs, ...node.internalIPs].some(address => families.includes(familyOf(address))))
    return `it has no address of ${families.join(' or ')}`;
  if (ipvs && !node.forwards) return noForwarding;
  return null;
}

export const noForwarding = 'kube-proxy works in IPVS mode, and its speaker may not forward';

export function familyOf(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
