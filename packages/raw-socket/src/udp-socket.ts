import { attachFilter } from './bpf/attach.ts';
import { minTtlFilter } from './bpf/filters.ts';
import { MessageHeader, timestampOf } from './cmsg.ts';
import * as k from './constants.ts';
import { Descriptor, i32 } from './descriptor.ts';
import { EAGAIN, EINTR } from './errno.ts';
import { RawSocketError, systemError } from './error.ts';
import { formatIp } from './inet.ts';
import * as libc from './libc.ts';
import { Memberships } from './membership.ts';
import type { Source } from './poller.ts';
import { type SendResult, sendResult } from './send-result.ts';
import { decodeSockaddr, encodeSockaddr, type Family, familyOf, interfaceIndex } from './sockaddr.ts';

/** About one received datagram. */
export interface UdpInfo {
  /** With the scope id as zone when it is link-local: `fe80::1%3`. */
  address: string;
  port: number;
  /** TTL or hop limit on arrival. */
  ttl: number | undefined;
  /** Interface it came in by. */
  interfaceIndex: number | undefined;
  /** Address it was sent to: tells a multicast from a unicast. */
  destination: string | undefined;
  /** CLOCK_REALTIME in nanoseconds, taken by the kernel on arrival; only with `timestamps`. */
  timestampNs: bigint | undefined;
  /** True when the datagram was longer than the buffer. */
  truncated: boolean;
}

export interface UdpSocketOptions {
  /** Default: every address of `family`. A zone is needed for link-local ones. */
  address?: string | undefined;
  /** 0: the kernel picks. */
  port: number;
  /** Default: that of `address`, or 4. A socket serves one family. */
  family?: Family | undefined;
  /** Only this interface, also for sending (SO_BINDTODEVICE). */
  device?: string | undefined;
  reuseAddress?: boolean | undefined;
  reusePort?: boolean | undefined;
  /** TTL or hop limit of what is sent, unicast. */
  ttl?: number | undefined;
  /** The same for multicast; default 1. */
  multicastTtl?: number | undefined;
  /** Whether sockets of this host hear our multicasts; default false. */
  multicastLoop?: boolean | undefined;
  /** Interface that multicasts leave by. */
  multicastInterface?: string | number | undefined;
  /** Drops, in the kernel, whatever arrives with a smaller TTL or hop limit (GTSM, RFC 5082: 255). */
  minTtl?: number | undefined;
  /** TOS or traffic class octet of what is sent; 0xc0 = CS6, network control. */
  tos?: number | undefined;
  /** Kernel timestamps of arrival. */
  timestamps?: boolean | undefined;
  /** Kernel buffer, bytes. */
  receiveBuffer?: number | undefined;
  /** Longest datagram, bytes; default 2,048. */
  maxLength?: number | undefined;
  /** Most datagrams handled in one `onReadable`; default 512. */
  batch?: number | undefined;
  /** For `onReadable`: `data` lies in a buffer that the next datagram overwrites. */
  onMessage?: (data: Buffer, info: UdpInfo) => void;
  /** For `onReadable`: a failed receive, mostly an ICMP error for what was sent before. */
  onError?: (error: RawSocketError) => void;
}

/** A UDP socket that tells the TTL, the interface and the destination of what it receives, and that a PollLoop can wait for. */
export class UdpSocket implements Source {
  readonly family: Family;
  /** As bound: the kernel's choice when 0 was asked for. */
  readonly port: number;
  readonly address: string;
  readonly #descriptor: Descriptor;
  readonly #message: MessageHeader;
  readonly #batch: number;
  readonly #onMessage: UdpSocketOptions['onMessage'];
  readonly #onError: UdpSocketOptions['onError'];
  readonly #memberships: Memberships;
  readonly #destinations = new Map<string, Buffer>();

  private constructor(options: UdpSocketOptions, family: Family, descriptor: Descriptor) {
    this.family = family;
    this.#descriptor = descriptor;
    this.#message = new MessageHeader(options.maxLength ?? 2048);
    this.#batch = options.batch ?? 512;
    this.#onMessage = options.onMessage;
    this.#onError = options.onError;
    this.#memberships = new Memberships(family, descriptor);
    const name = Buffer.alloc(28);
    const bound = libc.getsockname(descriptor.fd, name, i32(28)) < 0 ? undefined : decodeSockaddr(name);
    this.address = bound?.address ?? '';
    this.port = bound?.port ?? options.port;
  }

  /** @throws RawSocketError AddressInUse, AddressNotAvailable, NoSuchDevice, NotPermitted, InvalidArgument */
  static open(options: UdpSocketOptions): UdpSocket {
    const family = options.family ?? (options.address === undefined ? 4 : familyOf(options.address));
    const address = options.address ?? (family === 4 ? '0.0.0.0' : '::');
    if (familyOf(address) !== family) throw new RawSocketError('InvalidArgument', `${address} is not an IPv${family} address`);
    const where = `${family === 4 ? address : `[${address}]`}:${options.port}${options.device ? ` on ${options.device}` : ''}`;
    const descriptor = Descriptor.with(
      Descriptor.socket(family === 4 ? k.AF_INET : k.AF_INET6, k.SOCK_DGRAM, 0, `the UDP socket ${where}`),
      socket => configure(socket, family, address, options),
    );
    return new UdpSocket(options, family, descriptor);
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** The next datagram, in a buffer that the next call overwrites; undefined when there is none. */
  receive(): { data: Buffer; info: UdpInfo } | undefined {
    const message = this.#message;
    for (;;) {
      message.reset();
      const result = libc.recvmsg(this.#descriptor.fd, message.struct, k.MSG_DONTWAIT);
      if (result >= 0) return { data: message.data.subarray(0, result), info: this.#info() };
      if (result === -EAGAIN) return undefined;
      if (result !== -EINTR) throw systemError('recvmsg', -result, `receive on ${this.#descriptor.label}`);
    }
  }

  /** @param address literal, with a zone when link-local: `ff02::5%eth0`, `fe80::1%3` */
  send(data: Uint8Array, port: number, address: string): SendResult {
    return sendResult(libc.sendto(this.#descriptor.fd, data, k.MSG_DONTWAIT | k.MSG_NOSIGNAL, this.#destination(address, port)));
  }

  /**
   * Joins a group on an interface (IGMP or MLD reports go out). Calls are counted: as many leaves as joins. The kernel keeps the
   * membership while the link is down, but not when the interface is removed and made again: see `rejoin`.
   */
  joinMulticast(group: string, iface: string | number): void {
    this.#memberships.join(group, interfaceIndex(iface));
  }

  leaveMulticast(group: string, iface: number | string): void {
    this.#memberships.leave(group, interfaceIndex(iface));
  }

  /** Reports a group of this interface again, or every one: after it came back, and for switches that forgot. */
  rejoin(iface: number | string, group?: string): void {
    this.#memberships.rejoin(interfaceIndex(iface), group);
  }

  onReadable(): void {
    for (let i = 0; i < this.#batch; i++) {
      let received: ReturnType<UdpSocket['receive']>;
      try {
        received = this.receive();
      } catch (error) {
        // A pending ICMP error is reported once; what is queued behind it is still read.
        if (!(error instanceof RawSocketError) || !this.#onError) throw error;
        this.#onError(error);
        if (this.#descriptor.closed) return;
        continue;
      }
      if (received === undefined) return;
      this.#onMessage?.(received.data, received.info);
      if (this.#descriptor.closed) return;
    }
  }

  /** Remove it from its loop first. */
  close(): void {
    this.#descriptor.close();
  }

  #destination(address: string, port: number): Buffer {
    const key = `${address}/${port}`;
    let encoded = this.#destinations.get(key);
    if (!encoded) {
      if (familyOf(address) !== this.family) throw new RawSocketError('InvalidArgument', `${address} is not an IPv${this.family} address`);
      encoded = encodeSockaddr(address, port);
      if (this.#destinations.size >= 1024) this.#destinations.clear();
      this.#destinations.set(key, encoded);
    }
    return encoded;
  }

  #info(): UdpInfo {
    const message = this.#message;
    const from = decodeSockaddr(message.from);
    const { controlMessages } = message;
    const info: UdpInfo = {
      address: from?.address ?? '',
      port: from?.port ?? 0,
      ttl: undefined,
      interfaceIndex: undefined,
      destination: undefined,
      timestampNs: timestampOf(controlMessages),
      truncated: (message.flags & k.MSG_TRUNC) !== 0,
    };
    for (const { level, type, data } of controlMessages) {
      if (level === k.SOL_IP && type === k.IP_TTL && data.length >= 4) info.ttl = data.readInt32LE(0);
      else if (level === k.SOL_IPV6 && type === k.IPV6_HOPLIMIT && data.length >= 4) info.ttl = data.readInt32LE(0);
      else if (level === k.SOL_IP && type === k.IP_PKTINFO && data.length >= 12) {
        // struct in_pktinfo: i32 ifindex · spec_dst[4] · addr[4]
        info.interfaceIndex = data.readInt32LE(0);
        info.destination = formatIp(data.subarray(8, 12));
      } else if (level === k.SOL_IPV6 && type === k.IPV6_PKTINFO && data.length >= 20) {
        info.destination = formatIp(data.subarray(0, 16));
        info.interfaceIndex = data.readInt32LE(16);
      }
    }
    return info;
  }
}

function configure(socket: Descriptor, family: Family, address: string, options: UdpSocketOptions): void {
  const v4 = family === 4;
  const level = v4 ? k.SOL_IP : k.SOL_IPV6;
  if (!v4) socket.set(level, k.IPV6_V6ONLY, 1, 'set IPV6_V6ONLY');
  if (options.reuseAddress) socket.set(k.SOL_SOCKET, k.SO_REUSEADDR, 1, 'set SO_REUSEADDR');
  if (options.reusePort) socket.set(k.SOL_SOCKET, k.SO_REUSEPORT, 1, 'set SO_REUSEPORT');
  if (options.device !== undefined) socket.bindToDevice(options.device);
  if (options.receiveBuffer !== undefined) socket.receiveBuffer(options.receiveBuffer);
  if (options.ttl !== undefined) socket.set(level, v4 ? k.IP_TTL : k.IPV6_UNICAST_HOPS, options.ttl, `set TTL ${options.ttl}`);
  if (options.multicastTtl !== undefined) {
    socket.set(level, v4 ? k.IP_MULTICAST_TTL : k.IPV6_MULTICAST_HOPS, options.multicastTtl, `set multicast TTL ${options.multicastTtl}`);
  }
  socket.set(level, v4 ? k.IP_MULTICAST_LOOP : k.IPV6_MULTICAST_LOOP, options.multicastLoop ? 1 : 0, 'set multicast loop');
  if (options.multicastInterface !== undefined) multicastInterface(socket, family, interfaceIndex(options.multicastInterface));
  if (options.tos !== undefined) socket.set(level, v4 ? k.IP_TOS : k.IPV6_TCLASS, options.tos, `set TOS ${options.tos}`);
  if (options.timestamps) socket.set(k.SOL_SOCKET, k.SO_TIMESTAMPNS, 1, 'set SO_TIMESTAMPNS');
  if (options.minTtl !== undefined) attachFilter(socket, minTtlFilter(family, options.minTtl));
  socket.set(level, v4 ? k.IP_RECVTTL : k.IPV6_RECVHOPLIMIT, 1, 'ask for the TTL');
  socket.set(level, v4 ? k.IP_PKTINFO : k.IPV6_RECVPKTINFO, 1, 'ask for the destination');
  // Without this a socket on the wildcard address receives every group that any socket of the host has joined.
  socket.set(level, v4 ? k.IP_MULTICAST_ALL : k.IPV6_MULTICAST_ALL, 0, 'take only its own groups');
  socket.bind(encodeSockaddr(address, options.port), `bind ${socket.label}`, 'CAP_NET_BIND_SERVICE');
}

function multicastInterface(socket: Descriptor, family: Family, index: number): void {
  if (family === 6) return socket.set(k.SOL_IPV6, k.IPV6_MULTICAST_IF, index, `send multicasts by interface ${index}`);
  // struct ip_mreqn: group[4] · address[4] · i32 ifindex
  const mreqn = Buffer.alloc(12);
  mreqn.writeInt32LE(index, 8);
  socket.set(k.SOL_IP, k.IP_MULTICAST_IF, mreqn, `send multicasts by interface ${index}`);
}
