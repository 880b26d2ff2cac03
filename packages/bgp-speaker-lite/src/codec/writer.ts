/** A growing buffer in network order. Lengths that are known only afterwards are reserved and patched. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    // In two steps: growing may replace the memory.
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  u24(value: number): this {
    return this.u8(value >>> 16).u16(value & 0xffff);
  }

  u32(value: number): this {
    return this.u16(Math.floor(value / 0x1_0000) & 0xffff).u16(value & 0xffff);
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Writes what `body` writes, preceded by its length in two octets. */
  sized16(body: (writer: this) => void): this {
    const at = this.#grow(2);
    body(this);
    const length = this.#length - at - 2;
    this.#bytes[at] = length >>> 8;
    this.#bytes[at + 1] = length;
    return this;
  }

  /** Writes what `body` writes, preceded by its length in one octet. */
  sized8(body: (writer: this) => void): this {
    const at = this.#grow(1);
    body(this);
    this.#bytes[at] = this.#length - at - 1;
    return this;
  }

  /** An empty writer beside this one, for a part whose length decides how the whole is written. */
  fork(): Writer {
    return new Writer(32);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#length = needed;
    return at;
  }
}
