import { type Labels, matches, matchesAny, type Pool, type Reservation } from '@herald/crds';
import { type Address, type Family, formatAddress, rangeCount } from '@herald/ip';
import type { AllocationRequest, Assignment } from './entry.ts';

/**
 * The rules of assignment written down a second time, for the model-based test: without any index, structure or waking. It walks every
 * address of every pool and, after each change, looks at every Service again, the oldest first. Slow, and plain enough to be read as the specification.
 */
export interface World {
  pools: readonly Pool[];
  reservations: readonly Reservation[];
  namespaces: Map<string, Labels>;
  services: Map<string, Known>;
  externals: Map<string, readonly Address[]>;
  /** Until when addresses are shunned. */
  conflicts: Map<string, number>;
  /** Until when released addresses rest, and who had them. */
  rests: Map<string, { until: number; holder: string }>;
}

interface Known {
  request: AllocationRequest;
  held: Assignment[];
  /** What is held may be taken into account by others. */
  confirmed: boolean;
  /** To be looked at before the others, because something about it changed. */
  dirty: boolean;
  isNew: boolean;
  satisfied: boolean;
  reason: string;
}

export function newWorld(): World {
  return {
    pools: [],
    reservations: [],
    namespaces: new Map(),
    services: new Map(),
    externals: new Map(),
    conflicts: new Map(),
    rests: new Map(),
  };
}

export const text = formatAddress;
const equal = (a: Address, b: Address) => text(a) === text(b);

function older(a: Known, b: Known): number {
  return a.request.createdAt - b.request.createdAt || (a.request.key < b.request.key ? -1 : 1);
}

function familiesOf({ policy, families }: AllocationRequest): readonly Family[] {
  return policy === 'SingleStack' ? families.slice(0, 1) : families;
}

/** Every address of a pool that may be given out, ascending. */
export function addressesOf(pool: Pool, family: Family): Address[] {
  const all: Address[] = [];
  for (const range of pool.ranges.ranges) {
    if (range.first.family !== family) continue;
    for (let i = 0n; i < rangeCount(range); i++) all.push({ family, value: range.first.value + i });
  }
  return all.filter(
    address => !pool.excluded.contains(address) && !(pool.avoidBuggyIPs && family === 4 && /\.(0|255)$/.test(text(address))),
  );
}

export function poolOf(world: World, address: Address): Pool | undefined {
  return world.pools.find(pool => pool.ranges.contains(address));
}

/** Pools in the order in which they are tried. */
function ranked(world: World): Pool[] {
  return world.pools.toSorted(
    (a, b) => rank(a) - rank(b) || Number(a.allocation === null) - Number(b.allocation === null) || (a.name < b.name ? -1 : 1),
  );
}

const rank = (pool: Pool) => Math.min(pool.priority, 1e9);
const level = (pool: Pool) => `${rank(pool)} ${pool.allocation === null}`;

export function admits(world: World, pool: Pool, request: AllocationRequest): boolean {
  if (pool.allocation === null) return true;
  const { namespaces, namespaceSelectors, serviceSelectors } = pool.allocation;
  const labels = world.namespaces.get(request.namespace) ?? {};
  const namespaceSide =
    namespaces.size + namespaceSelectors.length === 0 ||
    namespaces.has(request.namespace) ||
    namespaceSelectors.some(selector => matches(selector, labels));
  return namespaceSide && matchesAny(serviceSelectors, request.labels);
}

export function mayShare(a: AllocationRequest, b: AllocationRequest, across: boolean): boolean {
  return (
    a.sharingKey !== null &&
    a.sharingKey === b.sharingKey &&
    (across || a.namespace === b.namespace) &&
    !a.ports.some(p => b.ports.some(q => p.port === q.port && p.protocol === q.protocol)) &&
    a.trafficPolicy === b.trafficPolicy &&
    (a.trafficPolicy === 'Cluster' || (a.selector !== '' && a.selector === b.selector))
  );
}

function holders(world: World, address: Address): Known[] {
  return [...world.services.values()].filter(known => !known.isNew && known.held.some(held => equal(held.address, address)));
}

/** Whether anything at all keeps the address from being free. */
export function isTaken(world: World, address: Address): boolean {
  const key = text(address);
  return (
    holders(world, address).length > 0 ||
    world.reservations.some(r => r.addresses.some(a => equal(a, address))) ||
    [...world.externals.values()].flat().some(a => equal(a, address)) ||
    world.rests.has(key) ||
    world.conflicts.has(key)
  );
}

/** Whether it may hold the address together with those who hold it. */
function fits(world: World, known: Known, address: Address): boolean {
  const across = poolOf(world, address)?.allowCrossNamespaceSharing === true;
  return holders(world, address).every(other => other === known || !other.confirmed || mayShare(known.request, other.request, across));
}

function isGiveable(world: World, known: Known, pool: Pool, address: Address, asked: boolean, plan: readonly Assignment[]): boolean {
  const { key, namespace } = known.request;
  const name = text(address);
  if (!addressesOf(pool, address.family).some(a => equal(a, address))) return false;
  if (!admits(world, pool, known.request) || pool.drain || !fits(world, known, address)) return false;
  if ([...world.externals].some(([owner, list]) => !(asked && owner === key) && list.some(a => equal(a, address)))) return false;
  if (world.conflicts.has(name) && !asked) return false;
  if (holders(world, address).length === 0) {
    const reserved = world.reservations.find(r => r.addresses.some(a => equal(a, address)));
    if (reserved !== undefined && `${reserved.service.namespace}/${reserved.service.name}` !== key) return false;
    const rest = world.rests.get(name);
    if (rest !== undefined && rest.holder !== key) return false;
  }
  if (!isTaken(world, address) && spare(world, pool, address.family, key) <= 0) return false;
  // Under a quota, what the namespace would hold afterwards counts.
  const labels = world.namespaces.get(namespace) ?? {};
  const limit = Math.min(...pool.quotas.filter(q => matches(q.namespaceSelector, labels)).map(q => q.addresses), Number.POSITIVE_INFINITY);
  const others = new Set(
    [...world.services.values()]
      .filter(other => other !== known && other.request.namespace === namespace)
      .flatMap(other => other.held.filter(held => pool.ranges.contains(held.address)).map(held => text(held.address))),
  );
  if (others.has(name)) return true;
  const own = new Set(
    plan.filter(held => pool.ranges.contains(held.address) && !others.has(text(held.address))).map(held => text(held.address)),
  );
  return others.size + own.add(name).size <= limit;
}

/** Free addresses of the pool, less those kept for other Services. */
function spare(world: World, pool: Pool, family: Family, key: string): number {
  const free = addressesOf(pool, family).filter(address => !isTaken(world, address)).length;
  const kept = world.reservations.filter(({ pool: name, families, service }) => {
    const owner = `${service.namespace}/${service.name}`;
    if (name !== pool.name || !families.includes(family) || owner === key) return false;
    return world.services.get(owner)?.held.some(held => held.address.family === family && pool.ranges.contains(held.address)) !== true;
  });
  return free - kept.length;
}

function offer(world: World, known: Known, pool: Pool, family: Family, plan: readonly Assignment[]): Assignment | null {
  const all = addressesOf(pool, family);
  const { sharingKey } = known.request;
  const shared = all.filter(
    address => sharingKey !== null && holders(world, address).some(holder => holder.request.sharingKey === sharingKey),
  );
  const free = all.filter(address => !isTaken(world, address)).slice(0, 1);
  const found =
    shared.find(address => isGiveable(world, known, pool, address, false, plan)) ??
    free.find(address => isGiveable(world, known, pool, address, false, plan));
  return found === undefined ? null : given(found, pool);
}

function given(address: Address, pool: Pool): Assignment {
  return { address, pool: pool.name, keep: pool.onRemoval === 'Keep', kept: false };
}

function named(world: World, known: Known, address: Address, plan: readonly Assignment[]): Assignment | null {
  if (!known.request.families.includes(address.family)) return null;
  const held = known.held.find(h => equal(h.address, address));
  const pool = poolOf(world, address);
  const poolName = held?.pool ?? pool?.name;
  if (known.request.pool !== null && known.request.pool !== poolName) return null;
  if (held !== undefined) return held;
  return pool !== undefined && isGiveable(world, known, pool, address, true, plan) ? given(address, pool) : null;
}

function reserved(world: World, known: Known, family: Family, plan: readonly Assignment[]): Assignment | null {
  for (const { service, addresses, pool: name, families } of world.reservations) {
    if (`${service.namespace}/${service.name}` !== known.request.key) continue;
    for (const address of addresses.filter(a => a.family === family && !world.conflicts.has(text(a)))) {
      const found = named(world, known, address, plan);
      if (found !== null) return found;
    }
    const pool = world.pools.find(p => p.name === name);
    if (pool === undefined || !families.includes(family) || (known.request.pool ?? name) !== name || !admits(world, pool, known.request))
      continue;
    const found = offer(world, known, pool, family, plan);
    if (found !== null) return found;
  }
  return null;
}

/** What the Service is to hold, in order; null: what it holds, because the request cannot be met. */
function decide(world: World, known: Known): Assignment[] | null {
  const { request, held } = known;
  if (request.problem !== null) return null;
  const chosen: Assignment[] = [];
  for (const address of request.addresses) {
    const found = named(world, known, address, chosen);
    if (found === null) return null;
    chosen.push(found);
  }
  const open = familiesOf(request).filter(family => !chosen.some(({ address }) => address.family === family));
  if (open.length === 0) return chosen;
  if (chosen.length > 0 && request.policy === 'RequireDualStack') return null;
  const suits = (a: Assignment) => request.pool === null || request.pool === a.pool;
  const stays = open.flatMap(
    family => held.find(h => h.address.family === family && suits(h) && !world.conflicts.has(text(h.address))) ?? [],
  );
  const plan = [...chosen, ...stays];
  const missing = () =>
    open.filter(family => !plan.some(({ address }) => address.family === family && !chosen.some(c => equal(c.address, address))));
  const wantedFirst = missing();
  const before = [...plan];
  for (const family of missing()) {
    const found = reserved(world, known, family, plan);
    if (found !== null) plan.push(found);
  }
  const pools = ranked(world).filter(
    pool => (request.pool === null ? pool.autoAssign : pool.name === request.pool) && admits(world, pool, request),
  );
  for (const each of new Set(pools.map(level))) {
    const used = (pool: Pool) => held.some(h => h.pool === pool.name);
    const group = pools.filter(pool => level(pool) === each).sort((a, b) => Number(used(b)) - Number(used(a)));
    const wanted = missing();
    if (wanted.length > 1) {
      for (const pool of group) {
        const both: Assignment[] = [];
        for (const family of wanted)
          both.push(...([offer(world, known, pool, family, [...plan, ...both])].filter(Boolean) as Assignment[]));
        if (both.length === wanted.length) {
          plan.push(...both);
          break;
        }
      }
    }
    for (const family of missing()) {
      for (const pool of group) {
        const found = offer(world, known, pool, family, plan);
        if (found === null) continue;
        plan.push(found);
        break;
      }
    }
  }
  // A quota used up by one family must not keep the other out while there is another way.
  if (wantedFirst.length > 1 && missing().length === 1) {
    const [one, two] = wantedFirst as [Family, Family];
    const pairs = pools.flatMap(p => {
      const first = offer(world, known, p, one, before);
      return first === null
        ? []
        : pools.flatMap(q =>
            [offer(world, known, q, two, [...before, first])].flatMap(second => (second === null ? [] : [[first, second]])),
          );
    });
    if (pairs[0] !== undefined) plan.splice(0, plan.length, ...before, ...pairs[0]);
  }
  // Better an address in conflict than none.
  for (const family of missing()) plan.push(...held.filter(h => h.address.family === family && suits(h)).slice(0, 1));
  const unmet = missing();
  if (unmet.length > 0 && (request.policy !== 'PreferDualStack' || plan.length === 0)) return null;
  const rest = request.families.flatMap(family => plan.filter(({ address }) => address.family === family));
  const isHeld = (a: Assignment) => held.some(h => equal(h.address, a.address));
  const placed: Assignment[] = [];
  for (const { address } of held) {
    const next = rest.find(a => equal(a.address, address)) ?? rest.find(a => a.address.family === address.family && !isHeld(a));
    if (next !== undefined) placed.push(...rest.splice(rest.indexOf(next), 1));
  }
  return [...placed, ...rest];
}

function confirm(world: World, known: Known, now: number): void {
  const { request } = known;
  const room = new Map(familiesOf(request).map(family => [family, Math.max(1, request.addresses.filter(a => a.family === family).length)]));
  const asked = (held: Assignment) => request.addresses.some(a => equal(a, held.address));
  const staying = new Set<Assignment>();
  const kept = new Map<Assignment, Assignment>();
  for (const held of [...known.held.filter(asked), ...known.held.filter(h => !asked(h))]) {
    const left = room.get(held.address.family) ?? 0;
    const pool = poolOf(world, held.address);
    const valid =
      pool !== undefined && addressesOf(pool, held.address.family).some(a => equal(a, held.address)) && admits(world, pool, request);
    const origin = world.pools.find(p => p.name === held.pool);
    const keep = origin === undefined ? held.keep : origin.onRemoval === 'Keep';
    if ((request.problem === null && left === 0) || !(valid || keep) || !fits(world, known, held.address)) continue;
    room.set(held.address.family, left - 1);
    staying.add(held);
    kept.set(held, valid ? given(held.address, pool) : { ...held, keep: true, kept: true });
  }
  const before = known.held;
  known.held = before.flatMap(held => (staying.has(held) ? [kept.get(held) as Assignment] : []));
  known.confirmed = true;
  for (const { address } of known.held) world.rests.delete(text(address));
  // A claim that is not adopted was never held.
  for (const held of before) if (!staying.has(held) && !known.isNew) release(world, known.request.key, held.address, now);
}

/** An address that nobody holds any more rests as long as its pool says. */
export function release(world: World, key: string, address: Address, now: number): void {
  const pool = poolOf(world, address);
  if (pool === undefined || pool.reuseDelay === 0 || holders(world, address).length > 0) return;
  world.rests.set(text(address), { until: now + pool.reuseDelay, holder: key });
}

/** Decides everything that is due. */
export function settle(world: World, now: number): void {
  for (const [key, until] of world.conflicts) if (until <= now) world.conflicts.delete(key);
  for (const [key, { until }] of world.rests) if (until <= now) world.rests.delete(key);
  const dirty = [...world.services.values()].filter(known => known.dirty).sort((a, b) => Number(a.isNew) - Number(b.isNew) || older(a, b));
  for (const known of dirty) known.confirmed = false;
  for (const known of dirty) {
    confirm(world, known, now);
    known.dirty = false;
    known.isNew = false;
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const known of [...world.services.values()].sort(older)) {
      const target = decide(world, known);
      known.satisfied = target !== null;
      if (target === null || same(target, known.held)) continue;
      const before = known.held;
      known.held = target;
      for (const { address } of target) world.rests.delete(text(address));
      for (const { address } of before) if (!target.some(t => equal(t.address, address))) release(world, known.request.key, address, now);
      changed = true;
      break;
    }
  }
}

function same(a: readonly Assignment[], b: readonly Assignment[]): boolean {
  return a.length === b.length && a.every((x, i) => equal(x.address, (b[i] as Assignment).address));
}
