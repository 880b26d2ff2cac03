import { AF_NETLINK, MSG_DONTWAIT, MSG_TRUNC, POLLIN, SOCK_RAW } from '../constants.ts';
import { Descriptor } from '../descriptor.ts';
import { EAGAIN, EINTR, ENOBUFS } from '../errno.ts';
import { RawSocketError, systemError } from '../error.ts';
import * as libc from '../libc.ts';
import {
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  parseMessages,
} from './codec.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const TIMEOUT = Buffer.alloc(16);
TIMEOUT.writeBigInt64LE(5n, 0);
const BUFFER = 256 << 10;
const ATTEMPTS = 5;

export interface NetlinkSocketOptions {
  /** Bit mask of multicast groups to receive. */
  groups?: number;
  receiveBuffer?: number;
}

/** A netlink(7) socket. */
export class NetlinkSocket {
  readonly #descriptor: Descriptor;
  readonly #buffer = Buffer.alloc(BUFFER);
  readonly #needs: string | undefined;
  #sequence = 0;

  constructor(protocol: number, label: string, options: NetlinkSocketOptions = {}, needs?: string) {
    this.#needs = needs;
    this.#descriptor = Descriptor.with(Descriptor.socket(AF_NETLINK, SOCK_RAW, protocol, label), socket => {
      if (options.receiveBuffer !== undefined) socket.receiveBuffer(options.receiveBuffer);
      // struct sockaddr_nl: u16 family · u16 pad · u32 port (0: the kernel picks) · u32 groups
      const name = Buffer.alloc(12);
      name.writeUInt16LE(AF_NETLINK, 0);
      name.writeUInt32LE(options.groups ?? 0, 8);
      socket.bind(name, `bind ${label}`);
    });
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  get closed(): boolean {
    return this.#descriptor.closed;
  }

  /**
   * The messages of the next datagram, in a buffer that the next call overwrites; undefined when there is none; `overrun` when the
   * kernel had to drop some (ENOBUFS): what they said must be read anew.
   */
  receive(flags: number): NetlinkMessage[] | 'overrun' | undefined {
    for (;;) {
      const result = libc.recvfrom(this.#descriptor.fd, this.#buffer, flags | MSG_TRUNC, null, null);
      if (result > this.#buffer.length) return 'overrun';
      if (result >= 0) return [...parseMessages(this.#buffer.subarray(0, result))];
      if (result === -EINTR) continue;
      if (result === -EAGAIN) return undefined;
      if (result === -ENOBUFS) return 'overrun';
      throw systemError('recvfrom', -result, `receive on ${this.#descriptor.label}`);
    }
  }

  /**
   * Asks for a dump and waits for all of it (a kernel's answer: microseconds to milliseconds). Repeated when the kernel says that it
   * changed meanwhile. `each` must copy what it keeps.
   */
  static dump<T>(
    protocol: number,
    label: string,
    type: number,
    request: Uint8Array,
    each: (message: NetlinkMessage) => T | undefined,
    needs?: string,
  ): T[] {
    const socket = new NetlinkSocket(protocol, label, { receiveBuffer: 4 << 20 }, needs);
    try {
      for (let attempt = 1; ; attempt++) {
        const { items, interrupted } = socket.#dumpOnce(type, request, each);
        // The last attempt is taken as it is: a table under constant change never holds still.
        if (!interrupted || attempt === ATTEMPTS) return items;
      }
    } finally {
      socket.close();
    }
  }

  /** Asks for a change and waits for the kernel's verdict. @returns 0 or minus the errno */
  static change(protocol: number, label: string, type: number, flags: number, request: Uint8Array): number {
    const socket = new NetlinkSocket(protocol, label);
    try {
      const sequence = ++socket.#sequence;
      const sent = libc.send(socket.fd, encodeMessage(type, NLM_F_REQUEST | NLM_F_ACK | flags, sequence, request), 0);
      if (sent < 0) return sent;
      for (;;) {
        const messages = socket.#wait();
        const verdict = messages === 'overrun' ? undefined : messages.find(m => m.sequence === sequence && m.type === NLMSG_ERROR);
        if (verdict && verdict.payload.length >= 4) return verdict.payload.readInt32LE(0);
      }
    } finally {
      socket.close();
    }
  }

  /**
   * Sends a batch of messages and waits for the verdict on it. The kernel works a batch off while it is being sent, so all it has to say
   * is there afterwards.
   * @param acknowledged sequence number of the message that asks to be acknowledged
   * @returns 0 or minus the errno of the first message that was refused
   */
  static transact(protocol: number, label: string, batch: Uint8Array, acknowledged: number): number {
    const socket = new NetlinkSocket(protocol, label, { receiveBuffer: 1 << 20 });
    try {
      socket.#descriptor.sendBuffer(2 * batch.length + 4096);
      const sent = libc.send(socket.fd, batch, 0);
      if (sent < 0) return sent;
      for (;;) {
        const messages = socket.#wait();
        if (messages === 'overrun') continue;
        for (const { type, sequence, payload } of messages) {
          if (type !== NLMSG_ERROR || payload.length < 4) continue;
          const error = payload.readInt32LE(0);
          if (error !== 0 || sequence === acknowledged) return error;
        }
      }
    } finally {
      socket.close();
    }
  }

  #dumpOnce<T>(type: number, request: Uint8Array, each: (message: NetlinkMessage) => T | undefined): { items: T[]; interrupted: boolean } {
    const sequence = ++this.#sequence;
    const sent = libc.send(this.#descriptor.fd, encodeMessage(type, NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP, sequence, request), 0);
    if (sent < 0) throw systemError('send', -sent, `ask ${this.#descriptor.label}`, this.#needs);
    const items: T[] = [];
    let interrupted = false;
    for (;;) {
      const messages = this.#wait();
      if (messages === 'overrun') {
        interrupted = true;
        continue;
      }
      for (const message of messages) {
        if (message.sequence !== sequence) continue;
        if (message.flags & NLM_F_DUMP_INTR) interrupted = true;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          const errno = message.payload.length >= 4 ? -message.payload.readInt32LE(0) : 0;
          if (errno > 0) throw systemError('netlink', errno, `read from ${this.#descriptor.label}`, this.#needs);
          return { items, interrupted };
        }
        const item = each(message);
        if (item !== undefined) items.push(item);
      }
    }
  }

  #wait(): NetlinkMessage[] | 'overrun' {
    const pollfd = Buffer.alloc(8);
    pollfd.writeInt32LE(this.#descriptor.fd, 0);
    pollfd.writeInt16LE(POLLIN, 4);
    for (;;) {
      const received = this.receive(MSG_DONTWAIT);
      if (received !== undefined) return received;
      const ready = libc.ppoll(pollfd, 1, TIMEOUT);
      if (ready === 0) throw new RawSocketError('Timeout', `${this.#descriptor.label} did not answer within 5 s`);
      if (ready < 0 && ready !== -EINTR) throw systemError('ppoll', -ready, `wait for ${this.#descriptor.label}`);
    }
  }

  close(): void {
    this.#descriptor.close();
  }
}
