import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RawSocketError } from '../error.ts';
import { attribute, encodeMessage, type NetlinkMessage, parseAttributes, parseMessages, text } from './codec.ts';
import { parseFlow } from './conntrack-messages.ts';
import { parseAddress, parseLink, parseNeighbour, parseRoute } from './route-messages.ts';

const parsers = { parseLink, parseAddress, parseRoute, parseNeighbour, parseFlow };

/** Runs it; a refusal is a result, anything else thrown is a failure of the test. */
function outcome<T>(body: () => T): T | 'refused' {
  try {
    return body();
  } catch (error) {
    if (error instanceof RawSocketError && error.code === 'BadMessage') return 'refused';
    throw error;
  }
}

describe('netlink messages', () => {
  test('are read as they were written', () => {
    const message = fc.record({
      type: fc.nat(0xffff),
      flags: fc.nat(0xffff),
      sequence: fc.nat(),
      payload: fc.uint8Array({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), messages => {
        const datagram = Buffer.concat(messages.map(m => encodeMessage(m.type, m.flags, m.sequence, m.payload)));
        expect([...parseMessages(datagram)].map(m => ({ ...m, payload: new Uint8Array(m.payload) }))).toEqual(messages);
      }),
    );
  });

  test('attributes likewise; nested and byte-order flags do not change the type', () => {
    const entry = fc.tuple(fc.nat(0x3fff), fc.uint8Array({ maxLength: 30 }));
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: ([type]) => type, maxLength: 8 }),
        fc.constantFrom(0, 0x8000, 0x4000),
        (entries, flag) => {
          const block = Buffer.concat(entries.map(([type, data]) => attribute(type | flag, data)));
          expect([...parseAttributes(block)].map(([type, data]) => [type, new Uint8Array(data)])).toEqual(entries);
        },
      ),
    );
  });

  test.each<[string, Buffer]>([
    ['a header cut short', Buffer.alloc(8)],
    ['a length smaller than the header', Buffer.from([4, 0, 0, 0, ...Buffer.alloc(12)])],
    ['a length beyond the datagram', Buffer.from([200, 0, 0, 0, ...Buffer.alloc(12)])],
  ])('%s is refused', (_, datagram) => {
    expect(outcome(() => [...parseMessages(datagram)])).toBe('refused');
  });

  test('text ends at its zero, if it has one', () => {
    expect([text(Buffer.from('eth0\0rest')), text(Buffer.from('eth0')), text(undefined)]).toEqual(['eth0', 'eth0', undefined]);
  });
});

describe('parsers of hostile bytes', () => {
  test.each(Object.entries(parsers))('%s: ends and throws nothing but a refusal', (_, parse) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const message: NetlinkMessage = { type: 16, flags: 0, sequence: 0, payload: Buffer.from(bytes) };
        outcome(() => parse(message));
      }),
      { seed: 21, numRuns: 3000 },
    );
  });

  test.each(Object.entries(parsers))('%s: well-formed attributes with any contents', (_, parse) => {
    const attributes = fc.array(fc.tuple(fc.nat(40), fc.uint8Array({ maxLength: 40 })), { maxLength: 10 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.constantFrom(4, 8, 12, 16), attributes, (header, length, entries) => {
        const payload = Buffer.concat([header.subarray(0, length), ...entries.map(([type, data]) => attribute(type, data))]);
        payload[0] = [0, 2, 10][(payload[0] as number) % 3] as number;
        outcome(() => parse({ type: 16, flags: 0, sequence: 0, payload }));
      }),
      { seed: 22, numRuns: 3000 },
    );
  });
});
