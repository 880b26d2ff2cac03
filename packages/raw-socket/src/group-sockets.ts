import { RawSocketError } from './error.ts';
import { UdpSocket } from './udp-socket.ts';

interface GroupSocket {
  readonly socket: UdpSocket;
  members: number;
  /** It had no room for another membership, and has lost none since. */
  full: boolean;
}

/**
 * Memberships in any number of IPv6 groups on one interface. The kernel charges each one to its socket (net.core.optmem_max: 20 KiB and
 * about 365 groups before Linux 6.8, 128 KiB since): where one is full another is opened.
 */
export class GroupSockets {
  readonly #interfaceIndex: number;
  readonly #sockets: GroupSocket[] = [];
  readonly #groups = new Map<string, { home: GroupSocket; count: number }>();

  constructor(interfaceIndex: number) {
    this.#interfaceIndex = interfaceIndex;
  }

  /** How many sockets it takes. */
  get size(): number {
    return this.#sockets.length;
  }

  /**
   * Calls are counted: as many leaves as joins.
   * @throws RawSocketError NotSupported where the host has no IPv6; ResourceExhausted; NoSuchDevice
   */
  join(group: string): void {
    const known = this.#groups.get(group);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const home = this.#enter(group);
    home.members += 1;
    this.#groups.set(group, { home, count: 1 });
  }

  leave(group: string): void {
    const known = this.#groups.get(group);
    if (known === undefined) return;
    known.count -= 1;
    if (known.count > 0) return;
    this.#groups.delete(group);
    const { home } = known;
    home.members -= 1;
    home.full = false;
    home.socket.leaveMulticast(group, this.#interfaceIndex);
  }

  /**
   * Reports a group again: after the interface came back, and for switches that forgot.
   * @throws RawSocketError as `join`; the group is tried again by the next call
   */
  rejoin(group: string): void {
    this.#groups.get(group)?.home.socket.rejoin(this.#interfaceIndex, group);
  }

  /** Memberships end with their sockets. */
  close(): void {
    for (const { socket } of this.#sockets.splice(0)) socket.close();
    this.#groups.clear();
  }

  #enter(group: string): GroupSocket {
    for (const home of this.#sockets) {
      if (home.full) continue;
      try {
        home.socket.joinMulticast(group, this.#interfaceIndex);
        return home;
      } catch (error) {
        // One that holds nothing is not full: the host itself has nothing left.
        if (!(error instanceof RawSocketError) || error.code !== 'ResourceExhausted' || home.members === 0) throw error;
        home.full = true;
      }
    }
    const home = { socket: UdpSocket.open({ family: 6, port: 0 }), members: 0, full: false };
    this.#sockets.push(home);
    home.socket.joinMulticast(group, this.#interfaceIndex);
    return home;
  }
}
