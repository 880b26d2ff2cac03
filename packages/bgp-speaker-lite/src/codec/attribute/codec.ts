import type { Writer } from '../writer.ts';

/** Path attribute type codes (IANA "BGP Path Attributes"; each module names its RFC). */
export const AttributeType = {
  ORIGIN: 1,
  AS_PATH: 2,
  NEXT_HOP: 3,
  MULTI_EXIT_DISC: 4,
  LOCAL_PREF: 5,
  ATOMIC_AGGREGATE: 6,
  AGGREGATOR: 7,
  COMMUNITIES: 8,
  ORIGINATOR_ID: 9,
  CLUSTER_LIST: 10,
  MP_REACH_NLRI: 14,
  MP_UNREACH_NLRI: 15,
  EXTENDED_COMMUNITIES: 16,
  AS4_PATH: 17,
  AS4_AGGREGATOR: 18,
  LARGE_COMMUNITIES: 32,
  ONLY_TO_CUSTOMER: 35,
} as const;

/** Attribute flags (RFC 4271 §4.3). */
export const AttributeFlag = { OPTIONAL: 0x80, TRANSITIVE: 0x40, PARTIAL: 0x20, EXTENDED_LENGTH: 0x10 } as const;

export const WELL_KNOWN = AttributeFlag.TRANSITIVE;
export const OPTIONAL_TRANSITIVE = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE;
export const OPTIONAL_NON_TRANSITIVE = AttributeFlag.OPTIONAL;

/** What the session has negotiated or knows that changes how attributes are read and written. */
export interface AttributeContext {
  /** Both sides announced four-octet AS numbers (RFC 6793). */
  readonly fourOctetAs: boolean;
  /** The peer is in another AS: LOCAL_PREF and the attributes of route reflection must not come from it. */
  readonly external: boolean;
}

/** What to do about a malformed attribute (RFC 7606 §2), weakest first. */
export type ErrorHandling = 'attribute-discard' | 'treat-as-withdraw' | 'session-reset';

/** Thrown by a decoder for a value that does not fit its RFC. */
export class AttributeError extends Error {
  override readonly name = 'AttributeError';
  readonly handling: ErrorHandling;
  /** Subcode of an UPDATE Message Error, for when the session is reset. */
  readonly subcode: number;

  constructor(handling: ErrorHandling, reason: string, subcode = 5) {
    super(reason);
    this.handling = handling;
    this.subcode = subcode;
  }
}

/** The fields all attributes have: the flags are kept as received, so that what is read is written the same. */
export interface AttributeHeader {
  readonly type: number;
  readonly flags: number;
}

/** How one attribute is read and written. */
export interface AttributeCodec<A extends AttributeHeader> {
  readonly type: A['type'];
  readonly name: string;
  /** Optional and transitive bits it must have (RFC 7606 §3.c). */
  readonly flags: number;
  decode(value: Uint8Array, context: AttributeContext): Omit<A, keyof AttributeHeader>;
  encode(attribute: A, writer: Writer, context: AttributeContext): void;
}

export function wrongLength(name: string, length: number, handling: ErrorHandling = 'treat-as-withdraw'): AttributeError {
  return new AttributeError(handling, `${name} of ${length} octets`);
}
