import { isDeepStrictEqual } from 'node:util';
import type { InterfaceAddress, Link } from './route-messages.ts';
import type { InterfaceInfo } from './tables.ts';
import type { NetlinkEvent } from './watcher.ts';

/** Whether the links are the same, whatever their addresses. */
export function sameLink(a: Link & { addresses?: unknown }, b: Link & { addresses?: unknown }): boolean {
  return isDeepStrictEqual({ ...a, addresses: undefined }, { ...b, addresses: undefined });
}

export const sameAddress = (a: InterfaceAddress, b: InterfaceAddress): boolean => isDeepStrictEqual(a, b);

const keyOf = (address: InterfaceAddress): string => `${address.address}/${address.prefixLength}`;

/** The events that lead from one snapshot to the other; removals come first. */
export function diffInterfaces(before: ReadonlyMap<number, InterfaceInfo>, after: ReadonlyMap<number, InterfaceInfo>): NetlinkEvent[] {
  const events: NetlinkEvent[] = [];
  for (const previous of before.values()) {
    if (!after.has(previous.index)) events.push({ kind: 'link', change: 'removed', interface: previous, previous });
  }
  for (const info of after.values()) {
    const previous = before.get(info.index);
    if (!previous) events.push({ kind: 'link', change: 'added', interface: info, previous });
    else if (!sameLink(previous, info)) events.push({ kind: 'link', change: 'changed', interface: info, previous });
    const old = new Map(previous?.addresses.map(address => [keyOf(address), address]));
    for (const address of info.addresses) {
      const known = old.get(keyOf(address));
      old.delete(keyOf(address));
      if (known && sameAddress(known, address)) continue;
      events.push({ kind: 'address', change: known ? 'changed' : 'added', address, interface: info });
    }
    for (const address of old.values()) events.push({ kind: 'address', change: 'removed', address, interface: info });
  }
  return events;
}
