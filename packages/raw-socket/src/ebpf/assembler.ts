import { RawSocketError } from '../error.ts';

/** Registers: r0 result, r1–r5 arguments (lost in calls), r6–r9 kept, r10 the frame pointer (read-only). */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
export type Size = 1 | 2 | 4 | 8;

const sizes = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 } as const;
const operations = { add: 0x00, sub: 0x10, or: 0x40, and: 0x50, lsh: 0x60, rsh: 0x70, xor: 0xa0, mov: 0xb0 } as const;
const conditions = { eq: 0x10, gt: 0x20, ge: 0x30, set: 0x40, ne: 0x50, lt: 0xa0, le: 0xb0 } as const;

interface Instruction {
  code: number;
  dst: number;
  src: number;
  offset: number;
  imm: number;
  label: string | undefined;
}

/** An operand that is a number is an immediate; `{ r: n }` is a register. */
export type Operand = number | { readonly r: Register };
export const r = (register: Register): Operand => ({ r: register });

/**
 * Assembles eBPF (RFC 9669): struct bpf_insn {u8 code; u8 dst:4, src:4; s16 off; s32 imm}. Jumps name labels, which are resolved per use,
 * so that one label serves any number of jumps.
 */
export class EbpfAssembler {
  readonly #code: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  get length(): number {
    return this.#code.length;
  }

  alu(operation: keyof typeof operations, dst: Register, operand: Operand): this {
    const immediate = typeof operand === 'number';
    return this.#emit(0x07 | operations[operation] | (immediate ? 0 : 0x08), dst, immediate ? 0 : operand.r, 0, immediate ? operand : 0);
  }

  mov(dst: Register, operand: Operand): this {
    return this.alu('mov', dst, operand);
  }

  /** dst ← the unsigned value at base + offset. */
  load(size: Size, dst: Register, base: Register, offset: number): this {
    return this.#emit(0x61 | sizes[size], dst, base, offset, 0);
  }

  store(size: Size, base: Register, offset: number, src: Register): this {
    return this.#emit(0x63 | sizes[size], base, src, offset, 0);
  }

  storeImmediate(size: Size, base: Register, offset: number, value: number): this {
    return this.#emit(0x62 | sizes[size], base, 0, offset, value);
  }

  /** Adds a register to a 64-bit counter that other CPUs count too. */
  atomicAdd(base: Register, offset: number, src: Register): this {
    return this.#emit(0xdb, base, src, offset, 0);
  }

  /** dst ← a map, given by its descriptor in the loading process. Takes two slots. */
  loadMap(dst: Register, mapFd: number): this {
    return this.#emit(0x18, dst, 1, 0, mapFd).#emit(0, 0, 0, 0, 0);
  }

  /** Compares all 64 bits, an immediate sign-extended. */
  jump(condition: keyof typeof conditions, dst: Register, operand: Operand, label: string): this {
    return this.#jump(0x05, condition, dst, operand, label);
  }

  /** Compares the lower 32 bits. */
  jump32(condition: keyof typeof conditions, dst: Register, operand: Operand, label: string): this {
    return this.#jump(0x06, condition, dst, operand, label);
  }

  goto(label: string): this {
    return this.#emit(0x05, 0, 0, 0, 0, label);
  }

  label(name: string): this {
    if (this.#labels.has(name)) throw new RawSocketError('InvalidArgument', `label ${name} is set twice`);
    this.#labels.set(name, this.#code.length);
    return this;
  }

  call(helper: number): this {
    return this.#emit(0x85, 0, 0, 0, helper);
  }

  exit(): this {
    return this.#emit(0x95, 0, 0, 0, 0);
  }

  assemble(): Buffer {
    const program = Buffer.alloc(8 * this.#code.length);
    this.#code.forEach((instruction, at) => {
      program.writeUInt8(instruction.code, 8 * at);
      program.writeUInt8(instruction.dst | (instruction.src << 4), 8 * at + 1);
      program.writeInt16LE(this.#offset(instruction, at), 8 * at + 2);
      program.writeInt32LE(instruction.imm | 0, 8 * at + 4);
    });
    return program;
  }

  #jump(klass: number, condition: keyof typeof conditions, dst: Register, operand: Operand, label: string): this {
    const immediate = typeof operand === 'number';
    const code = klass | conditions[condition] | (immediate ? 0 : 0x08);
    return this.#emit(code, dst, immediate ? 0 : operand.r, 0, immediate ? operand : 0, label);
  }

  #emit(code: number, dst: number, src: number, offset: number, imm: number, label?: string): this {
    this.#code.push({ code, dst, src, offset, imm, label });
    return this;
  }

  #offset(instruction: Instruction, at: number): number {
    if (instruction.label === undefined) return instruction.offset;
    const target = this.#labels.get(instruction.label);
    if (target === undefined) throw new RawSocketError('InvalidArgument', `label ${instruction.label} is not set`);
    return target - at - 1;
  }
}
