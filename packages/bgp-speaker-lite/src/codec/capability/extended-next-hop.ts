import { Reader } from '../reader.ts';
import { CapabilityCode, type CapabilityCodec } from './codes.ts';

/** Extended next hop encoding (RFC 8950 §4): NLRI of (afi, safi) may have a next hop of another AFI. The SAFI has two octets here. */
export interface ExtendedNextHop {
  readonly code: typeof CapabilityCode.EXTENDED_NEXT_HOP;
  readonly encodings: readonly { readonly afi: number; readonly safi: number; readonly nextHopAfi: number }[];
}

export const extendedNextHop: CapabilityCodec<ExtendedNextHop> = {
  code: CapabilityCode.EXTENDED_NEXT_HOP,

  decode(value) {
    if (value.length % 6 !== 0) return undefined;
    const reader = new Reader(value);
    const encodings = [];
    while (reader.remaining > 0) encodings.push({ afi: reader.u16(), safi: reader.u16(), nextHopAfi: reader.u16() });
    return { code: CapabilityCode.EXTENDED_NEXT_HOP, encodings };
  },

  encode({ encodings }, writer) {
    for (const { afi, safi, nextHopAfi } of encodings) writer.u16(afi).u16(safi).u16(nextHopAfi);
  },
};
