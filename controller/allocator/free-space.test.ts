import { type Address, formatAddress, parseAddress } from '@herald/ip';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangeSet } from './fixtures.ts';
import { FreeSpace, isBuggy } from './free-space.ts';

/** Takes the lowest address until none is left. */
function drain(space: FreeSpace): string[] {
  const all: string[] = [];
  for (let address = space.lowest(); address !== undefined; address = space.lowest()) {
    space.take(address.value);
    all.push(formatAddress(address));
  }
  return all;
}

describe('FreeSpace', () => {
  test.each([
    ['one range', ['10.0.0.1-10.0.0.3'], false, ['10.0.0.1', '10.0.0.2', '10.0.0.3']],
    ['ranges out of order', ['10.0.0.8/31', '10.0.0.1-10.0.0.2'], false, ['10.0.0.1', '10.0.0.2', '10.0.0.8', '10.0.0.9']],
    ['both ends of all numbers', ['0.0.0.0/31', '255.255.255.254/31'], false, ['0.0.0.0', '0.0.0.1', '255.255.255.254', '255.255.255.255']],
    ['without .0 and .255', ['10.0.0.254-10.0.1.1', '10.0.7.255/32'], true, ['10.0.0.254', '10.0.1.1']],
    ['nothing but .0', ['10.0.0.0/32'], true, []],
    ['0.0.0.0 is buggy, too', ['0.0.0.0/30'], true, ['0.0.0.1', '0.0.0.2', '0.0.0.3']],
  ])('%s', (_, ranges, avoid, expected) => {
    const space = new FreeSpace(4, rangeSet(...ranges), avoid);
    expect(space.capacity).toBe(BigInt(expected.length));
    expect(drain(space)).toEqual(expected);
    expect(space.available).toBe(0n);
    for (const text of expected) space.free(parseAddress(text).value);
    expect(space.available).toBe(space.capacity);
    expect(drain(space)).toEqual(expected);
  });

  test('IPv6 is not touched by avoidBuggyIPs, and the other family is not in it', () => {
    const space = new FreeSpace(6, rangeSet('fc00::/126', '10.0.0.0/24'), true);
    expect(drain(space)).toEqual(['fc00::', 'fc00::1', 'fc00::2', 'fc00::3']);
  });

  test('addresses outside and doubled calls count for nothing', () => {
    const space = new FreeSpace(4, rangeSet('10.0.0.1-10.0.0.3'), false);
    const { value } = parseAddress('10.0.0.2');
    for (const other of ['10.0.0.0', '10.0.0.4', '9.0.0.1'].map(text => parseAddress(text).value)) {
      space.take(other);
      space.free(other);
    }
    space.take(value);
    space.take(value);
    expect(space.available).toBe(2n);
    space.free(value);
    space.free(value);
    expect(space.available).toBe(3n);
  });

  test('counts what is free, and offers the lowest of it, after any calls', () => {
    const base = parseAddress('10.0.0.240').value;
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 40n })), { maxLength: 80 }), (avoid, steps) => {
        const ranges = rangeSet('10.0.0.241-10.0.0.250', '10.0.0.253-10.0.1.7', '10.0.1.10-10.0.1.15');
        const space = new FreeSpace(4, ranges, avoid);
        const usable = Array.from({ length: 41 }, (_, i): Address => ({ family: 4, value: base + BigInt(i) })).filter(
          address => ranges.contains(address) && !(avoid && isBuggy(address.value)),
        );
        const taken = new Set<bigint>();
        for (const [take, offset] of steps) {
          const value = base + offset;
          if (take) {
            space.take(value);
            taken.add(value);
          } else {
            space.free(value);
            taken.delete(value);
          }
          const free = usable.filter(address => !taken.has(address.value));
          expect(space.available).toBe(BigInt(free.length));
          expect(space.lowest()).toEqual(free[0]);
        }
      }),
    );
  });

  test('a /8 and a /64 are counted exactly', () => {
    expect(new FreeSpace(4, rangeSet('10.0.0.0/8'), true).capacity).toBe((1n << 24n) - 2n * 65_536n);
    expect(new FreeSpace(6, rangeSet('fc00::/64'), false).capacity).toBe(1n << 64n);
  });
});
