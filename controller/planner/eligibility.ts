import {
  type AdvertisementScope,
  type AnnouncementNode,
  type L2AdvertisementConfig,
  matches,
  matchesAny,
  type NodeReason,
} from '@herald/crds';
import { excludeLabel, type PlannedNode, type PlannedSpeaker } from './inputs.ts';

/** A node that may announce by layer 2. */
export interface Candidate {
  readonly name: string;
  /** 0: Ready and with a speaker. 1: it comes after all of those. */
  readonly tier: 0 | 1;
  /** Sum of the weights of the preferences that match; the highest is preferred. */
  readonly score: number;
  /** Interfaces to announce on, sorted; null: every usable one. */
  readonly interfaces: readonly string[] | null;
}

/** Which nodes a set of advertisements makes eligible, before anything that depends on the Service is looked at. */
export interface Eligibility {
  /** By name. */
  readonly candidates: readonly Candidate[];
  /** Every other node, and why not. */
  readonly excluded: ReadonlyMap<string, AnnouncementNode>;
  /** How many nodes the nodeSelectors select. */
  readonly selected: number;
}

/** What bars a node from announcing at all, by whatever protocol. */
export function barred(node: PlannedNode, ignoreExcludeLabel: boolean): AnnouncementNode | null {
  if (!ignoreExcludeLabel && Object.hasOwn(node.labels, excludeLabel)) {
    return because(node.name, 'NodeExcludedByLabel', `the node carries the label ${excludeLabel}`);
  }
  if (node.networkUnavailable) return because(node.name, 'NodeNetworkUnavailable', 'the node has the condition NetworkUnavailable');
  if (node.drained) return because(node.name, 'NodeDrained', 'the node is being drained of its announcements');
  return null;
}

export function because(node: string, reason: NodeReason, message: string): AnnouncementNode {
  return { node, reason, message };
}

/** Eligibility for announcement by layer 2. `nodes` by name. */
export function layer2Eligibility(
  advertisements: readonly L2AdvertisementConfig[],
  nodes: Iterable<PlannedNode>,
  speakers: ReadonlyMap<string, PlannedSpeaker>,
  ignoreExcludeLabel: boolean,
): Eligibility {
  const candidates: Candidate[] = [];
  const excluded = new Map<string, AnnouncementNode>();
  let selected = 0;
  for (const node of nodes) {
    const selecting = advertisements.filter(ad => matchesAny(ad.nodeSelectors, node.labels));
    if (selecting.length === 0) {
      excluded.set(node.name, because(node.name, 'NodeNotSelected', 'no nodeSelector of the advertisements matches the node'));
      continue;
    }
    selected++;
    const bar = barred(node, ignoreExcludeLabel) ?? withoutInterface(selecting, node.name, speakers.get(node.name));
    if (bar !== null) {
      excluded.set(node.name, bar);
      continue;
    }
    candidates.push({
      name: node.name,
      tier: node.ready && speakers.has(node.name) ? 0 : 1,
      score: scoreOf(selecting, node),
      interfaces: interfacesOf(selecting),
    });
  }
  return { candidates, excluded, selected };
}

/** Which nodes BGP advertisements select, and which of them may announce. `nodes` by name. */
export function bgpEligibility(
  advertisements: readonly AdvertisementScope[],
  nodes: Iterable<PlannedNode>,
  ignoreExcludeLabel: boolean,
): { readonly nodes: readonly string[]; readonly excluded: ReadonlyMap<string, AnnouncementNode>; readonly selected: number } {
  const eligible: string[] = [];
  const excluded = new Map<string, AnnouncementNode>();
  let selected = 0;
  for (const node of nodes) {
    if (!advertisements.some(ad => matchesAny(ad.nodeSelectors, node.labels))) {
      excluded.set(node.name, because(node.name, 'NodeNotSelected', 'no nodeSelector of the advertisements matches the node'));
      continue;
    }
    selected++;
    const bar = barred(node, ignoreExcludeLabel);
    if (bar === null) eligible.push(node.name);
    else excluded.set(node.name, bar);
  }
  return { nodes: eligible, excluded, selected };
}

/** The interfaces of the advertisements that select a node add up; one without the field stands for all. */
function interfacesOf(advertisements: readonly L2AdvertisementConfig[]): readonly string[] | null {
  if (advertisements.some(ad => ad.interfaces.length === 0)) return null;
  return [...new Set(advertisements.flatMap(ad => ad.interfaces))].sort();
}

function withoutInterface(
  advertisements: readonly L2AdvertisementConfig[],
  node: string,
  speaker: PlannedSpeaker | undefined,
): AnnouncementNode | null {
  const wanted = interfacesOf(advertisements);
  if (wanted === null || wanted.some(name => speaker?.interfaces.has(name) === true)) return null;
  const names = wanted.slice(0, 8).join(', ');
  return speaker === undefined
    ? because(node, 'NodeWithoutSpeaker', `no speaker has reported whether the node has ${names}`)
    : because(node, 'NodeWithoutInterface', `the node has none of the interfaces ${names}`);
}

/** Weights of all matching preferences add up, over all advertisements that make the node eligible. */
function scoreOf(advertisements: readonly L2AdvertisementConfig[], node: PlannedNode): number {
  let score = 0;
  for (const ad of advertisements)
    for (const { weight, selector } of ad.preferredNodes) if (matches(selector, node.labels)) score += weight;
  return score;
}
