import { type Announcement, type AnnouncementOwner, drainOf, type Speaker } from '@herald/crds';
import type { KubeObject } from '@herald/kube';

/** A `v1` Node, as far as it is read here. */
export interface NodeObject extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

/** What the cluster says at one moment. */
export interface ClusterView {
  announcements: readonly Announcement[];
  speakers: readonly Speaker[];
  nodes: readonly NodeObject[];
}

/** On an Announcement: the time from which on the first live node of the order should own its addresses. */
export const REBALANCE = 'heraldlb.io/rebalance';

export function isDrained(node: NodeObject): boolean {
  return drainOf(node.metadata.annotations) !== undefined;
}

/** Services that share an address have one Announcement each, which say the same about it. */
export function byAddress(view: ClusterView): Map<string, { services: string[]; announcement: Announcement }> {
  const found = new Map<string, { services: string[]; announcement: Announcement }>();
  for (const announcement of view.announcements) {
    if (announcement.metadata.deletionTimestamp !== undefined) continue;
    const service = `${announcement.metadata.namespace ?? ''}/${announcement.metadata.name}`;
    for (const { ip } of announcement.spec.addresses) {
      const known = found.get(ip);
      if (known === undefined) found.set(ip, { services: [service], announcement });
      else known.services.push(service);
    }
  }
  return found;
}

/** The owners of an address, one per segment. */
export function ownersOf(announcement: Announcement, ip: string): readonly AnnouncementOwner[] {
  return (announcement.status?.owners ?? []).filter(owner => owner.ip === ip);
}

/** Nodes that could take an address over on the segment of `owner`: ready, not drained, and heard there by the owner itself, as far as it says. */
export function couldTake(view: ClusterView, owner: AnnouncementOwner): (node: string) => boolean {
  const unfit = new Set(
    view.nodes
      .filter(node => isDrained(node) || node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status !== 'True'))
      .map(node => node.metadata.name),
  );
  const known = new Set(view.nodes.map(node => node.metadata.name));
  const segments = view.speakers.find(speaker => speaker.metadata.name === owner.node)?.status?.segments;
  const heard = segments?.find(({ segment }) => segment === owner.segment)?.peersHeard;
  return node => known.has(node) && !unfit.has(node) && (node === owner.node || heard === undefined || heard.includes(node));
}
