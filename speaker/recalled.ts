import type { Announcement } from '@herald/crds';
import { canonical } from './layer2/octets.ts';
import type { Restored, SharedAddress } from './share.ts';

/** The last word of the API on who owns an address on a segment. */
interface Reported {
  epoch: number;
  /** ms since the epoch. */
  since: number;
}

/**
 * The share that the API tells, with what the snapshot knows better: an address that this node took over while the API server was away
 * and could not be told. Such a claim has a higher epoch than any that was reported, and is the later one: an Announcement that was
 * deleted and made anew begins with low epochs again, and what was owned before that counts no more.
 */
export function recalled(
  shared: ReadonlyMap<string, SharedAddress>,
  saved: readonly SharedAddress[],
  announcements: Iterable<Announcement>,
): Map<string, SharedAddress> {
  const reported = lastReported(announcements);
  const result = new Map(shared);
  for (const { ip, restored, lameDucks } of saved) {
    const address = shared.get(ip);
    if (address === undefined) continue;
    const better = restored.filter(claim => isNews(claim, reported.get(`${ip} ${claim.segment}`)));
    const told = new Set([...address.lameDucks, ...address.restored, ...better].map(({ segment }) => segment));
    const moving = lameDucks.filter(({ segment }) => !told.has(segment));
    if (better.length + moving.length === 0) continue;
    const segments = new Set(better.map(({ segment }) => segment));
    result.set(ip, {
      ...address,
      restored: [...address.restored.filter(({ segment }) => !segments.has(segment)), ...better],
      lameDucks: [...address.lameDucks.filter(({ segment }) => !segments.has(segment)), ...moving],
      epoch: Math.max(address.epoch, ...better.map(({ epoch }) => epoch)),
    });
  }
  return result;
}

function isNews({ epoch, sinceMs }: Restored, reported: Reported | undefined): boolean {
  return reported === undefined || (epoch > reported.epoch && sinceMs !== undefined && sinceMs >= reported.since);
}

function lastReported(announcements: Iterable<Announcement>): Map<string, Reported> {
  const reported = new Map<string, Reported>();
  for (const { status } of announcements) {
    for (const { ip, segment, epoch, since } of status?.owners ?? []) {
      const key = `${canonical(ip) ?? ip} ${segment}`;
      const known = reported.get(key);
      if (known === undefined || epoch > known.epoch) reported.set(key, { epoch, since: Date.parse(since) });
    }
  }
  return reported;
}
