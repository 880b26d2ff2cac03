import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RawSocketError } from './error.ts';
import { formatIp, formatMac, parseIp, parseMac } from './inet.ts';

describe('addresses', () => {
  test.each([
    ['0.0.0.0', '00000000'],
    ['192.168.150.240', 'c0a896f0'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['fe80::', `fe80${'00'.repeat(14)}`],
    ['2001:db8:0:1::2', '20010db8000000010000000000000002'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['64:ff9b::192.0.2.1', '0064ff9b0000000000000000c0000201'],
  ])('%s', (text, hex) => {
    expect(parseIp(text).toString('hex')).toBe(hex);
  });

  test('IPv6 text is what a URL parser makes of it (an implementation of its own)', () => {
    // The URL standard never writes the last 32 bits as dotted decimals, RFC 5952 §5 does for mapped addresses.
    const address = fc.array(fc.constantFrom(0, 0, 0, 1, 0xffff, 0xdb8), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(address, groups => {
        const bytes = Buffer.alloc(16);
        groups.forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
        const text = formatIp(bytes);
        expect(parseIp(text)).toEqual(bytes);
        if (!text.includes('.')) expect(text).toBe(new URL(`http://[${groups.map(g => g.toString(16)).join(':')}]`).hostname.slice(1, -1));
      }),
    );
  });

  test.each(['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '::1%eth0', '1:2', 'g::', '::1/64', ' 1.2.3.4'])('%j is refused', text => {
    expect(() => parseIp(text)).toThrow(RawSocketError);
  });

  test('MAC addresses there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), bytes => {
        expect([...parseMac(formatMac(bytes))]).toEqual([...bytes]);
      }),
    );
  });

  test.each(['', '02:00:00:00:00', '02-00-00-00-00-01', '02:00:00:00:00:0g', '02:00:00:00:00:01:02'])('%j is no MAC address', text => {
    expect(() => parseMac(text)).toThrow(RawSocketError);
  });
});
