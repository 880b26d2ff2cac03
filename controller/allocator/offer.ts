import { type Address, type Family, formatAddress } from '@herald/ip';
import type { Assignment, Entry } from './entry.ts';
import { type Ledger, type Refusal, topic } from './ledger.ts';
import type { PoolState } from './pool-state.ts';

/** What the books say to one wish: an address, or why not. */
export type Offer =
  | { readonly assignment: Assignment; readonly refusal?: undefined }
  | { readonly assignment?: undefined; readonly refusal: Refusal };

function refuse(reason: Refusal['reason'], message: string, topics: readonly string[] = []): Offer {
  return { refusal: { reason, message, topics } };
}

function consent(pool: PoolState, address: Address): Offer {
  return { assignment: { address, pool: pool.name, keep: pool.pool.onRemoval === 'Keep', kept: false } };
}

/** Why `spec.serviceAllocation` keeps a Service out of a pool, asked for or not; null when it does not. */
export function exclusion(ledger: Ledger, pool: PoolState, entry: Entry): Refusal | null {
  const { request } = entry;
  if (!pool.admitsNamespace(request.namespace, ledger.labelsOf(request.namespace))) {
    return {
      reason: 'NamespaceNotAllowed',
      message: `IPAddressPool ${pool.name} does not admit namespace ${request.namespace}`,
      topics: [],
    };
  }
  if (!pool.admitsService(request.labels)) {
    return { reason: 'ServiceNotSelected', message: `no serviceSelector of IPAddressPool ${pool.name} selects the Service`, topics: [] };
  }
  return null;
}

/** Whether a Service may have this very address, which it asks for. `plan`: what it is going to hold besides. */
export function offerNamed(ledger: Ledger, entry: Entry, address: Address, plan: readonly Assignment[]): Offer {
  const { request } = entry;
  const text = formatAddress(address);
  if (!request.families.includes(address.family)) {
    return refuse('FamilyMismatch', `${text} is asked for, but the Service has no IPv${address.family} (spec.ipFamilies)`);
  }
  const held = entry.held.find(h => h.address.family === address.family && h.address.value === address.value);
  const pool = ledger.poolOf(address);
  const poolName = held?.pool ?? pool?.name;
  if (poolName === undefined) return refuse('AddressOutsidePools', `${text} is in no IPAddressPool`);
  if (request.pool !== null && poolName !== request.pool) {
    return refuse(
      'ContradictoryRequest',
      `${text} is in IPAddressPool ${poolName}, but the address-pool annotation asks for ${request.pool}`,
    );
  }
  if (held !== undefined) return { assignment: held };
  if (pool === undefined) return refuse('AddressOutsidePools', `${text} is in no IPAddressPool`);
  const withheld = pool.withheld(address);
  if (withheld !== null) return refuse(withheld.reason, `${text}: ${withheld.message}`);
  const refusal = exclusion(ledger, pool, entry) ?? ledger.refusal(entry, pool, address, true);
  if (refusal !== null) return { refusal };
  return giveable(ledger, entry, pool, address, plan) ?? consent(pool, address);
}

/** The address of one family that a pool offers to a Service that names none. */
export function offerFrom(ledger: Ledger, entry: Entry, pool: PoolState, family: Family, plan: readonly Assignment[]): Offer {
  const { request } = entry;
  if (pool.space[family].capacity === 0n) return refuse('NoPoolForFamily', `IPAddressPool ${pool.name} has no IPv${family} addresses`);
  // Who names a sharing key wishes to share: an address that others hold under the key comes before a free one.
  if (request.sharingKey !== null && closed(pool) === null) {
    for (const address of ledger.sharedUnder(request.sharingKey, pool, family)) {
      if (
        pool.withheld(address) === null &&
        ledger.refusal(entry, pool, address, false) === null &&
        quotaRefusal(ledger, entry, pool, address, plan) === null
      ) {
        return consent(pool, address);
      }
    }
  }
  const address = pool.space[family].lowest();
  const sharing = request.sharingKey === null ? [] : [topic.key(request.sharingKey)];
  if (address === undefined || ledger.spareFor(request.key, pool, family) <= 0n) {
    return refuse('PoolExhausted', `IPAddressPool ${pool.name} has no free IPv${family} address`, [
      topic.pool(pool.name, family),
      ...sharing,
    ]);
  }
  const refused = giveable(ledger, entry, pool, address, plan);
  if (refused?.refusal === undefined) return refused ?? consent(pool, address);
  return { refusal: { ...refused.refusal, topics: [...refused.refusal.topics, ...sharing] } };
}

/**
 * An address that a reservation keeps for the Service, or room that one keeps in a pool: also in a pool it could not use otherwise.
 * Without one: what the Service has to wait for to be served by its reservations.
 */
export function offerReserved(
  ledger: Ledger,
  entry: Entry,
  family: Family,
  plan: readonly Assignment[],
): { readonly assignment: Assignment | null; readonly topics: readonly string[] } {
  const topics: string[] = [];
  for (const reserve of ledger.reservesFor(entry.key)) {
    for (const address of reserve.addresses) {
      if (address.family !== family) continue;
      const { assignment, refusal } = offerNamed(ledger, entry, address, plan);
      if (assignment !== undefined && !ledger.isShunned(address)) return { assignment, topics: [] };
      // The address counts as taken even when nobody holds it, so its pool does not tell when it comes free.
      topics.push(topic.address(address), ...(refusal?.topics ?? []));
    }
    if (reserve.pool === null || !reserve.families.includes(family)) continue;
    const pool = ledger.pool(reserve.pool);
    if (pool === undefined || (entry.request.pool ?? pool.name) !== pool.name || exclusion(ledger, pool, entry) !== null) continue;
    const { assignment, refusal } = offerFrom(ledger, entry, pool, family, plan);
    if (assignment !== undefined) return { assignment, topics: [] };
    topics.push(...refusal.topics);
  }
  return { assignment: null, topics };
}

/** The limits that hold for a new address of a pool, asked for or not. */
function giveable(ledger: Ledger, entry: Entry, pool: PoolState, address: Address, plan: readonly Assignment[]): Offer | null {
  const shut = closed(pool);
  if (shut !== null) return shut;
  const { family } = address;
  if (ledger.isFree(address) && ledger.spareFor(entry.key, pool, family) <= 0n) {
    return refuse('AddressReserved', `the last free IPv${family} addresses of IPAddressPool ${pool.name} are kept by reservations`, [
      topic.pool(pool.name, family),
      topic.address(address),
    ]);
  }
  const quota = quotaRefusal(ledger, entry, pool, address, plan);
  return quota === null ? null : { refusal: quota };
}

/** Whether the pool gives out nothing new, not even a share in an address that others hold. */
function closed({ pool }: PoolState): Offer | null {
  if (pool.suspended !== null) return refuse('PoolNotReady', `IPAddressPool ${pool.name} is not in use: see its conditions`);
  return pool.drain ? refuse('PoolDraining', `IPAddressPool ${pool.name} is being drained (spec.drain)`) : null;
}

function quotaRefusal(ledger: Ledger, entry: Entry, pool: PoolState, address: Address, plan: readonly Assignment[]): Refusal | null {
  const { namespace } = entry.request;
  const limit = pool.quota(ledger.labelsOf(namespace));
  if (limit === Number.POSITIVE_INFINITY) return null;
  // What other Services of the namespace hold counts whatever happens; of this one only what it is going to hold.
  const inPool = (list: readonly Assignment[]) => list.filter(a => ledger.poolOf(a.address) === pool).map(a => formatAddress(a.address));
  const own = new Set(inPool(entry.held).filter(text => pool.holdersIn(namespace, text) === 1));
  const after = new Set([...inPool(plan), formatAddress(address)].filter(text => own.has(text) || pool.holdersIn(namespace, text) === 0));
  if (after.size === 0 || pool.heldBy(namespace) - own.size + after.size <= limit) return null;
  return {
    reason: 'QuotaExceeded',
    message: `namespace ${namespace} may hold ${limit} address${limit === 1 ? '' : 'es'} of IPAddressPool ${pool.name}`,
    topics: [topic.quota(pool.name, namespace)],
  };
}
