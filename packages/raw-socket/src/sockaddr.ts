import { isIP } from 'node:net';
import { AF_INET, AF_INET6, AF_PACKET } from './constants.ts';
import { ENODEV } from './errno.ts';
import { RawSocketError, systemError } from './error.ts';
import { formatIp, parseIp } from './inet.ts';
import * as libc from './libc.ts';

export type Family = 4 | 6;

/** An address with its zone (`fe80::1%eth0` → `eth0`), if it has one. */
export function splitZone(text: string): { address: string; zone: string | undefined } {
  const at = text.indexOf('%');
  return at < 0 ? { address: text, zone: undefined } : { address: text.slice(0, at), zone: text.slice(at + 1) };
}

export function familyOf(text: string): Family {
  const family = isIP(splitZone(text).address);
  if (family === 0) throw new RawSocketError('InvalidArgument', `not an IP address: ${JSON.stringify(text)}`);
  return family as Family;
}

/** The index of an interface given by name or already by index. */
export function interfaceIndex(nameOrIndex: string | number): number {
  if (typeof nameOrIndex === 'number' || /^[1-9]\d*$/.test(nameOrIndex)) return Number(nameOrIndex);
  // IFNAMSIZ is 16 with the terminating zero; a longer name or an embedded zero would name another interface.
  const index = /^[^\s/\0]{1,15}$/.test(nameOrIndex) ? libc.ifNametoindex(nameOrIndex) : -ENODEV;
  if (index < 0) throw systemError('if_nametoindex', -index, `find interface ${JSON.stringify(nameOrIndex)}`);
  return index;
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RawSocketError('InvalidArgument', `not a port: ${port}`);
}

/** struct sockaddr_in, or sockaddr_in6 with the zone as its scope id. */
export function encodeSockaddr(address: string, port: number): Buffer {
  checkPort(port);
  const { address: bare, zone } = splitZone(address);
  const bytes = parseIp(bare);
  if (bytes.length === 4) {
    const out = Buffer.alloc(16);
    out.writeUInt16LE(AF_INET, 0);
    out.writeUInt16BE(port, 2);
    bytes.copy(out, 4);
    return out;
  }
  const out = Buffer.alloc(28);
  out.writeUInt16LE(AF_INET6, 0);
  out.writeUInt16BE(port, 2);
  bytes.copy(out, 8);
  if (zone !== undefined) out.writeUInt32LE(interfaceIndex(zone), 24);
  return out;
}

/** `address` carries its scope id as zone (`fe80::1%3`) when it is link-local. */
export function decodeSockaddr(from: Buffer): { address: string; port: number } | undefined {
  if (from.length >= 16 && from.readUInt16LE(0) === AF_INET) return { address: formatIp(from.subarray(4, 8)), port: from.readUInt16BE(2) };
  if (from.length >= 28 && from.readUInt16LE(0) === AF_INET6) {
    const scope = from.readUInt32LE(24);
    return { address: formatIp(from.subarray(8, 24)) + (scope === 0 ? '' : `%${scope}`), port: from.readUInt16BE(2) };
  }
  return undefined;
}

/** struct sockaddr_ll: u16 family · be16 protocol @2 · i32 ifindex @4 · u16 hatype @8 · u8 pkttype @10 · u8 halen @11 · u8 addr[8] @12. */
export function encodeSockaddrLl(ifindex: number, protocol: number): Buffer {
  const out = Buffer.alloc(20);
  out.writeUInt16LE(AF_PACKET, 0);
  out.writeUInt16BE(protocol, 2);
  out.writeInt32LE(ifindex, 4);
  return out;
}
