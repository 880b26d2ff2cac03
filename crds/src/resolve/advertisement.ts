import { rangeCidrs } from '@herald/ip';
import type { AdvertisementScope, BGPAdvertisementConfig, CommunityValue, L2AdvertisementConfig, Pool } from '../config.ts';
import { bgpAdvertisement } from '../kinds/bgp-advertisement.ts';
import { l2Advertisement } from '../kinds/l2-advertisement.ts';
import { type LabelSelectorSource, matches } from '../selector.ts';
import { parseCommunity } from './community.ts';
import { Findings, quote, type RawObject, refOf } from './problem.ts';
import { readAddress, readSelector, readSelectors, readSpec } from './read.ts';

interface ScopeSource {
  readonly ipAddressPools?: readonly string[] | undefined;
  readonly ipAddressPoolSelectors?: readonly LabelSelectorSource[] | undefined;
  readonly nodeSelectors?: readonly LabelSelectorSource[] | undefined;
  readonly serviceSelectors?: readonly LabelSelectorSource[] | undefined;
}

/** Names and selectors add up; neither of them: every pool. Names of pools that do not exist select nothing, and do not select everything. */
function scopeOf(source: ScopeSource, pools: readonly Pool[], findings: Findings): AdvertisementScope {
  const names = source.ipAddressPools ?? [];
  const selectors = readSelectors(source.ipAddressPoolSelectors, 'spec.ipAddressPoolSelectors', findings);
  const known = new Set(pools.map(pool => pool.name));
  for (const [index, name] of names.entries()) {
    if (!known.has(name))
      findings.warn(
        'UnknownReference',
        `spec.ipAddressPools[${index}]`,
        `there is no valid IPAddressPool ${quote(name)}. Create it, or correct the name.`,
      );
  }
  const all = names.length === 0 && (source.ipAddressPoolSelectors ?? []).length === 0;
  const selected = pools.filter(pool => all || names.includes(pool.name) || selectors.some(selector => matches(selector, pool.labels)));
  return {
    ref: findings.ref,
    name: findings.ref.name,
    pools: new Set(selected.map(pool => pool.name)),
    nodeSelectors: readSelectors(source.nodeSelectors, 'spec.nodeSelectors', findings),
    serviceSelectors: readSelectors(source.serviceSelectors, 'spec.serviceSelectors', findings),
  };
}

/** The last good version of an advertisement, without the pools that are gone. */
function carriedOver<T extends AdvertisementScope>(previous: T | undefined, pools: readonly Pool[]): T | undefined {
  if (previous === undefined) return undefined;
  const known = new Set(pools.map(pool => pool.name));
  return { ...previous, pools: new Set([...previous.pools].filter(name => known.has(name))) };
}

export function readL2Advertisement(object: RawObject, pools: readonly Pool[], previous: L2AdvertisementConfig | undefined) {
  const findings = new Findings(refOf(object));
  const spec = readSpec(l2Advertisement.spec, object.spec, findings);
  if (spec === undefined) return { value: carriedOver(previous, pools), findings };
  const value: L2AdvertisementConfig = {
    ...scopeOf(spec, pools, findings),
    interfaces: spec.interfaces ?? [],
    preferredNodes: (spec.preferredNodeSelectors ?? []).flatMap(({ weight, preference }, index) => {
      const selector = readSelector(preference, `spec.preferredNodeSelectors[${index}].preference`, findings);
      return selector === null ? [] : [{ weight, selector }];
    }),
    preemption: spec.preemption,
    hold: spec.holdSeconds === undefined ? null : spec.holdSeconds * 1000,
    drain: spec.drainSeconds === undefined ? null : spec.drainSeconds * 1000,
  };
  return { value: findings.failed ? carriedOver(previous, pools) : value, findings };
}

export interface BGPContext {
  readonly pools: readonly Pool[];
  readonly peerNames: ReadonlySet<string>;
  readonly communities: ReadonlyMap<string, CommunityValue>;
}

export function readBGPAdvertisement(object: RawObject, context: BGPContext, previous: BGPAdvertisementConfig | undefined) {
  const findings = new Findings(refOf(object));
  const spec = readSpec(bgpAdvertisement.spec, object.spec, findings);
  if (spec === undefined) return { value: carriedOver(previous, context.pools), findings };
  const peers = spec.peers ?? [];
  for (const [index, name] of peers.entries()) {
    if (!context.peerNames.has(name))
      findings.warn(
        'UnknownReference',
        `spec.peers[${index}]`,
        `there is no valid BGPPeer ${quote(name)}. Create it, or correct the name.`,
      );
  }
  const { ipv4, ipv6 } = spec.nextHop ?? {};
  const value: BGPAdvertisementConfig = {
    ...scopeOf(spec, context.pools, findings),
    aggregationLength: spec.aggregationLength,
    aggregationLengthV6: spec.aggregationLengthV6,
    localPref: spec.localPref ?? null,
    med: spec.med ?? null,
    asPathPrepend: spec.asPathPrepend,
    communities: communitiesOf(spec.communities ?? [], spec.largeCommunities ?? [], context.communities, findings),
    nextHop: {
      ipv4: ipv4 === undefined ? null : readAddress(ipv4, 'spec.nextHop.ipv4', findings),
      ipv6: ipv6 === undefined ? null : readAddress(ipv6, 'spec.nextHop.ipv6', findings),
    },
    peers: peers.length === 0 ? null : new Set(peers),
    weightByEndpoints: spec.weightByEndpoints,
  };
  for (const [family, address] of [
    [4, value.nextHop.ipv4],
    [6, value.nextHop.ipv6],
  ] as const) {
    if (address !== null && address.family !== family)
      findings.error('InvalidAddress', `spec.nextHop.ipv${family}`, `the address is not an IPv${family} address. Correct the field.`);
  }
  // Without a last good version, after a restart, it goes on for the pools that it fits: one that does not must not take the others down.
  checkSelectors(value, findings);
  const isSound = !findings.failed;
  const unfit = checkAggregation(value, context.pools, findings);
  const pools = new Set([...value.pools].filter(name => !unfit.has(name)));
  const rest = isSound && unfit.size > 0 && pools.size > 0 ? { ...value, pools } : undefined;
  return { value: findings.failed ? (carriedOver(previous, context.pools) ?? rest) : value, findings };
}

function communitiesOf(
  texts: readonly string[],
  large: readonly string[],
  aliases: ReadonlyMap<string, CommunityValue>,
  findings: Findings,
): CommunityValue[] {
  const named = texts.flatMap((text, index): CommunityValue[] => {
    const value = aliases.get(text) ?? parseCommunity(text);
    if (value !== null) return [value];
    const remedy = 'Write it as 64500:100 or large:64500:1:2, or create the Community that defines the alias.';
    findings.error('UnknownCommunity', `spec.communities[${index}]`, `${quote(text)} is neither a community nor a known alias. ${remedy}`);
    return [];
  });
  const numbered = large.flatMap((text, index): CommunityValue[] => {
    const value = parseCommunity(`large:${text}`);
    if (value !== null) return [value];
    findings.error(
      'InvalidCommunity',
      `spec.largeCommunities[${index}]`,
      `${quote(text)} is not three numbers up to 4294967295. Correct the entry.`,
    );
    return [];
  });
  return [...named, ...numbered];
}

function checkSelectors({ aggregationLength, aggregationLengthV6, serviceSelectors }: BGPAdvertisementConfig, findings: Findings): void {
  if (serviceSelectors.length === 0 || (aggregationLength === 32 && aggregationLengthV6 === 128)) return;
  findings.error(
    'ContradictoryFields',
    'spec.serviceSelectors',
    'serviceSelectors and an aggregation length exclude each other. Remove one of the two.',
  );
}

/**
 * An aggregate wider than the widest prefix of a pool would draw traffic for addresses that are not ours. Returns the pools of which that is
 * so.
 */
function checkAggregation(advertisement: BGPAdvertisementConfig, pools: readonly Pool[], findings: Findings): Set<string> {
  const unfit = new Set<string>();
  for (const pool of pools) {
    if (!advertisement.pools.has(pool.name)) continue;
    for (const range of pool.ranges.ranges) {
      const field = range.first.family === 4 ? 'aggregationLength' : 'aggregationLengthV6';
      const length = advertisement[field];
      const widest = Math.min(...rangeCidrs(range).map(cidr => cidr.prefixLength));
      if (widest <= length) continue;
      unfit.add(pool.name);
      findings.error(
        'AggregationTooLong',
        `spec.${field}`,
        `a prefix of pool ${pool.name} has length ${widest}, so routes of length ${length} would cover addresses outside the pool. Use at least ${widest}.`,
      );
      break;
    }
  }
  return unfit;
}
