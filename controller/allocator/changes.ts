import { type Address, formatAddress } from '@herald/ip';
import type { AddressChange, Assignment, Entry } from './entry.ts';

/** Pairs what a Service held with what it holds now: an old address with the new one of its family that replaces it. */
export function changesOf(entry: Entry, before: readonly Address[]): AddressChange[] {
  if (before.length === 0) return entry.held.map(assigned);
  const after = entry.held.map(held => held.address);
  const poolOf = (address: Address) => entry.held.find(held => same(held.address, address))?.pool ?? '';
  const gone = before.filter(address => !after.some(other => same(address, other)));
  const come = after.filter(address => !before.some(other => same(address, other)));
  const changes: AddressChange[] = [];
  for (const from of gone) {
    const why = entry.losses.get(formatAddress(from)) ?? 'the Service asks for another one';
    const at = come.findIndex(address => address.family === from.family);
    const to = at < 0 ? null : (come.splice(at, 1)[0] ?? null);
    if (to !== null) {
      const message = `${formatAddress(from)} is replaced by ${formatAddress(to)} from IPAddressPool ${poolOf(to)}: ${why}`;
      changes.push({ event: 'AddressChanged', from, to, message });
    } else if (entry.satisfied)
      changes.push({ event: 'AddressReleased', from, to, message: `${formatAddress(from)} is given back: ${why}` });
    else changes.push({ event: 'AddressLost', from, to, message: `${formatAddress(from)} is lost and there is no other: ${why}` });
  }
  for (const to of come) {
    const event = gone.length < before.length ? 'AddressAdded' : 'AddressAssigned';
    changes.push({ ...assigned({ address: to, pool: poolOf(to) }), event });
  }
  return changes;
}

function assigned({ address, pool }: Pick<Assignment, 'address' | 'pool'>): AddressChange {
  return { event: 'AddressAssigned', from: null, to: address, message: `assigned ${formatAddress(address)} from IPAddressPool ${pool}` };
}

function same(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}
