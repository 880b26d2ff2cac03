import type { AfiSafi } from '../family.ts';
import { Reader } from '../reader.ts';
import { CapabilityCode, type CapabilityCodec } from './codes.ts';

/** Long-lived graceful restart (RFC 9494 §3.1). Means nothing without the graceful restart capability beside it. */
export interface LongLivedGracefulRestart {
  readonly code: typeof CapabilityCode.LONG_LIVED_GRACEFUL_RESTART;
  /** `flags` has the F bit of graceful restart; `staleTime` is in seconds, 24 bits. */
  readonly families: readonly (AfiSafi & { readonly flags: number; readonly staleTime: number })[];
}

export const longLivedGracefulRestart: CapabilityCodec<LongLivedGracefulRestart> = {
  code: CapabilityCode.LONG_LIVED_GRACEFUL_RESTART,

  decode(value) {
    if (value.length % 7 !== 0) return undefined;
    const reader = new Reader(value);
    const families = [];
    while (reader.remaining > 0) families.push({ afi: reader.u16(), safi: reader.u8(), flags: reader.u8(), staleTime: reader.u24() });
    return { code: CapabilityCode.LONG_LIVED_GRACEFUL_RESTART, families };
  },

  encode({ families }, writer) {
    for (const { afi, safi, flags, staleTime } of families) writer.u16(afi).u8(safi).u8(flags).u24(staleTime);
  },
};
