import { AF_INET, AF_INET6 } from '../constants.ts';
import { formatIp, formatMac } from '../inet.ts';
import type { Family } from '../sockaddr.ts';
import { type NetlinkMessage, parseAttributes, requireLength, text, u16, u32 } from './codec.ts';

/** rtnetlink(7): types and their payloads. */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
} as const;

/** A network interface of this namespace. */
export interface Link {
  index: number;
  name: string;
  /** Link-layer address, lower case; absent where there is none (tunnels, loopback has zeros). */
  mac: string | undefined;
  mtu: number;
  /** Set up by the administrator (IFF_UP). */
  up: boolean;
  /** Able to pass packets (IFF_RUNNING): up, with carrier. */
  running: boolean;
  loopback: boolean;
  pointToPoint: boolean;
  multicast: boolean;
  noArp: boolean;
  /** `bridge`, `bond`, `vlan`, `veth`, `vrf`, `wireguard` …; absent for hardware. */
  kind: string | undefined;
  /** Of the bridge, bond or VRF it belongs to. */
  master: number | undefined;
  /** Kind of the master, as the port sees it: `bridge`, `bond`, `vrf`, `openvswitch`. */
  masterKind: string | undefined;
  /** The interface below: a VLAN's parent, a veth's peer (which may be in another namespace). */
  lower: number | undefined;
  vlanId: number | undefined;
}

export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere';

export interface InterfaceAddress {
  interfaceIndex: number;
  family: Family;
  address: string;
  prefixLength: number;
  /** The other end, on point-to-point links. */
  peer: string | undefined;
  scope: Scope;
  /** IPv6: duplicate address detection has not finished; the address cannot be used yet. */
  tentative: boolean;
  /** IPv6: another host has it. */
  dadFailed: boolean;
  deprecated: boolean;
  /** IPv6 privacy address. */
  temporary: boolean;
  permanent: boolean;
}

export interface Route {
  family: Family;
  /** `0.0.0.0` or `::` for the default route. */
  destination: string;
  prefixLength: number;
  gateways: { gateway: string | undefined; interfaceIndex: number | undefined }[];
  table: number;
  /** `unicast` (1), `local` (2), `blackhole` (6) … as numbers of rtnetlink(7). */
  type: number;
  /** Who installed it: 2 kernel, 3 boot, 4 static, 186 BGP … */
  protocol: number;
  priority: number;
  preferredSource: string | undefined;
}

export interface Neighbour {
  interfaceIndex: number;
  family: Family;
  address: string;
  mac: string | undefined;
  state: 'none' | 'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe' | 'failed' | 'noarp' | 'permanent';
  proxy: boolean;
}

const IFF = { UP: 0x1, LOOPBACK: 0x8, POINTOPOINT: 0x10, RUNNING: 0x40, NOARP: 0x80, MULTICAST: 0x1000 };

/** struct ifinfomsg: u8 family · pad · u16 type @2 · i32 index @4 · u32 flags @8 · u32 change @12. */
export function parseLink(message: NetlinkMessage): Link | undefined {
  const { payload } = message;
  requireLength(payload, 16, 'a link');
  // A bridge also reports its ports under its own family (AF_BRIDGE): not as interfaces.
  if (payload.readUInt8(0) !== 0) return undefined;
  const flags = payload.readUInt32LE(8);
  const attributes = parseAttributes(payload, 16);
  const info = attributes.get(18);
  const linkInfo = info ? parseAttributes(info) : new Map<number, Buffer>();
  const kind = text(linkInfo.get(1));
  const data = linkInfo.get(2);
  const mac = attributes.get(1);
  return {
    index: payload.readInt32LE(4),
    name: text(attributes.get(3)) ?? '',
    mac: mac && mac.length > 0 ? formatMac(mac) : undefined,
    mtu: u32(attributes.get(4)) ?? 0,
    up: (flags & IFF.UP) !== 0,
    running: (flags & IFF.RUNNING) !== 0,
    loopback: (flags & IFF.LOOPBACK) !== 0,
    pointToPoint: (flags & IFF.POINTOPOINT) !== 0,
    multicast: (flags & IFF.MULTICAST) !== 0,
    noArp: (flags & IFF.NOARP) !== 0,
    kind,
    master: u32(attributes.get(10)),
    masterKind: text(linkInfo.get(4)),
    lower: u32(attributes.get(5)),
    vlanId: kind === 'vlan' && data ? u16(parseAttributes(data).get(1)) : undefined,
  };
}

const family = (number: number): Family | undefined => (number === AF_INET ? 4 : number === AF_INET6 ? 6 : undefined);

function ip(data: Buffer | undefined, family: Family): string | undefined {
  return data && data.length === (family === 4 ? 4 : 16) ? formatIp(data) : undefined;
}

const scopes = new Map<number, Scope>([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
  [255, 'nowhere'],
]);
const IFA_F = { TEMPORARY: 0x1, DADFAILED: 0x8, DEPRECATED: 0x20, TENTATIVE: 0x40, PERMANENT: 0x80 };

const isMulticast = (ip: string): boolean => /^(22[4-9]|23\d)\.|^ff/.test(ip);

/** Without the groups that the kernel itself has joined and lists among the addresses (`autojoin`). */
export function parseAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  const address = parseAnyAddress(message);
  return address && !isMulticast(address.address) ? address : undefined;
}

/** struct ifaddrmsg: u8 family · u8 prefixlen · u8 flags · u8 scope · u32 index @4. */
function parseAnyAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  const { payload } = message;
  requireLength(payload, 8, 'an address');
  const fam = family(payload.readUInt8(0));
  if (!fam) return undefined;
  const attributes = parseAttributes(payload, 8);
  const local = ip(attributes.get(2), fam);
  const address = ip(attributes.get(1), fam);
  const own = local ?? address;
  if (own === undefined) return undefined;
  const flags = u32(attributes.get(8)) ?? payload.readUInt8(2);
  return {
    interfaceIndex: payload.readInt32LE(4),
    family: fam,
    address: own,
    prefixLength: payload.readUInt8(1),
    peer: address !== own ? address : undefined,
    scope: scopes.get(payload.readUInt8(3)) ?? 'global',
    tentative: (flags & IFA_F.TENTATIVE) !== 0,
    dadFailed: (flags & IFA_F.DADFAILED) !== 0,
    deprecated: (flags & IFA_F.DEPRECATED) !== 0,
    temporary: fam === 6 && (flags & IFA_F.TEMPORARY) !== 0,
    permanent: (flags & IFA_F.PERMANENT) !== 0,
  };
}

/** struct rtmsg: u8 family, dst_len, src_len, tos, table, protocol, scope, type · u32 flags @8. */
export function parseRoute(message: NetlinkMessage): Route | undefined {
  const { payload } = message;
  requireLength(payload, 12, 'a route');
  const fam = family(payload.readUInt8(0));
  if (!fam) return undefined;
  const attributes = parseAttributes(payload, 12);
  const multipath = attributes.get(9);
  const single = { gateway: ip(attributes.get(5), fam), interfaceIndex: u32(attributes.get(4)) };
  return {
    family: fam,
    destination: ip(attributes.get(1), fam) ?? (fam === 4 ? '0.0.0.0' : '::'),
    prefixLength: payload.readUInt8(1),
    gateways: multipath ? parseNextHops(multipath, fam) : [single],
    table: u32(attributes.get(15)) ?? payload.readUInt8(4),
    type: payload.readUInt8(7),
    protocol: payload.readUInt8(5),
    priority: u32(attributes.get(6)) ?? 0,
    preferredSource: ip(attributes.get(7), fam),
  };
}

/** struct rtnexthop: u16 length · u8 flags · u8 hops · i32 ifindex @4, then attributes. */
function parseNextHops(bytes: Buffer, fam: Family): Route['gateways'] {
  const hops: Route['gateways'] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 8 || at + length > bytes.length) break;
    const attributes = parseAttributes(bytes.subarray(at + 8, at + length));
    hops.push({ gateway: ip(attributes.get(5), fam), interfaceIndex: bytes.readInt32LE(at + 4) });
    at += (length + 3) & ~3;
  }
  return hops;
}

const states = new Map<number, Neighbour['state']>([
  [0x00, 'none'],
  [0x01, 'incomplete'],
  [0x02, 'reachable'],
  [0x04, 'stale'],
  [0x08, 'delay'],
  [0x10, 'probe'],
  [0x20, 'failed'],
  [0x40, 'noarp'],
  [0x80, 'permanent'],
]);

/** struct ndmsg: u8 family · pad · i32 ifindex @4 · u16 state @8 · u8 flags @10 · u8 type @11. */
export function parseNeighbour(message: NetlinkMessage): Neighbour | undefined {
  const { payload } = message;
  requireLength(payload, 12, 'a neighbour');
  const fam = family(payload.readUInt8(0));
  if (!fam) return undefined;
  const attributes = parseAttributes(payload, 12);
  const address = ip(attributes.get(1), fam);
  if (address === undefined) return undefined;
  const mac = attributes.get(2);
  return {
    interfaceIndex: payload.readInt32LE(4),
    family: fam,
    address,
    mac: mac && mac.length > 0 ? formatMac(mac) : undefined,
    state: states.get(payload.readUInt16LE(8)) ?? 'none',
    proxy: (payload.readUInt8(10) & 0x08) !== 0,
  };
}
