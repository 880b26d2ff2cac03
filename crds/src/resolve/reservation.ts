import { type Address, equalAddresses, formatAddress } from '@herald/ip';
import type { Pool, Reservation } from '../config.ts';
import { ipReservation } from '../kinds/ip-reservation.ts';
import { Findings, quote, type RawObject, refOf } from './problem.ts';
import { readAddress, readSpec } from './read.ts';

export function readReservation(object: RawObject, pools: readonly Pool[], previous: Reservation | undefined) {
  const findings = new Findings(refOf(object));
  const spec = readSpec(ipReservation.spec, object.spec, findings);
  if (spec === undefined) return { value: previous, findings };
  if ((spec.addresses === undefined) === (spec.pool === undefined))
    findings.error('ContradictoryFields', 'spec.addresses', 'Set exactly one of addresses and pool.');
  const pool = pools.find(candidate => candidate.name === spec.pool);
  if (spec.pool !== undefined && pool === undefined) {
    findings.warn('UnknownReference', 'spec.pool', `there is no valid IPAddressPool ${quote(spec.pool)}. Create it, or correct the name.`);
  }
  const addresses = (spec.addresses ?? []).flatMap((text, index): Address[] => {
    const address = readAddress(text, `spec.addresses[${index}]`, findings);
    if (address === null) return [];
    if (!pools.some(candidate => candidate.ranges.contains(address))) {
      findings.warn('ReservationOutsidePools', `spec.addresses[${index}]`, `no pool contains ${text}. Correct it, or add it to a pool.`);
    }
    return [address];
  });
  const families = ([4, 6] as const).filter(family =>
    spec.ipFamilies === undefined ? (pool?.ranges.count(family) ?? 0n) > 0n : spec.ipFamilies.includes(`IPv${family}`),
  );
  const value: Reservation = {
    ref: findings.ref,
    name: findings.ref.name,
    service: spec.service,
    addresses,
    pool: spec.pool ?? null,
    families: spec.pool === undefined ? [] : families,
  };
  return { value: findings.failed ? previous : value, findings };
}

/** Takes reservations in the order of their age and leaves out each one that wants an address an older one keeps for another Service. */
export function separateReservations(reservations: readonly { reservation: Reservation; findings: Findings }[]): Reservation[] {
  const accepted: Reservation[] = [];
  for (const { reservation, findings } of reservations) {
    const rival = accepted.find(other => !sameService(other, reservation) && other.addresses.some(address => holds(reservation, address)));
    if (rival === undefined) {
      accepted.push(reservation);
      continue;
    }
    const address = rival.addresses.find(candidate => holds(reservation, candidate));
    const { namespace, name } = rival.service;
    const what = address === undefined ? 'an address' : formatAddress(address);
    findings.error(
      'ReservationTaken',
      'spec.addresses',
      `the older IPReservation ${rival.name} keeps ${what} for Service ${namespace}/${name}. Delete one of the two, or choose another address.`,
    );
  }
  return accepted.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function sameService(a: Reservation, b: Reservation): boolean {
  return a.service.namespace === b.service.namespace && a.service.name === b.service.name;
}

function holds(reservation: Reservation, address: Address): boolean {
  return reservation.addresses.some(candidate => equalAddresses(candidate, address));
}
