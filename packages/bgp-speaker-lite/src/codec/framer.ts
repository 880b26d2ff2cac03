import { HEADER_LENGTH, readHeader } from './message.ts';

/**
 * Cuts a TCP stream into whole messages. A read may end anywhere, even inside a header. What is kept is never more than
 * one message and one read, and a peer that sends octet by octet costs no more than one that sends all at once.
 */
export class Framer {
  #chunks: Uint8Array[] = [];
  #pending = 0;
  /** Octets that must be there before it is worth looking again. */
  #needed = HEADER_LENGTH;
  #extended = false;

  /** Messages above 4096 octets are accepted from now on (RFC 8654). */
  allowExtended(): void {
    this.#extended = true;
  }

  /** Octets held back for a message that has not ended yet. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Hands each message that `chunk` completes to `deliver`, until that returns false.
   * Throws `MessageError` for a header that breaks RFC 4271 §6.1; nothing is to be read from the stream after that.
   */
  push(chunk: Uint8Array, deliver: (frame: Uint8Array) => boolean): void {
    this.#pending += chunk.length;
    if (this.#pending < this.#needed) {
      this.#chunks.push(chunk.slice());
      return;
    }
    const bytes = this.#chunks.length === 0 ? chunk : join(this.#chunks, chunk, this.#pending);
    let offset = 0;
    this.#needed = HEADER_LENGTH;
    while (bytes.length - offset >= HEADER_LENGTH) {
      const { length } = readHeader(bytes, offset, this.#extended);
      if (bytes.length - offset < length) {
        this.#needed = length;
        break;
      }
      offset += length;
      if (!deliver(bytes.subarray(offset - length, offset))) break;
    }
    this.#pending = bytes.length - offset;
    this.#chunks = this.#pending === 0 ? [] : [bytes.slice(offset)];
  }
}

function join(chunks: readonly Uint8Array[], last: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of [...chunks, last]) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
