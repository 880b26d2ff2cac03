import * as k from '../constants.ts';
import type { Descriptor } from '../descriptor.ts';
import { RawSocketError } from '../error.ts';
import type { Family } from '../sockaddr.ts';

/** IP options of a TCP socket; they must be in place before the handshake. */
export interface TcpOptions {
  /** TTL or hop limit of what is sent; 255 under GTSM. */
  ttl?: number | undefined;
  /** Drops, in the kernel, segments that arrive with a smaller TTL or hop limit (GTSM, RFC 5082): 255 for a neighbour on the link. */
  minTtl?: number | undefined;
  /** TOS or traffic class octet; 0xc0 = CS6, network control (RFC 4271 App. E). */
  tos?: number | undefined;
  /** Only this interface or VRF (SO_BINDTODEVICE). */
  device?: string | undefined;
}

function octet(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > 255) {
    throw new RawSocketError('InvalidArgument', `${name} must be ${least} to 255, not ${value}`);
  }
}

/** The two options of GTSM, on whatever socket `set` sets them on. */
export function setTtls(
  set: (level: number, option: number, value: number, doing: string) => void,
  family: Family,
  { ttl, minTtl }: Pick<TcpOptions, 'ttl' | 'minTtl'>,
): void {
  const level = family === 4 ? k.SOL_IP : k.SOL_IPV6;
  if (ttl !== undefined) {
    octet('ttl', ttl, 1);
    set(level, family === 4 ? k.IP_TTL : k.IPV6_UNICAST_HOPS, ttl, `set TTL ${ttl}`);
  }
  if (minTtl !== undefined) {
    octet('minTtl', minTtl, 0);
    set(level, family === 4 ? k.IP_MINTTL : k.IPV6_MINHOPCOUNT, minTtl, `require TTL ${minTtl}`);
  }
}

export function applyTcpOptions(socket: Descriptor, family: Family, options: TcpOptions): void {
  const level = family === 4 ? k.SOL_IP : k.SOL_IPV6;
  if (options.device !== undefined) socket.bindToDevice(options.device);
  setTtls((...option) => socket.set(...option), family, options);
  if (options.tos !== undefined) {
    octet('tos', options.tos, 0);
    socket.set(level, family === 4 ? k.IP_TOS : k.IPV6_TCLASS, options.tos, `set TOS ${options.tos}`);
  }
}
