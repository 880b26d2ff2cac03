import { AF_INET, IPPROTO_TCP, SOCK_STREAM } from '../constants.ts';
import { Descriptor, i32 } from '../descriptor.ts';
import { ENOENT, ENOPROTOOPT } from '../errno.ts';
import { RawSocketError, systemError } from '../error.ts';
import * as libc from '../libc.ts';
import { encodeSockaddr } from '../sockaddr.ts';
import { parsePeer } from './md5.ts';

// linux/tcp.h
const TCP_AO_ADD_KEY = 38;
const TCP_AO_DEL_KEY = 39;
const TCP_AO_INFO = 40;

/** Longest master key the kernel takes, bytes (TCP_AO_MAXKEYLEN). */
export const MAX_TCP_AO_KEY = 80;

/** Both algorithms send 96 bits of their MAC (RFC 5926 §3.2). */
const MAC_LENGTH = 12;

/** The kernel's names of the algorithms of RFC 5926; `aes128` is the one that derives its key as §3.1.1.2 says. */
const ALGORITHMS = { 'HMAC-SHA-1-96': 'hmac(sha1)', 'AES-128-CMAC-96': 'cmac(aes128)' } as const;

/** The mandatory algorithms of RFC 5926. */
export type TcpAoAlgorithm = keyof typeof ALGORITHMS;

/** A Master Key Tuple (RFC 5925 §3.1), without the peer's address. */
export interface TcpAoKey {
  algorithm: TcpAoAlgorithm;
  /** Master key; text counts as UTF-8. */
  key: string | Uint8Array;
  /** KeyID of what is sent, 0 to 255; the peer's `receiveId`. */
  sendId: number;
  /** KeyID of what is accepted; the peer's `sendId`. */
  receiveId: number;
}

/** Whether this kernel was built with TCP-AO (RFC 5925; Linux 6.7, CONFIG_TCP_AO). */
export function tcpAoSupported(): boolean {
  const socket = Descriptor.socket(AF_INET, SOCK_STREAM, 0, 'a TCP socket');
  try {
    // A kernel with it complains about the missing keys or the size instead.
    return libc.getsockopt(socket.fd, IPPROTO_TCP, TCP_AO_INFO, Buffer.alloc(256), i32(256)) !== -ENOPROTOOPT;
  } finally {
    socket.close();
  }
}

function keyId(name: string, id: number): number {
  if (!Number.isInteger(id) || id < 0 || id > 255) throw new RawSocketError('InvalidArgument', `${name} must be 0 to 255, not ${id}`);
  return id;
}

/** The kernel wants the length of the prefix in any case: all bits stand for the one address. */
function prefixOf(peer: string): { address: string; prefix: number } {
  const { address, family, prefixLength } = parsePeer(peer);
  return { address, prefix: prefixLength ?? (family === 4 ? 32 : 128) };
}

/**
 * struct tcp_ao_add, 288 bytes: sockaddr_storage[128] · char alg_name[64] @128 · i32 ifindex @192 (0: any VRF) · u32 flags @196 (set_current,
 * set_rnext: not on a listener, and needless for the only key) · u16 reserved @200 · u8 prefix @202 · sndid @203 · rcvid @204 · maclen @205 ·
 * keyflags @206 (0: the MAC covers TCP options) · keylen @207 · key[80] @208.
 */
export function encodeTcpAoAdd(peer: string, { algorithm, key, sendId, receiveId }: TcpAoKey): Buffer {
  const { address, prefix } = prefixOf(peer);
  const bytes = typeof key === 'string' ? Buffer.from(key, 'utf8') : key;
  if (bytes.length === 0 || bytes.length > MAX_TCP_AO_KEY)
    throw new RawSocketError('InvalidArgument', `a TCP-AO key has 1 to ${MAX_TCP_AO_KEY} bytes, not ${bytes.length}`);
  if (!Object.hasOwn(ALGORITHMS, algorithm))
    throw new RawSocketError('InvalidArgument', `not a TCP-AO algorithm: ${algorithm}; there are ${Object.keys(ALGORITHMS).join(', ')}`);
  const out = Buffer.alloc(288);
  encodeSockaddr(address, 0).copy(out);
  out.write(ALGORITHMS[algorithm], 128, 'latin1');
  out.writeUInt8(prefix, 202);
  out.writeUInt8(keyId('sendId', sendId), 203);
  out.writeUInt8(keyId('receiveId', receiveId), 204);
  out.writeUInt8(MAC_LENGTH, 205);
  out.writeUInt8(bytes.length, 207);
  out.set(bytes, 208);
  return out;
}

/**
 * struct tcp_ao_del, 144 bytes: sockaddr_storage[128] · i32 ifindex @128 · u32 flags @132 · u16 reserved @136 · u8 prefix @138 · sndid @139 ·
 * rcvid @140 · current_key @141 · rnext @142 · keyflags @143.
 */
export function encodeTcpAoDelete(peer: string, { sendId, receiveId }: Pick<TcpAoKey, 'sendId' | 'receiveId'>): Buffer {
  const { address, prefix } = prefixOf(peer);
  const out = Buffer.alloc(144);
  encodeSockaddr(address, 0).copy(out);
  out.writeUInt8(prefix, 138);
  out.writeUInt8(keyId('sendId', sendId), 139);
  out.writeUInt8(keyId('receiveId', receiveId), 140);
  return out;
}

function failed(result: number, peer: string, doing: string): never {
  if (result === -ENOPROTOOPT)
    throw new RawSocketError(
      'NotSupported',
      `cannot ${doing} for ${peer}: this kernel has no TCP-AO; it needs Linux 6.7 or later, built with CONFIG_TCP_AO`,
      { errno: 'ENOPROTOOPT', syscall: 'setsockopt' },
    );
  throw systemError('setsockopt', -result, `${doing} for ${peer}`);
}

/**
 * Adds a TCP-AO key (RFC 5925) for one peer or a prefix of peers, on a socket that is not connected yet or on a listening one. From then on the
 * kernel takes nothing unsigned from that peer. A socket has either TCP-AO or TCP MD5 for a peer.
 * @throws RawSocketError NotSupported (the kernel, or its algorithm), InvalidArgument
 */
export function setTcpAo(fd: number, peer: string, key: TcpAoKey): void {
  const struct = encodeTcpAoAdd(peer, key);
  const result = libc.setsockopt(fd, IPPROTO_TCP, TCP_AO_ADD_KEY, struct);
  struct.fill(0);
  if (result >= 0) return;
  if (result === -ENOENT)
    throw new RawSocketError('NotSupported', `cannot set a TCP-AO key for ${peer}: this kernel has no ${ALGORITHMS[key.algorithm]}`, {
      errno: 'ENOENT',
      syscall: 'setsockopt',
    });
  failed(result, peer, 'set a TCP-AO key');
}

/** Removes a key from a socket; what is not there is no error. */
export function deleteTcpAo(fd: number, peer: string, ids: Pick<TcpAoKey, 'sendId' | 'receiveId'>): void {
  const result = libc.setsockopt(fd, IPPROTO_TCP, TCP_AO_DEL_KEY, encodeTcpAoDelete(peer, ids));
  if (result < 0 && result !== -ENOENT) failed(result, peer, 'remove the TCP-AO key');
}
