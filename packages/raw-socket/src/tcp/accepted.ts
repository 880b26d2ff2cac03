import type { Socket } from 'node:net';
import { IPPROTO_TCP } from '../constants.ts';
import { i32 } from '../descriptor.ts';
import { RawSocketError, systemError } from '../error.ts';
import * as libc from '../libc.ts';
import type { Family } from '../sockaddr.ts';
import { setTtls, type TcpOptions } from './options.ts';

const TCP_SAVED_SYN = 28;
/** An IP header with its extensions and a TCP header; the kernel keeps no more. */
const LONGEST_SYN = 1024;

function descriptorOf(socket: Socket): { fd: number; family: Family } {
  // node:net shows the descriptor of a connection nowhere else.
  const fd = (socket as Socket & { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0) throw new RawSocketError('Closed', `the connection from ${socket.remoteAddress ?? 'a peer'} was closed`);
  return { fd, family: socket.remoteFamily === 'IPv6' ? 6 : 4 };
}

/**
 * TTL or hop limit with which the SYN of an accepted connection arrived, of a listener with `saveSyn`. Undefined when the kernel did not keep the
 * SYN, as under a flood of them (SYN cookies), and when it was asked before.
 */
export function synTtl(socket: Socket): number | undefined {
  const { fd, family } = descriptorOf(socket);
  const packet = Buffer.alloc(LONGEST_SYN);
  const length = i32(packet.length);
  const result = libc.getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, packet, length);
  if (result < 0) throw systemError('getsockopt', -result, `read the SYN from ${socket.remoteAddress ?? 'a peer'}`);
  const header = packet.subarray(0, length.readInt32LE(0));
  if (header.length < 20 || header.readUInt8(0) >>> 4 !== family) return undefined;
  return header.readUInt8(family === 4 ? 8 : 7);
}

/** Sets what an accepted connection sends, and what it takes from now on (GTSM, RFC 5082). */
export function setAcceptedTtl(socket: Socket, options: Pick<TcpOptions, 'ttl' | 'minTtl'>): void {
  const { fd, family } = descriptorOf(socket);
  setTtls(
    (level, option, value, doing) => {
      const result = libc.setsockopt(fd, level, option, i32(value));
      if (result < 0) throw systemError('setsockopt', -result, `${doing} for ${socket.remoteAddress ?? 'a peer'}`);
    },
    family,
    options,
  );
}
