import { Reader } from '../reader.ts';
import { type AttributeCodec, AttributeError, AttributeType, OPTIONAL_NON_TRANSITIVE, WELL_KNOWN, wrongLength } from './codec.ts';

/** MULTI_EXIT_DISC (RFC 4271 §5.1.4): a router prefers the lower among routes from one neighbouring AS. */
export interface MultiExitDisc {
  readonly type: typeof AttributeType.MULTI_EXIT_DISC;
  readonly flags: number;
  readonly value: number;
}

/** LOCAL_PREF (RFC 4271 §5.1.5): a router prefers the higher. Inside an AS only. */
export interface LocalPref {
  readonly type: typeof AttributeType.LOCAL_PREF;
  readonly flags: number;
  readonly value: number;
}

export const multiExitDisc: AttributeCodec<MultiExitDisc> = {
  type: AttributeType.MULTI_EXIT_DISC,
  name: 'MULTI_EXIT_DISC',
  flags: OPTIONAL_NON_TRANSITIVE,

  decode(value) {
    if (value.length !== 4) throw wrongLength('MULTI_EXIT_DISC', value.length);
    return { value: new Reader(value).u32() };
  },

  encode: ({ value }, writer) => void writer.u32(value),
};

export const localPref: AttributeCodec<LocalPref> = {
  type: AttributeType.LOCAL_PREF,
  name: 'LOCAL_PREF',
  flags: WELL_KNOWN,

  decode(value, { external }) {
    if (external) throw new AttributeError('attribute-discard', 'LOCAL_PREF from an external peer');
    if (value.length !== 4) throw wrongLength('LOCAL_PREF', value.length);
    return { value: new Reader(value).u32() };
  },

  encode: ({ value }, writer) => void writer.u32(value),
};
