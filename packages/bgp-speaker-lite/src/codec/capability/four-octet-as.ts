import { Reader } from '../reader.ts';
import { CapabilityCode, type CapabilityCodec } from './codes.ts';

/** Four-octet AS numbers (RFC 6793 §3): carries the sender's real AS number. */
export interface FourOctetAs {
  readonly code: typeof CapabilityCode.FOUR_OCTET_AS;
  readonly asn: number;
}

/** Stands for an AS number that does not fit two octets (RFC 6793 §9). */
export const AS_TRANS = 23456;

export const fourOctetAs: CapabilityCodec<FourOctetAs> = {
  code: CapabilityCode.FOUR_OCTET_AS,
  decode: value => (value.length === 4 ? { code: CapabilityCode.FOUR_OCTET_AS, asn: new Reader(value).u32() } : undefined),
  encode: ({ asn }, writer) => void writer.u32(asn),
};
