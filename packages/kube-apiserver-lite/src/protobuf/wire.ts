/** The protobuf wire format: what is needed to read proto2 messages. */

export class WireError extends Error {}

export interface WireField {
  readonly number: number;
  /** 0 varint, 1 fixed64, 2 bytes, 5 fixed32. */
  readonly type: number;
  readonly varint: bigint;
  readonly bytes: Uint8Array;
}

const none = new Uint8Array();
const maxVarint = 10;

function varint(bytes: Uint8Array, at: number): { value: bigint; next: number } {
  let value = 0n;
  for (let i = 0; i < maxVarint; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: at + i + 1 };
  }
  throw new WireError('truncated or oversized varint');
}

/** The fields of a message, in the order they were written. */
export function* fields(bytes: Uint8Array): Generator<WireField> {
  let at = 0;
  while (at < bytes.length) {
    const tag = varint(bytes, at);
    const number = Number(tag.value >> 3n);
    const type = Number(tag.value & 7n);
    at = tag.next;
    if (number === 0) throw new WireError('field number 0');
    if (type === 0) {
      const value = varint(bytes, at);
      at = value.next;
      yield { number, type, varint: value.value, bytes: none };
      continue;
    }
    let length: number;
    if (type === 2) {
      const size = varint(bytes, at);
      at = size.next;
      length = Number(size.value);
    } else if (type === 1) length = 8;
    else if (type === 5) length = 4;
    else throw new WireError(`wire type ${type} of field ${number}`);
    if (at + length > bytes.length) throw new WireError(`field ${number} is longer than the message`);
    yield { number, type, varint: 0n, bytes: bytes.subarray(at, at + length) };
    at += length;
  }
}
