import type { NetlinkMessage } from './codec.ts';
import {
  type InterfaceAddress,
  type Link,
  type Neighbour,
  parseAddress,
  parseLink,
  parseNeighbour,
  parseRoute,
  type Route,
  RTM,
} from './route-messages.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts';

/** An interface with its addresses. */
export interface InterfaceInfo extends Link {
  addresses: InterfaceAddress[];
}

function dump<T>(what: string, get: number, type: number, headerLength: number, parse: (message: NetlinkMessage) => T | undefined): T[] {
  // An all-zero header asks for every family and every interface.
  return NetlinkSocket.dump(NETLINK_ROUTE, `the kernel's ${what}`, get, Buffer.alloc(headerLength), message =>
    message.type === type ? parse(message) : undefined,
  );
}

export const links = (): Link[] => dump('interfaces', RTM.GETLINK, RTM.NEWLINK, 16, parseLink);
export const addresses = (): InterfaceAddress[] => dump('addresses', RTM.GETADDR, RTM.NEWADDR, 8, parseAddress);
/** All tables, also `local`. */
export const routes = (): Route[] => dump('routes', RTM.GETROUTE, RTM.NEWROUTE, 12, parseRoute);
/** The ARP and neighbour caches. */
export const neighbours = (): Neighbour[] => dump('neighbours', RTM.GETNEIGH, RTM.NEWNEIGH, 12, parseNeighbour);

/** The interfaces of this network namespace with their addresses, by index. */
export function interfaces(): InterfaceInfo[] {
  const byIndex = new Map<number, InterfaceInfo>(links().map(link => [link.index, { ...link, addresses: [] }]));
  for (const address of addresses()) byIndex.get(address.interfaceIndex)?.addresses.push(address);
  return [...byIndex.values()].sort((a, b) => a.index - b.index);
}
