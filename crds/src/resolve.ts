import type { Config, ObjectRef } from './config.ts';
import { readBGPAdvertisement, readL2Advertisement } from './resolve/advertisement.ts';
import { readBFDProfile } from './resolve/bfd-profile.ts';
import { readCommunities } from './resolve/community.ts';
import { type ObjectOutcome, outcomeOf } from './resolve/outcome.ts';
import { readPeer, separatePeers } from './resolve/peer.ts';
import { readPool, separatePools } from './resolve/pool.ts';
import { Findings, groupOf, objectKey, type Problem, type RawObject, refOf } from './resolve/problem.ts';
import { readReservation, separateReservations } from './resolve/reservation.ts';

export interface Resolution {
  readonly config: Config;
  readonly problems: readonly Problem[];
  /** What to write into the conditions of each object, in no particular order. */
  readonly objects: readonly ObjectOutcome[];
}

/** A configuration of nothing. */
export const emptyConfig: Config = {
  pools: [],
  reservations: [],
  l2Advertisements: [],
  bgpAdvertisements: [],
  peers: [],
  bfdProfiles: new Map(),
  communities: new Map(),
};

/**
 * Makes one validated configuration of raw objects. Pure and total: it never throws, whatever the objects hold, and the outcome does not
 * depend on their order. A bad object never takes a good one down: its last good version (from `previous`) stays in force.
 *
 * @param objects every object of Herald's kinds, also of `metallb.io` where those are read; other kinds are ignored
 * @param previous the configuration in force so far; without it (after a restart) pools fall back on what their status tells
 */
export function resolve(objects: Iterable<RawObject>, previous: Config = emptyConfig): Resolution {
  const byKind = group(objects);
  const all: { findings: Findings; object: RawObject }[] = [];
  const take = <T>(kind: string, read: (object: RawObject) => { value: T | undefined; findings: Findings }) =>
    (byKind.get(kind) ?? []).flatMap(({ object, duplicateOf }) => {
      if (duplicateOf !== undefined) {
        all.push({ object, findings: duplicate(object, duplicateOf) });
        return [];
      }
      const { value, findings } = read(object);
      all.push({ object, findings });
      return value === undefined ? [] : [{ value, findings }];
    });
  const oldPools = lastGood(previous.pools);
  const pools = separatePools(
    take('IPAddressPool', object => {
      const { pool, findings } = readPool(object, oldPools(object));
      return { value: pool, findings };
    }).map(({ value, findings }) => ({ pool: value, findings })),
  );

  const oldReservations = lastGood(previous.reservations);
  const reservations = separateReservations(
    take('IPReservation', object => readReservation(object, pools, oldReservations(object))).map(({ value, findings }) => ({
      reservation: value,
      findings,
    })),
  );

  const oldProfiles = lastGood(previous.bfdProfiles.values());
  const bfdProfiles = new Map(
    take('BFDProfile', object => readBFDProfile(object, oldProfiles(object))).map(({ value }) => [value.name, value]),
  );

  const oldPeers = lastGood(previous.peers);
  const peers = separatePeers(
    take('BGPPeer', object => readPeer(object, bfdProfiles, oldPeers(object))).map(({ value, findings }) => ({ peer: value, findings })),
  );

  const communityObjects = (byKind.get('Community') ?? []).map(({ object }) => object);
  const communities = readCommunities(communityObjects, previous.communities);
  for (const [index, findings] of communities.findings.entries()) all.push({ findings, object: communityObjects[index] ?? {} });

  const oldL2 = lastGood(previous.l2Advertisements);
  const l2Advertisements = take('L2Advertisement', object => readL2Advertisement(object, pools, oldL2(object)));

  const context = { pools, peerNames: new Set(peers.map(peer => peer.name)), communities: communities.aliases };
  const oldBGP = lastGood(previous.bgpAdvertisements);
  const bgpAdvertisements = take('BGPAdvertisement', object => readBGPAdvertisement(object, context, oldBGP(object)));

  const config: Config = {
    pools,
    reservations,
    l2Advertisements: sortedByName(l2Advertisements.map(({ value }) => value)),
    bgpAdvertisements: sortedByName(bgpAdvertisements.map(({ value }) => value)),
    peers,
    bfdProfiles,
    communities: communities.aliases,
  };
  return {
    config,
    problems: all.flatMap(({ findings }) => findings.problems),
    objects: all.map(({ object, findings }) => outcomeOf(object, findings, config)),
  };
}

/** Finds the version of an object that is in force so far. */
function lastGood<T extends { readonly ref: ObjectRef }>(list: Iterable<T>): (object: RawObject) => T | undefined {
  const known = new Map([...list].map(item => [objectKey(item.ref), item]));
  return object => known.get(objectKey(refOf(object)));
}

function sortedByName<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return list.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

interface Candidate {
  readonly object: RawObject;
  /** The object that has the name already. */
  readonly duplicateOf: ObjectRef | undefined;
}

const groups: readonly string[] = ['heraldlb.io', 'metallb.io'];

/** Objects by kind, the oldest first; Herald's own before MetalLB's of the same age. Objects that nobody can refer to by name are marked. */
function group(objects: Iterable<RawObject>): ReadonlyMap<string, readonly Candidate[]> {
  const known = [...objects].filter(object => groups.includes(groupOf(refOf(object))));
  const owners = new Map<string, ObjectRef>();
  for (const object of known.toSorted((a, b) => groupRank(a) - groupRank(b) || compareAge(a, b))) {
    const ref = refOf(object);
    const name = `${ref.kind}/${ref.name}`;
    if (!owners.has(name)) owners.set(name, ref);
  }
  const byKind = new Map<string, Candidate[]>();
  for (const object of known.toSorted((a, b) => compareAge(a, b) || groupRank(a) - groupRank(b))) {
    const ref = refOf(object);
    const owner = owners.get(`${ref.kind}/${ref.name}`);
    const duplicateOf = owner === undefined || objectKey(owner) === objectKey(ref) || ref.kind === 'Community' ? undefined : owner;
    byKind.set(ref.kind, [...(byKind.get(ref.kind) ?? []), { object, duplicateOf }]);
  }
  return byKind;
}

function groupRank(object: RawObject): number {
  return groups.indexOf(groupOf(refOf(object)));
}

function compareAge(a: RawObject, b: RawObject): number {
  const [left, right] = [a, b].map(object => [
    object.metadata?.creationTimestamp ?? '',
    object.metadata?.name ?? '',
    object.metadata?.namespace ?? '',
  ]);
  for (const [index, text] of (left ?? []).entries()) {
    const other = right?.[index] ?? '';
    if (text !== other) return text < other ? -1 : 1;
  }
  return 0;
}

function duplicate(object: RawObject, owner: ObjectRef): Findings {
  const findings = new Findings(refOf(object));
  findings.error(
    'DuplicateName',
    'metadata.name',
    `${owner.kind} ${owner.name} of ${groupOf(owner)} in namespace ${owner.namespace} has this name already. Rename one of the two.`,
  );
  return findings;
}
