import type { Announcement } from '@herald/crds';
import { keyOf } from '@herald/kube';
import { canonical } from './layer2/octets.ts';

/** One address that this node may have to answer for by layer 2. */
export interface SharedAddress {
  ip: string;
  /** Eligible nodes in order of preference. */
  nodes: readonly string[];
  /** Interfaces of this node to use; empty: those whose subnet holds the address. */
  interfaces: readonly string[];
  /** This node is among `nodes`. */
  eligible: boolean;
  /** How long claims on it are held while their speaker is silent and its kernel answers (ms). */
  hold: number;
  /** What this node was the last to own, by segment: taken up again after a restart. */
  restored: readonly { segment: string; epoch: number }[];
  /** Highest epoch that any owner has reported: new claims go on from there. */
  epoch: number;
  /** `namespace/name` of the Announcements (and so Services) that have the address, sorted. */
  announcements: readonly string[];
}

/**
 * The layer-2 share of `node` in the plan, by address. Services that share an address have one Announcement each and the planner gives
 * them one order; while it is still writing them, the first by name counts.
 */
export function share(announcements: Iterable<Announcement>, node: string): Map<string, SharedAddress> {
  const shared = new Map<string, SharedAddress>();
  const sorted = [...announcements].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  for (const announcement of sorted) {
    if (announcement.metadata.deletionTimestamp !== undefined) continue;
    for (const { ip: text, layer2 } of announcement.spec.addresses) {
      const ip = canonical(text);
      if (layer2 === undefined || ip === undefined) continue;
      const epoch = Math.max(0, ...(announcement.status?.owners ?? []).filter(owner => owner.ip === ip).map(owner => owner.epoch));
      const known = shared.get(ip);
      if (known === undefined || (known.nodes.length === 0 && layer2.nodes.length > 0)) {
        const own = layer2.nodeInterfaces?.find(entry => entry.node === node);
        shared.set(ip, {
          ip,
          nodes: layer2.nodes,
          interfaces: own?.interfaces ?? layer2.interfaces,
          eligible: layer2.nodes.includes(node),
          hold: (layer2.holdSeconds ?? 0) * 1_000,
          restored: lastOwned(announcement, ip, node),
          epoch: Math.max(epoch, known?.epoch ?? 0),
          announcements: [...(known?.announcements ?? []), keyOf(announcement)],
        });
      } else {
        shared.set(ip, { ...known, epoch: Math.max(known.epoch, epoch), announcements: [...known.announcements, keyOf(announcement)] });
      }
    }
  }
  return shared;
}

/** Segments on which the last owner reported is this node. */
function lastOwned(announcement: Announcement, ip: string, node: string): SharedAddress['restored'] {
  const owners = (announcement.status?.owners ?? []).filter(owner => owner.ip === ip);
  return owners.filter(owner => owner.node === node).map(({ segment, epoch }) => ({ segment, epoch }));
}

/** Whether the wire thread would do the same with both. Epochs only matter when an address is new to it. */
export function sameShare(a: SharedAddress, b: SharedAddress): boolean {
  return a.nodes.join() === b.nodes.join() && a.interfaces.join() === b.interfaces.join() && a.hold === b.hold;
}
