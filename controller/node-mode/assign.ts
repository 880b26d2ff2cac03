import type { AllocatedReason } from '@herald/crds';
import { hashText, weight } from '../planner/rendezvous.ts';
import { addressesOf, listOf } from './addresses.ts';
import { candidatesFor, noForwarding } from './candidates.ts';
import type { NodeService, ServicePort, ServingNode } from './inputs.ts';
import { isProtected, type ProtectedPorts } from './protected-ports.ts';

/** The answer to one Service of node mode. */
export interface NodeAnswer {
  readonly key: string;
  readonly addresses: readonly string[];
  /** The nodes they belong to, by name. */
  readonly nodes: readonly string[];
  /** `Proxy`: kube-proxy shall leave the addresses alone, because the speakers forward. */
  readonly ipMode: 'VIP' | 'Proxy';
  readonly satisfied: boolean;
  readonly reason: AllocatedReason;
  readonly message: string;
}

/** A protocol and port of a node, and the Service that has it. */
type Taken = Map<string, string>;

/**
 * Which nodes' addresses each Service lists. A pure function of what is, and of what each Service lists already: the same after a restart.
 * Services are served by age, so that of two that want a port the older one has it.
 */
export function assignNodes(
  nodes: readonly ServingNode[],
  services: readonly NodeService[],
  options: { protectedPorts: ProtectedPorts },
): Map<string, NodeAnswer> {
  const byName = [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
  // One kube-proxy in IPVS mode binds every load balancer address, and with it loses the way to the node that has it.
  const ipvs = nodes.some(({ kubeProxy }) => kubeProxy === 'IPVS');
  const taken: Taken = new Map();
  const answers = new Map<string, NodeAnswer>();
  for (const service of [...services].sort(byAge)) answers.set(service.key, answer(service, byName, ipvs, taken, options.protectedPorts));
  return answers;
}

/** Creation times have seconds: of two Services of one second the one that has addresses already keeps them. */
function byAge(a: NodeService, b: NodeService): number {
  return a.createdAt - b.createdAt || Number(b.listed.length > 0) - Number(a.listed.length > 0) || (a.key < b.key ? -1 : 1);
}

function answer(
  service: NodeService,
  nodes: readonly ServingNode[],
  ipvs: boolean,
  taken: Taken,
  protectedPorts: ProtectedPorts,
): NodeAnswer {
  const ipMode = ipvs ? 'Proxy' : 'VIP';
  const none = (reason: AllocatedReason, message: string): NodeAnswer => ({
    key: service.key,
    addresses: [],
    nodes: [],
    ipMode,
    satisfied: false,
    reason,
    message,
  });
  if (service.problem !== null)
    return none(service.problem.startsWith('annotation') ? 'InvalidRequest' : 'HeadlessService', service.problem);
  const guarded = service.ports.filter(port => isProtected(protectedPorts, port));
  if (guarded.length > 0)
    return none(
      'ProtectedPort',
      `${guarded.map(textOf).join(', ')}: the nodes serve there themselves (--node-mode-protected-ports of the controller)`,
    );
  const { nodes: eligible, excluded } = candidatesFor(service, nodes, ipvs);
  const excluding = summary(excluded.map(({ node, why }) => `${node}: ${why}`));
  if (eligible.length === 0) {
    const forbidden = excluded.filter(({ why }) => why === noForwarding);
    if (forbidden.length > 0) return none('KubeProxyIPVS', excluding);
    return none('NoNodeAddress', nodes.length === 0 ? 'the cluster has no node' : excluding);
  }
  const rivals: { node: string; port: ServicePort; by: string }[] = [];
  const free = eligible.filter(({ name }) => {
    for (const port of service.ports) {
      const by = taken.get(place(name, port));
      if (by === undefined) continue;
      rivals.push({ node: name, port, by });
      return false;
    }
    return true;
  });
  const conflict = conflictText(rivals);
  if (free.length === 0) return none('NodePortTaken', conflict);
  // Without a limit the ports are held on every eligible node, dead or without an endpoint: they must not change hands with every rollout.
  if (service.maxNodes === 0) for (const { name } of free) for (const port of service.ports) taken.set(place(name, port), service.key);
  const { chosen, note } = living(service, free);
  if (chosen.length === 0) return none('NoNodeWithEndpoints', `no ready endpoint on ${summary(free.map(({ name }) => name))}`);
  const addressOf = addressesOf(chosen);
  const ofFamily = (node: ServingNode) => listOf(addressOf(node), service.families);
  const listed = limited(
    service,
    chosen.filter(node => ofFamily(node).length > 0),
  );
  if (service.maxNodes > 0) for (const { name } of listed) for (const port of service.ports) taken.set(place(name, port), service.key);
  const addresses = listOf(listed.flatMap(ofFamily), service.families);
  if (addresses.length === 0)
    return none('NoNodeAddress', `no node has an ExternalIP of ${service.families.join(' or ')}, and some have one of another family`);
  const notes = [note, conflict, excluding === '' ? '' : `not listed: ${excluding}`].filter(text => text !== '');
  const names = listed.map(({ name }) => name);
  return {
    key: service.key,
    addresses,
    nodes: names,
    ipMode,
    satisfied: true,
    reason: 'NodeAddressesListed',
    message: [`nodes ${summary(names)}`, ...notes].join('; '),
  };
}

/**
 * Those that are alive and, under Local, have an endpoint. Liveness alone never empties a list: where nobody seems alive it is the observer
 * that is blind (an API server that was away, a network in pieces), and clients of a stale list fare better than those of none.
 */
function living(service: NodeService, free: readonly ServingNode[]): { chosen: readonly ServingNode[]; note: string } {
  const local = service.trafficPolicy === 'Local' ? free.filter(({ name }) => service.readyNodes.has(name)) : free;
  const dead = free.filter(({ alive }) => !alive);
  const alive = local.filter(node => node.alive);
  if (alive.length > 0) {
    const note = dead.length === 0 ? '' : `not listed, because nobody hears from them: ${summary(dead.map(({ name }) => name))}`;
    return { chosen: alive, note };
  }
  if (local.length === 0 && dead.length < free.length) return { chosen: [], note: '' };
  const before = (dead.length === free.length ? free : local).filter(node => isListed(service, node));
  return { chosen: before.length > 0 ? before : local, note: 'no node seems to be alive, so the list stays as it was' };
}

/** At most as many as the Service may have: those listed already, then by a hash that a new node changes least. */
function limited(service: NodeService, nodes: readonly ServingNode[]): readonly ServingNode[] {
  if (service.maxNodes === 0 || nodes.length <= service.maxNodes) return nodes;
  const hash = hashText(service.key);
  const rank = (node: ServingNode) => (isListed(service, node) ? 2 ** 32 : 0) + weight(hashText(node.name), hash);
  return [...nodes]
    .sort((a, b) => rank(b) - rank(a))
    .slice(0, service.maxNodes)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isListed({ listed }: NodeService, { externalIPs, internalIPs }: ServingNode): boolean {
  return [...externalIPs, ...internalIPs].some(address => listed.includes(address));
}

function conflictText(rivals: readonly { node: string; port: ServicePort; by: string }[]): string {
  const byRival = new Map<string, string[]>();
  for (const { node, port, by } of rivals) {
    const text = `${textOf(port)} belongs to the older Service ${by} on`;
    byRival.set(text, [...(byRival.get(text) ?? []), node]);
  }
  return [...byRival].map(([text, names]) => `${text} ${summary(names)}`).join('; ');
}

const place = (node: string, { protocol, port }: ServicePort): string => `${node}|${protocol}|${port}`;
const textOf = ({ protocol, port }: ServicePort): string => `port ${port}/${protocol}`;

function summary(texts: readonly string[]): string {
  const shown = texts.slice(0, 8).join(', ');
  return texts.length > 8 ? `${shown} and ${texts.length - 8} more` : shown;
}
