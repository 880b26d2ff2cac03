import { type Address, bitsOf, type Family, formatAddress, parseAddress } from './address.ts';
import { IpError, quote } from './error.ts';

/** A prefix: its first address, whose bits beyond `prefixLength` are zero. */
export interface Cidr {
  readonly address: Address;
  readonly prefixLength: number;
}

export interface CidrOptions {
  /** `refuse` (default): bits set beyond the prefix are an error. `mask`: they are cleared, as MetalLB does with `192.168.10.100/24`. */
  readonly hostBits?: 'refuse' | 'mask';
}

/** Number of addresses of a prefix, as a power of two. */
export function cidrSize(family: Family, prefixLength: number): bigint {
  return 1n << BigInt(bitsOf(family) - prefixLength);
}

/** The prefix of this length that contains the address. Throws `INVALID_PREFIX` for a length the family does not have. */
export function cidrOf(address: Address, prefixLength: number): Cidr {
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bitsOf(address.family)) {
    throw new IpError('INVALID_PREFIX', `/${prefixLength} is not a prefix length of IPv${address.family}`);
  }
  const hostBits = BigInt(bitsOf(address.family) - prefixLength);
  return { address: { family: address.family, value: (address.value >> hostBits) << hostBits }, prefixLength };
}

/** Parses `address/length`. The length is plain decimal without leading zeros. Throws {@link IpError}. */
export function parseCidr(text: string, options: CidrOptions = {}): Cidr {
  const slash = text.indexOf('/');
  if (slash < 0) throw new IpError('INVALID_PREFIX', `${quote(text)} has no prefix length; write e.g. "${quote(text).slice(1, -1)}/32"`);
  const address = parseAddress(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bitsOf(address.family)) {
    throw new IpError('INVALID_PREFIX', `${quote(text)}: the prefix length must be 0 to ${bitsOf(address.family)}`);
  }
  const cidr = cidrOf(address, Number(length));
  if (cidr.address.value !== address.value && options.hostBits !== 'mask') {
    throw new IpError('HOST_BITS', `${quote(text)} has bits set beyond its prefix; did you mean ${formatCidr(cidr)}?`);
  }
  return cidr;
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.address)}/${cidr.prefixLength}`;
}
