import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, tryParseAddress } from './address.ts';
import { toHex } from './bytes.ts';
import { parsePrefix } from './prefix.ts';

describe('prefixes in text', () => {
  it.each([
    { text: '192.0.2.0/24', family: 'ipv4-unicast', canonical: '192.0.2.0/24', wire: '18c00002' },
    { text: '192.0.2.1', family: 'ipv4-unicast', canonical: '192.0.2.1/32', wire: '20c0000201' },
    { text: '0.0.0.0/0', family: 'ipv4-unicast', canonical: '0.0.0.0/0', wire: '00' },
    { text: '2001:DB8:0:0::/32', family: 'ipv6-unicast', canonical: '2001:db8::/32', wire: '2020010db8' },
    { text: '2001:db8::1', family: 'ipv6-unicast', canonical: '2001:db8::1/128', wire: '8020010db8000000000000000000000001' },
  ])('$text', ({ text, family, canonical, wire }) => {
    const prefix = parsePrefix(text);
    expect({ family: prefix.family, text: prefix.text, wire: toHex(prefix.wire) }).toEqual({ family, text: canonical, wire });
  });

  it.each([
    '192.0.2.1/24',
    '192.0.2.0/33',
    '192.0.2.0/024',
    '192.0.2.0/',
    '192.0.02.0/24',
    '1.2.3/24',
    '2001:db8::/129',
    '::1::/64',
    'fe80::1%eth0/64',
    '',
    '/',
    'x',
  ])('refuses %j', text => {
    expect(() => parsePrefix(text)).toThrow(expect.objectContaining({ code: 'BGP_BAD_PREFIX' }));
  });

  it('reads every address it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
        expect(tryParseAddress(formatAddress(bytes))).toEqual(bytes);
      }),
    );
  });
});
