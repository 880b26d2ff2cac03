import { cidrOf, cidrRange, formatCidr, parseAddress, parseCidr, rangeContains } from '@herald/ip';
import type { InterfaceInfo } from 'raw-socket';
import { familyOf } from '../layer2/octets.ts';

/** An interface that addresses can be announced on. */
export interface Device {
  index: number;
  name: string;
  mac: string;
  /** Link up, with carrier. */
  carrier: boolean;
  /** Own addresses that can be a source: IPv4, and IPv6 that passed duplicate detection. */
  addresses: readonly { address: string; prefixLength: number; linkLocal: boolean }[];
  /** Name of the segment, the same on all nodes: its first subnet, or the interface's name without one. */
  segment: string;
  /** All its subnets, in CIDR notation. */
  subnets: readonly string[];
}

/** Interfaces of container networks and tunnels: nobody on them asks for service addresses. */
export const EXCLUDED_INTERFACES: readonly string[] = [
  'lo',
  'docker.*',
  'cbr.*',
  'dummy.*',
  'virbr.*',
  'lxcbr.*',
  'br-[0-9a-f]{12}',
  'veth[0-9a-f]{6,}',
  'lxc.*',
  'cali.*',
  'cni.*',
  'flannel.*',
  'cilium.*',
  'kube-ipvs.*',
  'kube-bridge',
  'nodelocaldns',
  'tunl.*',
  'vxlan.*',
  'wg.*',
  'tailscale.*',
];

/** Masters whose ports carry no addresses of their own. Members of a VRF do, and are usable. */
const BELOW = new Set(['bridge', 'bond', 'team', 'openvswitch', 'ovs-system']);

/** The usable ones among the interfaces of a node, and what could be used if an advertisement named it. */
export interface Devices {
  usable: Device[];
  /** Names, sorted. Those of pods and containers, which come and go with them, have no subnet and are not among them. */
  excluded: string[];
}

/** Sorts out the interfaces of a node. What an advertisement names is used even if it looks like a container's. */
export function devicesOf(interfaces: Iterable<InterfaceInfo>, excluded: readonly string[], named: ReadonlySet<string>): Devices {
  const patterns = excluded.map(pattern => new RegExp(`^(?:${pattern})$`));
  const devices: Devices = { usable: [], excluded: [] };
  for (const info of interfaces) {
    if (info.mac === undefined || info.loopback || info.pointToPoint || info.noArp) continue;
    if (info.masterKind !== undefined && BELOW.has(info.masterKind)) continue;
    const device = deviceOf(info, info.mac);
    if (!named.has(info.name) && patterns.some(pattern => pattern.test(info.name))) {
      if (device.subnets.length > 0) devices.excluded.push(info.name);
    } else if (device.subnets.length > 0 || device.addresses.some(({ linkLocal }) => linkLocal)) devices.usable.push(device);
  }
  devices.excluded.sort();
  return devices;
}

function deviceOf(info: InterfaceInfo, mac: string): Device {
  const addresses = info.addresses
    .filter(({ tentative, dadFailed, scope }) => !tentative && !dadFailed && (scope === 'global' || scope === 'site' || scope === 'link'))
    .map(({ address, prefixLength, scope }) => ({ address, prefixLength, linkLocal: scope === 'link' && familyOf(address) === 6 }));
  const subnets = addresses
    .filter(({ address, prefixLength, linkLocal }) => !linkLocal && prefixLength < (familyOf(address) === 4 ? 32 : 128))
    .sort((a, b) => familyOf(a.address) - familyOf(b.address))
    .map(({ address, prefixLength }) => subnetOf(address, prefixLength));
  return {
    index: info.index,
    name: info.name,
    mac,
    carrier: info.up && info.running,
    addresses,
    segment: subnets[0] ?? info.name,
    subnets: [...new Set(subnets)],
  };
}

/**
 * A segment keeps its name for as long as its interface has that subnet: the kernel lists IPv6 addresses in another order whenever one of
 * them comes or is deprecated, and an address that is added does not take the others away. Only where IPv4 comes back it is named by that again,
 * as on the other nodes.
 * @param names of the segments that there are, by the index of their interface
 */
export function withKnownNames(devices: readonly Device[], names: ReadonlyMap<number, string>): Device[] {
  return devices.map(device => {
    const name = names.get(device.index);
    return name !== undefined && device.subnets.includes(name) && isIPv6(name) === isIPv6(device.segment)
      ? { ...device, segment: name }
      : device;
  });
}

/**
 * One device for each segment. Two in one subnet lead to the same hosts: each would claim the addresses for itself and take the other's
 * packets for its own, and both would answer. What counts: a link, a name in the plan, being in use, and the lowest index.
 */
export function onePerSegment(devices: readonly Device[], named: ReadonlySet<string>, used: ReadonlySet<number>): OnePerSegment {
  const rank = ({ carrier, name, index }: Device): number => (carrier ? 0 : 4) + (named.has(name) ? 0 : 2) + (used.has(index) ? 0 : 1);
  const best = new Map<string, Device>();
  for (const device of devices.toSorted((a, b) => rank(a) - rank(b) || a.index - b.index))
    if (!best.has(device.segment)) best.set(device.segment, device);
  const isBest = (device: Device): boolean => best.get(device.segment) === device;
  return {
    chosen: devices.filter(isBest),
    spare: devices.filter(device => !isBest(device)).map(({ name, segment }) => ({ name, segment, beside: best.get(segment)?.name ?? '' })),
  };
}

export interface OnePerSegment {
  chosen: Device[];
  /** Not used, because another one in the same subnet is. */
  spare: { name: string; segment: string; beside: string }[];
}

/**
 * The devices to announce `ip` on: those named, else those whose subnet holds it, else all of them. But an address of a subnet in `known`
 * that no device has at the moment (an IPv6 address goes with its link, a DHCP lease ends) waits for it: on another segment nobody asks for it.
 */
export function devicesFor(ip: string, interfaces: readonly string[], devices: readonly Device[], known: Iterable<string> = []): Device[] {
  if (interfaces.length > 0) return devices.filter(device => interfaces.includes(device.name));
  const inside = devices.filter(device => device.subnets.some(subnet => holds(subnet, ip)));
  if (inside.length > 0 || [...known].some(subnet => holds(subnet, ip))) return inside;
  return devices.filter(device => device.subnets.length > 0);
}

function isIPv6(subnet: string): boolean {
  return subnet.includes(':');
}

function subnetOf(address: string, prefixLength: number): string {
  return formatCidr(cidrOf(parseAddress(address), prefixLength));
}

function holds(subnet: string, ip: string): boolean {
  return rangeContains(cidrRange(parseCidr(subnet)), parseAddress(ip));
}
