import { EMPTY } from './bytes.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** NOTIFICATION (RFC 4271 §4.5): why the sender closes the connection. */
export interface Notification {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

/** Error codes (RFC 4271 §4.5; 7 from RFC 7313 §5; 8 from RFC 9687). */
export const ErrorCode = {
  MESSAGE_HEADER: 1,
  OPEN_MESSAGE: 2,
  UPDATE_MESSAGE: 3,
  HOLD_TIMER_EXPIRED: 4,
  FSM: 5,
  CEASE: 6,
  ROUTE_REFRESH: 7,
  SEND_HOLD_TIMER_EXPIRED: 8,
} as const;

/** Subcodes of Cease (RFC 4486 §3, RFC 8538 §3, RFC 9384 §2). */
export const Cease = {
  MAXIMUM_PREFIXES: 1,
  ADMINISTRATIVE_SHUTDOWN: 2,
  PEER_DECONFIGURED: 3,
  ADMINISTRATIVE_RESET: 4,
  CONNECTION_REJECTED: 5,
  OTHER_CONFIGURATION_CHANGE: 6,
  COLLISION_RESOLUTION: 7,
  OUT_OF_RESOURCES: 8,
  HARD_RESET: 9,
  BFD_DOWN: 10,
} as const;

const CODES: Record<number, { name: string; subcodes: Record<number, string> }> = {
  1: { name: 'Message Header Error', subcodes: { 1: 'Connection Not Synchronized', 2: 'Bad Message Length', 3: 'Bad Message Type' } },
  2: {
    name: 'OPEN Message Error',
    subcodes: {
      1: 'Unsupported Version Number',
      2: 'Bad Peer AS',
      3: 'Bad BGP Identifier',
      4: 'Unsupported Optional Parameter',
      5: 'Authentication Failure',
      6: 'Unacceptable Hold Time',
      7: 'Unsupported Capability',
      11: 'Role Mismatch',
    },
  },
  3: {
    name: 'UPDATE Message Error',
    subcodes: {
      1: 'Malformed Attribute List',
      2: 'Unrecognized Well-known Attribute',
      3: 'Missing Well-known Attribute',
      4: 'Attribute Flags Error',
      5: 'Attribute Length Error',
      6: 'Invalid ORIGIN Attribute',
      8: 'Invalid NEXT_HOP Attribute',
      9: 'Optional Attribute Error',
      10: 'Invalid Network Field',
      11: 'Malformed AS_PATH',
    },
  },
  4: { name: 'Hold Timer Expired', subcodes: {} },
  5: {
    name: 'Finite State Machine Error',
    subcodes: { 1: 'Unexpected Message in OpenSent', 2: 'Unexpected Message in OpenConfirm', 3: 'Unexpected Message in Established' },
  },
  6: {
    name: 'Cease',
    subcodes: {
      1: 'Maximum Number of Prefixes Reached',
      2: 'Administrative Shutdown',
      3: 'Peer De-configured',
      4: 'Administrative Reset',
      5: 'Connection Rejected',
      6: 'Other Configuration Change',
      7: 'Connection Collision Resolution',
      8: 'Out of Resources',
      9: 'Hard Reset',
      10: 'BFD Down',
    },
  },
  7: { name: 'ROUTE-REFRESH Message Error', subcodes: { 1: 'Invalid Message Length' } },
  8: { name: 'Send Hold Timer Expired', subcodes: {} },
};

const MAX_TEXT = 255;

export function encodeNotification(message: Notification, writer: Writer): void {
  writer.u8(message.code).u8(message.subcode).bytes(message.data);
}

/** The header's length check has made sure of the two octets. */
export function decodeNotification(body: Uint8Array): Notification {
  const reader = new Reader(body);
  return { code: reader.u8(), subcode: reader.u8(), data: reader.rest() };
}

/** A Cease whose data is a text for the operator (RFC 9003 §2), cut at a character boundary to fit 255 octets. */
export function cease(subcode: number, message?: string): Notification {
  if (message === undefined || message === '' || (subcode !== Cease.ADMINISTRATIVE_SHUTDOWN && subcode !== Cease.ADMINISTRATIVE_RESET))
    return { code: ErrorCode.CEASE, subcode, data: EMPTY };
  const target = new Uint8Array(MAX_TEXT);
  const { written } = new TextEncoder().encodeInto(message, target);
  const data = new Uint8Array(1 + written);
  data[0] = written;
  data.set(target.subarray(0, written), 1);
  return { code: ErrorCode.CEASE, subcode, data };
}

/** The same as a Hard Reset: a peer that keeps routes over a NOTIFICATION (RFC 8538 §3.1) drops them on this one. */
export function hardReset(inner: Notification): Notification {
  const data = new Writer(2 + inner.data.length);
  encodeNotification(inner, data);
  return { code: ErrorCode.CEASE, subcode: Cease.HARD_RESET, data: data.finish() };
}

/** The operator's text in a Cease (RFC 9003 §2). A length beyond the data, or text that is not UTF-8, counts as no message. */
export function shutdownMessage({ code, subcode, data }: Notification): string | undefined {
  if (code !== ErrorCode.CEASE || (subcode !== Cease.ADMINISTRATIVE_SHUTDOWN && subcode !== Cease.ADMINISTRATIVE_RESET)) return undefined;
  const length = data[0] ?? 0;
  if (length === 0 || length > data.length - 1) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(1, 1 + length));
  } catch {
    return undefined;
  }
}

/** A NOTIFICATION in words, such as `Cease: Administrative Shutdown ("upgrade to 2.1") [6/2]`. Control characters are made visible. */
export function describeNotification(notification: Notification): string {
  const { code, subcode, data } = notification;
  if (code === ErrorCode.CEASE && subcode === Cease.HARD_RESET && data.length >= 2)
    return `Hard Reset: ${describeNotification(decodeNotification(data))}`;
  const entry = CODES[code];
  const name = entry?.name ?? `error code ${code}`;
  const detail = entry?.subcodes[subcode] ?? (subcode === 0 ? undefined : `subcode ${subcode}`);
  const text = shutdownMessage(notification);
  return `${name}${detail === undefined ? '' : `: ${detail}`}${text === undefined ? '' : ` (${JSON.stringify(text)})`} [${code}/${subcode}]`;
}
