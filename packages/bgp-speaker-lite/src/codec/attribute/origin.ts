import { type AttributeCodec, AttributeError, AttributeType, WELL_KNOWN, wrongLength } from './codec.ts';

/** ORIGIN (RFC 4271 §5.1.1). */
export interface Origin {
  readonly type: typeof AttributeType.ORIGIN;
  readonly flags: number;
  readonly origin: number;
}

/** Values of ORIGIN. Routers prefer a lower one and do not mix them in one ECMP set. */
export const OriginValue = { IGP: 0, EGP: 1, INCOMPLETE: 2 } as const;

export const origin: AttributeCodec<Origin> = {
  type: AttributeType.ORIGIN,
  name: 'ORIGIN',
  flags: WELL_KNOWN,

  decode(value) {
    if (value.length !== 1) throw wrongLength('ORIGIN', value.length);
    const origin = value[0] as number;
    if (origin > 2) throw new AttributeError('treat-as-withdraw', `ORIGIN ${origin}`, 6);
    return { origin };
  },

  encode: (attribute, writer) => void writer.u8(attribute.origin),
};
