import { type Address, formatAddress } from '@herald/ip';
import { familiesOf } from './decide.ts';
import type { Assignment, Claim, Entry } from './entry.ts';
import type { Ledger } from './ledger.ts';
import { exclusion } from './offer.ts';

/**
 * Looks at what a Service holds (or, at first sight, is said to hold) before anything new is given to anybody, and enters what may
 * stay. An address goes only for a hard reason: its pool no longer has it or no longer admits the Service, the Service no longer
 * has its family, or Services that were here first do not share it. What was lost, and why, is noted in `entry.losses`.
 */
export function confirm(ledger: Ledger, entry: Entry, now: number): void {
  const { request } = entry;
  const candidates: readonly Claim[] = entry.claims ?? entry.held;
  if (candidates.length === 0) {
    entry.claims = null;
    entry.confirmed = true;
    return;
  }
  const isAsked = (address: Address) => request.addresses.some(a => a.family === address.family && a.value === address.value);
  const families = familiesOf(request);
  const room = new Map(families.map(family => [family, Math.max(1, request.addresses.filter(a => a.family === family).length)]));
  const staying = new Map<Claim, Assignment>();

  // Where more are held than the Service may have, those it names stay, then the first ones.
  for (const claim of [...candidates.filter(c => isAsked(c.address)), ...candidates.filter(c => !isAsked(c.address))]) {
    const { address } = claim;
    const left = room.get(address.family) ?? 0;
    const lost = (why: string) => void (entry.losses = new Map(entry.losses).set(formatAddress(address), why));
    if (request.problem === null && left === 0) {
      lost(families.includes(address.family) ? 'the Service asks for fewer addresses' : `the Service has no IPv${address.family} any more`);
      continue;
    }
    const assignment = admitted(ledger, entry, claim);
    if (typeof assignment === 'string') {
      lost(assignment);
      continue;
    }
    const clash = ledger.clash(entry, ledger.poolOf(address), address);
    if (clash !== null) {
      lost(clash.message);
      continue;
    }
    room.set(address.family, left - 1);
    staying.set(claim, assignment);
  }

  const before = entry.held;
  entry.held = candidates.flatMap(claim => staying.get(claim) ?? []);
  entry.claims = null;
  entry.confirmed = true;
  for (const assignment of before) {
    if (![...staying.values()].some(s => s.address.family === assignment.address.family && s.address.value === assignment.address.value)) {
      ledger.unhold(entry, assignment, now);
    }
  }
  for (const assignment of entry.held) ledger.hold(entry, assignment);
  ledger.pledge(entry.key, entry);
}

/** The assignment as the pools of today see it, or why it cannot stay. */
function admitted(ledger: Ledger, entry: Entry, claim: Claim): Assignment | string {
  const { address } = claim;
  const pool = ledger.poolOf(address);
  const origin = claim.pool === undefined ? undefined : ledger.pool(claim.pool);
  // An older pool was edited into the range of this one. Until that is mended nobody can say whose the address is meant to be.
  if (claim.pool !== undefined && pool !== undefined && origin !== pool && origin?.pool.suspended === 'OverlapsOtherPool')
    return { address, pool: claim.pool, keep: origin.pool.onRemoval === 'Keep', kept: true };
  let why: string;
  if (pool === undefined) {
    why = claim.pool === undefined ? 'it is in no IPAddressPool' : `IPAddressPool ${claim.pool} no longer contains it`;
  } else {
    // While the namespace is unknown, what it may use is, too: then nothing is taken away.
    const known = ledger.labelsOf(entry.request.namespace) !== undefined;
    const refusal = pool.withheld(address) ?? (known ? exclusion(ledger, pool, entry) : null);
    if (refusal === null) return { address, pool: pool.name, keep: pool.pool.onRemoval === 'Keep', kept: false };
    why = refusal.message;
  }
  if (claim.pool === undefined) return why;
  const keep = origin === undefined ? claim.keep === true : origin.pool.onRemoval === 'Keep';
  return keep ? { address, pool: claim.pool, keep: true, kept: true } : why;
}
