import { type Cause, invalid } from '../errors.ts';
import { addressValue, familyOf, parseCidr } from './ip.ts';

/** Checks of addresses in API fields, in Kubernetes' words. */

export const validIp = (field: string, value: string): Cause[] =>
  familyOf(value) === undefined ? [invalid(field, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')] : [];

export const validCidr = (field: string, value: string): Cause[] =>
  parseCidr(value) === undefined ? [invalid(field, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')] : [];

/** `ValidateEndpointIP`/`ValidateNonSpecialIP`: unspecified, loopback and link-local addresses lead nowhere. */
export function nonSpecialIp(field: string, value: string): Cause[] {
  const family = familyOf(value);
  if (family === undefined) return [invalid(field, value, 'must be a valid IP address')];
  const number = addressValue(value);
  const v4 = family === 'IPv4';
  const inV4 = (block: string): boolean => v4 && inside(block, number);
  const inV6 = (block: string): boolean => !v4 && inside(block, number);
  if (number === 0n) return [invalid(field, value, `may not be unspecified (${v4 ? '0.0.0.0' : '::'})`)];
  if (inV4('127.0.0.0/8') || (!v4 && number === 1n)) {
    return [invalid(field, value, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  }
  if (inV4('169.254.0.0/16') || inV6('fe80::/10')) {
    return [invalid(field, value, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  }
  if (inV4('224.0.0.0/24') || inV6('ff02::/16')) {
    return [invalid(field, value, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')];
  }
  return [];
}

function inside(block: string, value: bigint): boolean {
  const cidr = parseCidr(block);
  return cidr !== undefined && value >= cidr.first && value < cidr.first + cidr.size;
}
