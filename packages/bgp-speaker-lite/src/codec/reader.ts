/** Thrown by {@link Reader} alone when the octets end early; each decoder turns it into the error its RFC names. */
export class TruncatedError extends Error {
  override readonly name = 'TruncatedError';
}

/** A cursor over octets in network order. Never reads beyond its end; `take` shares memory instead of copying. */
export class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)] as number;
  }

  u16(): number {
    const at = this.#advance(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u24(): number {
    return (this.u8() << 16) | this.u16();
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  #advance(length: number): number {
    const at = this.#offset;
    if (at + length > this.#bytes.length) throw new TruncatedError(`need ${length} octets at offset ${at}, have ${this.remaining}`);
    this.#offset = at + length;
    return at;
  }
}
