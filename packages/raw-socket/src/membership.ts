import * as k from './constants.ts';
import type { Descriptor } from './descriptor.ts';
import { EADDRINUSE, EADDRNOTAVAIL, ENODEV } from './errno.ts';
import { RawSocketError, systemError } from './error.ts';
import { formatIp, parseIp } from './inet.ts';
import * as libc from './libc.ts';
import type { Family } from './sockaddr.ts';

/**
 * The solicited-node group of an IPv6 address (RFC 4291 §2.7.1) and the Ethernet group it maps to (RFC 2464 §7). Addresses that agree
 * in their last 24 bits share it.
 */
export function solicitedNodeGroup(address: string): { group: string; mac: string } {
  const bytes = parseIp(address);
  if (bytes.length !== 16) throw new RawSocketError('InvalidArgument', `${address} is not an IPv6 address`);
  const group = Buffer.concat([parseIp('ff02::1:ff00:0').subarray(0, 13), bytes.subarray(13)]);
  const low = [...bytes.subarray(13)].map(byte => byte.toString(16).padStart(2, '0'));
  return { group: formatIp(group), mac: `33:33:ff:${low.join(':')}` };
}

/** Group memberships of one socket, counted, so that users need not know of each other. */
export class Memberships {
  readonly #family: Family;
  readonly #socket: Descriptor;
  readonly #counts = new Map<string, { group: Buffer; ifindex: number; count: number }>();

  constructor(family: Family, socket: Descriptor) {
    this.#family = family;
    this.#socket = socket;
  }

  join(group: string, ifindex: number): void {
    const { key, bytes } = this.#key(group, ifindex);
    const entry = this.#counts.get(key);
    if (entry) {
      entry.count += 1;
      return;
    }
    const result = this.#apply('join', bytes, ifindex);
    if (result < 0 && result !== -EADDRINUSE) throw systemError('setsockopt', -result, `join ${group} on interface ${ifindex}`);
    this.#counts.set(key, { group: bytes, ifindex, count: 1 });
  }

  leave(group: string, ifindex: number): void {
    const { key, bytes } = this.#key(group, ifindex);
    const entry = this.#counts.get(key);
    if (!entry) return;
    entry.count -= 1;
    if (entry.count > 0) return;
    this.#counts.delete(key);
    const result = this.#apply('leave', bytes, ifindex);
    // The interface took its memberships with it when it went.
    if (result < 0 && result !== -EADDRNOTAVAIL && result !== -ENODEV) {
      throw systemError('setsockopt', -result, `leave ${group} on interface ${ifindex}`);
    }
  }

  /**
   * @param group only this one
   * @throws RawSocketError the first failure, after all others were tried; the next call tries them all again
   */
  rejoin(ifindex: number, group?: string): void {
    let failure: RawSocketError | undefined;
    const one = group === undefined ? undefined : this.#counts.get(this.#key(group, ifindex).key);
    for (const entry of group === undefined ? this.#counts.values() : one === undefined ? [] : [one]) {
      if (entry.ifindex !== ifindex) continue;
      this.#apply('leave', entry.group, ifindex);
      const result = this.#apply('join', entry.group, ifindex);
      if (result < 0) failure ??= systemError('setsockopt', -result, `join ${formatIp(entry.group)} on interface ${ifindex} again`);
    }
    if (failure !== undefined) throw failure;
  }

  #key(group: string, ifindex: number): { key: string; bytes: Buffer } {
    const bytes = parseIp(group);
    const multicast = bytes.length === 4 ? (bytes[0] as number) >> 4 === 0xe : bytes[0] === 0xff;
    if (!multicast || bytes.length !== (this.#family === 4 ? 4 : 16)) {
      throw new RawSocketError('InvalidArgument', `${group} is not an IPv${this.#family} multicast group`);
    }
    return { key: `${ifindex}/${formatIp(bytes)}`, bytes };
  }

  #apply(what: 'join' | 'leave', group: Buffer, ifindex: number): number {
    if (this.#family === 4) {
      // struct ip_mreqn: group[4] · address[4] · i32 ifindex
      const mreqn = Buffer.alloc(12);
      group.copy(mreqn);
      mreqn.writeInt32LE(ifindex, 8);
      return libc.setsockopt(this.#socket.fd, k.SOL_IP, what === 'join' ? k.IP_ADD_MEMBERSHIP : k.IP_DROP_MEMBERSHIP, mreqn);
    }
    // struct ipv6_mreq: group[16] · i32 ifindex
    const mreq = Buffer.alloc(20);
    group.copy(mreq);
    mreq.writeInt32LE(ifindex, 16);
    return libc.setsockopt(this.#socket.fd, k.SOL_IPV6, what === 'join' ? k.IPV6_ADD_MEMBERSHIP : k.IPV6_DROP_MEMBERSHIP, mreq);
  }
}
