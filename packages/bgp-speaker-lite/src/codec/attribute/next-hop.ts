import { type AttributeCodec, AttributeType, WELL_KNOWN, wrongLength } from './codec.ts';

/** NEXT_HOP (RFC 4271 §5.1.3): of IPv4 NLRI in the classic fields only. */
export interface NextHop {
  readonly type: typeof AttributeType.NEXT_HOP;
  readonly flags: number;
  readonly address: Uint8Array;
}

export const nextHop: AttributeCodec<NextHop> = {
  type: AttributeType.NEXT_HOP,
  name: 'NEXT_HOP',
  flags: WELL_KNOWN,

  decode(value) {
    if (value.length !== 4) throw wrongLength('NEXT_HOP', value.length);
    return { address: value };
  },

  encode: ({ address }, writer) => void writer.bytes(address),
};
