import { Reader } from '../codec/reader.ts';
import { Writer } from '../codec/writer.ts';

/** Session states (RFC 5880 §4.1). */
export const BfdState = { ADMIN_DOWN: 0, DOWN: 1, INIT: 2, UP: 3 } as const;

/** Diagnostic codes (RFC 5880 §4.1). */
export const Diagnostic = {
  NONE: 0,
  DETECTION_TIME_EXPIRED: 1,
  ECHO_FAILED: 2,
  NEIGHBOR_SIGNALED_DOWN: 3,
  FORWARDING_PLANE_RESET: 4,
  PATH_DOWN: 5,
  CONCATENATED_PATH_DOWN: 6,
  ADMINISTRATIVELY_DOWN: 7,
  REVERSE_CONCATENATED_PATH_DOWN: 8,
} as const;

/** A BFD control packet (RFC 5880 §4.1). Intervals in microseconds. */
export interface ControlPacket {
  readonly version: number;
  readonly diagnostic: number;
  readonly state: number;
  readonly poll: boolean;
  readonly final: boolean;
  /** C: BFD does not share fate with the control plane. */
  readonly controlPlaneIndependent: boolean;
  readonly authenticationPresent: boolean;
  readonly demand: boolean;
  readonly multipoint: boolean;
  readonly detectMultiplier: number;
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  readonly desiredMinTx: number;
  readonly requiredMinRx: number;
  readonly requiredMinEchoRx: number;
  /** The authentication section as it stands, type and length included; empty without one. */
  readonly authentication: Uint8Array;
}

const MANDATORY = 24;

/** Writes a packet, its length field included. */
export function encodeControlPacket(packet: ControlPacket): Uint8Array {
  const flags =
    (packet.poll ? 0x20 : 0) |
    (packet.final ? 0x10 : 0) |
    (packet.controlPlaneIndependent ? 0x08 : 0) |
    (packet.authenticationPresent ? 0x04 : 0) |
    (packet.demand ? 0x02 : 0) |
    (packet.multipoint ? 0x01 : 0);
  return new Writer(64)
    .u8((packet.version << 5) | packet.diagnostic)
    .u8((packet.state << 6) | flags)
    .u8(packet.detectMultiplier)
    .u8(MANDATORY + packet.authentication.length)
    .u32(packet.myDiscriminator)
    .u32(packet.yourDiscriminator)
    .u32(packet.desiredMinTx)
    .u32(packet.requiredMinRx)
    .u32(packet.requiredMinEchoRx)
    .bytes(packet.authentication)
    .finish();
}

/** What a datagram holds, or why it is to be dropped (RFC 5880 §6.8.6, in its order). Never throws. */
export function decodeControlPacket(datagram: Uint8Array): { readonly packet: ControlPacket } | { readonly drop: string } {
  if (datagram.length < MANDATORY) return { drop: 'shorter than 24 octets' };
  const reader = new Reader(datagram);
  const [first, second, detectMultiplier, length] = [reader.u8(), reader.u8(), reader.u8(), reader.u8()] as const;
  if (first >>> 5 !== 1) return { drop: `version ${first >>> 5}` };
  const authenticationPresent = (second & 0x04) !== 0;
  if (length < (authenticationPresent ? MANDATORY + 2 : MANDATORY)) return { drop: `length field ${length}` };
  if (length > datagram.length) return { drop: `length field ${length} in ${datagram.length} octets` };
  const packet: ControlPacket = {
    version: 1,
    diagnostic: first & 0x1f,
    state: second >>> 6,
    poll: (second & 0x20) !== 0,
    final: (second & 0x10) !== 0,
    controlPlaneIndependent: (second & 0x08) !== 0,
    authenticationPresent,
    demand: (second & 0x02) !== 0,
    multipoint: (second & 0x01) !== 0,
    detectMultiplier,
    myDiscriminator: reader.u32(),
    yourDiscriminator: reader.u32(),
    desiredMinTx: reader.u32(),
    requiredMinRx: reader.u32(),
    requiredMinEchoRx: reader.u32(),
    authentication: new Uint8Array(reader.take(length - MANDATORY)),
  };
  if (detectMultiplier === 0) return { drop: 'detect multiplier 0' };
  if (packet.multipoint) return { drop: 'multipoint bit' };
  if (packet.myDiscriminator === 0) return { drop: 'my discriminator 0' };
  if (packet.yourDiscriminator === 0 && packet.state > BfdState.DOWN) return { drop: 'your discriminator 0 in state Init or Up' };
  if (packet.poll && packet.final) return { drop: 'both poll and final' };
  return { packet };
}

const STATES = ['AdminDown', 'Down', 'Init', 'Up'] as const;

export function stateName(state: number): (typeof STATES)[number] {
  return STATES[state & 3] as (typeof STATES)[number];
}

const DIAGNOSTICS = [
  undefined,
  'control detection time expired',
  'echo function failed',
  'neighbor signaled session down',
  'forwarding plane reset',
  'path down',
  'concatenated path down',
  'administratively down',
  'reverse concatenated path down',
];

/** A diagnostic in words; undefined for none. */
export function diagnosticText(code: number): string | undefined {
  return code === 0 ? undefined : (DIAGNOSTICS[code] ?? `diagnostic ${code}`);
}
