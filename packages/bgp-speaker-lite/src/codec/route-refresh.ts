import type { AfiSafi } from './family.ts';
import { MessageError } from './message-error.ts';
import { ErrorCode } from './notification.ts';
import { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** ROUTE-REFRESH (RFC 2918 §3; the subtype in the once reserved octet from RFC 7313 §3.2). */
export interface RouteRefresh extends AfiSafi {
  readonly subtype: number;
}

export const RefreshSubtype = { REQUEST: 0, BEGIN: 1, END: 2 } as const;

export function encodeRouteRefresh({ afi, subtype, safi }: RouteRefresh, writer: Writer): void {
  writer.u16(afi).u8(subtype).u8(safi);
}

/** Throws 7/1 when the length is not four (RFC 7313 §5); a longer one would carry filters of a capability never offered here. */
export function decodeRouteRefresh(body: Uint8Array, frame: Uint8Array): RouteRefresh {
  if (body.length !== 4)
    throw new MessageError(ErrorCode.ROUTE_REFRESH, 1, `ROUTE-REFRESH of ${frame.length} octets`, frame.slice(0, 4096 - 21));
  const reader = new Reader(body);
  return { afi: reader.u16(), subtype: reader.u8(), safi: reader.u8() };
}
