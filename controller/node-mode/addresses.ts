import { familyOf } from './candidates.ts';
import type { ServingNode } from './inputs.ts';

/** The kind of address that is listed: where any node has an ExternalIP, only ExternalIPs are, as ServiceLB does. */
export function addressesOf(nodes: readonly ServingNode[]): (node: ServingNode) => readonly string[] {
  return nodes.some(({ externalIPs }) => externalIPs.length > 0) ? node => node.externalIPs : node => node.internalIPs;
}

/** Each once, by family in the order of the Service, sorted as texts within one: the list ServiceLB writes. */
export function listOf(addresses: Iterable<string>, families: readonly string[]): string[] {
  const unique = [...new Set(addresses)].sort();
  return families.flatMap(family => unique.filter(address => familyOf(address) === family));
}
