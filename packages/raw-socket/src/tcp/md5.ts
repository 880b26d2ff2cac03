import { AF_INET, IPPROTO_TCP, SOCK_STREAM, TCP_MD5SIG, TCP_MD5SIG_EXT } from '../constants.ts';
import { Descriptor } from '../descriptor.ts';
import { ENOENT, ENOPROTOOPT } from '../errno.ts';
import { RawSocketError, systemError } from '../error.ts';
import * as libc from '../libc.ts';
import { encodeSockaddr, type Family, familyOf } from '../sockaddr.ts';

/** Whether this kernel was built with TCP MD5 (RFC 2385). */
export function tcpMd5Supported(): boolean {
  const socket = Descriptor.socket(AF_INET, SOCK_STREAM, 0, 'a TCP socket');
  try {
    return libc.setsockopt(socket.fd, IPPROTO_TCP, TCP_MD5SIG, encodeMd5('127.0.0.1', Buffer.from('probe'))) === 0;
  } finally {
    socket.close();
  }
}

/** Longest key the kernel takes, bytes (TCP_MD5SIG_MAXKEYLEN). */
export const MAX_MD5_KEY = 80;

/** An address (`10.0.0.1`, `fe80::1%eth0`) or a prefix (`10.0.0.0/24`), split. */
export function parsePeer(peer: string): { address: string; family: Family; prefixLength: number | undefined } {
  const [address = '', prefix, ...rest] = peer.split('/');
  const family = familyOf(address);
  if (prefix === undefined) return { address, family, prefixLength: undefined };
  const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (rest.length > 0 || !(length <= (family === 4 ? 32 : 128)))
    throw new RawSocketError('InvalidArgument', `not a prefix: ${JSON.stringify(peer)}`);
  return { address, family, prefixLength: length };
}

/**
 * struct tcp_md5sig, 216 bytes: sockaddr_storage[128] · u8 flags @128 (1 = prefix) · u8 prefixlen @129 · u16 keylen @130 ·
 * i32 ifindex @132 · key[80] @136. A key of no bytes removes the key.
 */
export function encodeMd5(peer: string, key: Uint8Array): Buffer {
  const { address, prefixLength } = parsePeer(peer);
  if (key.length > MAX_MD5_KEY)
    throw new RawSocketError('InvalidArgument', `an MD5 key has at most ${MAX_MD5_KEY} bytes, not ${key.length}`);
  const out = Buffer.alloc(216);
  encodeSockaddr(address, 0).copy(out);
  if (prefixLength !== undefined) {
    out.writeUInt8(1, 128);
    out.writeUInt8(prefixLength, 129);
  }
  out.writeUInt16LE(key.length, 130);
  out.set(key, 136);
  return out;
}

/**
 * Sets, replaces or (null) removes the TCP MD5 key (RFC 2385) for one peer or a prefix of peers, on a connected, a connecting or a
 * listening socket. On a listener it takes effect for the next connection. Removing what is not there is no error.
 */
export function setTcpMd5(fd: number, peer: string, key: string | Uint8Array | null): void {
  const bytes = key === null ? Buffer.alloc(0) : typeof key === 'string' ? Buffer.from(key, 'utf8') : key;
  if (key !== null && bytes.length === 0) throw new RawSocketError('InvalidArgument', `the MD5 key for ${peer} is empty`);
  const struct = encodeMd5(peer, bytes);
  const result = libc.setsockopt(fd, IPPROTO_TCP, struct[128] === 0 ? TCP_MD5SIG : TCP_MD5SIG_EXT, struct);
  struct.fill(0);
  if (result >= 0 || (key === null && result === -ENOENT)) return;
  if (result === -ENOPROTOOPT) {
    throw new RawSocketError('NotSupported', `cannot set an MD5 key for ${peer}: this kernel was built without CONFIG_TCP_MD5SIG`, {
      errno: 'ENOPROTOOPT',
      syscall: 'setsockopt',
    });
  }
  throw systemError('setsockopt', -result, `set the MD5 key for ${peer}`);
}
