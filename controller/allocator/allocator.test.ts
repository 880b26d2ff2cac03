import { formatAddress, parseAddress, RangeSet } from '@herald/ip';
import { describe, expect, test } from 'vitest';
import { Allocator } from './allocator.ts';
import type { AllocationRequest, Outcome } from './entry.ts';
import { answer, answers, claims, dual, pool, prefer, rangeSet, request, reservation, selector } from './fixtures.ts';

function allocator(pools = [pool('lan', ['10.0.0.1-10.0.0.3'])], reservations = [] as ReturnType<typeof reservation>[]): Allocator {
  const a = new Allocator();
  a.configure({ pools, reservations });
  a.setNamespace('a', { team: 'red' });
  a.setNamespace('b', { team: 'blue' });
  return a;
}

/** Tells of Services one after the other, each with what its status says, and settles after each. */
function serve(a: Allocator, ...requests: (AllocationRequest | [AllocationRequest, ...string[]])[]): Outcome[] {
  return requests.flatMap(each => {
    const [wanted, ...held] = Array.isArray(each) ? each : [each];
    a.observe(wanted, claims(...held));
    return a.settle(0);
  });
}

function port(number: number, protocol = 'TCP') {
  return { ports: [{ port: number, protocol }] };
}

describe('choice', () => {
  test('the lowest free address, and a freed one again', () => {
    const a = allocator();
    serve(a, request('a/1'), request('a/2'));
    expect(answers(a, 'a/1', 'a/2')).toEqual({ 'a/1': '10.0.0.1', 'a/2': '10.0.0.2' });
    a.remove('a/1');
    serve(a, request('a/3'), request('a/4'), request('a/5'));
    expect(answers(a, 'a/3', 'a/4', 'a/5')).toEqual({ 'a/3': '10.0.0.1', 'a/4': '10.0.0.3', 'a/5': '!PoolExhausted' });
  });

  const red = { namespaces: new Set<string>(), namespaceSelectors: [selector({ matchLabels: { team: 'red' } })], serviceSelectors: [] };
  const everyone = { namespaces: new Set<string>(), namespaceSelectors: [], serviceSelectors: [] };
  test.each([
    ['by name among equals', [pool('z', ['10.9.0.0/30']), pool('y', ['10.8.0.0/30'])], {}, '10.8.0.0'],
    [
      'by priority before name',
      [pool('z', ['10.9.0.0/30'], { priority: 5, allocation: everyone }), pool('y', ['10.8.0.0/30'])],
      {},
      '10.9.0.0',
    ],
    ['a lower number first', [pool('a', ['10.9.0.0/30'], { priority: 5 }), pool('b', ['10.8.0.0/30'], { priority: 2 })], {}, '10.8.0.0'],
    ['set aside before open', [pool('z', ['10.9.0.0/30'], { allocation: red }), pool('y', ['10.8.0.0/30'])], {}, '10.9.0.0'],
    [
      'not one set aside for others',
      [pool('a', ['10.9.0.0/30'], { allocation: { ...red, namespaceSelectors: [selector({ matchLabels: { team: 'nobody' } })] } })],
      {},
      '!NoEligiblePool',
    ],
    [
      'nor when asked for',
      [pool('a', ['10.9.0.0/30'], { allocation: { ...everyone, namespaces: new Set(['b']) } })],
      { pool: 'a' },
      '!NamespaceNotAllowed',
    ],
    [
      'nor by its labels',
      [pool('a', ['10.9.0.0/30'], { allocation: { ...everyone, serviceSelectors: [selector({ matchLabels: { x: 'y' } })] } })],
      { addresses: ['10.9.0.1'] },
      '!ServiceNotSelected',
    ],
    [
      'by labels of the Service',
      [pool('a', ['10.9.0.0/30'], { allocation: { ...red, serviceSelectors: [selector({ matchLabels: { x: 'y' } })] } })],
      { labels: { x: 'y' } },
      '10.9.0.0',
    ],
    ['without autoAssign only on request', [pool('a', ['10.9.0.0/30'], { autoAssign: false })], {}, '!NoEligiblePool'],
    ['without autoAssign by name of the pool', [pool('a', ['10.9.0.0/30'], { autoAssign: false })], { pool: 'a' }, '10.9.0.0'],
    ['without autoAssign by address', [pool('a', ['10.9.0.0/30'], { autoAssign: false })], { addresses: ['10.9.0.2'] }, '10.9.0.2'],
    ['excluded addresses are stepped over', [pool('a', ['10.9.0.0/30'], { excluded: rangeSet('10.9.0.0-10.9.0.1') })], {}, '10.9.0.2'],
    [
      'and refused by name',
      [pool('a', ['10.9.0.0/30'], { excluded: rangeSet('10.9.0.0/32') })],
      { addresses: ['10.9.0.0'] },
      '!AddressExcluded',
    ],
    ['avoidBuggyIPs steps over .0', [pool('a', ['10.9.0.0/30'], { avoidBuggyIPs: true })], {}, '10.9.0.1'],
    ['and refuses it by name', [pool('a', ['10.9.0.0/30'], { avoidBuggyIPs: true })], { addresses: ['10.9.0.0'] }, '!AddressBuggy'],
    ['across several ranges', [pool('a', ['10.9.0.255/32', '10.9.1.0-10.9.1.3'], { avoidBuggyIPs: true })], {}, '10.9.1.1'],
    ['nothing new from a drained pool', [pool('a', ['10.9.0.0/30'], { drain: true })], {}, '!PoolDraining'],
    ['the next pool when one is drained', [pool('a', ['10.9.0.0/30'], { drain: true }), pool('b', ['10.8.0.0/30'])], {}, '10.8.0.0'],
    ['no pool at all', [], {}, '!NoPool'],
    ['no pool of the family', [pool('a', ['fc00::/64'])], {}, '!NoPoolForFamily'],
    ['an unknown pool', [pool('a', ['10.9.0.0/30'])], { pool: 'lost' }, '!UnknownPool'],
    ['an address outside', [pool('a', ['10.9.0.0/30'])], { addresses: ['10.9.0.4'] }, '!AddressOutsidePools'],
    [
      'an address of another pool than asked',
      [pool('a', ['10.9.0.0/30']), pool('b', ['10.8.0.0/30'])],
      { pool: 'a', addresses: ['10.8.0.1'] },
      '!ContradictoryRequest',
    ],
    ['an address of a family it has not', [pool('a', ['fc00::/64'])], { addresses: ['fc00::1'] }, '!FamilyMismatch'],
    ['several of one family by name, as asked', [pool('a', ['10.9.0.0/29'])], { addresses: ['10.9.0.5', '10.9.0.2'] }, '10.9.0.5,10.9.0.2'],
    [
      'IPv6 first when asked so',
      [pool('a', ['10.9.0.0/29', 'fc00::/64'])],
      { ...dual, addresses: ['fc00::5', '10.9.0.2'] },
      'fc00::5,10.9.0.2',
    ],
    ['both families, IPv6 first', [pool('a', ['10.9.0.0/29', 'fc00::/64'])], { ...dual, families: [6, 4] as const }, 'fc00::,10.9.0.0'],
    ['both families from two pools', [pool('a', ['10.9.0.0/29']), pool('b', ['fc00::/64'])], dual, '10.9.0.0,fc00::'],
    ['one pool for both among equals', [pool('a', ['10.9.0.0/29']), pool('b', ['10.8.0.0/29', 'fc00::/64'])], dual, '10.8.0.0,fc00::'],
    [
      'but not against priority',
      [pool('a', ['10.9.0.0/29'], { priority: 1 }), pool('b', ['10.8.0.0/29', 'fc00::/64'], { priority: 2 })],
      dual,
      '10.9.0.0,fc00::',
    ],
    ['both required, one there', [pool('a', ['10.9.0.0/29'])], dual, '!DualStackUnavailable'],
    ['both preferred, one there', [pool('a', ['10.9.0.0/29'])], prefer, '10.9.0.0'],
    ['both preferred, the second there', [pool('a', ['fc00::/64'])], prefer, 'fc00::'],
    ['both preferred, one by name', [pool('a', ['10.9.0.0/29', 'fc00::/64'])], { ...prefer, addresses: ['10.9.0.7'] }, '10.9.0.7,fc00::'],
    ['both required, one by name', [pool('a', ['10.9.0.0/29', 'fc00::/64'])], { ...dual, addresses: ['10.9.0.7'] }, '!FamilyMismatch'],
  ])('%s', (_, pools, more, expected) => {
    const a = allocator(pools);
    serve(a, request('a/s', more));
    expect(answer(a.outcome('a/s'))).toBe(expected);
  });

  test('a single-stack Service of a dual-stack cluster gets one address', () => {
    const a = allocator([pool('a', ['10.9.0.0/29', 'fc00::/64'])]);
    serve(a, request('a/s', { families: [6], policy: 'SingleStack' }));
    expect(answer(a.outcome('a/s'))).toBe('fc00::');
  });
});

describe('what is held', () => {
  test('is confirmed before anything new is given, in whatever order Services are told', () => {
    const a = allocator();
    a.observe(request('a/new', { createdAt: 1 }), []);
    a.observe(request('a/old', { createdAt: 2 }), claims('10.0.0.1'));
    a.settle(0);
    expect(answers(a, 'a/new', 'a/old')).toEqual({ 'a/new': '10.0.0.2', 'a/old': '10.0.0.1' });
  });

  test('twice without agreement: the older Service keeps it, the other gets a new one and is told', () => {
    const a = allocator();
    a.observe(request('a/young', { createdAt: 2 }), claims('10.0.0.2'));
    a.observe(request('a/old', { createdAt: 1 }), claims('10.0.0.2'));
    const outcomes = a.settle(0);
    expect(answers(a, 'a/old', 'a/young')).toEqual({ 'a/old': '10.0.0.2', 'a/young': '10.0.0.1' });
    expect(outcomes.flatMap(o => o.changes.map(c => [o.key, c.event]))).toEqual([['a/young', 'AddressChanged']]);
  });

  test('outside every pool is not adopted', () => {
    const a = allocator();
    const [outcome] = serve(a, [request('a/s'), '192.0.2.1']);
    expect(answer(outcome)).toBe('10.0.0.1');
    expect(outcome?.changes).toMatchObject([
      { event: 'AddressChanged', message: expect.stringContaining('192.0.2.1 is replaced by 10.0.0.1') },
    ]);
  });

  test('later claims do not change what is known: neither wiped by hand nor edited by hand', () => {
    const a = allocator();
    serve(a, request('a/s'));
    expect(serve(a, request('a/s'), [request('a/s'), '10.0.0.3'])).toEqual([]);
    expect(answer(a.outcome('a/s'))).toBe('10.0.0.1');
    a.forget('a/s');
    serve(a, [request('a/s'), '10.0.0.3']);
    expect(answer(a.outcome('a/s'))).toBe('10.0.0.3');
  });

  test.each([
    ['an address that is taken', { addresses: ['10.0.0.2'] }, '10.0.0.1!AddressInUse'],
    ['an address outside', { addresses: ['10.0.9.2'] }, '10.0.0.1!AddressOutsidePools'],
    ['an unknown pool', { pool: 'lost' }, '10.0.0.1!UnknownPool'],
    ['a full pool', { pool: 'full' }, '10.0.0.1!PoolExhausted'],
    ['a contradiction', { problem: { reason: 'ContradictoryRequest' as const, message: 'two things' } }, '10.0.0.1!ContradictoryRequest'],
    ['a family that no pool has', dual, '10.0.0.1!DualStackUnavailable'],
    ['a family that no pool has yet', prefer, '10.0.0.1'],
  ])('is kept when the request is changed to %s', (_, more, expected) => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.3']), pool('full', ['10.5.0.1/32'], { autoAssign: false })]);
    serve(a, request('a/s'), request('a/other'), request('a/full', { pool: 'full' }));
    serve(a, request('a/s', more));
    expect(answer(a.outcome('a/s'))).toBe(expected);
  });

  test('moves when another address or pool is asked for and can be had', () => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.3']), pool('other', ['10.5.0.1/32'], { autoAssign: false })]);
    serve(a, request('a/s'));
    const [moved] = serve(a, request('a/s', { addresses: ['10.0.0.3'] }));
    expect(moved?.changes).toMatchObject([{ event: 'AddressChanged', from: parseAddress('10.0.0.1'), to: parseAddress('10.0.0.3') }]);
    serve(a, request('a/s', { pool: 'other' }));
    expect(answer(a.outcome('a/s'))).toBe('10.5.0.1');
    serve(a, request('a/s'));
    expect(answer(a.outcome('a/s'))).toBe('10.5.0.1');
  });

  test('transitions between families keep the first address', () => {
    const a = allocator([pool('v4', ['10.0.0.1-10.0.0.3'])]);
    serve(a, request('a/s', prefer));
    expect(answer(a.outcome('a/s'))).toBe('10.0.0.1');
    a.configure({ pools: [pool('v4', ['10.0.0.1-10.0.0.3']), pool('v6', ['fc00::/64'])], reservations: [] });
    expect(a.settle(0).flatMap(o => o.changes)).toMatchObject([{ event: 'AddressAdded', to: parseAddress('fc00::') }]);
    expect(answer(a.outcome('a/s'))).toBe('10.0.0.1,fc00::');
    serve(a, request('a/s', dual));
    expect(answer(a.outcome('a/s'))).toBe('10.0.0.1,fc00::');
    const [single] = serve(a, request('a/s', { families: [4] }));
    expect(answer(single)).toBe('10.0.0.1');
    expect(single?.changes).toMatchObject([{ event: 'AddressReleased', from: parseAddress('fc00::') }]);
    serve(a, request('a/s', dual));
    expect(answer(a.outcome('a/s'))).toBe('10.0.0.1,fc00::');
    // A pool that loses one family costs that family only.
    a.configure({ pools: [pool('v4', ['10.0.0.1-10.0.0.3'])], reservations: [] });
    a.settle(0);
    expect(answer(a.outcome('a/s'))).toBe('10.0.0.1!DualStackUnavailable');
  });
});

describe('pools change', () => {
  test('shrunk or gone: another address, and the change names both', () => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.3'])]);
    serve(a, request('a/1'), request('a/2'));
    a.configure({ pools: [pool('lan', ['10.0.0.2-10.0.0.3'])], reservations: [] });
    const outcomes = a.settle(0);
    expect(answers(a, 'a/1', 'a/2')).toEqual({ 'a/1': '10.0.0.3', 'a/2': '10.0.0.2' });
    expect(outcomes.flatMap(o => o.changes.map(c => c.message))).toEqual([
      '10.0.0.1 is replaced by 10.0.0.3 from IPAddressPool lan: IPAddressPool lan no longer contains it',
    ]);
    a.configure({ pools: [], reservations: [] });
    expect(a.settle(0).flatMap(o => o.changes.map(c => c.event))).toEqual(['AddressLost', 'AddressLost']);
    expect(answer(a.outcome('a/1'))).toBe('!NoPool');
  });

  test('renamed or split: the address stays, the name of its pool follows', () => {
    const a = allocator([pool('lan', ['10.0.0.0/29'])]);
    serve(a, request('a/1'));
    a.configure({ pools: [pool('new', ['10.0.0.0/30']), pool('rest', ['10.0.0.4/30'])], reservations: [] });
    expect(a.settle(0)).toMatchObject([{ key: 'a/1', addresses: [{ pool: 'new' }], changes: [] }]);
  });

  test('onRemoval: Keep holds on to it, through the loss of the range, of the pool, and a restart that is told', () => {
    const a = allocator([pool('lan', ['10.0.0.0/29'], { onRemoval: 'Keep' })]);
    serve(a, request('a/1'));
    a.configure({ pools: [pool('lan', ['10.0.1.0/29'], { onRemoval: 'Keep' })], reservations: [] });
    a.settle(0);
    expect(answer(a.outcome('a/1'))).toBe('10.0.0.0');
    a.configure({ pools: [pool('other', ['10.0.1.0/29'])], reservations: [] });
    a.settle(0);
    expect(answer(a.outcome('a/1'))).toBe('10.0.0.0');
    const restarted = allocator([pool('other', ['10.0.1.0/29'])]);
    restarted.observe(request('a/1'), [{ address: parseAddress('10.0.0.0'), pool: 'lan', keep: true }]);
    restarted.settle(0);
    expect(answer(restarted.outcome('a/1'))).toBe('10.0.0.0');
    // Nobody else gets it when a pool contains it again.
    restarted.configure({ pools: [pool('lan', ['10.0.0.0/29'])], reservations: [] });
    serve(restarted, request('a/2'));
    expect(answers(restarted, 'a/1', 'a/2')).toEqual({ 'a/1': '10.0.0.0', 'a/2': '10.0.0.1' });
  });

  test('an older pool that is edited into the range of a younger one takes nothing from its Services', () => {
    const young = pool('young', ['10.0.0.8/29']);
    const before = { pools: [pool('old', ['10.0.0.0/29']), young], reservations: [] };
    const a = allocator(before.pools);
    a.observe(request('a/a', { pool: 'young' }), []);
    a.observe(request('a/b', { addresses: ['10.0.0.9'] }), []);
    a.settle(0);
    const held = () => ['a/a', 'a/b'].map(key => a.outcome(key)?.addresses.map(each => `${formatAddress(each.address)} ${each.pool}`));
    expect(held()).toEqual([['10.0.0.8 young'], ['10.0.0.9 young']]);
    // It admits other namespaces only, and excludes one of the addresses: this would have been a hard reason twice.
    const old = pool('old', ['10.0.0.0/28'], {
      allocation: { namespaces: new Set(['other']), namespaceSelectors: [], serviceSelectors: [] },
      excluded: rangeSet('10.0.0.9-10.0.0.9'),
    });
    const suspended = { ...young, ranges: RangeSet.empty, drain: true, suspended: 'OverlapsOtherPool' as const };
    a.configure({ pools: [old, suspended], reservations: [] });
    a.settle(0);
    expect(held()).toEqual([['10.0.0.8 young'], ['10.0.0.9 young']]);
    // A restart knows the pool from the Announcements.
    const restarted = allocator([old, suspended]);
    restarted.observe(request('a/b'), [{ address: parseAddress('10.0.0.9'), pool: 'young', keep: false }]);
    restarted.settle(0);
    expect(answers(restarted, 'a/b')).toEqual({ 'a/b': '10.0.0.9' });
    // Mended, all is as before; and what the younger one gives up on purpose goes.
    a.configure(before);
    a.settle(0);
    expect(held()).toEqual([['10.0.0.8 young'], ['10.0.0.9 young']]);
    a.configure({ pools: [old, pool('young', ['10.0.1.0/29'])], reservations: [] });
    a.settle(0);
    expect(held()).toEqual([['10.0.1.0 young'], []]);
  });

  test('a namespace that is no longer admitted loses the address; a drained pool keeps it', () => {
    const red = { namespaces: new Set<string>(), namespaceSelectors: [selector({ matchLabels: { team: 'red' } })], serviceSelectors: [] };
    const a = allocator([pool('lan', ['10.0.0.0/29'], { allocation: red })]);
    serve(a, request('a/1'), request('b/1'));
    expect(answers(a, 'a/1', 'b/1')).toEqual({ 'a/1': '10.0.0.0', 'b/1': '!NoEligiblePool' });
    a.configure({ pools: [pool('lan', ['10.0.0.0/29'], { allocation: red, drain: true })], reservations: [] });
    a.settle(0);
    expect(answers(a, 'a/1')).toEqual({ 'a/1': '10.0.0.0' });
    a.setNamespace('a', {});
    a.setNamespace('b', { team: 'red' });
    a.settle(0);
    expect(answers(a, 'a/1', 'b/1')).toEqual({ 'a/1': '!NoEligiblePool', 'b/1': '!PoolDraining' });
  });

  test('a Service whose namespace was not told yet waits, and keeps what it has', () => {
    const a = allocator();
    serve(a, [request('c/held'), '10.0.0.2'], request('c/new'));
    expect(answers(a, 'c/held', 'c/new')).toEqual({ 'c/held': 'none', 'c/new': 'none' });
    a.setNamespace('c', {});
    a.settle(0);
    expect(answers(a, 'c/held', 'c/new')).toEqual({ 'c/held': '10.0.0.2', 'c/new': '10.0.0.1' });
  });
});

describe('sharing', () => {
  const key = { sharingKey: 'k' };
  test.each([
    ['same key, other port', key, { ...key, ...port(81) }, '10.0.0.1'],
    ['same key, same port of another protocol', key, { ...key, ...port(80, 'UDP') }, '10.0.0.1'],
    ['no key on the first', {}, { ...key, ...port(81) }, '!AddressInUse'],
    ['no key on the second', key, port(81), '!AddressInUse'],
    ['another key', key, { sharingKey: 'other', ...port(81) }, '!SharingKeyMismatch'],
    ['the same port', key, { ...key, ...port(80) }, '!SharingPortConflict'],
    ['another policy', key, { ...key, ...port(81), trafficPolicy: 'Local' as const }, '!SharingPolicyMismatch'],
    [
      'Local, another selector',
      { ...key, trafficPolicy: 'Local' as const },
      { ...key, ...port(81), trafficPolicy: 'Local' as const, selector: 'app=y' },
      '!SharingSelectorMismatch',
    ],
    [
      'Local, the same selector',
      { ...key, trafficPolicy: 'Local' as const },
      { ...key, ...port(81), trafficPolicy: 'Local' as const },
      '10.0.0.1',
    ],
    ['Cluster, another selector', key, { ...key, ...port(81), selector: 'app=y' }, '10.0.0.1'],
  ])('%s', (_, first, second, expected) => {
    const a = allocator();
    serve(a, request('a/1', first), request('a/2', { ...second, addresses: ['10.0.0.1'] }));
    expect(answer(a.outcome('a/2'))).toBe(expected);
    if (expected.startsWith('!')) expect(a.outcome('a/2')?.message).toContain('a/1');
  });

  test('across namespaces only when the pool allows it', () => {
    const a = allocator();
    const second = request('b/2', { ...key, ...port(81), addresses: ['10.0.0.1'] });
    serve(a, request('a/1', key), second);
    expect(answer(a.outcome('b/2'))).toBe('!SharingAcrossNamespaces');
    a.configure({ pools: [pool('lan', ['10.0.0.1-10.0.0.3'], { allowCrossNamespaceSharing: true })], reservations: [] });
    a.settle(0);
    expect(answer(a.outcome('b/2'))).toBe('10.0.0.1');
  });

  test('the key alone brings Services together, even when a lower address is free', () => {
    const a = allocator();
    serve(a, request('a/0'), request('a/1', key));
    a.remove('a/0');
    serve(a, request('a/2', { ...key, ...port(81) }), request('a/3', key));
    expect(answers(a, 'a/1', 'a/2', 'a/3')).toEqual({ 'a/1': '10.0.0.2', 'a/2': '10.0.0.2', 'a/3': '10.0.0.1' });
  });

  test('a drained pool gives out no shares either', () => {
    const a = allocator();
    serve(a, request('a/1', key));
    a.configure({ pools: [pool('lan', ['10.0.0.1-10.0.0.3'], { drain: true })], reservations: [] });
    serve(a, request('a/2', { ...key, ...port(81) }), request('a/3', { ...key, ...port(82), addresses: ['10.0.0.1'] }));
    expect(answers(a, 'a/1', 'a/2', 'a/3')).toEqual({ 'a/1': '10.0.0.1', 'a/2': '!PoolDraining', 'a/3': '!PoolDraining' });
  });

  test('who breaks the agreement moves; the others stay', () => {
    const a = allocator();
    serve(a, request('a/1', key), request('a/2', { ...key, ...port(81) }));
    serve(a, request('a/1', { sharingKey: 'other' }));
    expect(answers(a, 'a/1', 'a/2')).toEqual({ 'a/1': '10.0.0.2', 'a/2': '10.0.0.1' });
  });

  test('a shared port that comes free wakes who waits for it', () => {
    const a = allocator([pool('lan', ['10.0.0.1/32'])]);
    serve(a, request('a/1', key), request('a/2', key));
    expect(answer(a.outcome('a/2'))).toBe('!PoolExhausted');
    serve(a, request('a/1', { ...key, ...port(81) }));
    expect(answer(a.outcome('a/2'))).toBe('10.0.0.1');
  });
});

describe('keeping addresses', () => {
  test('a reservation keeps addresses for its Service, which gets them unasked', () => {
    const a = allocator(undefined, [reservation('r', 'a/vip', { addresses: ['10.0.0.1'] })]);
    serve(a, request('a/1'), request('b/2', { addresses: ['10.0.0.1'] }), request('a/vip'));
    expect(answers(a, 'a/1', 'b/2', 'a/vip')).toEqual({ 'a/1': '10.0.0.2', 'b/2': '!AddressInUse', 'a/vip': '10.0.0.1' });
    a.remove('a/vip');
    a.settle(0);
    expect(answer(a.outcome('b/2'))).toBe('!AddressReserved');
    a.configure({ pools: [pool('lan', ['10.0.0.1-10.0.0.3'])], reservations: [] });
    a.settle(0);
    expect(answer(a.outcome('b/2'))).toBe('10.0.0.1');
  });

  test('a reservation of a pool keeps room in it', () => {
    const a = allocator(undefined, [reservation('r', 'a/vip', { pool: 'lan' })]);
    serve(a, request('a/1'), request('a/2'), request('a/3'), request('a/4', { addresses: ['10.0.0.3'] }));
    expect(answers(a, 'a/1', 'a/2', 'a/3', 'a/4')).toEqual({
      'a/1': '10.0.0.1',
      'a/2': '10.0.0.2',
      'a/3': '!PoolExhausted',
      'a/4': '!AddressReserved',
    });
    serve(a, request('a/vip'));
    expect(answer(a.outcome('a/vip'))).toBe('10.0.0.3');
    a.remove('a/vip');
    a.settle(0);
    expect(answer(a.outcome('a/3'))).toBe('!PoolExhausted');
    a.remove('a/1');
    a.settle(0);
    expect(answers(a, 'a/3', 'a/4')).toEqual({ 'a/3': '10.0.0.1', 'a/4': '!AddressReserved' });
  });

  test('a reservation made while the pool is full is served first', () => {
    const a = allocator([pool('lan', ['10.0.0.1/32'])]);
    serve(a, request('a/1'), request('a/2'), request('a/vip', { createdAt: 9 }));
    a.configure({ pools: [pool('lan', ['10.0.0.1/32'])], reservations: [reservation('r', 'a/vip', { pool: 'lan' })] });
    a.settle(0);
    a.remove('a/1');
    a.settle(0);
    expect(answers(a, 'a/2', 'a/vip')).toEqual({ 'a/2': '!PoolExhausted', 'a/vip': '10.0.0.1' });
  });

  test('keep-ip keeps the addresses when the Service goes, at once and until a reservation takes over', () => {
    const a = allocator([pool('lan', ['10.0.0.1/32'])]);
    serve(a, request('a/1', { keepAddress: true }), request('a/2'));
    a.remove('a/1');
    a.settle(0);
    expect(answer(a.outcome('a/2'))).toBe('!PoolExhausted');
    expect(a.retained()).toEqual([{ namespace: 'a', name: '1', addresses: [parseAddress('10.0.0.1')] }]);
    a.configure({ pools: [pool('lan', ['10.0.0.1/32'])], reservations: [reservation('r', 'a/1', { addresses: ['10.0.0.1'] })] });
    a.settle(0);
    expect(a.retained()).toEqual([]);
    expect(answer(a.outcome('a/2'))).toBe('!PoolExhausted');
    serve(a, request('a/1', { uid: 'another', keepAddress: true }));
    expect(answer(a.outcome('a/1'))).toBe('10.0.0.1');
  });

  test('a released address rests for reuseDelay', () => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.2'], { reuseDelay: 1000 })]);
    serve(a, request('a/1'), request('a/2'));
    a.remove('a/1');
    a.observe(request('a/3'), []);
    a.observe(request('a/4', { addresses: ['10.0.0.1'] }), []);
    a.settle(500);
    expect(answers(a, 'a/3', 'a/4')).toEqual({ 'a/3': '!PoolExhausted', 'a/4': '!AddressResting' });
    expect(a.nextDeadline).toBe(1500);
    a.settle(1499);
    expect(answer(a.outcome('a/3'))).toBe('!PoolExhausted');
    a.settle(1500);
    expect(answers(a, 'a/3', 'a/4')).toEqual({ 'a/3': '10.0.0.1', 'a/4': '!AddressInUse' });
    expect(a.nextDeadline).toBeUndefined();
  });

  test('externalIPs of any Service are never given out, but to the Service itself when it asks', () => {
    const a = allocator();
    a.setExternalIPs('b/x', [parseAddress('10.0.0.1')]);
    serve(a, request('a/1'), request('a/2', { addresses: ['10.0.0.1'] }));
    expect(answers(a, 'a/1', 'a/2')).toEqual({ 'a/1': '10.0.0.2', 'a/2': '!AddressUsedAsExternalIP' });
    serve(a, request('b/x', { addresses: ['10.0.0.1'] }));
    expect(answer(a.outcome('b/x'))).toBe('10.0.0.1');
    a.remove('b/x');
    a.setExternalIPs('b/x', []);
    a.settle(0);
    expect(answer(a.outcome('a/2'))).toBe('10.0.0.1');
  });

  test('an address in conflict is left, unless it was asked for, and shunned for a while', () => {
    const a = allocator();
    serve(a, request('a/1'), request('a/2', { addresses: ['10.0.0.2'] }));
    a.reportConflict(parseAddress('10.0.0.1'), 1000);
    a.reportConflict(parseAddress('10.0.0.2'), 1000);
    const [moved] = a.settle(0);
    expect(answers(a, 'a/1', 'a/2')).toEqual({ 'a/1': '10.0.0.3', 'a/2': '10.0.0.2' });
    expect(moved?.changes[0]?.message).toContain('another machine in the network answers for it');
    serve(a, request('a/3'));
    expect(answer(a.outcome('a/3'))).toBe('!PoolExhausted');
    a.settle(1000);
    expect(answer(a.outcome('a/3'))).toBe('10.0.0.1');
  });

  test.each<[string, Parameters<typeof request>[1], Record<string, string>]>([
    ['together', {}, { 'a/1': '10.0.0.2', 'a/2': '10.0.0.2' }],
    ['but for the one that asked for it', { addresses: ['10.0.0.1'] }, { 'a/1': '10.0.0.2', 'a/2': '10.0.0.1' }],
  ])('Services that share an address in conflict leave it %s, and are told who has it', (_, asks, expected) => {
    const a = allocator();
    serve(a, request('a/1', { sharingKey: 'k', ...port(80) }), request('a/2', { sharingKey: 'k', ...port(81), ...asks }));
    expect(a.holdersOf(parseAddress('10.0.0.1'))).toEqual(['a/1', 'a/2']);
    a.reportConflict(parseAddress('10.0.0.1'), 1000, 'stranger X');
    const moved = a.settle(0);
    expect(answers(a, 'a/1', 'a/2')).toEqual(expected);
    const left = Object.values(expected).filter(address => address === '10.0.0.2');
    expect(moved.map(({ changes }) => changes[0]?.message)).toEqual(
      left.map(
        address => `10.0.0.1 is replaced by ${address} from IPAddressPool lan: another machine in the network answers for it (stranger X)`,
      ),
    );
    // Nobody goes back when the time is over.
    expect(a.settle(1000)).toEqual([]);
    expect(answers(a, 'a/1', 'a/2')).toEqual(expected);
  });

  test('an address in conflict is kept while there is no other', () => {
    const a = allocator([pool('lan', ['10.0.0.1/32'])]);
    serve(a, request('a/1'));
    a.reportConflict(parseAddress('10.0.0.1'), 1000);
    a.settle(0);
    expect(answer(a.outcome('a/1'))).toBe('10.0.0.1');
    a.configure({ pools: [pool('lan', ['10.0.0.1-10.0.0.2'])], reservations: [] });
    a.settle(0);
    expect(answer(a.outcome('a/1'))).toBe('10.0.0.2');
  });
});

describe('quotas', () => {
  const quotas = [{ namespaceSelector: selector({ matchLabels: { team: 'red' } }), addresses: 2 }];
  test('limit the distinct addresses of a namespace, and wake one who waits when one comes free', () => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.9'], { quotas })]);
    const shared = { sharingKey: 'k' };
    serve(a, request('a/1', shared), request('a/2'), request('a/3'), request('a/4'), request('b/1'));
    expect(answers(a, 'a/1', 'a/2', 'a/3', 'b/1')).toEqual({
      'a/1': '10.0.0.1',
      'a/2': '10.0.0.2',
      'a/3': '!QuotaExceeded',
      'b/1': '10.0.0.3',
    });
    serve(a, request('a/5', { ...shared, ports: [{ protocol: 'TCP', port: 81 }] }));
    expect(answer(a.outcome('a/5'))).toBe('10.0.0.1');
    a.remove('a/2');
    a.settle(0);
    expect(answers(a, 'a/3', 'a/4')).toEqual({ 'a/3': '10.0.0.2', 'a/4': '!QuotaExceeded' });
  });

  test('count both families of one Service, and let it move within its share', () => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.9', 'fc00::/64'], { quotas: [{ ...quotas[0]!, addresses: 1 }] })]);
    serve(a, request('a/1', dual));
    expect(answer(a.outcome('a/1'))).toBe('!DualStackUnavailable');
    serve(a, request('a/1', prefer));
    expect(answer(a.outcome('a/1'))).toBe('10.0.0.1');
    serve(a, request('a/1', { ...prefer, addresses: ['10.0.0.5'] }));
    expect(answer(a.outcome('a/1'))).toBe('10.0.0.5');
  });

  test('what is held beyond a new quota stays', () => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.9'])]);
    serve(a, request('a/1'), request('a/2'), request('a/3'));
    a.configure({ pools: [pool('lan', ['10.0.0.1-10.0.0.9'], { quotas })], reservations: [] });
    expect(a.settle(0)).toEqual([]);
  });
});

describe('waking', () => {
  test('one address that comes free costs a look at one of a thousand that wait, the oldest', () => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.3'])]);
    for (let i = 0; i < 1000; i++) a.observe(request(`a/${i}`, { createdAt: 1000 - i }), []);
    a.settle(0);
    expect(answers(a, 'a/999', 'a/998', 'a/997', 'a/996')).toEqual({
      'a/999': '10.0.0.1',
      'a/998': '10.0.0.2',
      'a/997': '10.0.0.3',
      'a/996': '!PoolExhausted',
    });
    const before = a.examined;
    a.remove('a/998');
    expect(a.settle(0).map(o => [o.key, o.addresses.map(({ address }) => formatAddress(address))])).toEqual([['a/996', ['10.0.0.2']]]);
    expect(a.examined - before).toBe(1);
  });

  test('a younger newcomer does not overtake an older one that waits', () => {
    const a = allocator([pool('lan', ['10.0.0.1/32'])]);
    serve(a, request('a/1', { createdAt: 1 }), request('a/2', { createdAt: 2 }));
    a.remove('a/1');
    a.observe(request('a/3', { createdAt: 3 }), []);
    a.settle(0);
    expect(answers(a, 'a/2', 'a/3')).toEqual({ 'a/2': '10.0.0.1', 'a/3': '!PoolExhausted' });
  });

  test('who asked for an address by name gets it when its holder moves away', () => {
    const a = allocator();
    serve(a, request('a/1'), request('a/2', { addresses: ['10.0.0.1'] }));
    expect(answer(a.outcome('a/2'))).toBe('!AddressInUse');
    serve(a, request('a/1', { addresses: ['10.0.0.3'] }));
    expect(answers(a, 'a/1', 'a/2')).toEqual({ 'a/1': '10.0.0.3', 'a/2': '10.0.0.1' });
  });

  test('a settled state settles to nothing, whatever is told again', () => {
    const a = allocator([pool('lan', ['10.0.0.1-10.0.0.3', 'fc00::/120'])]);
    const requests = ['a/1', 'a/2', 'b/3', 'b/4'].map(key => request(key, prefer));
    serve(a, ...requests);
    const before = a.examined;
    a.configure({ pools: [pool('lan', ['10.0.0.1-10.0.0.3', 'fc00::/120'])], reservations: [] });
    a.setNamespace('a', { team: 'red' });
    expect(serve(a, ...requests)).toEqual([]);
    expect(a.examined).toBe(before);
  });

  test('a deleted Service that is created anew under its name is another one', () => {
    const a = allocator();
    serve(a, request('a/1'), request('a/2'));
    a.remove('a/1');
    serve(a, request('a/0'), request('a/2', { uid: 'new' }));
    expect(answers(a, 'a/0', 'a/2')).toEqual({ 'a/0': '10.0.0.1', 'a/2': '10.0.0.2' });
  });

  test('a Service being deleted keeps its address and gets no other', () => {
    const a = allocator();
    serve(a, request('a/1'), request('a/1', { terminating: true }), request('a/2', { terminating: true }));
    expect(answers(a, 'a/1', 'a/2')).toEqual({ 'a/1': '10.0.0.1', 'a/2': '!NoEligiblePool' });
  });

  test('nothing is decided before there is a configuration', () => {
    const a = new Allocator();
    a.observe(request('a/1'), claims('10.0.0.1'));
    expect(a.settle(0)).toEqual([]);
    expect(a.outcome('a/1')).toBeUndefined();
  });
});

test('usage is exact for IPv6 pools beyond any number', () => {
  const a = allocator([pool('v6', ['fc00::/8', '10.0.0.0/24'], { avoidBuggyIPs: true, excluded: rangeSet('10.0.0.10-10.0.0.19') })]);
  serve(a, request('a/1', dual));
  expect(a.usage()).toEqual([
    { pool: 'v6', family: 4, capacity: 244n, assigned: 1n, available: 243n },
    { pool: 'v6', family: 6, capacity: 1n << 120n, assigned: 1n, available: (1n << 120n) - 1n },
  ]);
});
