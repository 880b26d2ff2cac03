import { sequence } from '../codec/attribute/as-path.ts';
import { AttributeType, OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, WELL_KNOWN } from '../codec/attribute/codec.ts';
import { type Attribute, encodeAttribute } from '../codec/attribute/index.ts';
import { OriginValue } from '../codec/attribute/origin.ts';
import { equalBytes } from '../codec/bytes.ts';
import { AS_TRANS } from '../codec/capability/four-octet-as.ts';
import type { Family } from '../codec/family.ts';
import { Writer } from '../codec/writer.ts';
import { linkBandwidthCommunity, WELL_KNOWN_COMMUNITIES } from './community.ts';
import type { PathAttributes } from './route.ts';

/** How routes look towards one peer's session. */
export interface ExportContext {
  readonly internal: boolean;
  readonly localAs: number;
  readonly fourOctetAs: boolean;
  /** IPv4 routes may go out with an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop: boolean;
  readonly families: readonly Family[];
  /** Our own address for each family of next hop; 32 octets: a global and a link-local one. Absent: none is known. */
  readonly nextHop4: Uint8Array | undefined;
  readonly nextHop6: Uint8Array | undefined;
  /** Ask the peer to move traffic away before the routes go (RFC 8326). */
  readonly gracefulShutdown: boolean;
}

/** One attribute set as it goes to one peer: octets without the prefixes. */
export interface ExportedAttributes {
  /** Attributes other than MP_REACH_NLRI, in order of type. */
  readonly bytes: Uint8Array;
  /** Present: the prefixes go into MP_REACH_NLRI with this next hop. Absent: into the classic field, NEXT_HOP is in `bytes`. */
  readonly mpNextHop: Uint8Array | undefined;
}

const DEFAULT_LOCAL_PREF = 100;
const GRACEFUL_SHUTDOWN = WELL_KNOWN_COMMUNITIES['graceful-shutdown'] as number;

export function sameExport(a: ExportedAttributes, b: ExportedAttributes): boolean {
  if (a === b) return true;
  if (!equalBytes(a.bytes, b.bytes) || (a.mpNextHop === undefined) !== (b.mpNextHop === undefined)) return false;
  return !a.mpNextHop || !b.mpNextHop || equalBytes(a.mpNextHop, b.mpNextHop);
}

/** The next hop for a family: as given with the route, or ourselves; undefined when the session has none that is valid. */
function chooseNextHop(family: Family, given: Uint8Array | undefined, context: ExportContext): Uint8Array | undefined {
  const allows6 = family === 'ipv6-unicast' || context.extendedNextHop;
  if (given) return given.length === 4 || allows6 ? given : undefined;
  if (family === 'ipv4-unicast' && context.nextHop4) return context.nextHop4;
  return allows6 ? context.nextHop6 : undefined;
}

function pathAttributes(asns: readonly number[], fourOctetAs: boolean): Attribute[] {
  const short = fourOctetAs || asns.every(asn => asn <= 0xffff);
  const path = short ? asns : asns.map(asn => (asn > 0xffff ? AS_TRANS : asn));
  const attributes: Attribute[] = [{ type: AttributeType.AS_PATH, flags: WELL_KNOWN, segments: sequence(path) }];
  if (!short) attributes.push({ type: AttributeType.AS4_PATH, flags: OPTIONAL_TRANSITIVE, segments: sequence(asns) });
  return attributes;
}

function communityAttributes(route: PathAttributes, context: ExportContext): Attribute[] {
  const attributes: Attribute[] = [];
  const communities = new Set(route.communities);
  if (context.gracefulShutdown) communities.add(GRACEFUL_SHUTDOWN);
  const extended = [...route.extendedCommunities];
  if (route.linkBandwidth !== undefined) extended.push(linkBandwidthCommunity(context.localAs, route.linkBandwidth));
  if (communities.size > 0)
    attributes.push({ type: AttributeType.COMMUNITIES, flags: OPTIONAL_TRANSITIVE, values: [...communities].sort((a, b) => a - b) });
  if (extended.length > 0) attributes.push({ type: AttributeType.EXTENDED_COMMUNITIES, flags: OPTIONAL_TRANSITIVE, values: extended });
  if (route.largeCommunities.length > 0)
    attributes.push({ type: AttributeType.LARGE_COMMUNITIES, flags: OPTIONAL_TRANSITIVE, values: route.largeCommunities });
  return attributes;
}

/** The attributes of a route as one peer gets them, or undefined when there is no next hop the peer could use. */
export function exportAttributes(route: PathAttributes, family: Family, context: ExportContext): ExportedAttributes | undefined {
  if (!context.families.includes(family)) return undefined;
  const nextHop = chooseNextHop(family, route.nextHop, context);
  if (!nextHop) return undefined;
  const classic = family === 'ipv4-unicast' && nextHop.length === 4;
  const attributes: Attribute[] = [{ type: AttributeType.ORIGIN, flags: WELL_KNOWN, origin: OriginValue.IGP }];
  const path = context.internal ? [] : Array.from({ length: 1 + route.asPathPrepend }, () => context.localAs);
  attributes.push(...pathAttributes(path, context.fourOctetAs));
  if (classic) attributes.push({ type: AttributeType.NEXT_HOP, flags: WELL_KNOWN, address: nextHop });
  if (route.med !== undefined) attributes.push({ type: AttributeType.MULTI_EXIT_DISC, flags: OPTIONAL_NON_TRANSITIVE, value: route.med });
  if (context.internal) {
    // RFC 8326 §4: inside the AS the preference says the same as the community.
    const value = context.gracefulShutdown ? 0 : (route.localPref ?? DEFAULT_LOCAL_PREF);
    attributes.push({ type: AttributeType.LOCAL_PREF, flags: WELL_KNOWN, value });
  }
  attributes.push(...communityAttributes(route, context));
  const writer = new Writer();
  const encoding = { fourOctetAs: context.fourOctetAs, external: !context.internal };
  for (const attribute of attributes.sort((a, b) => a.type - b.type)) encodeAttribute(writer, attribute, encoding);
  return { bytes: writer.finish(), mpNextHop: classic ? undefined : nextHop };
}
