import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { Address6 } from 'ip-address';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import {
  type Address,
  addressFromBytes,
  addressOf,
  addressToBytes,
  compareAddresses,
  formatAddress,
  parseAddress,
  tryParseAddress,
} from './address.ts';
import { IpError } from './error.ts';

const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  fc.nat({ max: 0xffff_ffff }).map(n => ({ family: 4, value: BigInt(n) }) as const),
  fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(value => ({ family: 6, value }) as const),
  // Groups that are mostly zero, where the shortening rules matter.
  fc
    .array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat({ max: 0xffff }) }), {
      minLength: 8,
      maxLength: 8,
    })
    .map(groups => ({ family: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) }) as const),
);

/** Text that is nearly an address. */
const nearlyAddress = fc
  .tuple(anyAddress, fc.nat(60), fc.constantFrom('', ':', '.', '0', '::', 'f', 'g', '%eth0', '/', ' ', '1', '-', '256'), fc.nat(3))
  .map(([address, at, insert, remove]) => {
    const text = formatAddress(address);
    const i = at % (text.length + 1);
    return text.slice(0, i) + insert + text.slice(i + remove);
  });

describe('parseAddress', () => {
  test.each([
    ['192.168.150.240', 4, 0xc0a896f0n],
    ['0.0.0.0', 4, 0n],
    ['255.255.255.255', 4, 0xffffffffn],
    ['::', 6, 0n],
    ['::1', 6, 1n],
    ['2001:DB8::a', 6, 0x20010db8_00000000_00000000_0000000an],
    ['1:2:3:4:5:6:7::', 6, 0x0001_0002_0003_0004_0005_0006_0007_0000n],
    ['::2:3:4:5:6:7:8', 6, 0x0000_0002_0003_0004_0005_0006_0007_0008n],
    ['::ffff:192.0.2.1', 6, 0xffff_c000_0201n],
    ['64:ff9b::192.0.2.33', 6, 0x0064_ff9b_0000_0000_0000_0000_c000_0221n],
  ] as const)('%s', (text, family, value) => {
    expect(parseAddress(text)).toEqual({ family, value });
  });

  test.each([
    ['', 'INVALID_ADDRESS'],
    ['10.1', 'INVALID_ADDRESS'],
    ['1', 'INVALID_ADDRESS'],
    ['0x0a.0.0.1', 'INVALID_ADDRESS'],
    ['010.0.0.1', 'LEADING_ZERO'],
    ['10.0.00.1', 'LEADING_ZERO'],
    ['10.0.0.256', 'INVALID_ADDRESS'],
    ['10.0.0.1.', 'INVALID_ADDRESS'],
    ['10.0.0.1 ', 'INVALID_ADDRESS'],
    ['10.0.0.1/32', 'INVALID_ADDRESS'],
    ['fe80::1%eth0', 'ZONE'],
    ['1::2::3', 'INVALID_ADDRESS'],
    ['1:2:3:4:5:6:7:8::', 'INVALID_ADDRESS'],
    ['1:2:3:4:5:6:7', 'INVALID_ADDRESS'],
    ['1:2:3:4:5:6:7:', 'INVALID_ADDRESS'],
    [':1:2:3:4:5:6:7', 'INVALID_ADDRESS'],
    [':::', 'INVALID_ADDRESS'],
    ['12345::', 'INVALID_ADDRESS'],
    ['::1.2.3', 'INVALID_ADDRESS'],
    ['1.2.3.4::', 'INVALID_ADDRESS'],
    ['1:2:3:4:5:6:7:1.2.3.4', 'INVALID_ADDRESS'],
    ['x'.repeat(100_000), 'INVALID_ADDRESS'],
  ])('refuses %.40s', (text, code) => {
    expect(tryParseAddress(text)).toBeUndefined();
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ name: 'IpError', code }));
    expect(() => parseAddress(text)).toThrow(/^.{1,200}$/);
  });

  test('takes and refuses what node:net takes and refuses, zones aside', () => {
    fc.assert(
      fc.property(
        fc.oneof(nearlyAddress, fc.string({ maxLength: 45, unit: fc.constantFrom(...Array.from('0123456789abcdf.:%')) })),
        text => {
          const family = text.includes('%') ? 0 : isIP(text);
          expect(tryParseAddress(text)?.family ?? 0).toBe(family);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('text', () => {
  test.each([
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:0:0:0:0:ffff:c000:201', '::ffff:192.0.2.1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
  ])('RFC 5952: %s is written %s', (text, written) => {
    expect(formatAddress(parseAddress(text))).toBe(written);
  });

  test('reads back what it writes, as ipaddr.js and ip-address do', () => {
    fc.assert(
      fc.property(anyAddress, address => {
        const text = formatAddress(address);
        expect(parseAddress(text)).toEqual(address);
        expect(new Uint8Array(ipaddr.parse(text).toByteArray())).toEqual(addressToBytes(address));
        if (address.family === 6) {
          expect(new Address6(text).bigInt()).toBe(address.value);
          if (address.value >> 32n !== 0xffffn) expect(text).toBe(ipaddr.parse(text).toString());
        }
      }),
    );
  });

  test('bytes round trip', () => {
    fc.assert(
      fc.property(anyAddress, address => {
        expect(addressFromBytes(addressToBytes(address))).toEqual(address);
      }),
    );
    expect(() => addressFromBytes(new Uint8Array(5))).toThrow(expect.objectContaining({ code: 'OUT_OF_BOUNDS' }));
  });
});

test('orders as net.BlockList does, IPv4 first', () => {
  fc.assert(
    fc.property(anyAddress, anyAddress, (a, b) => {
      expect(compareAddresses(a, b)).toBe(-compareAddresses(b, a) + 0);
      if (a.family !== b.family || compareAddresses(a, b) > 0) return;
      const type = a.family === 4 ? 'ipv4' : 'ipv6';
      const list = new BlockList();
      list.addRange(formatAddress(a), formatAddress(b), type);
      expect(list.check(formatAddress(a), type) && list.check(formatAddress(b), type)).toBe(true);
    }),
  );
});

test('addressOf refuses numbers beyond the family', () => {
  expect(() => addressOf(4, 1n << 32n)).toThrow(IpError);
  expect(() => addressOf(6, -1n)).toThrow(IpError);
  expect(addressOf(6, 1n << 32n)).toEqual({ family: 6, value: 1n << 32n });
});
