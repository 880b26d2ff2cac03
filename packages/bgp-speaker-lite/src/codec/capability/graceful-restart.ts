import type { AfiSafi } from '../family.ts';
import { Reader } from '../reader.ts';
import { CapabilityCode, type CapabilityCodec } from './codes.ts';

/** Graceful restart (RFC 4724 §3, N bit from RFC 8538 §2). */
export interface GracefulRestart {
  readonly code: typeof CapabilityCode.GRACEFUL_RESTART;
  /** The four bits before the time, as {@link RESTARTED} and {@link NOTIFICATION}. */
  readonly flags: number;
  /** Seconds, at most 4095, for which the routes shall be kept. */
  readonly restartTime: number;
  /** No family: this side only helps others and marks the End-of-RIB. */
  readonly families: readonly (AfiSafi & { readonly flags: number })[];
}

/** R: the speaker has restarted, do not wait for its End-of-RIB. */
export const RESTARTED = 0x8;
/** N: routes are kept over a NOTIFICATION as well. */
export const NOTIFICATION = 0x4;
/** F, of a family: the forwarding state outlived the restart. */
export const FORWARDING_PRESERVED = 0x80;

export const gracefulRestart: CapabilityCodec<GracefulRestart> = {
  code: CapabilityCode.GRACEFUL_RESTART,

  decode(value) {
    if (value.length < 2 || (value.length - 2) % 4 !== 0) return undefined;
    const reader = new Reader(value);
    const first = reader.u16();
    const families = [];
    while (reader.remaining > 0) families.push({ afi: reader.u16(), safi: reader.u8(), flags: reader.u8() });
    return { code: CapabilityCode.GRACEFUL_RESTART, flags: first >>> 12, restartTime: first & 0xfff, families };
  },

  encode({ flags, restartTime, families }, writer) {
    writer.u16((flags << 12) | restartTime);
    for (const family of families) writer.u16(family.afi).u8(family.safi).u8(family.flags);
  },
};
