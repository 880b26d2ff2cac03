import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connectTcp, listenTcp, RawSocketError, type TcpListener } from 'raw-socket';
import { BgpError } from '../errors.ts';

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
  /** Sets or removes the MD5 key of one peer. */
  setPassword(peer: string, password: string | undefined): void;
  close(): Promise<void>;
}

/** The only door to the network; a test may pass its own. */
export interface Transport {
  dial(options: DialOptions): Promise<Socket>;
  listen(options: ListenOptions): Promise<TransportListener>;
  /** Addresses of this machine by interface. */
  interfaces(): ReadonlyMap<string, readonly string[]>;
}

/** Network control (RFC 4271 appendix E). */
const CS6 = 0xc0;

function unsupported(error: unknown): unknown {
  return error instanceof RawSocketError && error.code === 'NotSupported'
    ? new BgpError('BGP_UNSUPPORTED', error.message, { cause: error })
    : error;
}

async function dial(options: DialOptions): Promise<Socket> {
  try {
    return await connectTcp({
      remote: options.address,
      port: options.port,
      local: options.sourceAddress,
      device: options.device,
      md5: options.password,
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
  });
  listener.server.on('connection', options.onConnection);
  return {
    port: listener.port,
    address: listener.address,
    setPassword(peer, password) {
      try {
        listener.setMd5(peer, password ?? null);
      } catch (error) {
        throw unsupported(error);
      }
    },
    close: () => listener.close(),
  };
}

function interfaces(): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(networkInterfaces()).map(([name, infos]) => [name, (infos ?? []).map(info => info.address)]));
}

/** TCP of this machine, through `raw-socket`. */
export const systemTransport: Transport = { dial, listen, interfaces };
