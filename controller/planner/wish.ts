import type {
  AnnouncedReason,
  AnnouncementNode,
  AnnouncementReason,
  BGPAdvertisementConfig,
  BGPPlan,
  L2AdvertisementConfig,
} from '@herald/crds';
import { because } from './eligibility.ts';
import type { PlannedService, ServiceEndpoints } from './inputs.ts';
import type { Ranked } from './order.ts';
import type { BGPScope, Layer2Scope, Topology } from './topology.ts';

/** What one Service wants for one of its addresses, before it is known who shares the address. */
export interface Wish {
  readonly ip: string;
  readonly pool: string;
  /** Null: not by layer 2. */
  readonly layer2: Layer2Wish | null;
  /** Null: not by BGP. */
  readonly bgp: BGPPlan | null;
  readonly reasons: readonly AnnouncementReason[];
  /** Nodes that may announce it by no protocol. */
  readonly nodes: readonly AnnouncementNode[];
}

export interface Layer2Wish {
  readonly advertisements: readonly L2AdvertisementConfig[];
  readonly scope: Layer2Scope;
  /** Those of the scope that fit the Service; the very same array where all do. */
  readonly candidates: readonly Ranked[];
}

/** `Announcement.status.nodes` holds no more. */
const maxNodes = 64;
/** `Announcement.spec…bgp.nodes` holds no more. */
const maxBGPNodes = 1000;

/** What the advertisements, the nodes and the endpoints make of one address of a Service. */
export function wishFor(topology: Topology, service: PlannedService, endpoints: ServiceEndpoints, ip: string, pool: string): Wish {
  const nothing = (reason: AnnouncedReason, message: string): Wish => ({
    ip,
    pool,
    layer2: null,
    bgp: null,
    reasons: [{ ip, reason, message }],
    nodes: [],
  });
  const ofPool = topology.advertisementsOf(pool);
  if (ofPool.layer2.length + ofPool.bgp.length === 0) {
    return nothing('NoAdvertisement', `no L2Advertisement or BGPAdvertisement selects IPAddressPool ${pool}`);
  }
  const { layer2, bgp } = topology.advertisementsFor(ofPool, service.labels);
  if (layer2.length + bgp.length === 0) {
    return nothing(
      'ServiceNotAdvertised',
      `advertisements select IPAddressPool ${pool}, but none of their serviceSelectors selects the Service`,
    );
  }
  if (endpoints.serving.size + endpoints.nodeless === 0)
    return nothing('NoReadyEndpoints', 'no endpoint of the Service is ready or still serving');
  const local = service.trafficPolicy === 'Local' ? endpoints.serving : null;
  const reasons: AnnouncementReason[] = [];
  const refuse = (protocol: 'layer2' | 'bgp', refusal: { reason: AnnouncedReason; message: string }) =>
    void reasons.push({ ip, protocol, ...refusal });
  const byLayer2 = layer2.length === 0 ? null : layer2Wish(topology, layer2, local, endpoints.ready, refusal => refuse('layer2', refusal));
  const byBGP = bgp.length === 0 ? null : bgpPlan(topology, bgp, local, endpoints, refusal => refuse('bgp', refusal));
  const scopes = [...(layer2.length === 0 ? [] : [topology.layer2(layer2)]), ...(bgp.length === 0 ? [] : [topology.bgp(bgp)])];
  return { ip, pool, layer2: byLayer2, bgp: byBGP, reasons, nodes: excludedNodes(topology, scopes, local) };
}

type Refuse = (refusal: { reason: AnnouncedReason; message: string }) => void;

function layer2Wish(
  topology: Topology,
  advertisements: readonly L2AdvertisementConfig[],
  local: ReadonlyMap<string, number> | null,
  ready: ReadonlyMap<string, number>,
  refuse: Refuse,
): Layer2Wish | null {
  const scope = topology.layer2(advertisements);
  const serving = local === null ? scope.candidates : scope.candidates.filter(({ name }) => local.has(name));
  // Endpoints that are terminating serve the clients they have; new ones go where an endpoint is ready.
  const withReady = local === null ? serving : serving.filter(({ name }) => ready.has(name));
  const candidates = withReady.length > 0 ? withReady : serving;
  if (candidates.length > 0) return { advertisements, scope, candidates };
  if (scope.selected === 0)
    refuse({ reason: 'NoEligibleNode', message: `the nodeSelectors of ${namesOf('L2Advertisement', advertisements)} match no node` });
  else if (scope.candidates.length > 0) refuse(noLocal);
  else refuse({ reason: noCandidateReason(scope.excluded), message: describe(scope.excluded) });
  return null;
}

const noLocal = {
  reason: 'NoLocalEndpoints',
  message: 'externalTrafficPolicy is Local, and no eligible node has an endpoint that serves',
} as const;

/** Nodes are selected and none may announce: the reason that leaves the least to do. */
function noCandidateReason(excluded: ReadonlyMap<string, AnnouncementNode>): AnnouncedReason {
  const reasons = new Set([...excluded.values()].map(({ reason }) => reason));
  if (reasons.has('NodeWithoutInterface')) return 'InterfaceMissing';
  return reasons.has('NodeWithoutSpeaker') ? 'NoSpeaker' : 'AllNodesExcluded';
}

function bgpPlan(
  topology: Topology,
  advertisements: readonly BGPAdvertisementConfig[],
  local: ReadonlyMap<string, number> | null,
  endpoints: ServiceEndpoints,
  refuse: Refuse,
): BGPPlan | null {
  const scope: BGPScope = topology.bgp(advertisements);
  const nodes = local === null ? scope.nodes : scope.nodes.filter(name => local.has(name));
  if (nodes.length === 0) {
    if (scope.selected === 0)
      refuse({ reason: 'NoEligibleNode', message: `the nodeSelectors of ${namesOf('BGPAdvertisement', advertisements)} match no node` });
    else if (scope.nodes.length > 0) refuse(noLocal);
    else refuse({ reason: 'AllNodesExcluded', message: describe(scope.excluded) });
    return null;
  }
  if (!scope.hasPeer) {
    refuse({ reason: 'NoPeer', message: `no BGPPeer is selected by ${namesOf('BGPAdvertisement', advertisements)} on any of its nodes` });
    return null;
  }
  const weights = advertisements.some(ad => ad.weightByEndpoints)
    ? nodes.slice(0, maxBGPNodes).flatMap(node => {
        const ready = endpoints.ready.get(node) ?? 0;
        return ready === 0 ? [] : [{ node, endpoints: ready }];
      })
    : [];
  return {
    advertisements: advertisements.map(({ name }) => name),
    // A list is needed as soon as not every selected node announces.
    ...(local !== null || scope.nodes.length < scope.selected ? { nodes: nodes.slice(0, maxBGPNodes) } : {}),
    ...(weights.length > 0 ? { weights } : {}),
  };
}

/** The nodes that may announce by none of the protocols in use, the first by name. */
function excludedNodes(
  topology: Topology,
  scopes: readonly (Layer2Scope | BGPScope)[],
  local: ReadonlyMap<string, number> | null,
): readonly AnnouncementNode[] {
  if (local === null) return topology.excludedByAll(scopes, maxNodes);
  const list: AnnouncementNode[] = [];
  for (const name of topology.nodeNames) {
    if (list.length === maxNodes) break;
    const reasons = scopes.map(scope => scope.excluded.get(name));
    const first = reasons.find(reason => reason !== undefined);
    if (first !== undefined && reasons.every(reason => reason !== undefined)) list.push(first);
    else if (!local.has(name))
      list.push(because(name, 'NodeWithoutEndpoint', 'no endpoint of the Service on the node is ready or still serving'));
  }
  return list;
}

function namesOf(kind: string, advertisements: readonly { readonly name: string }[]): string {
  return `${kind} ${bounded(advertisements.map(({ name }) => name))}`;
}

function describe(excluded: ReadonlyMap<string, AnnouncementNode>): string {
  const barred = [...excluded.values()].filter(({ reason }) => reason !== 'NodeNotSelected');
  return bounded(barred.map(({ node, message }) => `${node}: ${message}`));
}

function bounded(texts: readonly string[]): string {
  return texts.length > 6 ? `${texts.slice(0, 6).join(', ')} and ${texts.length - 6} more` : texts.join(', ');
}
