import { BgpError } from '../errors.ts';
import type { BfdOptions } from './options.ts';

/** Below this a machine that pauses for a moment, or a busy router, is taken for dead. */
const LEAST_INTERVAL = 10;
const LONGEST_INTERVAL = 60_000;

/** Throws `BGP_BAD_OPTION` for BFD options that RFC 5880 does not allow. */
export function checkBfdOptions(peer: string, options: BfdOptions): void {
  const bad = (message: string) => new BgpError('BGP_BAD_OPTION', `peer ${peer}: bfd.${message}`);
  for (const name of ['transmitInterval', 'receiveInterval', 'echoInterval', 'echoTransmitInterval'] as const) {
    const value = options[name];
    if (value !== undefined && !(value >= LEAST_INTERVAL && value <= LONGEST_INTERVAL))
      throw bad(`${name} ${value} must be from ${LEAST_INTERVAL} to ${LONGEST_INTERVAL} ms`);
  }
  const multiplier = options.detectMultiplier ?? 3;
  if (!Number.isInteger(multiplier) || multiplier < 1 || multiplier > 255)
    throw bad(`detectMultiplier ${multiplier} must be from 1 to 255`);
  const ttl = options.minimumTtl ?? 254;
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > 255) throw bad(`minimumTtl ${ttl} must be from 1 to 255`);
  if (!options.authentication) return;
  const { type, keyId, key } = options.authentication;
  if (!Number.isInteger(keyId) || keyId < 0 || keyId > 255) throw bad(`authentication.keyId ${keyId} must be from 0 to 255`);
  const longest = type.endsWith('sha1') ? 20 : 16;
  const length = Buffer.byteLength(key);
  if (length < 1 || length > longest) throw bad(`authentication.key must have 1 to ${longest} octets for ${type}`);
}
