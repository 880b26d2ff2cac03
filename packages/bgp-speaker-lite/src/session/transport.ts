import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connectTcp, listenTcp, RawSocketError, setAcceptedTtl, synTtl, type TcpListener, tcpAoSupported } from 'raw-socket';
import { BgpError } from '../errors.ts';
import type { TcpAoOptions } from '../options.ts';

/** How to reach a peer by TCP. */
export interface DialOptions {
  /** With its zone when link-local. */
  readonly address: string;
  readonly port: number;
  readonly sourceAddress?: string | undefined;
  /** Interface or VRF. */
  readonly device?: string | undefined;
  /** TCP MD5 signature key (RFC 2385). */
  readonly password?: string | undefined;
  /** TCP-AO key (RFC 5925). */
  readonly tcpAo?: TcpAoOptions | undefined;
  readonly ttl?: number | undefined;
  /** GTSM: what arrives with less is dropped (RFC 5082). */
  readonly minTtl?: number | undefined;
  readonly timeout: number;
  readonly signal: AbortSignal;
}

export interface ListenOptions {
  readonly address: string;
  readonly port: number;
  readonly device?: string | undefined;
  readonly onConnection: (socket: Socket) => void;
}

export interface TransportListener {
  readonly port: number;
  readonly address: string;
  /** Interface or VRF that it is bound to. */
  readonly device?: string | undefined;
  /** Sets or removes the MD5 key of one peer. */
  setPassword(peer: string, password: string | undefined): void;
  /** Sets or removes the TCP-AO key of one peer. */
  setTcpAo(peer: string, key: TcpAoOptions | undefined): void;
  close(): Promise<void>;
}

/** The only door to the network; a test may pass its own. */
export interface Transport {
  dial(options: DialOptions): Promise<Socket>;
  listen(options: ListenOptions): Promise<TransportListener>;
  /** Addresses of this machine by interface. */
  interfaces(): ReadonlyMap<string, readonly string[]>;
  /**
   * Holds an accepted connection to GTSM (RFC 5082): 255 out, at least `minTtl` in, the SYN included. Returns why it must be closed instead, in words.
   */
  requireTtl(socket: Socket, minTtl: number): string | undefined;
  /** Whether connections can have TCP-AO keys. */
  tcpAoSupported(): boolean;
}

/** Network control (RFC 4271 appendix E). */
const CS6 = 0xc0;

function unsupported(error: unknown): unknown {
  return error instanceof RawSocketError && error.code === 'NotSupported'
    ? new BgpError('BGP_UNSUPPORTED', error.message, { cause: error })
    : error;
}

/** Sets a key of the listener; what the kernel refuses concerns one peer, whose options then cannot be. */
function explained(set: () => void): void {
  try {
    set();
  } catch (error) {
    const cause = unsupported(error);
    throw cause instanceof RawSocketError ? new BgpError('BGP_BAD_OPTION', cause.message, { cause }) : cause;
  }
}

async function dial(options: DialOptions): Promise<Socket> {
  try {
    return await connectTcp({
      remote: options.address,
      port: options.port,
      local: options.sourceAddress,
      device: options.device,
      md5: options.password,
      ao: options.tcpAo,
      ttl: options.ttl,
      minTtl: options.minTtl,
      tos: CS6,
      timeout: options.timeout,
      signal: options.signal,
    });
  } catch (error) {
    throw unsupported(error);
  }
}

async function listen(options: ListenOptions): Promise<TransportListener> {
  const listener: TcpListener = await listenTcp({
    address: options.address,
    port: options.port,
    device: options.device,
    tos: CS6,
    // Inherited by what is accepted: a peer with GTSM would drop anything less.
    ttl: 255,
    saveSyn: true,
  });
  listener.server.on('connection', options.onConnection);
  return {
    port: listener.port,
    address: listener.address,
    device: options.device,
    setPassword: (peer, password) => explained(() => listener.setMd5(peer, password ?? null)),
    setTcpAo: (peer, key) => explained(() => listener.setAo(peer, key ?? null)),
    close: () => listener.close(),
  };
}

function interfaces(): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(networkInterfaces()).map(([name, infos]) => [name, (infos ?? []).map(info => info.address)]));
}

function requireTtl(socket: Socket, minTtl: number): string | undefined {
  try {
    // From here on the kernel drops the rest; what came before, the handshake, is judged by its first segment.
    setAcceptedTtl(socket, { ttl: 255, minTtl });
    const ttl = synTtl(socket);
    if (ttl === undefined) return 'the kernel did not keep the TTL of its first segment';
    return ttl < minTtl
      ? `it arrived with TTL ${ttl}, and gtsm demands ${minTtl} or more: set TTL security on the peer as well, or gtsm to the hops between`
      : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** TCP of this machine, through `raw-socket`. */
export const systemTransport: Transport = { dial, listen, interfaces, requireTtl, tcpAoSupported };
