/**
 * Why a text is not an address, a CIDR or a range. The codes are stable; the messages are for people.
 *
 * - `INVALID_ADDRESS`   neither dotted-decimal IPv4 nor RFC 4291 IPv6 text
 * - `ZONE`              an IPv6 zone (`%eth0`), which has no meaning beyond one host
 * - `LEADING_ZERO`      an IPv4 octet such as `010`, which some parsers read as octal
 * - `INVALID_PREFIX`    a prefix length that is missing, not decimal, or longer than the family's width
 * - `HOST_BITS`         a CIDR with bits set beyond its prefix where they were not asked for
 * - `INVALID_RANGE`     neither `first-last` nor a CIDR
 * - `RANGE_REVERSED`    the last address is before the first one
 * - `FAMILY_MISMATCH`   IPv4 and IPv6 mixed where one family is needed
 * - `OUT_OF_BOUNDS`     a number or byte string that is no address of its family
 */
export type IpErrorCode =
  | 'INVALID_ADDRESS'
  | 'ZONE'
  | 'LEADING_ZERO'
  | 'INVALID_PREFIX'
  | 'HOST_BITS'
  | 'INVALID_RANGE'
  | 'RANGE_REVERSED'
  | 'FAMILY_MISMATCH'
  | 'OUT_OF_BOUNDS';

/** The one error class of this package. */
export class IpError extends Error {
  override readonly name = 'IpError';
  readonly code: IpErrorCode;

  constructor(code: IpErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Quotes text of unknown origin for a message: escaped, and cut so that a hostile value cannot flood a log. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
