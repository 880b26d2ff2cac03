import { BlockList } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { cidrOf, formatCidr, parseCidr } from './cidr.ts';
import { cidrRange, formatRange, parseRange, type Range, rangeCidrs, rangeCount, rangeOf, rangesOverlap } from './range.ts';
import { RangeSet } from './range-set.ts';

/** Small numbers, so that ranges meet; both ends of the number space, where arithmetic goes wrong. */
const bases = [
  { family: 4, base: 0n },
  { family: 4, base: (1n << 32n) - 64n },
  { family: 6, base: 0n },
  { family: 6, base: (1n << 128n) - 64n },
] as const;
const smallAddress: fc.Arbitrary<Address> = fc
  .tuple(fc.constantFrom(...bases), fc.nat(63))
  .map(([{ family, base }, n]) => ({ family, value: base + BigInt(n) }));
const smallRange: fc.Arbitrary<Range> = fc
  .tuple(fc.constantFrom(...bases), fc.nat(63), fc.nat(20))
  .map(([{ family, base }, n, length]) => ({
    first: { family, value: base + BigInt(n) },
    last: { family, value: base + BigInt(Math.min(n + length, 63)) },
  }));
const smallSet = fc.array(smallRange, { maxLength: 8 });
const everySmallAddress = bases.flatMap(({ family, base }) =>
  Array.from({ length: 64 }, (_, n): Address => ({ family, value: base + BigInt(n) })),
);
const inAny = (ranges: readonly Range[], a: Address) =>
  ranges.some(r => r.first.family === a.family && r.first.value <= a.value && a.value <= r.last.value);

describe('parseRange', () => {
  test.each([
    ['192.168.150.240-192.168.150.250', '192.168.150.240-192.168.150.250', 11n],
    ['10.0.0.0 - 10.0.0.255', '10.0.0.0/24', 256n],
    ['10.0.0.0/24', '10.0.0.0/24', 256n],
    [' 10.0.0.0/24 ', '10.0.0.0/24', 256n],
    ['10.0.0.7-10.0.0.7', '10.0.0.7', 1n],
    ['fc00::/64', 'fc00::/64', 1n << 64n],
    ['::/0', '::/0', 1n << 128n],
    ['0.0.0.0/0', '0.0.0.0/0', 1n << 32n],
    ['2001:db8::1-2001:db8::ff', '2001:db8::1-2001:db8::ff', 255n],
  ])('%s', (text, written, count) => {
    const range = parseRange(text);
    expect(formatRange(range)).toBe(written);
    expect(rangeCount(range)).toBe(count);
  });

  test.each([
    ['10.0.0.9-10.0.0.1', 'RANGE_REVERSED'],
    ['10.0.0.1-fc00::1', 'FAMILY_MISMATCH'],
    ['10.0.0.1', 'INVALID_RANGE'],
    ['', 'INVALID_RANGE'],
    ['10.0.0.1-', 'INVALID_ADDRESS'],
    ['-10.0.0.1', 'INVALID_ADDRESS'],
    ['10.0.0.1-10.0.0.2-10.0.0.3', 'INVALID_ADDRESS'],
    ['10.0.0.0/33', 'INVALID_PREFIX'],
    ['10.0.0.0/08', 'INVALID_PREFIX'],
    ['10.0.0.0/', 'INVALID_PREFIX'],
    ['10.0.0.0/-1', 'INVALID_ADDRESS'],
    ['10.0.0.0/24/8', 'INVALID_PREFIX'],
    ['fc00::/129', 'INVALID_PREFIX'],
    ['fe80::%eth0/64', 'ZONE'],
    ['10.0.0.5/8', 'HOST_BITS'],
  ])('refuses %s', (text, code) => {
    expect(() => parseRange(text)).toThrow(expect.objectContaining({ name: 'IpError', code }));
  });

  test('clears host bits when asked, and names the prefix meant when not', () => {
    expect(formatRange(parseRange('192.168.10.100/24', { hostBits: 'mask' }))).toBe('192.168.10.0/24');
    expect(() => parseCidr('192.168.10.100/24')).toThrow('192.168.10.0/24');
  });
});

test('a minimal cover covers exactly, with prefixes that cannot be joined', () => {
  fc.assert(
    fc.property(smallRange, range => {
      const cidrs = rangeCidrs(range);
      expect(RangeSet.of(cidrs.map(cidrRange)).equals(RangeSet.of([range]))).toBe(true);
      for (const [i, cidr] of cidrs.entries()) {
        expect(ipaddr.parseCIDR(formatCidr(cidr))[1]).toBe(cidr.prefixLength);
        const next = cidrs[i + 1];
        if (next === undefined || next.prefixLength !== cidr.prefixLength) continue;
        expect(formatCidr(cidrOf(next.address, next.prefixLength - 1))).not.toBe(formatCidr(cidrOf(cidr.address, cidr.prefixLength - 1)));
      }
    }),
  );
  expect(rangeCidrs(parseRange('::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe'))).toHaveLength(254);
});

describe('RangeSet', () => {
  test('union, difference and intersection hold for every address', () => {
    fc.assert(
      fc.property(smallSet, smallSet, (a, b) => {
        const [x, y] = [RangeSet.of(a), RangeSet.of(b)];
        const [union, difference, intersection] = [x.union(y), x.difference(y), x.intersection(y)];
        let count = 0n;
        for (const address of everySmallAddress) {
          const [inA, inB] = [inAny(a, address), inAny(b, address)];
          if (inA) count++;
          expect(x.contains(address)).toBe(inA);
          expect(union.contains(address)).toBe(inA || inB);
          expect(difference.contains(address)).toBe(inA && !inB);
          expect(intersection.contains(address)).toBe(inA && inB);
        }
        expect(x.count()).toBe(count);
        expect(x.count(4) + x.count(6)).toBe(count);
        expect(x.overlaps(y)).toBe(!intersection.isEmpty);
        expect(a.some(r => b.some(s => rangesOverlap(r, s)))).toBe(!intersection.isEmpty);
        expect(x.equals(RangeSet.of([...a].reverse()))).toBe(true);
        expect(difference.union(intersection).equals(x)).toBe(true);
      }),
    );
  });

  test('ranges are sorted, disjoint and not adjacent', () => {
    fc.assert(
      fc.property(smallSet, ranges => {
        const set = RangeSet.of(ranges);
        for (const [i, range] of set.ranges.entries()) {
          const next = set.ranges[i + 1];
          if (next?.first.family === range.last.family) expect(next.first.value > range.last.value + 1n).toBe(true);
        }
      }),
    );
  });

  test('contains what net.BlockList contains', () => {
    fc.assert(
      fc.property(smallSet, smallAddress, (ranges, address) => {
        const list = new BlockList();
        for (const cidr of RangeSet.of(ranges).cidrs()) {
          list.addSubnet(formatAddress(cidr.address), cidr.prefixLength, cidr.address.family === 4 ? 'ipv4' : 'ipv6');
        }
        // BlockList takes an IPv4-mapped address for the IPv4 one; none of these is mapped.
        expect(RangeSet.of(ranges).contains(address)).toBe(list.check(formatAddress(address), address.family === 4 ? 'ipv4' : 'ipv6'));
      }),
    );
  });

  test('counts what no number can hold', () => {
    expect(RangeSet.of([parseRange('::/0'), parseRange('0.0.0.0/0')]).count()).toBe((1n << 128n) + (1n << 32n));
  });

  test('the empty set', () => {
    expect(RangeSet.of([]).isEmpty).toBe(true);
    expect(RangeSet.empty.union(RangeSet.of([rangeOf(parseAddress('10.0.0.1'), parseAddress('10.0.0.2'))])).count(4)).toBe(2n);
    expect(RangeSet.empty.cidrs()).toEqual([]);
  });
});
