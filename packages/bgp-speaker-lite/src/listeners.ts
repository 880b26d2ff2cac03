import type { Socket } from 'node:net';
import { splitZone } from './codec/address.ts';
import { BgpError } from './errors.ts';
import type { Peer } from './peer.ts';
import type { PeerConfig } from './peer-config.ts';
import type { Transport, TransportListener } from './session/transport.ts';

export interface ListenRequest {
  readonly port?: number;
  readonly addresses?: readonly string[];
  readonly device?: string;
}

/** What the keys of a peer on a listener depend on. */
export type KeyHolder = Pick<Peer, 'address' | 'config'>;

/** What a speaker listens on: its sockets, the keys of the peers on them, and whose connection is whose. */
export class Listeners {
  readonly #transport: Transport;
  readonly #peers: ReadonlyMap<string, Peer>;
  readonly #problem: (peer: string, text: string) => void;
  readonly #listeners: TransportListener[] = [];
  #closed = false;

  constructor(transport: Transport, peers: ReadonlyMap<string, Peer>, problem: (peer: string, text: string) => void) {
    this.#transport = transport;
    this.#peers = peers;
    this.#problem = problem;
  }

  /** Opens a socket for each address, all on one port, which is returned. Throws `BGP_LISTEN`. */
  async listen({ port = 179, addresses = ['0.0.0.0', '::'], device }: ListenRequest): Promise<number> {
    let chosen = port;
    for (const address of addresses) {
      try {
        const onConnection = (socket: Socket) => this.#accept(socket, device);
        const listener = await this.#transport.listen({ address, port: chosen, device, onConnection });
        this.#listeners.push(listener);
        chosen = listener.port;
        for (const peer of this.#peers.values()) this.#setKeys(listener, peer);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new BgpError('BGP_LISTEN', `cannot listen on ${address} port ${chosen}: ${reason}`, { cause: error });
      }
    }
    return chosen;
  }

  /** Moves the keys from one state of a peer to another. What throws leaves them as they were. */
  changeKeys(before: KeyHolder | undefined, after: KeyHolder | undefined): void {
    try {
      this.#moveKeys(before, after);
    } catch (error) {
      this.#moveKeys(after, before);
      throw error;
    }
  }

  /** No connection is taken from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#listeners.map(listener => listener.close()));
  }

  #accept(socket: Socket, device: string | undefined): void {
    const peer = this.#closed ? undefined : this.#peerAt(socket, device);
    if (peer) {
      peer.accept(socket);
      return;
    }
    socket.on('error', () => {});
    socket.destroy();
  }

  /** Whose connection this is. One that could be of peers on several devices is nobody's, unless the listener has the device of one of them. */
  #peerAt(socket: Socket, device: string | undefined): Peer | undefined {
    const remote = splitZone(socket.remoteAddress ?? '');
    const local = splitZone(socket.localAddress ?? '').address;
    const found = [...this.#peers.values()].filter(({ address, config }) => {
      if (address === undefined || !config.enabled || !serves(device, config)) return false;
      const expected = splitZone(address);
      if (expected.address !== remote.address) return false;
      if (expected.zone !== undefined && remote.zone !== undefined && expected.zone !== remote.zone) return false;
      return config.sourceAddress === undefined || splitZone(config.sourceAddress).address === local;
    });
    const bound = found.filter(({ config }) => device !== undefined && config.device === device);
    const [first, ...others] = bound.length > 0 ? bound : found;
    const other = others.find(({ config }) => config.device !== first?.config.device);
    if (!first || !other) return first;
    this.#problem(
      first.name,
      `a connection from ${remote.address} may be of ${first.name} or of ${other.name}: listen on the device of each, or let us dial`,
    );
    return undefined;
  }

  #moveKeys(from: KeyHolder | undefined, to: KeyHolder | undefined): void {
    // A key is an address's: what goes with one peer may be another's, of the same address on another device.
    const sharing = from
      ? [...this.#peers.values()].filter(peer => peer.address === from.address && peer.config.name !== from.config.name)
      : [];
    for (const listener of this.#listeners) {
      if (from) this.#clearKeys(listener, from);
      for (const peer of sharing) this.#setKeys(listener, peer);
      if (to) this.#setKeys(listener, to);
    }
  }

  #setKeys(listener: TransportListener, { address, config }: KeyHolder): void {
    if (address === undefined || !takes(listener, address, config)) return;
    if (config.password !== undefined) listener.setPassword(address, config.password);
    // Without it in the kernel the peer is never started, and what comes from it is closed.
    if (config.tcpAo && this.#transport.tcpAoSupported()) listener.setTcpAo(address, config.tcpAo);
  }

  #clearKeys(listener: TransportListener, { address, config }: KeyHolder): void {
    if (address === undefined || !takes(listener, address, config)) return;
    if (config.password !== undefined) listener.setPassword(address, undefined);
    if (config.tcpAo && this.#transport.tcpAoSupported()) listener.setTcpAo(address, undefined);
  }
}

/** Everything about a peer that its keys depend on, to compare. */
export function keysOf({ address, config }: KeyHolder): string {
  return JSON.stringify([address, config.device, config.password, config.tcpAo]);
}

function takes(listener: TransportListener, address: string, config: PeerConfig): boolean {
  return address.includes(':') === listener.address.includes(':') && serves(listener.device, config);
}

/** Whether a listener on this device, or on all, takes connections of a peer. */
function serves(device: string | undefined, config: PeerConfig): boolean {
  return device === undefined || config.device === undefined || config.device === device;
}
