import { GroupSockets, type PacketSocket, type PollLoop, RawSocketError, solicitedNodeGroup } from 'raw-socket';

/** Groups changed at a time, and the pause until the next (ms): the kernel takes up to a millisecond over each, and heartbeats wait meanwhile. */
const BATCH = 32;
const PAUSE = 2;

/**
 * The solicited-node groups of the IPv6 addresses of one interface: the network card lets them through to the packet socket, and real
 * memberships have the kernel send the MLD reports that switches look for. An address whose group cannot be joined is answered all the same
 * where solicitations arrive; it is tried again when the addresses change or the link comes back.
 */
export class SolicitedGroups {
  readonly #loop: PollLoop;
  readonly #socket: PacketSocket;
  readonly #onFailure: (count: number, error: RawSocketError) => void;
  readonly #sockets: GroupSockets;
  #wanted: ReadonlySet<string> = new Set();
  readonly #listening = new Set<string>();
  readonly #joined = new Set<string>();
  /** To be reported anew. */
  readonly #forgotten = new Set<string>();
  /** What failed since the addresses changed last. */
  readonly #failed = new Map<string, RawSocketError>();
  #timer: { cancel(): void } | undefined;

  /** @param onFailure told how many addresses have no group, and the first error */
  constructor(loop: PollLoop, socket: PacketSocket, interfaceIndex: number, onFailure: (count: number, error: RawSocketError) => void) {
    this.#loop = loop;
    this.#socket = socket;
    this.#onFailure = onFailure;
    this.#sockets = new GroupSockets(interfaceIndex);
  }

  /** Joins what the addresses need and leaves the rest, the first of them at once. */
  follow(addresses: ReadonlySet<string>): void {
    this.#wanted = addresses;
    this.#begin();
  }

  /** The link came back: switches may have forgotten. */
  rejoin(): void {
    for (const ip of this.#joined) this.#forgotten.add(ip);
    this.#begin();
  }

  close(): void {
    this.#timer?.cancel();
    this.#sockets.close();
  }

  #begin(): void {
    this.#failed.clear();
    this.#step();
  }

  #step(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    let room = BATCH;
    for (const change of this.#changes()) {
      if (room === 0) {
        this.#timer = this.#loop.after(PAUSE, () => this.#step());
        return;
      }
      room -= 1;
      this.#attempt(change);
    }
    // A host without IPv6 hears no solicitations either.
    const failure = [...this.#failed.values()].find(({ code }) => code !== 'NotSupported');
    if (failure !== undefined) this.#onFailure(this.#failed.size, failure);
  }

  /** What is to be done, one address after the other: each is looked for when the one before is done. */
  *#changes(): Generator<{ ip: string; run: () => void }> {
    for (const ip of [...this.#listening, ...this.#joined])
      if (!this.#wanted.has(ip) && (this.#listening.has(ip) || this.#joined.has(ip))) yield { ip, run: () => this.#leave(ip) };
    for (const ip of this.#wanted)
      if (!this.#failed.has(ip) && !(this.#listening.has(ip) && this.#joined.has(ip))) yield { ip, run: () => this.#join(ip) };
    for (const ip of this.#forgotten) yield { ip, run: () => this.#report(ip) };
  }

  #attempt({ ip, run }: { ip: string; run: () => void }): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof RawSocketError)) throw error;
      this.#failed.set(ip, error);
    }
  }

  #join(ip: string): void {
    const { group, mac } = solicitedNodeGroup(ip);
    if (!this.#listening.has(ip)) this.#socket.joinMulticast(mac);
    this.#listening.add(ip);
    if (!this.#joined.has(ip)) this.#sockets.join(group);
    this.#joined.add(ip);
  }

  #leave(ip: string): void {
    const { group, mac } = solicitedNodeGroup(ip);
    this.#forgotten.delete(ip);
    const joined = this.#joined.delete(ip);
    if (this.#listening.delete(ip)) this.#socket.leaveMulticast(mac);
    if (joined) this.#sockets.leave(group);
  }

  #report(ip: string): void {
    this.#forgotten.delete(ip);
    this.#sockets.rejoin(solicitedNodeGroup(ip).group);
  }
}
