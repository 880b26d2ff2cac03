import type { Writer } from '../writer.ts';

/** Capability codes (IANA "Capability Codes"; each module names its RFC). */
export const CapabilityCode = {
  MULTIPROTOCOL: 1,
  ROUTE_REFRESH: 2,
  EXTENDED_NEXT_HOP: 5,
  EXTENDED_MESSAGE: 6,
  ROLE: 9,
  GRACEFUL_RESTART: 64,
  FOUR_OCTET_AS: 65,
  ADD_PATH: 69,
  ENHANCED_ROUTE_REFRESH: 70,
  LONG_LIVED_GRACEFUL_RESTART: 71,
  FQDN: 73,
  ROUTE_REFRESH_OLD: 128,
} as const;

/**
 * Reads and writes the value of one capability.
 * `decode` returns undefined for a value that does not fit its RFC; it is then kept as unknown, as RFC 5492 §4 asks to ignore it.
 */
export interface CapabilityCodec<C extends { readonly code: number }> {
  readonly code: C['code'];
  decode(value: Uint8Array): C | undefined;
  encode(capability: C, writer: Writer): void;
}
