import type { Announcement, AnnouncementDraining, AnnouncementOwner, SpeakerConflict } from '@herald/crds';
import type { WireEvent } from './wire/messages.ts';

/** Addresses that this node owns, as the wire thread reports them; each on each segment. Pure: time is passed in. */
export class Owners {
  readonly #node: string;
  /** Strangers on addresses of this node, by address and segment. */
  readonly #conflicts = new Map<string, SpeakerConflict>();
  readonly #owned = new Map<string, Map<string, AnnouncementOwner>>();

  constructor(node: string) {
    this.#node = node;
  }

  /**
   * @param now wall clock, ms since the epoch
   * @param confirmed of the same claim, as an earlier process reported it
   */
  acquired(event: WireEvent & { kind: 'acquired' }, now: number, confirmed?: string): void {
    const { ip, segment, interface: name, mac, epoch, ownedMs, quiet } = event;
    const segments = this.#owned.get(ip) ?? new Map<string, AnnouncementOwner>();
    this.#owned.set(ip, segments);
    segments.set(segment, {
      ip,
      segment,
      node: this.#node,
      interface: name,
      mac,
      since: timestamp(now - (ownedMs ?? 0)),
      epoch,
      ...(confirmed !== undefined && { confirmed }),
      ...drainingOf(quiet, now),
    });
  }

  /** The planned move is over: the old owner forwards no more. */
  announced(ip: string, segment: string): void {
    const owner = this.#owned.get(ip)?.get(segment);
    if (owner !== undefined) delete owner.draining;
  }

  released(ip: string, segment: string): void {
    const segments = this.#owned.get(ip);
    segments?.delete(segment);
    this.conflictOver(ip, segment);
    if (segments?.size === 0) this.#owned.delete(ip);
  }

  confirmed(ip: string, segment: string, now: number): void {
    const owner = this.#owned.get(ip)?.get(segment);
    if (owner !== undefined) owner.confirmed = timestamp(now);
  }

  /** @param now wall clock, ms since the epoch */
  conflict({ ip, segment, interface: name, mac, phase }: WireEvent & { kind: 'conflict' }, now: number): void {
    const key = `${ip} ${segment}`;
    const known = this.#conflicts.get(key);
    // Found again by every later probe: it is the same conflict still.
    const since = known?.mac === mac ? known.since : timestamp(now);
    this.#conflicts.set(key, { ip, interface: name, mac, phase: phase === 'probe' ? 'Probe' : 'Announcing', since });
  }

  conflictOver(ip: string, segment: string): void {
    this.#conflicts.delete(`${ip} ${segment}`);
  }

  /** At most one for each address and interface, in their order: the keys of the list in the Speaker. */
  get conflicts(): SpeakerConflict[] {
    const byKey = new Map([...this.#conflicts.values()].map(conflict => [`${conflict.ip} ${conflict.interface}`, conflict]));
    return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, conflict]) => conflict);
  }

  /** Entries for `status.owners` of an Announcement with these addresses. */
  of(ips: readonly string[]): AnnouncementOwner[] {
    return ips.flatMap(ip => [...(this.#owned.get(ip)?.values() ?? [])]);
  }

  get all(): AnnouncementOwner[] {
    return this.of([...this.#owned.keys()]);
  }

  /** Addresses owned on any segment. */
  get size(): number {
    return this.#owned.size;
  }
}

function drainingOf(quiet: (WireEvent & { kind: 'acquired' })['quiet'], now: number): { draining?: AnnouncementDraining } {
  if (quiet === undefined) return {};
  return { draining: { node: quiet.from, since: timestamp(now), until: timestamp(now + quiet.forMs) } };
}

/** What the status of `announcement` says of this node, in the form of `Owners.of`: to see whether a write would change anything. */
export function reported(announcement: Announcement, node: string): AnnouncementOwner[] {
  return (announcement.status?.owners ?? []).filter(owner => owner.node === node);
}

/** Established connections through this node, by address and segment: it reports them in the entry of the new owner. */
export type Flows = ReadonlyMap<string, number>;

export function flowKey({ ip, segment }: { ip: string; segment: string }): string {
  return `${ip} ${segment}`;
}

/** What the status of `announcement` says of connections through this node. */
export function reportedFlows(announcement: Announcement, node: string): Map<string, number | undefined> {
  const draining = (announcement.status?.owners ?? []).filter(owner => owner.draining?.node === node);
  return new Map(draining.map(owner => [flowKey(owner), owner.draining?.flows]));
}

/**
 * The list to write: the entries of other nodes, but for those that this node took over, and its own, in the order of the addresses, which
 * is that of kubectl's columns. Of a planned move under way the new owner says that it is, and the old one how many connections are left.
 */
export function merged(announcement: Announcement, own: readonly AnnouncementOwner[], node: string, flows: Flows): AnnouncementOwner[] {
  const before = announcement.status?.owners ?? [];
  const taken = new Set(own.map(flowKey));
  const others = before.filter(owner => owner.node !== node && !taken.has(flowKey(owner)));
  const place = new Map(announcement.spec.addresses.map(({ ip }, index) => [ip, index]));
  const placeOf = ({ ip }: AnnouncementOwner): number => place.get(ip) ?? place.size;
  return [
    ...others.map(owner => (owner.draining?.node === node ? withFlows(owner, flows.get(flowKey(owner)) ?? owner.draining.flows) : owner)),
    ...own.map(owner => {
      const draining = before.find(entry => flowKey(entry) === flowKey(owner))?.draining;
      return withFlows(owner, draining?.node === owner.draining?.node ? draining?.flows : undefined);
    }),
  ].sort((a, b) => placeOf(a) - placeOf(b) || (a.segment < b.segment ? -1 : 1));
}

function withFlows(owner: AnnouncementOwner, flows: number | undefined): AnnouncementOwner {
  if (owner.draining === undefined || flows === undefined) return owner;
  return { ...owner, draining: { ...owner.draining, flows } };
}

/** Whether both lists say the same; a later confirmation alone is no reason to write. */
export function sameOwners(a: readonly AnnouncementOwner[], b: readonly AnnouncementOwner[]): boolean {
  return textOf(a) === textOf(b);
}

function textOf(owners: readonly AnnouncementOwner[]): string {
  return owners
    .map(({ ip, segment, interface: name, mac, epoch, confirmed, draining }) =>
      [ip, segment, name, mac, epoch, confirmed !== undefined, draining?.node, draining?.until].join(),
    )
    .sort()
    .join(';');
}

/** `metav1.Time`: RFC 3339 in UTC without fractions. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
