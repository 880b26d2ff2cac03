import { type Family, formatAddress } from '@herald/ip';
import type { Assignment, Cause, Entry } from './entry.ts';
import { type Ledger, type Refusal, sameRank } from './ledger.ts';
import { exclusion, type Offer, offerFrom, offerNamed, offerReserved } from './offer.ts';
import type { PoolState } from './pool-state.ts';

/** What a Service shall hold, in the order of its status, and what it still waits for. */
export interface Decision {
  readonly target: readonly Assignment[];
  readonly satisfied: boolean;
  readonly cause: Cause;
  readonly topics: readonly string[];
}

/** Decides about one Service whose held addresses are confirmed. Pure: it changes nothing in the books. */
export function decide(ledger: Ledger, entry: Entry): Decision {
  const { request, held } = entry;
  if (request.problem !== null) return keep(entry, request.problem, []);
  if (request.terminating) {
    return held.length > 0 ? done(entry, held, []) : keep(entry, { reason: 'NoEligiblePool', message: 'the Service is being deleted' }, []);
  }
  const families = familiesOf(request);
  const plain = held.length === 0 && request.addresses.length === 0 && families.length === 1;
  if (plain && ledger.reservesFor(entry.key).length === 0) {
    const first = firstOffer(ledger, entry, families[0] as Family);
    if (first !== null) return done(entry, [first], nothing);
  }
  const chosen: Assignment[] = [];
  const refused: Refusal[] = [];
  for (const address of request.addresses) {
    const offer = offerNamed(ledger, entry, address, chosen);
    if (offer.assignment === undefined) refused.push(offer.refusal);
    else chosen.push(offer.assignment);
  }
  if (refused[0] !== undefined)
    return keep(
      entry,
      refused[0],
      refused.flatMap(refusal => refusal.topics),
    );

  const open = families.filter(family => !chosen.some(assignment => assignment.address.family === family));
  if (chosen.length > 0 && open.length > 0 && request.policy === 'RequireDualStack') {
    const message = `the Service needs IPv4 and IPv6, but asks for ${request.addresses.map(formatAddress).join(', ')} only`;
    return keep(entry, { reason: 'FamilyMismatch', message }, []);
  }
  const staying = open.flatMap(family => held.find(h => h.address.family === family && suits(ledger, entry, h)) ?? []);
  const missing = open.filter(family => !staying.some(assignment => assignment.address.family === family));
  const offers = pick(ledger, entry, missing, [...chosen, ...staying]);

  const gained = missing.flatMap(family => offers.get(family)?.assignment ?? []);
  const refusals = new Map(
    missing.flatMap(family => (offers.get(family)?.refusal === undefined ? [] : [[family, offers.get(family)?.refusal as Refusal]])),
  );
  const topics = [...refusals.values()].flatMap(refusal => refusal.topics);
  // An address in conflict is still better than none while there is no other.
  const shunned = [...refusals.keys()].flatMap(family => held.find(h => h.address.family === family && suitsPool(entry, h)) ?? []);
  const target = [...chosen, ...staying, ...gained, ...shunned];
  const first = [...refusals].find(([family]) => !shunned.some(assignment => assignment.address.family === family));
  if (first === undefined) return done(entry, ordered(entry, target, open.length === 0), topics);
  if (request.policy === 'PreferDualStack' && target.length > 0) {
    const cause: Cause = { reason: 'SecondFamilyPending', message: `no IPv${first[0]} address yet: ${first[1].message}` };
    return { target: ordered(entry, target, false), satisfied: true, cause, topics };
  }
  if (request.policy === 'RequireDualStack' && (target.length > 0 || !isSettled([...refusals.values()]))) {
    return keep(entry, { reason: 'DualStackUnavailable', message: `no IPv${first[0]} address: ${first[1].message}` }, topics);
  }
  return keep(entry, first[1], topics);
}

/** Reasons that depend on what others hold at the moment. */
const scarcity: ReadonlySet<Cause['reason']> = new Set(['PoolExhausted', 'AddressReserved', 'QuotaExceeded']);

/** Whether it is one thing that keeps all families away, whatever others hold: which family they take first is no matter for this Service. */
function isSettled(refusals: readonly Refusal[]): boolean {
  const [first] = refusals;
  return first !== undefined && !scarcity.has(first.reason) && refusals.every(({ reason }) => reason === first.reason);
}

/** Whether a held address may stay where the request leaves the choice open. */
function suits(ledger: Ledger, entry: Entry, held: Assignment): boolean {
  return suitsPool(entry, held) && !ledger.isShunned(held.address);
}

function suitsPool(entry: Entry, held: Assignment): boolean {
  return entry.request.pool === null || entry.request.pool === held.pool;
}

/**
 * An address of each missing family. Reservations first; then pools by rank. Among pools of one rank, one that offers both families
 * is preferred, and one the Service already holds an address of; otherwise the families may come from two pools.
 */
function pick(ledger: Ledger, entry: Entry, missing: readonly Family[], settled: readonly Assignment[]): Map<Family, Offer> {
  const offers = new Map<Family, Offer>();
  if (missing.length === 0) return offers;
  const plan = [...settled];
  const accept = (family: Family, assignment: Assignment) => {
    offers.set(family, { assignment });
    plan.push(assignment);
  };
  const reserveTopics: string[] = [];
  for (const family of missing) {
    const { assignment, topics } = offerReserved(ledger, entry, family, plan);
    reserveTopics.push(...topics);
    if (assignment !== null) accept(family, assignment);
  }
  const { candidates, reason } = eligible(ledger, entry);
  const refusals = new Map<Family, Refusal[]>(missing.map(family => [family, []]));
  for (const group of byRank(candidates, entry)) {
    const left = missing.filter(family => !offers.has(family));
    if (left.length === 0) break;
    if (left.length > 1) for (const [family, assignment] of wholeOffer(ledger, entry, group, left, plan)) accept(family, assignment);
    for (const family of left) {
      for (const pool of group) {
        if (offers.has(family)) break;
        const { assignment, refusal } = offerFrom(ledger, entry, pool, family, plan);
        if (assignment !== undefined) accept(family, assignment);
        else refusals.get(family)?.push(refusal);
      }
    }
  }
  // One family may have used up the quota of the only pool that has the other: then another pool for the first one does it.
  const [one, two] = missing.filter(
    family => offers.has(family) || refusals.get(family)?.some(refusal => refusal.reason === 'QuotaExceeded'),
  );
  if (one !== undefined && two !== undefined && offers.size === 1) {
    for (const [family, assignment] of pairOffer(ledger, entry, candidates, [one, two], settled)) accept(family, assignment);
  }
  for (const family of missing) {
    if (offers.has(family)) continue;
    const refusal = reason ?? summary(family, refusals.get(family) ?? []);
    offers.set(family, { refusal: { ...refusal, topics: [...refusal.topics, ...reserveTopics] } });
  }
  return offers;
}

/** The first pair of pools that have an address of one family each; empty when there is none. */
function pairOffer(
  ledger: Ledger,
  entry: Entry,
  pools: readonly PoolState[],
  [one, two]: readonly [Family, Family],
  plan: readonly Assignment[],
): Map<Family, Assignment> {
  for (const poolOfOne of pools) {
    const { assignment: first } = offerFrom(ledger, entry, poolOfOne, one, plan);
    if (first === undefined) continue;
    for (const poolOfTwo of pools) {
      const { assignment: second } = offerFrom(ledger, entry, poolOfTwo, two, [...plan, first]);
      if (second !== undefined)
        return new Map([
          [one, first],
          [two, second],
        ]);
    }
  }
  return new Map();
}

/** The plain case, most frequent by far: the first eligible pool that has an address. Null: none has, and it is worth working out why. */
function firstOffer(ledger: Ledger, entry: Entry, family: Family): Assignment | null {
  const { pool: asked } = entry.request;
  for (const pool of ledger.pools) {
    if (asked === null ? !pool.pool.autoAssign : pool.name !== asked) continue;
    if (exclusion(ledger, pool, entry) !== null) continue;
    const { assignment } = offerFrom(ledger, entry, pool, family, nothing);
    if (assignment !== undefined) return assignment;
  }
  return null;
}

/** What the first pool offers that has an address of every family; empty when none has. */
function wholeOffer(
  ledger: Ledger,
  entry: Entry,
  group: readonly PoolState[],
  families: readonly Family[],
  plan: readonly Assignment[],
): Map<Family, Assignment> {
  for (const pool of group) {
    const found = new Map<Family, Assignment>();
    for (const family of families) {
      const { assignment } = offerFrom(ledger, entry, pool, family, [...plan, ...found.values()]);
      if (assignment === undefined) break;
      found.set(family, assignment);
    }
    if (found.size === families.length) return found;
  }
  return new Map();
}

/** The pools a Service may be given an address of, or why there is none. */
function eligible(ledger: Ledger, entry: Entry): { candidates: readonly PoolState[]; reason: Refusal | null } {
  const name = entry.request.pool;
  if (name !== null) {
    const pool = ledger.pool(name);
    if (pool === undefined) {
      return {
        candidates: [],
        reason: { reason: 'UnknownPool', message: `IPAddressPool ${name} (address-pool annotation) does not exist`, topics: [] },
      };
    }
    const refusal = exclusion(ledger, pool, entry);
    return refusal === null ? { candidates: [pool], reason: null } : { candidates: [], reason: refusal };
  }
  if (ledger.pools.length === 0) return { candidates: [], reason: { reason: 'NoPool', message: 'there is no IPAddressPool', topics: [] } };
  const candidates: PoolState[] = [];
  const ruledOut: string[] = [];
  for (const pool of ledger.pools) {
    const refusal = pool.pool.autoAssign ? exclusion(ledger, pool, entry) : null;
    if (!pool.pool.autoAssign) ruledOut.push(`IPAddressPool ${pool.name} has autoAssign: false`);
    else if (refusal !== null) ruledOut.push(refusal.message);
    else candidates.push(pool);
  }
  if (candidates.length > 0) return { candidates, reason: null };
  return { candidates, reason: { reason: 'NoEligiblePool', message: bounded(ruledOut), topics: [] } };
}

/** Pools in groups of one rank; within a group those the Service already uses come first. */
function byRank(pools: readonly PoolState[], entry: Entry): PoolState[][] {
  const groups: PoolState[][] = [];
  for (const pool of pools) {
    const group = groups.at(-1);
    if (group?.[0] !== undefined && sameRank(group[0].pool, pool.pool)) group.push(pool);
    else groups.push([pool]);
  }
  const used = new Set(entry.held.map(held => held.pool));
  return groups.map(group => group.sort((a, b) => Number(used.has(b.name)) - Number(used.has(a.name))));
}

const rank: readonly Cause['reason'][] = [
  'PoolExhausted',
  'AddressReserved',
  'QuotaExceeded',
  'PoolDraining',
  'PoolNotReady',
  'NoPoolForFamily',
];

/** One refusal out of those of several pools: the reason that is the nearest to a consent. */
function summary(family: Family, refusals: readonly Refusal[]): Refusal {
  const topics = refusals.flatMap(refusal => refusal.topics);
  for (const reason of rank) {
    const alike = refusals.filter(refusal => refusal.reason === reason);
    if (alike.length === 0) continue;
    if (reason === 'NoPoolForFamily') return { reason, message: `no eligible IPAddressPool has IPv${family} addresses`, topics };
    return { reason, message: bounded(alike.map(refusal => refusal.message)), topics };
  }
  return { reason: 'NoEligiblePool', message: 'no IPAddressPool is eligible', topics };
}

function bounded(messages: readonly string[]): string {
  const shown = messages.slice(0, 5).join('; ');
  return messages.length > 5 ? `${shown}; and ${messages.length - 5} more` : shown;
}

/**
 * The order of the status. All asked for by name: as asked. Otherwise what is held keeps its place (an address that replaces another
 * of its family takes that one's place), and what is new follows in the order of the families.
 */
function ordered(entry: Entry, target: readonly Assignment[], asAsked: boolean): readonly Assignment[] {
  if (asAsked || target.length < 2) return target;
  const rest = [...entry.request.families].flatMap(family => target.filter(assignment => assignment.address.family === family));
  const placed: Assignment[] = [];
  const place = (assignment: Assignment | undefined) => {
    if (assignment === undefined) return;
    placed.push(assignment);
    rest.splice(rest.indexOf(assignment), 1);
  };
  const isHeld = (assignment: Assignment) =>
    entry.held.some(held => held.address.value === assignment.address.value && held.address.family === assignment.address.family);
  for (const held of entry.held) {
    const { family, value } = held.address;
    place(
      rest.find(a => a.address.family === family && a.address.value === value) ?? rest.find(a => a.address.family === family && !isHeld(a)),
    );
  }
  return [...placed, ...rest];
}

const nothing: readonly never[] = [];
const single: Readonly<Record<Family, readonly Family[]>> = { 4: [4], 6: [6] };

/** The families a Service is to have addresses of. */
export function familiesOf({ policy, families }: Entry['request']): readonly Family[] {
  return policy === 'SingleStack' && families[0] !== undefined ? single[families[0]] : families;
}

function done(entry: Entry, target: readonly Assignment[], topics: readonly string[]): Decision {
  let message = '';
  for (const { address, pool } of target) message += `${message === '' ? '' : ', '}${formatAddress(address)} from IPAddressPool ${pool}`;
  return { target, satisfied: true, cause: { reason: 'AddressAssigned', message }, topics };
}

/** The request cannot be met: what is held stays. */
function keep(entry: Entry, { reason, message }: Cause, topics: readonly string[]): Decision {
  const kept = entry.held.length === 0 ? '' : `; it keeps ${entry.held.map(held => formatAddress(held.address)).join(', ')}`;
  return { target: entry.held, satisfied: false, cause: { reason, message: message + kept }, topics };
}
