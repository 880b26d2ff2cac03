import { RawSocketError } from '../error.ts';

/** struct nlmsghdr: u32 length · u16 type @4 · u16 flags @6 · u32 sequence @8 · u32 port @12. */
export interface NetlinkMessage {
  type: number;
  flags: number;
  sequence: number;
  payload: Buffer;
}

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLMSG_HDRLEN = 16;

const align = (length: number): number => (length + 3) & ~3;

/** The messages of one datagram. @throws RawSocketError BadMessage when a length does not fit */
export function* parseMessages(datagram: Buffer): Generator<NetlinkMessage> {
  let at = 0;
  while (at < datagram.length) {
    if (datagram.length - at < NLMSG_HDRLEN) throw bad(`${datagram.length - at} bytes left for a message header`);
    const length = datagram.readUInt32LE(at);
    if (length < NLMSG_HDRLEN || length > datagram.length - at)
      throw bad(`a message of ${length} bytes where ${datagram.length - at} are left`);
    yield {
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + NLMSG_HDRLEN, at + length),
    };
    at += align(length);
  }
}

const NLA_TYPE_MASK = 0x3fff;

/**
 * struct nlattr {u16 length · u16 type} + data, the next one aligned to 4. Of an attribute that occurs twice the last counts.
 * @throws RawSocketError BadMessage when a length does not fit
 */
export function parseAttributes(bytes: Buffer, from = 0): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  let at = from;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) throw bad(`an attribute of ${length} bytes where ${bytes.length - at} are left`);
    attributes.set(bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return attributes;
}

const bad = (what: string): RawSocketError => new RawSocketError('BadMessage', `netlink: ${what}`);

/** Fixed-size fields at the start of a payload. @throws RawSocketError BadMessage */
export function requireLength(payload: Buffer, length: number, what: string): void {
  if (payload.length < length) throw bad(`${what} of ${payload.length} bytes, at least ${length} expected`);
}

export function attribute(type: number, data: Uint8Array): Buffer {
  const out = Buffer.alloc(align(4 + data.length));
  out.writeUInt16LE(4 + data.length, 0);
  out.writeUInt16LE(type, 2);
  out.set(data, 4);
  return out;
}

export function encodeMessage(type: number, flags: number, sequence: number, payload: Uint8Array): Buffer {
  const out = Buffer.alloc(NLMSG_HDRLEN + align(payload.length));
  out.writeUInt32LE(NLMSG_HDRLEN + payload.length, 0);
  out.writeUInt16LE(type, 4);
  out.writeUInt16LE(flags, 6);
  out.writeUInt32LE(sequence, 8);
  out.set(payload, NLMSG_HDRLEN);
  return out;
}

// Attributes are read leniently: a kernel that changes the size of one must not take the rest down.
export const u8 = (data: Buffer | undefined): number | undefined => (data && data.length >= 1 ? data.readUInt8(0) : undefined);
export const u16 = (data: Buffer | undefined): number | undefined => (data && data.length >= 2 ? data.readUInt16LE(0) : undefined);
export const u16be = (data: Buffer | undefined): number | undefined => (data && data.length >= 2 ? data.readUInt16BE(0) : undefined);
export const u32 = (data: Buffer | undefined): number | undefined => (data && data.length >= 4 ? data.readUInt32LE(0) : undefined);
export const u32be = (data: Buffer | undefined): number | undefined => (data && data.length >= 4 ? data.readUInt32BE(0) : undefined);
export function text(data: Buffer | undefined): string | undefined {
  if (!data) return undefined;
  const end = data.indexOf(0);
  return data.toString('utf8', 0, end < 0 ? data.length : end);
}
