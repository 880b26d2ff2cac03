import { type Labels, matches, type Pool, type Reservation } from '@herald/crds';
import { type Address, parseAddress } from '@herald/ip';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Allocator } from './allocator.ts';
import type { AllocationRequest, Claim } from './entry.ts';
import { pool, rangeSet, request, reservation, selector } from './fixtures.ts';
import { addressesOf, admits, isTaken, mayShare, newWorld, poolOf, release, settle, text, type World } from './reference.ts';

/** One thing that happens in a cluster. `object`: what it is about; only the order of what is about one object matters. */
type Change =
  | { readonly object: string; readonly type: 'config'; readonly pools: readonly Pool[]; readonly reservations: readonly Reservation[] }
  | { readonly object: string; readonly type: 'namespace'; readonly name: string; readonly labels: Labels }
  | { readonly object: string; readonly type: 'service'; readonly request: AllocationRequest; readonly claims: readonly Claim[] }
  | { readonly object: string; readonly type: 'gone'; readonly key: string }
  | { readonly object: string; readonly type: 'external'; readonly key: string; readonly addresses: readonly Address[] }
  | { readonly object: string; readonly type: 'conflict'; readonly address: Address; readonly lasts: number };

const names = ['a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'b/3'];
const v4 = ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.1.1', '10.0.1.2', '192.0.2.9'];
const v6 = ['fc00::', 'fc00::1', 'fc00::2', '2001:db8::9'];
const maybe = <T>(arbitrary: fc.Arbitrary<T>, otherwise: T) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary });
const teams = ['red', 'blue'].map(team => selector({ matchLabels: { team } }));

const poolArbitrary = (name: string, ranges: readonly (readonly string[])[]) =>
  fc
    .record({
      ranges: fc.constantFrom(...ranges),
      excluded: maybe(fc.constantFrom(rangeSet('10.0.0.1/32'), rangeSet('fc00::/128')), rangeSet()),
      autoAssign: maybe(fc.constant(false), true),
      avoidBuggyIPs: fc.boolean(),
      priority: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
      allocation: maybe(
        fc.record({
          namespaces: fc.constantFrom(new Set<string>(), new Set(['a'])),
          namespaceSelectors: fc.subarray(teams),
          serviceSelectors: fc.subarray([selector({ matchLabels: { x: 'y' } })]),
        }),
        null,
      ),
      drain: maybe(fc.constant(true), false),
      onRemoval: fc.constantFrom('Reallocate' as const, 'Keep' as const),
      reuseDelay: fc.constantFrom(0, 0, 7),
      allowCrossNamespaceSharing: fc.boolean(),
      quotas: maybe(
        fc.record({ namespaceSelector: fc.constantFrom(...teams), addresses: fc.nat(3) }).map(quota => [quota]),
        [],
      ),
    })
    .map(({ ranges, ...more }) => pool(name, ranges, more));

const poolsArbitrary = fc
  .tuple(
    fc.option(poolArbitrary('p', [['10.0.0.0/30'], ['10.0.0.0/31', 'fc00::/127'], ['10.0.0.2/31']])),
    fc.option(poolArbitrary('q', [['10.0.1.1-10.0.1.2'], ['10.0.1.1-10.0.1.2', 'fc00::2/128']])),
    fc.option(poolArbitrary('r', [['2001:db8::/127'], ['10.0.2.0/32', '2001:db8::/128']])),
  )
  .map(pools => pools.filter(each => each !== null));

const reservationArbitrary = fc
  .record({
    service: fc.constantFrom(...names),
    keeps: fc.constantFrom<{ addresses?: string[]; pool?: string; families?: (4 | 6)[] }>(
      { addresses: ['10.0.0.1'] },
      { addresses: ['10.0.1.1', 'fc00::'] },
      { pool: 'p', families: [4] },
      { pool: 'p', families: [4, 6] },
      { pool: 'q', families: [4] },
    ),
  })
  .map(({ service, keeps }) => reservation('r1', service, keeps));

const requestArbitrary: fc.Arbitrary<AllocationRequest> = fc
  .record({
    key: fc.constantFrom(...names),
    uid: maybe(fc.constant('other'), 'uid'),
    labels: fc.constantFrom<Labels>({}, { x: 'y' }),
    stack: fc.constantFrom(
      ...([
        { families: [4], policy: 'SingleStack' },
        { families: [6], policy: 'SingleStack' },
        { families: [4, 6], policy: 'PreferDualStack' },
        { families: [6, 4], policy: 'PreferDualStack' },
        { families: [4, 6], policy: 'RequireDualStack' },
      ] as const),
    ),
    addresses: maybe(fc.uniqueArray(fc.constantFrom(...v4, ...v6), { minLength: 1, maxLength: 2 }), []),
    pool: maybe(fc.constantFrom('p', 'q', 'none'), null as string | null),
    sharingKey: maybe(fc.constantFrom('k', 'l'), null as string | null),
    port: fc.constantFrom(80, 81, 82),
    trafficPolicy: fc.constantFrom('Cluster' as const, 'Cluster' as const, 'Local' as const),
    selector: fc.constantFrom('app=x', 'app=x', 'app=y', ''),
    problem: maybe(fc.constant({ reason: 'InvalidRequest' as const, message: 'x' }), null),
  })
  .map(({ key, stack, port, ...more }) =>
    request(key, { ...stack, ...more, createdAt: Number(key.slice(2)) % 2, ports: [{ protocol: 'TCP', port }] }),
  );

const changeArbitrary: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .tuple(poolsArbitrary, fc.option(reservationArbitrary))
      .map(
        ([pools, reserved]) => ({ object: 'config', type: 'config', pools, reservations: reserved === null ? [] : [reserved] }) as const,
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'b'), fc.constantFrom<Labels>({}, { team: 'red' }, { team: 'blue' }))
      .map(([name, labels]) => ({ object: `namespace ${name}`, type: 'namespace', name, labels }) as const),
  },
  {
    weight: 9,
    arbitrary: fc
      .tuple(requestArbitrary, fc.uniqueArray(fc.constantFrom(...v4, ...v6), { maxLength: 2 }))
      .map(
        ([wanted, held]) =>
          ({ object: wanted.key, type: 'service', request: wanted, claims: held.map(each => ({ address: parseAddress(each) })) }) as const,
      ),
  },
  { weight: 3, arbitrary: fc.constantFrom(...names).map(key => ({ object: key, type: 'gone', key }) as const) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...names, 'c/x'), fc.subarray(v4.slice(0, 3)))
      .map(([key, list]) => ({ object: `external ${key}`, type: 'external', key, addresses: list.map(parseAddress) }) as const),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...v4, ...v6), fc.nat(9))
      .map(
        ([address, lasts]) =>
          ({ object: `conflict ${address}`, type: 'conflict', address: parseAddress(address), lasts: lasts + 1 }) as const,
      ),
  },
);

const start: readonly Change[] = [
  { object: 'namespace a', type: 'namespace', name: 'a', labels: { team: 'red' } },
  { object: 'namespace b', type: 'namespace', name: 'b', labels: { team: 'blue' } },
  { object: 'config', type: 'config', pools: [], reservations: [] },
];

function tell(allocator: Allocator, change: Change, now: number): void {
  if (change.type === 'config') allocator.configure(change);
  else if (change.type === 'namespace') allocator.setNamespace(change.name, change.labels);
  else if (change.type === 'service') allocator.observe(change.request, change.claims);
  else if (change.type === 'gone') allocator.remove(change.key);
  else if (change.type === 'external') allocator.setExternalIPs(change.key, change.addresses);
  else allocator.reportConflict(change.address, now + change.lasts);
}

const incomplete = (known: { satisfied: boolean; held: readonly unknown[]; request: AllocationRequest }) =>
  !known.satisfied || known.held.length < known.request.families.length;

const json = (value: unknown) =>
  JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'bigint' ? `${v}` : v instanceof Set ? [...v] : v === Number.POSITIVE_INFINITY ? 'inf' : v,
  );

/** The same in the plain world. Which Services are looked at first is part of the rules: those that something changed for. */
function tellWorld(world: World, change: Change, now: number, gone: { key: string; held: readonly Address[] }[]): void {
  if (change.type === 'config') {
    const unchanged = new Set(world.pools.filter(p => change.pools.some(q => json(p) === json(q))).map(p => p.name));
    const all = unchanged.size === world.pools.length && unchanged.size === change.pools.length;
    if (!all) {
      for (const known of world.services.values()) {
        if (incomplete(known) || known.held.some(held => held.kept || !unchanged.has(held.pool) || world.conflicts.has(text(held.address))))
          known.dirty = true;
      }
    }
    world.pools = change.pools;
    world.reservations = change.reservations;
  } else if (change.type === 'namespace') {
    world.namespaces.set(change.name, { ...change.labels, 'kubernetes.io/metadata.name': change.name });
    for (const known of world.services.values()) if (known.request.namespace === change.name) known.dirty = true;
  } else if (change.type === 'service') {
    const known = world.services.get(change.request.key);
    if (known !== undefined && known.request.uid === change.request.uid) {
      known.request = change.request;
      known.dirty = true;
      return;
    }
    if (known !== undefined) gone.push({ key: change.request.key, held: known.isNew ? [] : known.held.map(held => held.address) });
    const held = change.claims.map(({ address }) => ({ address, pool: '', keep: false, kept: false }));
    world.services.set(change.request.key, {
      request: change.request,
      held,
      confirmed: false,
      dirty: true,
      isNew: true,
      satisfied: false,
      reason: '',
    });
  } else if (change.type === 'gone') {
    const known = world.services.get(change.key);
    if (known === undefined) return;
    world.services.delete(change.key);
    gone.push({ key: change.key, held: known.isNew ? [] : known.held.map(held => held.address) });
  } else if (change.type === 'external') {
    world.externals.set(change.key, change.addresses);
  } else {
    world.conflicts.set(text(change.address), now + change.lasts);
    for (const known of world.services.values())
      if (known.held.some(held => text(held.address) === text(change.address))) known.dirty = true;
  }
}

function heldBy(allocator: Allocator): Record<string, string> {
  return Object.fromEntries(
    names.flatMap(key => {
      const outcome = allocator.outcome(key);
      if (outcome === undefined) return [];
      return [[key, `${outcome.addresses.map(({ address, pool: from }) => `${text(address)} ${from}`).join(', ')} ${outcome.satisfied}`]];
    }),
  );
}

function heldIn(world: World): Record<string, string> {
  return Object.fromEntries(
    [...world.services].map(([key, { held, satisfied }]) => [
      key,
      `${held.map(({ address, pool: from }) => `${text(address)} ${from}`).join(', ')} ${satisfied}`,
    ]),
  );
}

/** What must hold whatever the rules of choice are. */
function checkInvariants(allocator: Allocator, world: World): void {
  const all = [...world.services.values()].map(({ request: wanted }) => ({ wanted, outcome: allocator.outcome(wanted.key) }));
  for (const { wanted, outcome } of all) {
    const seen = new Set<string>();
    for (const { address, pool: from, kept } of outcome?.addresses ?? []) {
      expect(seen.has(text(address))).toBe(false);
      seen.add(text(address));
      const within = poolOf(world, address);
      // Inside a pool that gives it out and admits the Service, or kept because its pool said so.
      if (!kept) {
        expect(within?.name).toBe(from);
        expect(
          within !== undefined && addressesOf(within, address.family).some(a => a.value === address.value) && admits(world, within, wanted),
        ).toBe(true);
      }
      for (const other of all) {
        if (other.wanted.key >= wanted.key || !other.outcome?.addresses.some(a => text(a.address) === text(address))) continue;
        expect(mayShare(wanted, other.wanted, within?.allowCrossNamespaceSharing === true)).toBe(true);
      }
    }
  }
  for (const { pool: name, family, assigned, available, capacity } of allocator.usage()) {
    const each = world.pools.find(p => p.name === name) as Pool;
    const usable = addressesOf(each, family);
    const ours = all
      .flatMap(({ outcome }) => outcome?.addresses ?? [])
      .filter(a => a.address.family === family && each.ranges.contains(a.address));
    expect({ capacity, available }).toEqual({
      capacity: BigInt(usable.length),
      available: BigInt(usable.filter(a => !isTaken(world, a)).length),
    });
    expect(assigned).toBe(BigInt(new Set(ours.map(a => text(a.address))).size));
  }
}

/** A list in another order, but with what is about one object in the order it had. */
function shuffled(changes: readonly Change[], seed: number): Change[] {
  const objects = [...new Set(changes.map(({ object }) => object))];
  const keys = new Map(objects.map((object, i) => [object, Math.imul(seed ^ (i + 1), 0x9e3779b1) >>> 0]));
  const queues = new Map(objects.map(object => [object, changes.filter(change => change.object === object)]));
  const order = changes
    .map(({ object }, i) => ({ object, key: Math.imul((keys.get(object) ?? 0) ^ (i + seed), 0x85ebca6b) >>> 0 }))
    .sort((a, b) => a.key - b.key);
  return order.flatMap(({ object }) => queues.get(object)?.shift() ?? []);
}

const numRuns = Number(process.env['HERALD_TEST_RUNS'] ?? 80);

// A loaded machine may take its time.
describe('random lives of a cluster', { timeout: 60_000 + numRuns * 500 }, () => {
  const life = fc.array(
    fc.record({ changes: fc.array(changeArbitrary, { minLength: 1, maxLength: 5 }), passes: fc.constantFrom(0, 1, 5), seed: fc.nat() }),
    {
      minLength: 1,
      maxLength: 14,
    },
  );

  test('agree with the plain rules after every step, in whatever order a step is told', () => {
    fc.assert(
      fc.property(life, steps => {
        const [allocator, other, world] = [new Allocator(), new Allocator(), newWorld()];
        let now = 0;
        for (const { changes, passes, seed } of [{ changes: start, passes: 0, seed: 0 }, ...steps]) {
          now += passes;
          const gone: { key: string; held: readonly Address[] }[] = [];
          for (const change of changes) tell(allocator, change, now);
          for (const change of shuffled(changes, seed)) tell(other, change, now);
          for (const change of changes) tellWorld(world, change, now, gone);
          const before = heldBy(allocator);
          for (const { key, held } of gone) for (const address of held) release(world, key, address, now);
          settle(world, now);
          const outcomes = allocator.settle(now);
          other.settle(now);
          expect(heldBy(allocator)).toEqual(heldIn(world));
          expect(heldBy(other)).toEqual(heldBy(allocator));
          checkInvariants(allocator, world);
          // Whoever was not among the outcomes did not change.
          const told = new Set(outcomes.map(({ key }) => key));
          for (const [key, held] of Object.entries(heldBy(allocator))) if (!told.has(key)) expect(held).toBe(before[key]);
          expect(allocator.settle(now)).toEqual([]);
        }
      }),
      { numRuns },
    );
  });

  test('survive a restart, told in any order, without any change of address', () => {
    fc.assert(
      fc.property(life, fc.nat(), (steps, seed) => {
        const allocator = new Allocator();
        const latest = new Map<string, Change>(start.map(change => [change.object, change]));
        let now = 0;
        for (const { changes, passes } of [{ changes: start, passes: 0 }, ...steps]) {
          now += passes;
          for (const change of changes) {
            tell(allocator, change, now);
            if (change.type !== 'conflict') latest.set(change.object, change);
          }
          allocator.settle(now);
        }
        const restarted = new Allocator();
        const state = [...latest.values()].map(
          (change): Change =>
            change.type !== 'service'
              ? change
              : {
                  ...change,
                  claims: (allocator.outcome(change.object)?.addresses ?? []).map(({ address, pool: from, keep }) => ({
                    address,
                    pool: from,
                    keep,
                  })),
                },
        );
        for (const change of shuffled(state, seed)) tell(restarted, change, now);
        restarted.settle(now);
        for (const key of names) {
          const addresses = (a: Allocator) => (a.outcome(key)?.addresses ?? []).map(({ address }) => text(address));
          // Nothing that was held is lost; what was waiting may be served, for rests and quarantines are not remembered.
          const after = addresses(restarted);
          for (const [i, address] of addresses(allocator).entries())
            if (allocator.outcome(key)?.satisfied === true) expect([after[i], after]).toEqual([address, after]);
        }
      }),
      { numRuns },
    );
  });
});

test('selectors of the fixtures select', () => {
  expect(teams.map(team => matches(team, { team: 'red' }))).toEqual([true, false]);
});
