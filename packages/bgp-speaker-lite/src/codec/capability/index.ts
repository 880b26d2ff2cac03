import { isRead, modulesBy } from '../modules.ts';
import { Reader, TruncatedError } from '../reader.ts';
import type { Writer } from '../writer.ts';
import type { CapabilityCodec } from './codes.ts';
import { type ExtendedNextHop, extendedNextHop } from './extended-next-hop.ts';
import { enhancedRouteRefresh, extendedMessage, type FlagCapability, routeRefresh, routeRefreshOld } from './flag-only.ts';
import { type FourOctetAs, fourOctetAs } from './four-octet-as.ts';
import { type Fqdn, fqdn } from './fqdn.ts';
import { type GracefulRestart, gracefulRestart } from './graceful-restart.ts';
import { type LongLivedGracefulRestart, longLivedGracefulRestart } from './long-lived-graceful-restart.ts';
import { type Multiprotocol, multiprotocol } from './multiprotocol.ts';
import { type RoleCapability, role } from './role.ts';

/** A capability this package has no module for, or one whose value does not fit its RFC. */
export interface UnknownCapability {
  readonly code: number;
  readonly value: Uint8Array;
}

type KnownCapability =
  | Multiprotocol
  | FlagCapability
  | ExtendedNextHop
  | RoleCapability
  | GracefulRestart
  | LongLivedGracefulRestart
  | FourOctetAs
  | Fqdn;

/** One capability of an OPEN (RFC 5492 §4). */
export type Capability = KnownCapability | UnknownCapability;

const CODECS = modulesBy<CapabilityCodec<KnownCapability>>(
  codec => codec.code,
  [
    multiprotocol,
    routeRefresh,
    extendedNextHop,
    extendedMessage,
    role,
    gracefulRestart,
    fourOctetAs,
    enhancedRouteRefresh,
    longLivedGracefulRestart,
    fqdn,
    routeRefreshOld,
  ],
);

function decodeValue(code: number, value: Uint8Array): Capability {
  try {
    return CODECS.get(code)?.decode(value) ?? { code, value };
  } catch (error) {
    if (error instanceof TruncatedError) return { code, value };
    throw error;
  }
}

/** Reads the capabilities of one optional parameter. Throws `TruncatedError` when one overruns it. */
export function decodeCapabilities(bytes: Uint8Array): Capability[] {
  const reader = new Reader(bytes);
  const capabilities: Capability[] = [];
  while (reader.remaining > 0) {
    const code = reader.u8();
    capabilities.push(decodeValue(code, reader.take(reader.u8())));
  }
  return capabilities;
}

export function encodeCapability(writer: Writer, capability: Capability): void {
  writer.u8(capability.code).sized8(body => {
    if (isRead(capability)) CODECS.get(capability.code)?.encode(capability, body);
    else body.bytes(capability.value);
  });
}

/** The capabilities of a code, those that could be read. */
export function findCapabilities<C extends KnownCapability['code']>(
  capabilities: readonly Capability[],
  code: C,
): Extract<KnownCapability, { code: C }>[] {
  return capabilities.filter(
    (capability): capability is Extract<KnownCapability, { code: C }> => capability.code === code && isRead(capability),
  );
}
