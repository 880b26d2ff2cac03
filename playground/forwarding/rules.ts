import { isIPv6 } from 'node:net';
import type { V1ServicePort } from '@kubernetes/client-node';
import { type Backends, backends } from './backends.ts';
import type { Backend, NodeView, ServiceView, SliceView } from './objects.ts';

const TABLE = 'playground-services';
/** Packets with this mark are masqueraded on their way out: the bit that kube-proxy uses. */
const MARK = '0x4000';

/**
 * The nftables ruleset of a node: what kube-proxy in nftables mode would program for these Services, as one script that replaces the former
 * one atomically. Service addresses are translated in the NAT hooks; no address of a Service is ever put on an interface.
 */
export function ruleset(services: readonly ServiceView[], slices: readonly SliceView[], node: NodeView): string {
  const byService = groupBy(slices);
  return [4 as const, 6 as const].map(family => table(family, services, byService, node)).join('');
}

/** `Map.groupBy` is not there before Node 21. */
function groupBy(slices: readonly SliceView[]): Map<string, SliceView[]> {
  const groups = new Map<string, SliceView[]>();
  for (const slice of slices) {
    const name = key(slice);
    const group = groups.get(name);
    if (group) group.push(slice);
    else groups.set(name, [slice]);
  }
  return groups;
}

function key(slice: SliceView): string {
  return `${slice.metadata?.namespace ?? ''}/${slice.metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`;
}

interface Family {
  nft: 'ip' | 'ip6';
  type: 'ipv4_addr' | 'ipv6_addr';
  destination: (backend: Backend) => string;
  podCidrs: string[];
}

function table(number: 4 | 6, services: readonly ServiceView[], slices: Map<string, SliceView[]>, node: NodeView): string {
  const family: Family =
    number === 4
      ? {
          nft: 'ip',
          type: 'ipv4_addr',
          destination: b => `${b.address} . ${b.port}`,
          podCidrs: node.podCidrs.filter(c => !c.includes(':')),
        }
      : {
          nft: 'ip6',
          type: 'ipv6_addr',
          destination: b => `${b.address} . ${b.port}`,
          podCidrs: node.podCidrs.filter(c => c.includes(':')),
        };
  const chains: string[] = [];
  const addresses: string[] = [];
  const nodePorts: string[] = [];
  const refused: string[] = [];
  for (const service of services) {
    const spec = service.spec;
    if (!spec || spec.type === 'ExternalName' || spec.clusterIP === 'None') continue;
    const own = slices.get(`${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`) ?? [];
    for (const port of spec.ports ?? []) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase();
      const chosen = backends(service, port, own, number, node);
      const name = chainName(service, port);
      const internal = (spec.clusterIPs ?? []).filter(ip => isIPv6(ip) === (number === 6));
      const external = externalAddresses(service).filter(ip => isIPv6(ip) === (number === 6));
      const at = (ip: string) => `${ip} . ${protocol} . ${port.port}`;
      if (chosen.all.length === 0) {
        refused.push(...[...internal, ...external].map(at));
        continue;
      }
      chains.push(...serviceChains(name, service, protocol, family, chosen));
      addresses.push(...internal.map(ip => `${at(ip)} : goto svc-${name}`), ...external.map(ip => `${at(ip)} : goto ext-${name}`));
      if (port.nodePort) nodePorts.push(`${protocol} . ${port.nodePort} : goto ext-${name}`);
    }
  }
  return `add table ${family.nft} ${TABLE}
delete table ${family.nft} ${TABLE}
table ${family.nft} ${TABLE} {
  map addresses { type ${family.type} . inet_proto . inet_service : verdict;${elements(addresses)} }
  map node-ports { type inet_proto . inet_service : verdict;${elements(nodePorts)} }
  set refused { type ${family.type} . inet_proto . inet_service;${elements(refused)} }
${chains.map(chain => `  ${chain}\n`).join('')}  chain services {
    ${family.nft} daddr . meta l4proto . th dport vmap @addresses
    fib daddr type local meta l4proto . th dport vmap @node-ports
  }
  chain prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain output { type nat hook output priority -100; jump services; }
  chain postrouting { type nat hook postrouting priority srcnat; meta mark & ${MARK} == ${MARK} masquerade; }
  chain forward { type filter hook forward priority filter; ${family.nft} daddr . meta l4proto . th dport @refused reject; }
  chain local-output { type filter hook output priority filter; ${family.nft} daddr . meta l4proto . th dport @refused reject; }
}
`;
}

/** The elements of a set or map; an empty list may not be written. */
function elements(list: readonly string[]): string {
  return list.length > 0 ? ` elements = { ${list.join(', ')} };` : '';
}

/** `svc-…` balances over all endpoints; `ext-…` is what traffic from outside takes and applies the traffic policy and the source ranges. */
function serviceChains(name: string, service: ServiceView, protocol: string, family: Family, { all, local }: Backends): string[] {
  const spec = service.spec;
  const sticky = spec?.sessionAffinity === 'ClientIP';
  const external: string[] = [];
  const ranges = (spec?.loadBalancerSourceRanges ?? []).filter(cidr => cidr.includes(':') === (family.nft === 'ip6'));
  if (ranges.length > 0) external.push(`${family.nft} saddr != { ${ranges.join(', ')} } drop`);
  if (spec?.externalTrafficPolicy === 'Local') {
    if (family.podCidrs.length > 0) external.push(`${family.nft} saddr { ${family.podCidrs.join(', ')} } goto svc-${name}`);
    external.push(local.length > 0 ? translate(family, protocol, local, sticky) : 'drop');
  } else {
    external.push(`meta mark set meta mark or ${MARK}`, `goto svc-${name}`);
  }
  return [`chain svc-${name} { ${translate(family, protocol, all, sticky)}; }`, `chain ext-${name} { ${external.join('; ')}; }`];
}

/** Destination translation to one of the endpoints: at random, or by a hash of the client's address where the Service asks for affinity. */
function translate(family: Family, protocol: string, list: readonly Backend[], sticky: boolean): string {
  const choose = sticky ? `jhash ${family.nft} saddr mod ${list.length} seed 0x68657261` : `numgen random mod ${list.length}`;
  return `meta l4proto ${protocol} dnat to ${choose} map { ${list.map((backend, index) => `${index} : ${family.destination(backend)}`).join(', ')} }`;
}

/** Addresses that lead in from outside and that kube-proxy serves. */
export function externalAddresses(service: ServiceView): string[] {
  const ingress = service.spec?.type === 'LoadBalancer' ? (service.status?.loadBalancer?.ingress ?? []) : [];
  return [
    ...new Set([
      ...ingress.flatMap(entry => (entry.ip && entry.ipMode !== 'Proxy' ? [entry.ip] : [])),
      ...(service.spec?.externalIPs ?? []),
    ]),
  ];
}

/** Names of objects are DNS labels, so they cannot leave the chain name; the port tells a Service's chains apart. */
function chainName(service: ServiceView, port: V1ServicePort): string {
  return `${service.metadata?.namespace}.${service.metadata?.name}.${(port.protocol ?? 'TCP').toLowerCase()}.${port.port}`.replaceAll(
    '.',
    '/',
  );
}
