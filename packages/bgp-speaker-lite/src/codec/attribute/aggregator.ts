import { Reader } from '../reader.ts';
import { type AttributeCodec, AttributeType, OPTIONAL_TRANSITIVE, WELL_KNOWN, wrongLength } from './codec.ts';

/** ATOMIC_AGGREGATE (RFC 4271 §5.1.6): well-known although it may be absent. */
export interface AtomicAggregate {
  readonly type: typeof AttributeType.ATOMIC_AGGREGATE;
  readonly flags: number;
}

/** AGGREGATOR (RFC 4271 §5.1.7): 6 octets, or 8 with four-octet AS numbers. */
export interface Aggregator {
  readonly type: typeof AttributeType.AGGREGATOR;
  readonly flags: number;
  readonly asn: number;
  readonly address: Uint8Array;
}

/** AS4_AGGREGATOR (RFC 6793 §3). */
export interface As4Aggregator {
  readonly type: typeof AttributeType.AS4_AGGREGATOR;
  readonly flags: number;
  readonly asn: number;
  readonly address: Uint8Array;
}

export const atomicAggregate: AttributeCodec<AtomicAggregate> = {
  type: AttributeType.ATOMIC_AGGREGATE,
  name: 'ATOMIC_AGGREGATE',
  flags: WELL_KNOWN,

  decode(value) {
    if (value.length !== 0) throw wrongLength('ATOMIC_AGGREGATE', value.length, 'attribute-discard');
    return {};
  },

  encode: () => {},
};

export const aggregator: AttributeCodec<Aggregator> = {
  type: AttributeType.AGGREGATOR,
  name: 'AGGREGATOR',
  flags: OPTIONAL_TRANSITIVE,

  decode(value, { fourOctetAs }) {
    if (value.length !== (fourOctetAs ? 8 : 6)) throw wrongLength('AGGREGATOR', value.length, 'attribute-discard');
    const reader = new Reader(value);
    return { asn: fourOctetAs ? reader.u32() : reader.u16(), address: reader.rest() };
  },

  encode({ asn, address }, writer, { fourOctetAs }) {
    if (fourOctetAs) writer.u32(asn);
    else writer.u16(asn);
    writer.bytes(address);
  },
};

export const as4Aggregator: AttributeCodec<As4Aggregator> = {
  type: AttributeType.AS4_AGGREGATOR,
  name: 'AS4_AGGREGATOR',
  flags: OPTIONAL_TRANSITIVE,

  decode(value) {
    if (value.length !== 8) throw wrongLength('AS4_AGGREGATOR', value.length, 'attribute-discard');
    const reader = new Reader(value);
    return { asn: reader.u32(), address: reader.rest() };
  },

  encode: ({ asn, address }, writer) => void writer.u32(asn).bytes(address),
};
