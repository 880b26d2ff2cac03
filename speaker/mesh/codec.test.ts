import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutate } from '../layer2/fuzz.ts';
import { keyring, seal, segmentIdOf, unseal } from './authentication.ts';
import { decodePacket, encodePacket, PACKET_LIMIT } from './codec.ts';
import { PACKET_CLAIMS, PACKET_TYPES, type Packet, type PacketType } from './packet.ts';
import { seededRandom } from './random.ts';
import { BEACON } from './testing.ts';

const RING = keyring([Buffer.alloc(32, 1)], 'uid');
const SEGMENT = segmentIdOf('192.168.150.0/24');
const SEGMENTS = [SEGMENT];
const OPENED = { packet: BEACON, segmentId: SEGMENT };

const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
const vip = fc.oneof(
  fc.ipV4(),
  uint(64).map(host => `2001:db8::${[48n, 32n, 16n, 0n].map(shift => ((host >> shift) & 0xffffn).toString(16)).join(':')}`),
);

const packets: fc.Arbitrary<Packet> = fc.record({
  type: fc.constantFrom(...(Object.keys(PACKET_TYPES) as PacketType[])),
  flags: fc.record({
    ready: fc.boolean(),
    draining: fc.boolean(),
    uplinkOk: fc.boolean(),
    fast: fc.boolean(),
    listening: fc.boolean(),
    persistent: fc.boolean(),
    restarting: fc.boolean(),
  }),
  sender: uint(64).map(id => id.toString(16).padStart(16, '0')),
  nonce: uint(64),
  yourNonce: uint(64),
  seq: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  interval: fc.integer({ min: 0, max: 65_535 }),
  multiplier: fc.integer({ min: 0, max: 255 }),
  newestKey: fc.integer({ min: 0, max: 255 }),
  claimsVersion: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  claimsDigest: uint(64),
  withheldDigest: uint(64),
  complete: fc.boolean(),
  claims: fc.array(
    fc
      .record({
        vip: fc.ipV4(),
        epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
        rank: fc.integer({ min: 0, max: 255 }),
        withheld: fc.boolean(),
      })
      .map(({ withheld, ...claim }) => (withheld ? { ...claim, withheld } : claim)),
    { maxLength: PACKET_CLAIMS },
  ),
  released: fc.array(vip, { maxLength: 3 }).map(list => list.map(text => decodedVip(text))),
  name: fc.stringMatching(/^[a-z0-9.-]{0,63}$/),
  macs: fc.array(fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02'), { maxLength: 3 }),
  drain: fc.integer({ min: 0, max: 0xffff_ffff }),
  part: fc.record({ index: fc.integer({ min: 0, max: 65_535 }), count: fc.integer({ min: 0, max: 65_535 }) }),
});

/** The canonical text of an address, by way of the codec itself. */
function decodedVip(text: string): string {
  const decoded = decodePacket(encodePacket({ ...BEACON, released: [text] }, { clusterId: 0n, segmentId: 0n, keyId: 0 }));
  return typeof decoded === 'string' ? decoded : (decoded.packet.released[0] ?? '');
}

function lengthOf(packet: Packet): number {
  return encodePacket(packet, { clusterId: 0n, segmentId: 0n, keyId: 0 }).length;
}

describe('codec', () => {
  it('has the layout that other versions rely on', () => {
    const octets = encodePacket(BEACON, { clusterId: 1n, segmentId: 2n, keyId: 3 });
    expect(octets.subarray(0, 84).toString('hex')).toBe(
      `4c424c3201016d0300000000000000010000000000000002${BEACON.sender}11223344556677880000000000000000000000000000002a0064040700000000` +
        '0000000000000003ffff0000ffff000000000000',
    );
  });

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(packets, packet => {
        const envelope = { clusterId: 1n, segmentId: 2n, keyId: 3 };
        const octets = encodePacket(packet, envelope);
        expect(octets.length).toBeLessThanOrEqual(PACKET_LIMIT - 16);
        expect(decodePacket(octets)).toEqual({ packet, envelope });
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('fits forty claims of IPv6 that are withheld, and leaves a long name out rather than overflow', () => {
    const claims = Array.from({ length: PACKET_CLAIMS }, (_, index) => ({
      vip: `2001:db8::${index + 1}`,
      epoch: 1,
      rank: 0,
      withheld: true,
    }));
    const octets = encodePacket({ ...BEACON, claims, name: 'n'.repeat(253) }, { clusterId: 0n, segmentId: 0n, keyId: 0 });
    expect(octets.length).toBeLessThanOrEqual(PACKET_LIMIT - 16);
    const decoded = decodePacket(octets);
    expect(typeof decoded === 'object' && decoded.packet.claims).toEqual(claims);
  });

  it.each([
    ['a newer version', [200, 0, 0, 3, 1, 2, 3]],
    ['an older one: addresses that the sender could not take', [3, 0, 0, 16, ...Buffer.alloc(16, 1)]],
  ])('skips elements of %s', (_, element) => {
    const octets = encodePacket(BEACON, { clusterId: 0n, segmentId: 0n, keyId: 0 });
    const other = Buffer.concat([octets, Buffer.from(element)]);
    expect(decodePacket(other)).toEqual(decodePacket(octets));
  });

  it('says which claims are withheld in elements that a speaker of before skips, and leaves them out where none is', () => {
    const [first, second] = BEACON.claims;
    if (first === undefined || second === undefined) throw new Error('the sample has too few claims');
    const { withheld: _, ...answered } = second;
    const plain = { ...BEACON, claims: [first, answered], withheldDigest: 0n };
    expect(lengthOf({ ...plain, claims: [first, second], withheldDigest: 1n }) - lengthOf(plain)).toBe(4 + 1 + 4 + 8);
  });

  it('survives 50,000 mutated packets', () => {
    const random = seededRandom(3);
    const octets = encodePacket(BEACON, { clusterId: 1n, segmentId: 2n, keyId: 3 });
    let read = 0;
    for (let run = 0; run < 50_000; run++) if (typeof decodePacket(mutate(octets, random)) === 'object') read += 1;
    expect(read).toBeGreaterThan(1_000);
  });
});

describe('authentication', () => {
  const sealed = seal(BEACON, RING, SEGMENT, true);

  it('accepts its own', () => {
    expect(unseal(sealed, RING, SEGMENTS)).toEqual(OPENED);
  });

  it.each([
    ['another cluster', 'cluster', sealed, keyring([Buffer.alloc(32, 1)], 'other'), SEGMENTS],
    ['another segment', 'segment', sealed, RING, [segmentIdOf('10.0.0.0/8')]],
    ['another key', 'key', sealed, keyring([Buffer.alloc(32, 2)], 'uid'), SEGMENTS],
    ['nothing', 'short', Buffer.alloc(0), RING, SEGMENTS],
    ['a datagram of another protocol', 'magic', Buffer.alloc(200, 1), RING, SEGMENTS],
    ['one cut off', 'signature', sealed.subarray(0, sealed.length - 1), RING, SEGMENTS],
    ['one of a later version', 'version', Buffer.concat([sealed.subarray(0, 4), Buffer.from([2]), sealed.subarray(5)]), RING, SEGMENTS],
    ['one too long', 'long', Buffer.concat([sealed, Buffer.alloc(1_300)]), RING, SEGMENTS],
  ])('refuses %s (%s)', (_, reason, octets, ring, segments) => {
    expect(unseal(octets, ring, segments)).toBe(reason);
  });

  it('refuses every packet with one bit changed', () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const forged = Buffer.from(sealed);
      forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(typeof unseal(forged, RING, SEGMENTS)).toBe('string');
    }
  });

  it('rotates: signs with the old key until all have the new one, and reads both', () => {
    const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const both = keyring([next, old], 'uid');
    const onlyNew = keyring([next], 'uid');
    expect(unseal(seal(BEACON, both, SEGMENT, false), RING, SEGMENTS)).toEqual(OPENED);
    expect(unseal(seal(BEACON, both, SEGMENT, true), onlyNew, SEGMENTS)).toEqual(OPENED);
    expect(unseal(seal(BEACON, RING, SEGMENT, true), both, SEGMENTS)).toEqual(OPENED);
  });
});
