import { AttributeFlag, AttributeType } from '../codec/attribute/codec.ts';
import { afiSafi, type Family } from '../codec/family.ts';
import { HEADER_LENGTH, MessageType } from '../codec/message.ts';
import type { ExportedAttributes } from './export.ts';

/** Collects whole messages in one run of memory, so that a burst is one write to the socket. */
export class MessageBuffer {
  #bytes = new Uint8Array(4096);
  #length = 0;
  #start = 0;
  #messages = 0;

  get length(): number {
    return this.#length;
  }

  get messages(): number {
    return this.#messages;
  }

  begin(type: number): void {
    this.#start = this.#length;
    const at = this.reserve(HEADER_LENGTH);
    this.#bytes.fill(0xff, at, at + 16);
    this.#bytes[at + 18] = type;
  }

  end(): void {
    this.patch16(this.#start + 16, this.#length - this.#start);
    this.#messages++;
  }

  /** Octets of the message that has been begun. */
  get current(): number {
    return this.#length - this.#start;
  }

  reserve(octets: number): number {
    const at = this.#length;
    this.#length += octets;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }

  push(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    // A loop: `set` costs more than it for the few octets of a prefix.
    if (bytes.length > 32) this.#bytes.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) this.#bytes[at + i] = bytes[i] as number;
  }

  push16(value: number): number {
    const at = this.reserve(2);
    this.patch16(at, value);
    return at;
  }

  patch16(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  /** The messages so far; the buffer is not to be used after that. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

const MP_FLAGS = AttributeFlag.OPTIONAL | AttributeFlag.EXTENDED_LENGTH;

/** Puts as many prefixes as fit between `open` and `close` of one message after another. */
function fill(
  buffer: MessageBuffer,
  prefixes: readonly Uint8Array[],
  maxLength: number,
  frame: { readonly open: () => void; readonly close: () => void; readonly reserve: number },
): void {
  const limit = maxLength - frame.reserve;
  let open = false;
  for (const prefix of prefixes) {
    if (open && buffer.current + prefix.length > limit) {
      frame.close();
      buffer.end();
      open = false;
    }
    if (!open) {
      buffer.begin(MessageType.UPDATE);
      frame.open();
      open = true;
    }
    buffer.push(prefix);
  }
  if (open) {
    frame.close();
    buffer.end();
  }
}

function beginMp(buffer: MessageBuffer, type: number, family: Family): { attributes: number; value: number } {
  buffer.push16(0);
  const attributes = buffer.push16(0);
  buffer.push(new Uint8Array([MP_FLAGS, type]));
  const value = buffer.push16(0);
  const { afi, safi } = afiSafi(family);
  buffer.push16(afi);
  buffer.push(new Uint8Array([safi]));
  return { attributes, value };
}

/** UPDATEs that announce prefixes (length octet and address octets each) sharing one attribute set. */
export function packAnnouncements(
  buffer: MessageBuffer,
  family: Family,
  prefixes: readonly Uint8Array[],
  exported: ExportedAttributes,
  maxLength: number,
): void {
  const { bytes, mpNextHop } = exported;
  if (!mpNextHop) {
    const open = () => {
      buffer.push16(0);
      buffer.push16(bytes.length);
      buffer.push(bytes);
    };
    fill(buffer, prefixes, maxLength, { open, close: () => {}, reserve: 0 });
    return;
  }
  let at = { attributes: 0, value: 0 };
  const open = () => {
    // RFC 7606 §5.1: MP_REACH_NLRI stands first.
    at = beginMp(buffer, AttributeType.MP_REACH_NLRI, family);
    buffer.push(new Uint8Array([mpNextHop.length]));
    buffer.push(mpNextHop);
    buffer.push(new Uint8Array([0]));
  };
  const close = () => {
    buffer.patch16(at.value, buffer.length - at.value - 2);
    buffer.push(bytes);
    buffer.patch16(at.attributes, buffer.length - at.attributes - 2);
  };
  fill(buffer, prefixes, maxLength, { open, close, reserve: bytes.length });
}

/** UPDATEs that withdraw prefixes; `classic` ones of IPv4 go into the field of RFC 4271, others into MP_UNREACH_NLRI. */
export function packWithdrawals(
  buffer: MessageBuffer,
  family: Family,
  prefixes: readonly Uint8Array[],
  classic: boolean,
  maxLength: number,
): void {
  let at = { attributes: 0, value: 0 };
  const classicFrame = {
    open: () => {
      at = { attributes: 0, value: buffer.push16(0) };
    },
    close: () => {
      buffer.patch16(at.value, buffer.length - at.value - 2);
      buffer.push16(0);
    },
    reserve: 2,
  };
  const mpFrame = {
    open: () => {
      at = beginMp(buffer, AttributeType.MP_UNREACH_NLRI, family);
    },
    close: () => {
      buffer.patch16(at.value, buffer.length - at.value - 2);
      buffer.patch16(at.attributes, buffer.length - at.attributes - 2);
    },
    reserve: 0,
  };
  fill(buffer, prefixes, maxLength, classic ? classicFrame : mpFrame);
}

/** The End-of-RIB of a family (RFC 4724 §2). */
export function packEndOfRib(buffer: MessageBuffer, family: Family): void {
  buffer.begin(MessageType.UPDATE);
  if (family === 'ipv4-unicast') {
    buffer.push16(0);
    buffer.push16(0);
  } else {
    const at = beginMp(buffer, AttributeType.MP_UNREACH_NLRI, family);
    buffer.patch16(at.value, 3);
    buffer.patch16(at.attributes, buffer.length - at.attributes - 2);
  }
  buffer.end();
}

/** A ROUTE-REFRESH message: the brackets of an enhanced refresh (RFC 7313 §4). */
export function packRefresh(buffer: MessageBuffer, family: Family, subtype: number): void {
  const { afi, safi } = afiSafi(family);
  buffer.begin(MessageType.ROUTE_REFRESH);
  buffer.push16(afi);
  buffer.push(new Uint8Array([subtype, safi]));
  buffer.end();
}
