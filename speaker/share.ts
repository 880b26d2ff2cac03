import type { Announcement, AnnouncementDraining, AnnouncementOwner } from '@herald/crds';
import { keyOf } from '@herald/kube';
import { isGroupMac, type Mac, parseMac } from './layer2/ethernet.ts';
import { canonical } from './layer2/octets.ts';

/** On an Announcement: claims of before that time (RFC 3339) are handed to the first live node of the order. */
export const REBALANCE = 'heraldlb.io/rebalance';

/** A claim of before a restart; `quiet`: taken over gently from a node, and not announced yet. */
export interface Restored {
  segment: string;
  epoch: number;
  /** Owned since then, ms since the epoch. */
  sinceMs?: number | undefined;
  quiet?: ({ from: string } & MoveSpan) | undefined;
}

/** When a gentle move is over at the latest, and how long it was to last from its beginning (ms): a wall clock that is set must not prolong it. */
export interface MoveSpan {
  /** ms since the epoch. */
  untilMs: number;
  forMs?: number;
}

/** A gentle move away from this node that was under way before a restart. */
export interface RestoredLameDuck extends MoveSpan {
  segment: string;
  to: string;
}

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
  /** How long a planned move goes on for established connections (ms). */
  drain: number;
  /** The first of `nodes` takes the address over when it is there; default false. */
  preempt?: boolean;
  /** With `preempt`: sizes of the groups of equally preferred nodes. */
  preference?: readonly number[];
  /** When a rebalance was asked for (ms since the epoch). */
  rebalance?: number;
  /** What this node was the last to own, by segment: taken up again after a restart. */
  restored: readonly Restored[];
  /** The other nodes that were the last to own it: they may be restarting, too, when this one starts. */
  lastOwners?: readonly { segment: string; node: string; mac: Mac }[];
  /** Segments on which this node still forwarded for established connections. */
  lameDucks: readonly RestoredLameDuck[];
  /** Highest epoch that any owner has reported: new claims go on from there. */
  epoch: number;
  /** `namespace/name` of the Announcements (and so Services) that have the address, sorted. */
  announcements: readonly string[];
}

/** What holds where an Announcement says nothing (ms). */
export interface ShareDefaults {
  hold: number;
  drain: number;
}

/**
 * The layer-2 share of `node` in the plan, by address. Services that share an address have one Announcement each and the planner gives
 * them one order; while it is still writing them, the first by name counts.
 */
export function share(announcements: Iterable<Announcement>, node: string, defaults: ShareDefaults): Map<string, SharedAddress> {
  const shared = new Map<string, SharedAddress>();
  const sorted = [...announcements]
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const reported = lastOwners(sorted);
  for (const announcement of sorted) {
    for (const { ip: text, layer2 } of announcement.spec.addresses) {
      const ip = canonical(text);
      if (layer2 === undefined || ip === undefined) continue;
      const known = shared.get(ip);
      if (known === undefined || (known.nodes.length === 0 && layer2.nodes.length > 0)) {
        const owners = reported.get(ip) ?? [];
        const own = layer2.nodeInterfaces?.find(entry => entry.node === node);
        shared.set(ip, {
          ip,
          nodes: layer2.nodes,
          interfaces: own?.interfaces ?? layer2.interfaces,
          eligible: layer2.nodes.includes(node),
          hold: layer2.holdSeconds === undefined ? defaults.hold : layer2.holdSeconds * 1_000,
          drain: layer2.drainSeconds === undefined ? defaults.drain : layer2.drainSeconds * 1_000,
          ...(layer2.preemption === 'Preferred' && { preempt: true, ...(layer2.preference && { preference: layer2.preference }) }),
          ...rebalanceOf(announcement, known?.rebalance),
          restored: lastOwned(owners, node),
          ...lastOwnersOf(owners, node),
          lameDucks: lastForwarded(owners, node),
          epoch: Math.max(0, ...owners.map(({ epoch }) => epoch)),
          announcements: [...(known?.announcements ?? []), keyOf(announcement)],
        });
      } else {
        shared.set(ip, {
          ...known,
          ...rebalanceOf(announcement, known.rebalance),
          announcements: [...known.announcements, keyOf(announcement)],
        });
      }
    }
  }
  return shared;
}

/** When an Announcement was last asked to be rebalanced; a time that is none asks for nothing. */
function rebalanceOf(announcement: Announcement, known: number | undefined): { rebalance?: number } {
  const asked = Date.parse(announcement.metadata.annotations?.[REBALANCE] ?? '');
  const latest = Math.max(known ?? Number.NEGATIVE_INFINITY, Number.isNaN(asked) ? Number.NEGATIVE_INFINITY : asked);
  return Number.isFinite(latest) ? { rebalance: latest } : {};
}

/**
 * The last owners that were reported, by address. They are in the Announcement of each Service that has it: one that has just been made
 * knows none yet.
 */
function lastOwners(announcements: readonly Announcement[]): Map<string, AnnouncementOwner[]> {
  const reported = new Map<string, AnnouncementOwner[]>();
  for (const { spec, status } of announcements) {
    const addresses = new Set(status?.owners && spec.addresses.map(({ ip }) => canonical(ip)));
    for (const owner of status?.owners ?? []) {
      if (!addresses.has(owner.ip)) continue;
      const known = reported.get(owner.ip) ?? [];
      const same = known.find(({ segment }) => segment === owner.segment);
      if (same !== undefined && same.epoch >= owner.epoch) continue;
      reported.set(owner.ip, [...known.filter(other => other !== same), owner]);
    }
  }
  return reported;
}

/** Segments on which the last owner reported is this node. */
function lastOwned(owners: readonly AnnouncementOwner[], node: string): SharedAddress['restored'] {
  return owners
    .filter(owner => owner.node === node)
    .map(({ segment, epoch, since, draining }) => ({
      segment,
      epoch,
      sinceMs: Date.parse(since),
      ...(draining !== undefined && { quiet: { from: draining.node, ...spanOf(draining) } }),
    }));
}

/** Other nodes that were the last to own an address. */
function lastOwnersOf(owners: readonly AnnouncementOwner[], node: string): Pick<SharedAddress, 'lastOwners'> {
  const others = owners.flatMap(owner => {
    const mac = parseMac(owner.mac);
    return owner.node === node || mac === undefined || isGroupMac(mac) ? [] : [{ segment: owner.segment, node: owner.node, mac }];
  });
  return others.length === 0 ? {} : { lastOwners: others };
}

/** When a planned move is over at the latest. */
export function spanOf({ since, until = since }: AnnouncementDraining): Required<MoveSpan> {
  const untilMs = Date.parse(until);
  return { untilMs, forMs: Math.max(0, untilMs - Date.parse(since)) };
}

/** Segments on which the new owner waits for the connections through this node. */
function lastForwarded(owners: readonly AnnouncementOwner[], node: string): SharedAddress['lameDucks'] {
  return owners.flatMap(({ segment, node: to, draining }) => (draining?.node === node ? [{ segment, to, ...spanOf(draining) }] : []));
}

/** Whether the wire thread would do the same with both. Epochs only matter when an address is new to it. */
export function sameShare(a: SharedAddress, b: SharedAddress): boolean {
  const same = a.nodes.join() === b.nodes.join() && a.interfaces.join() === b.interfaces.join();
  return (
    same &&
    a.hold === b.hold &&
    a.drain === b.drain &&
    a.preempt === b.preempt &&
    a.preference?.join() === b.preference?.join() &&
    a.rebalance === b.rebalance
  );
}
