import { type AddressInfo, createServer, type Server } from 'node:net';
import * as k from '../constants.ts';
import { Descriptor } from '../descriptor.ts';
import { RawSocketError, systemError } from '../error.ts';
import * as libc from '../libc.ts';
import { encodeSockaddr, familyOf } from '../sockaddr.ts';
import { deleteTcpAo, setTcpAo, type TcpAoKey } from './ao.ts';
import { parsePeer, setTcpMd5 } from './md5.ts';
import { applyTcpOptions, type TcpOptions } from './options.ts';

const TCP_SAVE_SYN = 27;

export interface ListenTcpOptions extends TcpOptions {
  /** Literal address; `0.0.0.0` or `::` for all of that family. IPv6 listeners do not take IPv4. */
  address: string;
  port: number;
  /** TCP MD5 keys (RFC 2385) by peer: an address, or a prefix such as `10.0.0.0/24`. Peers without a key connect unsigned. */
  md5Keys?: readonly { peer: string; key: string | Uint8Array }[] | undefined;
  /** TCP-AO keys (RFC 5925), one for each peer or prefix; a peer has either this or an MD5 key. */
  aoKeys?: readonly { peer: string; key: TcpAoKey }[] | undefined;
  /** Keep each connection's SYN until `synTtl` asks for it. */
  saveSyn?: boolean | undefined;
  backlog?: number | undefined;
}

export interface TcpListener {
  /** Listening; its `connection` events carry ordinary sockets. A listener must be attached in the tick that receives it. */
  readonly server: Server;
  readonly address: string;
  readonly port: number;
  /** Sets, replaces or (null) removes a peer's key; for connections that begin afterwards. */
  setMd5(peer: string, key: string | Uint8Array | null): void;
  /** Sets, replaces or (null) removes a peer's TCP-AO key, as `setMd5` does. A peer's connections fail between the old key and the new. */
  setAo(peer: string, key: TcpAoKey | null): void;
  /** Stops listening; accepted connections go on. */
  close(): Promise<void>;
}

/**
 * Listens with MD5 keys, GTSM and the like in place before the first connection.
 * @throws RawSocketError AddressInUse, AddressNotAvailable, NotPermitted (CAP_NET_BIND_SERVICE), NotSupported (MD5, TCP-AO), InvalidArgument
 */
export async function listenTcp(options: ListenTcpOptions): Promise<TcpListener> {
  const { address, port } = options;
  const family = familyOf(address);
  const where = `${family === 4 ? address : `[${address}]`}:${port}`;
  const checkPeer = (peer: string): void => {
    if (parsePeer(peer).family !== family) throw new RawSocketError('InvalidArgument', `${peer} cannot reach a listener on ${where}`);
  };
  const setKey = (fd: number, peer: string, key: string | Uint8Array | null): void => {
    checkPeer(peer);
    setTcpMd5(fd, peer, key);
  };
  // The kernel adds keys and names them by their IDs when it removes them.
  const aoIds = new Map<string, Pick<TcpAoKey, 'sendId' | 'receiveId'>>();
  const setAoKey = (fd: number, peer: string, key: TcpAoKey | null): void => {
    checkPeer(peer);
    const old = aoIds.get(peer);
    if (old) deleteTcpAo(fd, peer, old);
    aoIds.delete(peer);
    if (key === null) return;
    setTcpAo(fd, peer, key);
    aoIds.set(peer, { sendId: key.sendId, receiveId: key.receiveId });
  };
  const socket = Descriptor.with(
    Descriptor.socket(family === 4 ? k.AF_INET : k.AF_INET6, k.SOCK_STREAM, 0, `the listener on ${where}`),
    s => {
      s.set(k.SOL_SOCKET, k.SO_REUSEADDR, 1, 'set SO_REUSEADDR');
      if (family === 6) s.set(k.SOL_IPV6, k.IPV6_V6ONLY, 1, 'set IPV6_V6ONLY');
      applyTcpOptions(s, family, options);
      if (options.saveSyn) s.set(k.IPPROTO_TCP, TCP_SAVE_SYN, 1, 'keep SYNs');
      for (const { peer, key } of options.md5Keys ?? []) setKey(s.fd, peer, key);
      for (const { peer, key } of options.aoKeys ?? []) setAoKey(s.fd, peer, key);
      s.bind(encodeSockaddr(address, port), `listen on ${where}`, 'CAP_NET_BIND_SERVICE');
      const result = libc.listen(s.fd, options.backlog ?? 128);
      if (result < 0) throw systemError('listen', -result, `listen on ${where}`);
    },
  );
  const server = createServer();
  // The server owns the descriptor from here on; its number stays good for setsockopt until the server is closed.
  const fd = socket.release();
  let closed = false;
  const checkOpen = (): void => {
    if (closed) throw new RawSocketError('Closed', `the listener on ${where} was closed`);
  };
  server.once('close', () => {
    closed = true;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return {
    server,
    address: bound.address,
    port: bound.port,
    setMd5(peer, key) {
      checkOpen();
      setKey(fd, peer, key);
    },
    setAo(peer, key) {
      checkOpen();
      setAoKey(fd, peer, key);
    },
    close: () =>
      new Promise(resolve => {
        closed = true;
        // `close` waits for the connections to end; listening stops at once.
        server.close();
        resolve();
      }),
  };
}
