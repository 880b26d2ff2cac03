import { type PollLoop, RawSocketError, type SendResult, UdpSocket } from 'raw-socket';
import { familyOf } from '../layer2/octets.ts';
import type { Device } from './devices.ts';

/** IPv4 multicast, link scope: the experiment's address of RFC 4727 §2.4.1. Switches flood it whatever they snoop. */
export const GROUP_IPV4 = '224.0.0.254';
/** IPv6 multicast, link scope: the experiment's group of RFC 4727 §3.2. */
export const GROUP_IPV6 = 'ff02::114';

/** Only neighbours can send with it and be heard: nothing from beyond a router passes (RFC 5082). */
const TTL = 255;
/** CS6, network control: heartbeats must not queue behind traffic. */
const TOS = 0xc0;
/** Sends are few: a full queue is tried again once after so long (ms). */
const RETRY = 5;
/** Until a socket that could not be opened is tried again (ms); doubled each time. */
const REOPEN = { first: 500, longest: 30_000 };

export type OnDatagram = (data: Buffer, from: { address: string; group: boolean }) => void;

/** The mesh's datagrams on one interface: IPv4 where it has an address, IPv6 link-local always, as far as the host allows. */
export class Transport {
  readonly #loop: PollLoop;
  readonly #port: number;
  readonly #onDatagram: OnDatagram;
  readonly #sockets = new Map<4 | 6, UdpSocket>();
  #index = 0;
  #reopen: { cancel(): void } | undefined;
  #pause = REOPEN.first;
  /** Sends that failed for good. */
  errors = 0;

  constructor(loop: PollLoop, port: number, onDatagram: OnDatagram) {
    this.#loop = loop;
    this.#port = port;
    this.#onDatagram = onDatagram;
  }

  /** Opens and closes sockets as the interface's addresses come and go. Returns what could not be opened, which is tried again. */
  update(device: Device): RawSocketError[] {
    this.#pause = REOPEN.first;
    return this.#follow(device);
  }

  #follow(device: Device): RawSocketError[] {
    this.#index = device.index;
    this.#reopen?.cancel();
    const problems: RawSocketError[] = [];
    for (const family of [4, 6] as const) {
      const wanted = device.addresses.some(({ address, linkLocal }) => familyOf(address) === family && (family === 4 || linkLocal));
      const open = this.#sockets.get(family);
      if (open !== undefined && !wanted) this.#close(family, open);
      if (open !== undefined || !wanted) continue;
      try {
        this.#open(family, device);
      } catch (error) {
        if (!(error instanceof RawSocketError)) throw error;
        problems.push(error);
      }
    }
    if (problems.length > 0) {
      // What is missing, such as memory, descriptors or the port, may be there later.
      this.#reopen = this.#loop.after(this.#pause, () => this.#follow(device));
      this.#pause = Math.min(2 * this.#pause, REOPEN.longest);
    }
    return problems;
  }

  /** Reports group memberships anew: the interface came back. Returns what could not be. */
  rejoin(): RawSocketError[] {
    const problems: RawSocketError[] = [];
    for (const socket of this.#sockets.values()) {
      try {
        socket.rejoin(this.#index);
      } catch (error) {
        if (!(error instanceof RawSocketError)) throw error;
        problems.push(error);
      }
    }
    return problems;
  }

  send(data: Buffer, to: { address: string } | 'group'): void {
    if (to === 'group') {
      // One family is enough: who has only the other is met by the answer to its own beacon.
      const socket = this.#sockets.get(4) ?? this.#sockets.get(6);
      if (socket !== undefined) this.#send(socket, data, socket.family === 4 ? GROUP_IPV4 : `${GROUP_IPV6}%${this.#index}`);
      return;
    }
    const socket = this.#sockets.get(familyOf(to.address));
    if (socket !== undefined) this.#send(socket, data, to.address);
  }

  close(): void {
    this.#reopen?.cancel();
    for (const [family, socket] of this.#sockets) this.#close(family, socket);
  }

  #send(socket: UdpSocket, data: Buffer, address: string): void {
    const result: SendResult = socket.send(data, this.#port, address);
    if (result.ok) return;
    if (!result.retry) {
      this.errors += 1;
      return;
    }
    this.#loop.after(RETRY, () => {
      if (this.#sockets.get(socket.family) === socket && !socket.send(data, this.#port, address).ok) this.errors += 1;
    });
  }

  #open(family: 4 | 6, device: Device): void {
    const socket = UdpSocket.open({
      family,
      port: this.#port,
      device: device.name,
      reuseAddress: true,
      ttl: TTL,
      multicastTtl: TTL,
      minTtl: TTL,
      tos: TOS,
      multicastInterface: device.index,
      onMessage: (data, info) => {
        const { destination } = info;
        if (info.truncated) return;
        this.#onDatagram(data, { address: info.address, group: destination === GROUP_IPV4 || destination === GROUP_IPV6 });
      },
      // What a peer's host says about its closed port is no news: the mesh notices the silence itself.
      onError: () => undefined,
    });
    try {
      socket.joinMulticast(family === 4 ? GROUP_IPV4 : GROUP_IPV6, device.index);
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#sockets.set(family, socket);
    this.#loop.add(socket);
  }

  #close(family: 4 | 6, socket: UdpSocket): void {
    this.#sockets.delete(family);
    this.#loop.remove(socket.fd);
    socket.close();
  }
}
