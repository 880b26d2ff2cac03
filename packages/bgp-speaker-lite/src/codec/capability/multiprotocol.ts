import type { AfiSafi } from '../family.ts';
import { Reader } from '../reader.ts';
import { CapabilityCode, type CapabilityCodec } from './codes.ts';

/** Multiprotocol extensions for one family (RFC 4760 §8). */
export interface Multiprotocol extends AfiSafi {
  readonly code: typeof CapabilityCode.MULTIPROTOCOL;
  /** Zero when sent, ignored when read. */
  readonly reserved: number;
}

export const multiprotocol: CapabilityCodec<Multiprotocol> = {
  code: CapabilityCode.MULTIPROTOCOL,

  decode(value) {
    if (value.length !== 4) return undefined;
    const reader = new Reader(value);
    return { code: CapabilityCode.MULTIPROTOCOL, afi: reader.u16(), reserved: reader.u8(), safi: reader.u8() };
  },

  encode({ afi, reserved, safi }, writer) {
    writer.u16(afi).u8(reserved).u8(safi);
  },
};
