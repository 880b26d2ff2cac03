import { expect, test } from 'vitest';
import { Allocator } from './allocator.ts';
import { pool, request } from './fixtures.ts';

/** How many Services are looked at for each of some changes, in a cluster of this size with as many waiting as served. */
function looksAt(size: number): Record<string, number> {
  const allocator = new Allocator();
  const config = {
    pools: [pool('lan', [`10.0.0.0-10.0.${size >> 8}.${size & 255}`]), pool('spare', ['10.1.0.0/16'], { autoAssign: false })],
    reservations: [],
  };
  allocator.configure(config);
  for (const namespace of ['a', 'b']) allocator.setNamespace(namespace, {});
  for (let i = 0; i <= 2 * size; i++) allocator.observe(request(`a/${i}`, { createdAt: i }), []);
  allocator.settle(0);
  const cost = (change: () => void): number => {
    const before = allocator.examined;
    change();
    allocator.settle(0);
    return allocator.examined - before;
  };
  return {
    'a Service comes and has to wait': cost(() => allocator.observe(request('b/new', { createdAt: 9e9 }), [])),
    'its labels change': cost(() => allocator.observe(request('b/new', { createdAt: 9e9, labels: { x: 'y' } }), [])),
    'it asks for an address that is taken': cost(() =>
      allocator.observe(request('b/new', { createdAt: 9e9, addresses: ['10.0.0.1'] }), []),
    ),
    'the holder of that address goes': cost(() => allocator.remove('a/1')),
    'a Service with an address goes, and one of those that wait gets it': cost(() => allocator.remove('a/2')),
    'a Service moves to another pool': cost(() => allocator.observe(request('a/3', { createdAt: 3, pool: 'spare' }), [])),
    'nothing changes': cost(() => {
      allocator.configure(config);
      allocator.setNamespace('a', {});
      allocator.observe(request('a/4', { createdAt: 4 }), []);
    }),
  };
}

test('a change costs the same among thousands as among ten', () => {
  const few = looksAt(10);
  expect(few).toEqual({
    'a Service comes and has to wait': 1,
    'its labels change': 1,
    'it asks for an address that is taken': 1,
    // Both who asked for it and the first of those who wait for any address.
    'the holder of that address goes': 2,
    'a Service with an address goes, and one of those that wait gets it': 1,
    'a Service moves to another pool': 2,
    'nothing changes': 0,
  });
  expect(looksAt(3000)).toEqual(few);
});
