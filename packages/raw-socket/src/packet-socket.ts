import { attachFilter } from './bpf/attach.ts';
import type { ClassicFilter } from './bpf/classic-assembler.ts';
import { MessageHeader, timestampOf } from './cmsg.ts';
import * as k from './constants.ts';
import { Descriptor, i32 } from './descriptor.ts';
import { EAGAIN, EINTR, ENETDOWN } from './errno.ts';
import { RawSocketError, systemError } from './error.ts';
import { formatMac, parseMac } from './inet.ts';
import * as libc from './libc.ts';
import type { Source } from './poller.ts';
import { type SendResult, sendResult } from './send-result.ts';
import { encodeSockaddrLl, interfaceIndex } from './sockaddr.ts';

/** For whom the kernel took the frame (packet(7)). */
export type PacketType = 'host' | 'broadcast' | 'multicast' | 'otherhost' | 'outgoing' | 'unknown';
const packetTypes: readonly PacketType[] = ['host', 'broadcast', 'multicast', 'otherhost', 'outgoing'];

/** About the last received frame; overwritten by the next. */
export interface FrameInfo {
  interfaceIndex: number;
  /** EtherType. */
  protocol: number;
  packetType: PacketType;
  /** Bytes on the wire; greater than the frame's when it was cut at `snapLength`. */
  length: number;
  /** Arrival by the kernel's clock (`realtimeNs`); only with `timestamps`. */
  timestampNs: bigint | undefined;
}

export interface PacketSocketOptions {
  interface: string | number;
  /** Nothing reaches the socket before its filter is in place. */
  filter: ClassicFilter;
  /** EtherType to bind to; default all, and the filter decides. */
  protocol?: number;
  /** Kernel buffer, bytes; default 4 MiB. */
  receiveBuffer?: number;
  /** Longest frame kept, bytes; default 2,048. */
  snapLength?: number;
  /** Kernel timestamps of arrival; costs about a microsecond per frame. */
  timestamps?: boolean;
  /** Most frames handled in one `onReadable`, so that a flood cannot keep other sockets and deadlines waiting; default 256. */
  batch?: number;
  /** For `onReadable`: the frame lies in a buffer that the next one overwrites. */
  onFrame?: (frame: Buffer, info: Readonly<FrameInfo>) => void;
  /** For `onReadable`: a failed receive. ENETDOWN (the link went down) is none: the socket works again when the link does. */
  onError?: (error: RawSocketError) => void;
}

/** A packet(7) socket on one interface: whole Ethernet frames in and out. Needs CAP_NET_RAW. */
export class PacketSocket implements Source {
  readonly interfaceIndex: number;
  readonly info: FrameInfo = { interfaceIndex: 0, protocol: 0, packetType: 'unknown', length: 0, timestampNs: undefined };
  readonly #descriptor: Descriptor;
  readonly #buffer: Buffer;
  readonly #from: Buffer;
  readonly #fromLength = i32(20);
  /** Only with timestamps, which come as control messages. */
  readonly #message: MessageHeader | undefined;
  readonly #batch: number;
  readonly #onFrame: PacketSocketOptions['onFrame'];
  readonly #onError: PacketSocketOptions['onError'];
  readonly #groups = new Map<string, number>();
  #filterExact: boolean;

  private constructor(options: PacketSocketOptions, ifindex: number, descriptor: Descriptor, filterExact: boolean) {
    this.interfaceIndex = ifindex;
    this.#descriptor = descriptor;
    this.#filterExact = filterExact;
    const snapLength = options.snapLength ?? 2048;
    this.#message = options.timestamps ? new MessageHeader(snapLength) : undefined;
    this.#buffer = this.#message?.data ?? Buffer.alloc(snapLength);
    this.#from = this.#message?.name ?? Buffer.alloc(20);
    this.#batch = options.batch ?? 256;
    this.#onFrame = options.onFrame;
    this.#onError = options.onError;
  }

  /** @throws RawSocketError NotPermitted (CAP_NET_RAW), NoSuchDevice, InvalidArgument */
  static open(options: PacketSocketOptions): PacketSocket {
    const ifindex = interfaceIndex(options.interface);
    let exact = true;
    // Protocol 0 receives nothing, so that no unfiltered frame gets in before the filter and the bind.
    const descriptor = Descriptor.with(
      Descriptor.socket(k.AF_PACKET, k.SOCK_RAW, 0, `a packet socket on ${options.interface}`, 'CAP_NET_RAW'),
      socket => {
        exact = attachFilter(socket, options.filter);
        socket.set(k.SOL_PACKET, k.PACKET_IGNORE_OUTGOING, 1, 'ignore our own frames');
        if (options.timestamps) socket.set(k.SOL_SOCKET, k.SO_TIMESTAMPNS, 1, 'set SO_TIMESTAMPNS');
        socket.receiveBuffer(options.receiveBuffer ?? 4 << 20);
        socket.bind(encodeSockaddrLl(ifindex, options.protocol ?? k.ETH_P_ALL), `bind ${socket.label}`);
      },
    );
    return new PacketSocket(options, ifindex, descriptor, exact);
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** False when the filter in force is a fallback that passes more than was asked for. */
  get filterExact(): boolean {
    return this.#filterExact;
  }

  /** Replaces the filter; every frame passes either the old or the new one. */
  setFilter(filter: ClassicFilter): void {
    this.#filterExact = attachFilter(this.#descriptor, filter);
  }

  /** Opens the interface's own filter for a group. Calls are counted: as many leaves as joins. */
  joinMulticast(mac: string): void {
    const count = this.#groups.get(mac) ?? 0;
    if (count === 0) this.#membership(k.PACKET_ADD_MEMBERSHIP, mac, 'join');
    this.#groups.set(mac, count + 1);
  }

  leaveMulticast(mac: string): void {
    const count = this.#groups.get(mac) ?? 0;
    if (count === 0) return;
    if (count > 1) {
      this.#groups.set(mac, count - 1);
      return;
    }
    this.#groups.delete(mac);
    this.#membership(k.PACKET_DROP_MEMBERSHIP, mac, 'leave');
  }

  /**
   * The next frame, in a buffer that the next call overwrites; undefined when there is none.
   * @throws RawSocketError for anything but an empty queue and a link that went down
   */
  receive(): Buffer | undefined {
    for (;;) {
      const result = this.#receiveOnce();
      if (result >= 0) {
        const info = this.info;
        info.protocol = this.#from.readUInt16BE(2);
        info.interfaceIndex = this.#from.readInt32LE(4);
        info.packetType = packetTypes[this.#from[10] as number] ?? 'unknown';
        info.length = result;
        if (this.#message) info.timestampNs = timestampOf(this.#message.controlMessages);
        return this.#buffer.subarray(0, Math.min(result, this.#buffer.length));
      }
      if (result === -EAGAIN) return undefined;
      // The pending error of a link that went down is reported once; behind it there may be frames.
      if (result === -EINTR || result === -ENETDOWN) continue;
      throw systemError('recvfrom', -result, `receive on ${this.#descriptor.label}`);
    }
  }

  /** Sends a whole Ethernet frame. Failures are results, because callers count and retry them. */
  send(frame: Uint8Array): SendResult {
    return sendResult(libc.send(this.#descriptor.fd, frame, k.MSG_DONTWAIT));
  }

  onReadable(): void {
    try {
      for (let i = 0; i < this.#batch; i++) {
        const frame = this.receive();
        if (frame === undefined) return;
        this.#onFrame?.(frame, this.info);
        if (this.#descriptor.closed) return;
      }
    } catch (error) {
      if (error instanceof RawSocketError && error.syscall === 'recvfrom' && this.#onError) this.#onError(error);
      else throw error;
    }
  }

  /** Frames that found the kernel buffer full since the last call. */
  takeDropped(): number {
    const stats = Buffer.alloc(8);
    const result = libc.getsockopt(this.#descriptor.fd, k.SOL_PACKET, k.PACKET_STATISTICS, stats, i32(8));
    if (result < 0) throw systemError('getsockopt', -result, `read the statistics of ${this.#descriptor.label}`);
    return stats.readUInt32LE(4);
  }

  /** Memberships end with the socket. Remove it from its loop first. */
  close(): void {
    this.#descriptor.close();
  }

  #receiveOnce(): number {
    const flags = k.MSG_DONTWAIT | k.MSG_TRUNC;
    if (this.#message) {
      this.#message.reset();
      return libc.recvmsg(this.#descriptor.fd, this.#message.struct, flags);
    }
    this.#fromLength.writeInt32LE(20, 0);
    return libc.recvfrom(this.#descriptor.fd, this.#buffer, flags, this.#from, this.#fromLength);
  }

  /** struct packet_mreq: i32 ifindex · u16 type (0 = multicast) · u16 alen · u8 addr[8]. */
  #membership(option: number, mac: string, verb: string): void {
    const mreq = Buffer.alloc(16);
    mreq.writeInt32LE(this.interfaceIndex, 0);
    mreq.writeUInt16LE(6, 6);
    parseMac(mac).copy(mreq, 8);
    const result = libc.setsockopt(this.#descriptor.fd, k.SOL_PACKET, option, mreq);
    if (result < 0) throw systemError('setsockopt', -result, `${verb} ${formatMac(parseMac(mac))} on ${this.#descriptor.label}`);
  }
}
