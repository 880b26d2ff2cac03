import { Reader } from '../reader.ts';
import { type AttributeCodec, AttributeType, OPTIONAL_TRANSITIVE, wrongLength } from './codec.ts';

/** COMMUNITIES (RFC 1997): 32-bit values. */
export interface Communities {
  readonly type: typeof AttributeType.COMMUNITIES;
  readonly flags: number;
  readonly values: readonly number[];
}

/** EXTENDED_COMMUNITIES (RFC 4360): 64-bit values. */
export interface ExtendedCommunities {
  readonly type: typeof AttributeType.EXTENDED_COMMUNITIES;
  readonly flags: number;
  readonly values: readonly bigint[];
}

/** LARGE_COMMUNITY (RFC 8092): three 32-bit values each. */
export interface LargeCommunities {
  readonly type: typeof AttributeType.LARGE_COMMUNITIES;
  readonly flags: number;
  readonly values: readonly (readonly [global: number, local1: number, local2: number])[];
}

function count(name: string, value: Uint8Array, octets: number): number {
  if (value.length === 0 || value.length % octets !== 0) throw wrongLength(name, value.length);
  return value.length / octets;
}

export const communities: AttributeCodec<Communities> = {
  type: AttributeType.COMMUNITIES,
  name: 'COMMUNITIES',
  flags: OPTIONAL_TRANSITIVE,

  decode(value) {
    const reader = new Reader(value);
    return { values: Array.from({ length: count('COMMUNITIES', value, 4) }, () => reader.u32()) };
  },

  encode({ values }, writer) {
    for (const value of values) writer.u32(value);
  },
};

export const extendedCommunities: AttributeCodec<ExtendedCommunities> = {
  type: AttributeType.EXTENDED_COMMUNITIES,
  name: 'EXTENDED_COMMUNITIES',
  flags: OPTIONAL_TRANSITIVE,

  decode(value) {
    const reader = new Reader(value);
    return {
      values: Array.from({ length: count('EXTENDED_COMMUNITIES', value, 8) }, () => (BigInt(reader.u32()) << 32n) | BigInt(reader.u32())),
    };
  },

  encode({ values }, writer) {
    for (const value of values) writer.u32(Number(value >> 32n)).u32(Number(value & 0xffff_ffffn));
  },
};

export const largeCommunities: AttributeCodec<LargeCommunities> = {
  type: AttributeType.LARGE_COMMUNITIES,
  name: 'LARGE_COMMUNITY',
  flags: OPTIONAL_TRANSITIVE,

  decode(value) {
    const reader = new Reader(value);
    return {
      values: Array.from({ length: count('LARGE_COMMUNITY', value, 12) }, () => [reader.u32(), reader.u32(), reader.u32()] as const),
    };
  },

  encode({ values }, writer) {
    for (const [global, local1, local2] of values) writer.u32(global).u32(local1).u32(local2);
  },
};
