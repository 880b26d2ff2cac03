import { CapabilityCode, type CapabilityCodec } from './codes.ts';

/** A capability that says all by being there: it has no value. */
export interface FlagCapability {
  readonly code:
    | typeof CapabilityCode.ROUTE_REFRESH
    | typeof CapabilityCode.ROUTE_REFRESH_OLD
    | typeof CapabilityCode.EXTENDED_MESSAGE
    | typeof CapabilityCode.ENHANCED_ROUTE_REFRESH;
}

function flagOnly(code: FlagCapability['code']): CapabilityCodec<FlagCapability> {
  return { code, decode: value => (value.length === 0 ? { code } : undefined), encode: () => {} };
}

/** Route refresh (RFC 2918 §2), and the code that equipment used before the RFC. */
export const routeRefresh = flagOnly(CapabilityCode.ROUTE_REFRESH);
export const routeRefreshOld = flagOnly(CapabilityCode.ROUTE_REFRESH_OLD);
/** Enhanced route refresh (RFC 7313 §3.1): refreshes are bracketed by BoRR and EoRR. */
export const enhancedRouteRefresh = flagOnly(CapabilityCode.ENHANCED_ROUTE_REFRESH);
/** Extended messages (RFC 8654 §3): messages up to 65,535 octets may be sent to whom announces this. */
export const extendedMessage = flagOnly(CapabilityCode.EXTENDED_MESSAGE);
