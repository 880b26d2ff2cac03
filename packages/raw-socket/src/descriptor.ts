import {
  SO_BINDTODEVICE,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from './constants.ts';
import { RawSocketError, systemError } from './error.ts';
import * as libc from './libc.ts';

export const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value, 0);
  return bytes;
};

/** A socket descriptor that is closed exactly once, and that names itself in errors. */
export class Descriptor {
  /** What errors call it: `a packet socket on eth0`. */
  readonly label: string;
  #fd: number;

  private constructor(fd: number, label: string) {
    this.#fd = fd;
    this.label = label;
  }

  /** Non-blocking and close-on-exec. */
  static socket(domain: number, type: number, protocol: number, label: string, needs?: string): Descriptor {
    const fd = libc.socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0) throw systemError('socket', -fd, `open ${label}`, needs);
    return new Descriptor(fd, label);
  }

  /** Runs the steps that follow opening; closes the descriptor when one of them throws. */
  static with(descriptor: Descriptor, steps: (descriptor: Descriptor) => void): Descriptor {
    try {
      steps(descriptor);
      return descriptor;
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  get fd(): number {
    if (this.#fd < 0) throw new RawSocketError('Closed', `${this.label} was closed`);
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  set(level: number, option: number, value: number | Uint8Array, doing: string, needs?: string): void {
    const result = libc.setsockopt(this.fd, level, option, typeof value === 'number' ? i32(value) : value);
    if (result < 0) throw systemError('setsockopt', -result, `${doing} on ${this.label}`, needs);
  }

  bind(address: Uint8Array, doing: string, needs?: string): void {
    const result = libc.bind(this.fd, address);
    if (result < 0) throw systemError('bind', -result, doing, needs);
  }

  bindToDevice(device: string): void {
    this.set(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`), `bind to device ${device}`, 'CAP_NET_RAW');
  }

  /** Beyond net.core.rmem_max where CAP_NET_ADMIN allows it, up to that limit otherwise. */
  receiveBuffer(bytes: number): void {
    if (libc.setsockopt(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, i32(bytes)) < 0) libc.setsockopt(this.fd, SOL_SOCKET, SO_RCVBUF, i32(bytes));
  }

  /** As much as asked for where CAP_NET_ADMIN allows it, up to net.core.wmem_max otherwise; never less than the default. */
  sendBuffer(bytes: number): void {
    const size = i32(Math.max(bytes, 212_992));
    if (libc.setsockopt(this.fd, SOL_SOCKET, SO_SNDBUFFORCE, size) < 0) libc.setsockopt(this.fd, SOL_SOCKET, SO_SNDBUF, size);
  }

  /** Gives the descriptor up without closing it: someone else owns it from now on. */
  release(): number {
    const fd = this.fd;
    this.#fd = -1;
    return fd;
  }

  close(): void {
    if (this.#fd < 0) return;
    libc.close(this.#fd);
    this.#fd = -1;
  }
}
