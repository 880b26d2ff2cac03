import { Socket } from 'node:net';
import * as k from '../constants.ts';
import { Descriptor, i32 } from '../descriptor.ts';
import { EINPROGRESS } from '../errno.ts';
import { RawSocketError, systemError } from '../error.ts';
import * as libc from '../libc.ts';
import { encodeSockaddr, familyOf } from '../sockaddr.ts';
import { setTcpAo, type TcpAoKey } from './ao.ts';
import { setTcpMd5 } from './md5.ts';
import { applyTcpOptions, type TcpOptions } from './options.ts';

export interface ConnectTcpOptions extends TcpOptions {
  /** Literal address; a link-local one with its zone: `fe80::1%eth0`. */
  remote: string;
  port: number;
  /** Address to speak from; default: the kernel's choice. */
  local?: string | undefined;
  /** Default: an ephemeral port. */
  localPort?: number | undefined;
  /** TCP MD5 key (RFC 2385). */
  md5?: string | Uint8Array | undefined;
  /** TCP-AO key (RFC 5925); not together with `md5`. */
  ao?: TcpAoKey | undefined;
  /**
   * Longest time for the handshake, ms. Required: a peer with another key, or with none, answers nothing at all, and even its refusal
   * (an unsigned RST) is dropped.
   */
  timeout: number;
  signal?: AbortSignal | undefined;
}

/**
 * Opens a TCP connection whose options are in place before its first segment, and hands it to node:net.
 * @throws RawSocketError ConnectionRefused, Timeout, Unreachable, Aborted, AddressNotAvailable, NotSupported (MD5, TCP-AO), InvalidArgument
 */
export async function connectTcp(options: ConnectTcpOptions): Promise<Socket> {
  const { remote, port, timeout } = options;
  const family = familyOf(remote);
  const what = `connect to ${family === 4 ? remote : `[${remote}]`}:${port}`;
  const aborted = (): RawSocketError => new RawSocketError('Aborted', `cannot ${what}: aborted`);
  if (!(timeout > 0)) throw new RawSocketError('InvalidArgument', `cannot ${what}: the timeout must be positive, not ${timeout}`);
  if (options.local !== undefined && familyOf(options.local) !== family) {
    throw new RawSocketError('InvalidArgument', `cannot ${what} from ${options.local}: another address family`);
  }
  if (options.md5 !== undefined && options.ao !== undefined)
    throw new RawSocketError('InvalidArgument', `cannot ${what}: give either an MD5 key or a TCP-AO key`);
  if (options.signal?.aborted) throw aborted();
  const target = encodeSockaddr(remote, port);
  const socket = Descriptor.with(
    Descriptor.socket(family === 4 ? k.AF_INET : k.AF_INET6, k.SOCK_STREAM, 0, `the socket to ${remote}`),
    s => {
      applyTcpOptions(s, family, options);
      s.set(k.IPPROTO_TCP, k.TCP_NODELAY, 1, 'set TCP_NODELAY');
      if (options.md5 !== undefined) setTcpMd5(s.fd, remote, options.md5);
      if (options.ao !== undefined) setTcpAo(s.fd, remote, options.ao);
      if (options.local !== undefined || options.localPort !== undefined) {
        s.set(k.SOL_SOCKET, k.SO_REUSEADDR, 1, 'set SO_REUSEADDR');
        const local = options.local ?? (family === 4 ? '0.0.0.0' : '::');
        s.bind(encodeSockaddr(local, options.localPort ?? 0), `bind to ${local}`, 'CAP_NET_BIND_SERVICE');
      }
      const result = libc.connect(s.fd, target);
      if (result < 0 && result !== -EINPROGRESS) throw systemError('connect', -result, what);
    },
  );
  try {
    await writable(
      socket.fd,
      timeout,
      options.signal,
      () => new RawSocketError('Timeout', `cannot ${what}: no answer within ${timeout} ms`),
      aborted,
    );
    const error = Buffer.alloc(4);
    const read = libc.getsockopt(socket.fd, k.SOL_SOCKET, k.SO_ERROR, error, i32(4));
    const errno = read < 0 ? -read : error.readInt32LE(0);
    if (errno !== 0) throw systemError('connect', errno, what);
  } catch (error) {
    socket.close();
    throw error;
  }
  return new Socket({ fd: socket.release(), readable: true, writable: true, allowHalfOpen: false });
}

function writable(
  fd: number,
  timeout: number,
  signal: AbortSignal | undefined,
  timedOut: () => Error,
  aborted: () => Error,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // The handle is closed before the fd is: libuv must not poll a number that belongs to someone else.
    const finish = (error?: Error): void => {
      handle.close();
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (error) reject(error);
      else resolve();
    };
    const onAbort = (): void => finish(aborted());
    const handle = libc.watch(fd, 'writable', () => finish());
    const timer = setTimeout(() => finish(timedOut()), timeout);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
