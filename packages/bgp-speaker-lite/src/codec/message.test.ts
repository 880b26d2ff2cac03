import { describe, expect, it } from 'vitest';
import { readCorpus } from '../../fuzz/corpus.ts';
import { AttributeType } from './attribute/codec.ts';
import { findAttribute } from './attribute/index.ts';
import { fromHex, toHex } from './bytes.ts';
import { CapabilityCode } from './capability/codes.ts';
import { Framer } from './framer.ts';
import { decodeMessage, encodeMessage, INITIAL_CONTEXT } from './message.ts';
import { MessageError } from './message-error.ts';
import { capabilitiesOf } from './open.ts';
import { endOfRib } from './update.ts';

const MARKER = 'ff'.repeat(16);
const corpus = new Map(readCorpus('messages.txt').map(sample => [sample.name, sample.bytes]));
const sample = (name: string) => corpus.get(name) as Uint8Array;

function errorOf(hex: string, context = INITIAL_CONTEXT): MessageError {
  try {
    decodeMessage(fromHex(hex), context);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('real OPENs', () => {
  it.each([
    { name: 'open-frr', asn: 65001, hold: 9, codes: [1, 2, 6, 64, 65, 69, 70, 71, 73, 128] },
    { name: 'open-bird', asn: 65002, hold: 9, codes: [1, 2, 9, 64, 65, 70, 71] },
    { name: 'open-gobgp', asn: 65003, hold: 9, codes: [1, 2, 5, 65, 73] },
    { name: 'open-openbgpd', asn: 65004, hold: 9, codes: [1, 2, 64, 65, 70] },
  ])('$name: one capability per parameter or all in one', ({ name, asn, hold, codes }) => {
    const message = decodeMessage(sample(name), INITIAL_CONTEXT);
    if (message.kind !== 'open') throw new Error('no OPEN');
    const { open } = message;
    expect({ asn: open.myAs, hold: open.holdTime, version: open.version }).toEqual({ asn, hold, version: 4 });
    expect(new Set(capabilitiesOf(open).map(capability => capability.code))).toEqual(new Set(codes));
    expect(capabilitiesOf(open)).toContainEqual({ code: CapabilityCode.FOUR_OCTET_AS, asn });
  });
});

describe('real UPDATEs', () => {
  it('reads communities, large communities and the path of GoBGP', () => {
    const message = decodeMessage(sample('update-v4-gobgp'), INITIAL_CONTEXT);
    if (message.kind !== 'update') throw new Error('no UPDATE');
    const { attributes, nlri, problems } = message.update;
    expect(problems).toEqual([]);
    expect(findAttribute(attributes, AttributeType.AS_PATH)?.segments).toEqual([{ type: 2, asns: [65003] }]);
    expect(findAttribute(attributes, AttributeType.COMMUNITIES)?.values).toEqual([65003 * 65536 + 7]);
    expect(findAttribute(attributes, AttributeType.LARGE_COMMUNITIES)?.values).toEqual([[65003, 1, 2]]);
    expect(nlri).toEqual([{ length: 32, bytes: Uint8Array.of(198, 51, 100, 10) }]);
  });

  it.each([
    { name: 'eor-v4', family: { afi: 1, safi: 1 } },
    { name: 'eor-v6', family: { afi: 2, safi: 1 } },
    { name: 'update-v4-gobgp', family: undefined },
  ])('knows an End-of-RIB when it sees one: $name', ({ name, family }) => {
    const message = decodeMessage(sample(name), INITIAL_CONTEXT);
    expect(message.kind === 'update' && endOfRib(message.update)).toEqual(family);
  });
});

describe('message header errors (RFC 4271 §6.1)', () => {
  it.each([
    { desc: 'a marker that is not all ones', hex: `fe${MARKER.slice(2)}001304`, code: '1/1', data: '' },
    { desc: 'a KEEPALIVE with a body', hex: `${MARKER}00140400`, code: '1/2', data: '0014' },
    { desc: 'an OPEN that is too short', hex: `${MARKER}001c01${'00'.repeat(9)}`, code: '1/2', data: '001c' },
    { desc: 'an UPDATE that is too short', hex: `${MARKER}0015020000`, code: '1/2', data: '0015' },
    { desc: 'a length above 4096', hex: `${MARKER}100102${'00'.repeat(4097 - 19)}`, code: '1/2', data: '1001' },
    { desc: 'an unknown type', hex: `${MARKER}001309`, code: '1/3', data: '09' },
    { desc: 'a ROUTE-REFRESH with a filter', hex: `${MARKER}00180500010001ff`, code: '7/1', data: `${MARKER}00180500010001ff` },
  ])('$desc', ({ hex, code, data }) => {
    const { notification } = errorOf(hex);
    expect(`${notification.code}/${notification.subcode}`).toBe(code);
    expect(toHex(notification.data)).toBe(data);
  });

  it('accepts a long UPDATE once extended messages are agreed', () => {
    const hex = `${MARKER}10010200000000${'2001020304'.repeat(814)}18010203`;
    const frame = fromHex(hex);
    expect(frame.length).toBe(4097);
    expect(decodeMessage(frame, { ...INITIAL_CONTEXT, extendedMessages: true }).kind).toBe('update');
  });
});

describe('malformed UPDATEs (RFC 7606)', () => {
  const ORIGIN = '40010100';
  const PATH = '40020602010000fdea';
  const NEXT_HOP = '40030 40a4d0002'.replace(' ', '');
  const update = (attributes: string, nlri = '18c63364') => {
    const octets = attributes.length / 2;
    const length = 23 + octets + nlri.length / 2;
    return `${MARKER}${length.toString(16).padStart(4, '0')}020000${octets.toString(16).padStart(4, '0')}${attributes}${nlri}`;
  };

  it.each([
    { desc: 'nothing wrong', attributes: ORIGIN + PATH + NEXT_HOP, problems: [] },
    { desc: 'ORIGIN of two octets', attributes: `4001020000${PATH}${NEXT_HOP}`, problems: ['treat-as-withdraw'] },
    { desc: 'ORIGIN 3', attributes: `40010103${PATH}${NEXT_HOP}`, problems: ['treat-as-withdraw'] },
    { desc: 'flags of another category', attributes: `c0010100${PATH}${NEXT_HOP}`, problems: ['treat-as-withdraw'] },
    { desc: 'an empty AS_PATH segment', attributes: `${ORIGIN}4002020200${NEXT_HOP}`, problems: ['treat-as-withdraw'] },
    { desc: 'AS_PATH with one octet left', attributes: `${ORIGIN}40020702010000fdea02${NEXT_HOP}`, problems: ['treat-as-withdraw'] },
    { desc: 'no NEXT_HOP', attributes: ORIGIN + PATH, problems: ['treat-as-withdraw'] },
    { desc: 'LOCAL_PREF from another AS', attributes: `${ORIGIN}${PATH}${NEXT_HOP}40050400000064`, problems: ['attribute-discard'] },
    { desc: 'ATOMIC_AGGREGATE with a value', attributes: `${ORIGIN}${PATH}${NEXT_HOP}40060100`, problems: ['attribute-discard'] },
    { desc: 'communities of three octets', attributes: `${ORIGIN}${PATH}${NEXT_HOP}c00803fdeb00`, problems: ['treat-as-withdraw'] },
    {
      desc: 'large communities of eleven octets',
      attributes: `${ORIGIN}${PATH}${NEXT_HOP}c0200b0000000000000000000000`,
      problems: ['treat-as-withdraw'],
    },
    { desc: 'an attribute twice', attributes: ORIGIN + ORIGIN + PATH + NEXT_HOP, problems: ['attribute-discard'] },
    { desc: 'attributes that overrun their section', attributes: `${ORIGIN}${PATH}${NEXT_HOP}c008ff`, problems: ['treat-as-withdraw'] },
    { desc: 'an unknown optional attribute', attributes: `${ORIGIN}${PATH}${NEXT_HOP}c06304deadbeef`, problems: [] },
  ])('$desc: the session survives', ({ attributes, problems }) => {
    const message = decodeMessage(fromHex(update(attributes)), INITIAL_CONTEXT);
    if (message.kind !== 'update') throw new Error('no UPDATE');
    expect(message.update.problems.map(({ handling }) => handling)).toEqual(problems);
  });

  it.each([
    { desc: 'an unknown well-known attribute', hex: update(`${ORIGIN}${PATH}${NEXT_HOP}40630100`), code: '3/2' },
    { desc: 'a prefix of 33 bits', hex: update(ORIGIN + PATH + NEXT_HOP, '21c633640a00'), code: '3/10' },
    { desc: 'a prefix that overruns', hex: update(ORIGIN + PATH + NEXT_HOP, '20c633'), code: '3/10' },
    {
      desc: 'MP_REACH_NLRI with a next hop of 5 octets',
      hex: update(`${ORIGIN}${PATH}800e0a00020105 0102030405 00`.replaceAll(' ', ''), ''),
      code: '3/9',
    },
    { desc: 'MP_UNREACH_NLRI twice', hex: update('800f03000201800f03000201', ''), code: '3/1' },
    { desc: 'withdrawn routes that overrun the message', hex: `${MARKER}001702ffff0000`, code: '3/1' },
  ])('$desc: the session ends with $code', ({ hex, code }) => {
    const { notification } = errorOf(hex);
    expect(`${notification.code}/${notification.subcode}`).toBe(code);
  });
});

describe('framing', () => {
  it('finds the same messages in single octets as in one piece', () => {
    const stream = Uint8Array.from([...corpus.values()].flatMap(bytes => [...bytes]));
    for (const size of [1, 2, 18, 19, 20, 1000]) {
      const framer = new Framer();
      const frames: string[] = [];
      for (let i = 0; i < stream.length; i += size)
        framer.push(stream.subarray(i, i + size), frame => {
          frames.push(toHex(frame));
          return true;
        });
      expect(frames).toEqual([...corpus.values()].map(bytes => toHex(bytes)));
      expect(framer.pending).toBe(0);
    }
  });
});

describe('encoding', () => {
  it('writes long parameters in the form of RFC 9072, and reads them', () => {
    const capabilities = Array.from({ length: 40 }, (_, i) => ({ code: 200 + (i % 8), value: new Uint8Array(10).fill(i) }));
    const open = { version: 4, myAs: 65001, holdTime: 90, bgpIdentifier: 1, parameters: [{ type: 2 as const, capabilities }] };
    const frame = encodeMessage({ kind: 'open', open }, INITIAL_CONTEXT);
    expect(toHex(frame.subarray(28, 30))).toBe('ffff');
    const again = decodeMessage(frame, INITIAL_CONTEXT);
    expect(again.kind === 'open' && capabilitiesOf(again.open)).toEqual(capabilities);
  });
});
