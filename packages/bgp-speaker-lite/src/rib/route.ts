import { badNextHop, parseAddress } from '../codec/address.ts';
import { type NamedPrefix, parsePrefix } from '../codec/prefix.ts';
import { BgpError } from '../errors.ts';
import { parseCommunity, parseExtendedCommunity, parseLargeCommunity } from './community.ts';

/** A route to announce. Everything but the prefix may be left out. */
export interface Route {
  /** Such as `192.0.2.1/32` or `2001:db8::/64`. */
  readonly prefix: string;
  /** An address other than ours that traffic shall be sent to. */
  readonly nextHop?: string;
  /** MULTI_EXIT_DISC: lower is preferred among routes from one AS. */
  readonly med?: number;
  /** LOCAL_PREF, towards peers in our own AS only; 100 when left out. */
  readonly localPref?: number;
  /** How many more times our AS number stands in the path, towards other ASes only. */
  readonly asPathPrepend?: number;
  /** `65001:100`, or a well-known name such as `no-export` (RFC 1997). */
  readonly communities?: readonly string[];
  /** `4200000001:1:2` (RFC 8092). */
  readonly largeCommunities?: readonly string[];
  /** `rt:65001:100`, `soo:…`, or 16 hexadecimal digits behind `0x` (RFC 4360). */
  readonly extendedCommunities?: readonly string[];
  /** Octets per second for the link-bandwidth community: routers share out flows in this proportion. */
  readonly linkBandwidth?: number;
}

/** The attributes of a route, checked and put in order. Equal sets have equal keys. */
export interface PathAttributes {
  readonly key: string;
  readonly nextHop: Uint8Array | undefined;
  readonly med: number | undefined;
  readonly localPref: number | undefined;
  readonly asPathPrepend: number;
  readonly communities: readonly number[];
  readonly largeCommunities: readonly (readonly [number, number, number])[];
  readonly extendedCommunities: readonly bigint[];
  readonly linkBandwidth: number | undefined;
}

export interface ParsedRoute {
  readonly prefix: NamedPrefix;
  readonly attributes: PathAttributes;
}

const U32 = 0xffff_ffff;
/** More would not fit one message beside the prefixes, and routers refuse such paths long before. */
const MAX_PREPEND = 64;
const MAX_COMMUNITIES = 255;
/** What all attributes may take of a message of 4096 octets, so that at least one prefix fits beside them. */
const MAX_ATTRIBUTE_OCTETS = 3600;
const CACHE_LIMIT = 1024;

function integer(name: string, value: number | undefined, max: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= max))
    throw new BgpError('BGP_BAD_ROUTE', `${name} ${value} must be a whole number from 0 to ${max}`);
}

function unique<T>(values: readonly T[], key: (value: T) => string, compare: (a: T, b: T) => number): T[] {
  return [...new Map(values.map(value => [key(value), value])).values()].sort(compare);
}

function list<T>(name: string, texts: readonly string[] | undefined, parse: (text: string) => T): T[] {
  if (texts && texts.length > MAX_COMMUNITIES)
    throw new BgpError('BGP_BAD_ROUTE', `${name}: at most ${MAX_COMMUNITIES}, not ${texts.length}`);
  return (texts ?? []).map(text => parse(text));
}

function parseNextHop(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const address = parseAddress(text, 'nextHop');
  const why = badNextHop(address);
  if (why !== undefined) throw new BgpError('BGP_BAD_ROUTE', `nextHop ${text} ${why}: no router can forward to it`);
  return address;
}

function parseAttributes(route: Route, key: string): PathAttributes {
  integer('med', route.med, U32);
  integer('localPref', route.localPref, U32);
  integer('asPathPrepend', route.asPathPrepend, MAX_PREPEND);
  const { linkBandwidth } = route;
  if (linkBandwidth !== undefined && !(linkBandwidth >= 0 && Number.isFinite(Math.fround(linkBandwidth))))
    throw new BgpError('BGP_BAD_ROUTE', `linkBandwidth ${linkBandwidth} must be octets per second, not negative`);
  const octets =
    4 * (route.communities?.length ?? 0) +
    12 * (route.largeCommunities?.length ?? 0) +
    8 * (route.extendedCommunities?.length ?? 0) +
    8 * (route.asPathPrepend ?? 0);
  if (octets > MAX_ATTRIBUTE_OCTETS)
    throw new BgpError('BGP_BAD_ROUTE', `the communities of ${route.prefix} take ${octets} octets, more than fit one message; use fewer`);
  return {
    key,
    nextHop: parseNextHop(route.nextHop),
    med: route.med,
    localPref: route.localPref,
    asPathPrepend: route.asPathPrepend ?? 0,
    communities: unique(list('communities', route.communities, parseCommunity), String, (a, b) => a - b),
    largeCommunities: unique(
      list('largeCommunities', route.largeCommunities, parseLargeCommunity),
      String,
      (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2],
    ),
    extendedCommunities: unique(list('extendedCommunities', route.extendedCommunities, parseExtendedCommunity), String, (a, b) =>
      a < b ? -1 : Number(a > b),
    ),
    linkBandwidth,
  };
}

function texts(values: readonly string[] | undefined): string {
  return values === undefined || values.length === 0 ? '' : [...new Set(values)].sort().join(',');
}

function keyOf(route: Route): string {
  return [
    route.nextHop,
    route.med,
    route.localPref,
    route.asPathPrepend ?? 0,
    texts(route.communities),
    texts(route.largeCommunities),
    texts(route.extendedCommunities),
    route.linkBandwidth,
  ].join('|');
}

/** Parses routes, remembering the attribute sets seen last: ten thousand routes usually share a few. */
export class RouteParser {
  readonly #known = new Map<string, PathAttributes>();

  /** Throws `BGP_BAD_PREFIX`, `BGP_BAD_ADDRESS` or `BGP_BAD_ROUTE`. */
  parse(route: Route): ParsedRoute {
    const prefix = parsePrefix(route.prefix);
    const key = keyOf(route);
    let attributes = this.#known.get(key);
    if (!attributes) {
      attributes = parseAttributes(route, key);
      if (this.#known.size >= CACHE_LIMIT) this.#known.clear();
      this.#known.set(key, attributes);
    }
    if (attributes.nextHop?.length === 4 && prefix.family === 'ipv6-unicast')
      throw new BgpError('BGP_BAD_ROUTE', `route ${prefix.text}: nextHop ${route.nextHop} must be an IPv6 address`);
    return { prefix, attributes };
  }
}
