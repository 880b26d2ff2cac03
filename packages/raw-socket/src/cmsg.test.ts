import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseControl } from './cmsg.ts';

function cmsg(level: number, type: number, data: Buffer): Buffer {
  const out = Buffer.alloc((16 + data.length + 7) & ~7);
  out.writeBigUInt64LE(BigInt(16 + data.length), 0);
  out.writeInt32LE(level, 8);
  out.writeInt32LE(type, 12);
  data.copy(out, 16);
  return out;
}

describe('parseControl', () => {
  test('reads what was written, whatever the lengths', () => {
    const message = fc.record({
      level: fc.integer({ min: 0, max: 300 }),
      type: fc.integer({ min: 0, max: 100 }),
      data: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), messages => {
        const block = Buffer.concat(messages.map(m => cmsg(m.level, m.type, Buffer.from(m.data))));
        expect(parseControl(block).map(m => ({ ...m, data: new Uint8Array(m.data) }))).toEqual(messages);
      }),
    );
  });

  test('any bytes: it ends, does not throw, and stays inside the block', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const total = parseControl(Buffer.from(bytes)).reduce((sum, m) => sum + 16 + m.data.length, 0);
        expect(total).toBeLessThanOrEqual(bytes.length);
      }),
      { seed: 20, numRuns: 5000 },
    );
  });

  test('a block cut short yields what is whole', () => {
    const block = Buffer.concat([cmsg(0, 2, Buffer.from([255, 0, 0, 0])), cmsg(1, 35, Buffer.alloc(16))]);
    expect(parseControl(block.subarray(0, block.length - 8)).map(m => m.type)).toEqual([2]);
  });
});
