import { EMPTY } from '../bytes.ts';
import { type AfiSafi, addressBits, familyOf } from '../family.ts';
import { decodePrefixes, encodePrefix, NlriError, type Prefix } from '../prefix.ts';
import { Reader, TruncatedError } from '../reader.ts';
import { type AttributeCodec, AttributeError, AttributeType, OPTIONAL_NON_TRANSITIVE } from './codec.ts';

/** MP_REACH_NLRI (RFC 4760 §3; two-address next hops from RFC 2545 §3; IPv6 next hops of IPv4 from RFC 8950 §3). */
export interface MpReach extends AfiSafi {
  readonly type: typeof AttributeType.MP_REACH_NLRI;
  readonly flags: number;
  /** One address, or a global and a link-local one. */
  readonly nextHop: Uint8Array;
  /** Once "Number of SNPAs": zero when sent, ignored when read. */
  readonly reserved: number;
  readonly nlri: readonly Prefix[];
  /** The NLRI of a family that is not spoken here, unread. */
  readonly opaque: Uint8Array;
}

/** MP_UNREACH_NLRI (RFC 4760 §4). Without prefixes it is the End-of-RIB of its family (RFC 4724 §2). */
export interface MpUnreach extends AfiSafi {
  readonly type: typeof AttributeType.MP_UNREACH_NLRI;
  readonly flags: number;
  readonly withdrawn: readonly Prefix[];
  readonly opaque: Uint8Array;
}

/** Octets a next hop may have, by AFI. A route distinguisher is not for unicast. */
const NEXT_HOP_LENGTHS: Readonly<Record<number, readonly number[]>> = { 1: [4, 16, 32], 2: [16, 32] };

/** Syntax errors here hide where the NLRI are, so that nothing weaker than a reset is right (RFC 7606 §7.11). */
function reset(reason: string): AttributeError {
  return new AttributeError('session-reset', reason, 9);
}

function guarded<T>(name: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof TruncatedError || error instanceof NlriError) throw reset(`${name}: ${error.message}`);
    throw error;
  }
}

function readNlri(reader: Reader, family: AfiSafi): { prefixes: Prefix[]; opaque: Uint8Array } {
  const bits = familyOf(family) && addressBits(family.afi);
  return bits === undefined ? { prefixes: [], opaque: reader.rest() } : { prefixes: decodePrefixes(reader, bits), opaque: EMPTY };
}

export const mpReach: AttributeCodec<MpReach> = {
  type: AttributeType.MP_REACH_NLRI,
  name: 'MP_REACH_NLRI',
  flags: OPTIONAL_NON_TRANSITIVE,

  decode: value =>
    guarded('MP_REACH_NLRI', () => {
      const reader = new Reader(value);
      const family = { afi: reader.u16(), safi: reader.u8() };
      const nextHop = reader.take(reader.u8());
      if (familyOf(family) && !NEXT_HOP_LENGTHS[family.afi]?.includes(nextHop.length))
        throw reset(`MP_REACH_NLRI with a next hop of ${nextHop.length} octets`);
      const reserved = reader.u8();
      const { prefixes, opaque } = readNlri(reader, family);
      return { ...family, nextHop, reserved, nlri: prefixes, opaque };
    }),

  encode({ afi, safi, nextHop, reserved, nlri, opaque }, writer) {
    writer.u16(afi).u8(safi).u8(nextHop.length).bytes(nextHop).u8(reserved);
    for (const prefix of nlri) encodePrefix(writer, prefix);
    writer.bytes(opaque);
  },
};

export const mpUnreach: AttributeCodec<MpUnreach> = {
  type: AttributeType.MP_UNREACH_NLRI,
  name: 'MP_UNREACH_NLRI',
  flags: OPTIONAL_NON_TRANSITIVE,

  decode: value =>
    guarded('MP_UNREACH_NLRI', () => {
      const reader = new Reader(value);
      const family = { afi: reader.u16(), safi: reader.u8() };
      const { prefixes, opaque } = readNlri(reader, family);
      return { ...family, withdrawn: prefixes, opaque };
    }),

  encode({ afi, safi, withdrawn, opaque }, writer) {
    writer.u16(afi).u8(safi);
    for (const prefix of withdrawn) encodePrefix(writer, prefix);
    writer.bytes(opaque);
  },
};
