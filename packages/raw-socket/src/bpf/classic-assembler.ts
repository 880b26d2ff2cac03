import { RawSocketError } from '../error.ts';

/** A program for SO_ATTACH_FILTER: struct sock_filter {u16 code; u8 jt, jf; u32 k}[], at most 4,096 of them (BPF_MAXINSNS). */
export interface ClassicFilter {
  readonly program: Buffer;
  readonly instructions: number;
  /** Used instead when the kernel has no room for `program`: lets more through, so whoever reads must check again. */
  readonly fallback?: ClassicFilter;
}

export const MAX_INSTRUCTIONS = 4096;

/** Linux' ancillary loads: `ld [SKF_AD_OFF + n]`, SKF_AD_OFF = -0x1000. */
const extensions = { protocol: 0, pkttype: 4, ifindex: 8, queue: 24, vlanTag: 44, vlanTagPresent: 48 } as const;
export type Extension = keyof typeof extensions;

const SKF_AD_OFF = -0x1000;
const SKF_NET_OFF = -0x100000;
const tests = { eq: 0x15, gt: 0x25, ge: 0x35, set: 0x45 } as const;
const loads = { 1: 0x30, 2: 0x28, 4: 0x20 } as const;

type Target = string | undefined;
interface Instruction {
  code: number;
  k: number;
  jump?: { whenTrue: Target; whenFalse: Target };
  always?: string;
}

/**
 * Assembles classic BPF with labels in place of offsets. A conditional jump reaches 255 instructions; `goto` reaches everywhere.
 * Jumps go forward only: the kernel refuses loops.
 */
export class ClassicAssembler {
  readonly #code: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  get length(): number {
    return this.#code.length;
  }

  /** A ← size bytes of the frame at `offset`, in network order. A load beyond the frame's end ends the program with 0: drop. */
  load(size: 1 | 2 | 4, offset: number): this {
    return this.#emit({ code: loads[size], k: offset });
  }

  /** The same, counted from the start of the network header: for sockets that do not show it (UDP). */
  loadFromNetwork(size: 1 | 2 | 4, offset: number): this {
    return this.#emit({ code: loads[size], k: SKF_NET_OFF + offset });
  }

  /** A ← what the kernel knows about the packet beside its bytes. */
  loadExtension(extension: Extension): this {
    return this.#emit({ code: loads[4], k: SKF_AD_OFF + extensions[extension] });
  }

  and(mask: number): this {
    return this.#emit({ code: 0x54, k: mask });
  }

  /** A missing label means: go on with the next instruction. */
  jump(test: keyof typeof tests, k: number, whenTrue: Target, whenFalse: Target): this {
    return this.#emit({ code: tests[test], k, jump: { whenTrue, whenFalse } });
  }

  goto(label: string): this {
    return this.#emit({ code: 0x05, k: 0, always: label });
  }

  label(name: string): this {
    if (this.#labels.has(name)) throw new RawSocketError('InvalidArgument', `label ${name} is set twice`);
    this.#labels.set(name, this.#code.length);
    return this;
  }

  /** Ends the program: deliver the first `length` bytes, 0 = drop. */
  ret(length: number): this {
    return this.#emit({ code: 0x06, k: length });
  }

  assemble(fallback?: ClassicFilter): ClassicFilter {
    const count = this.#code.length;
    if (count === 0 || count > MAX_INSTRUCTIONS) {
      throw new RawSocketError('InvalidArgument', `a filter has 1 to ${MAX_INSTRUCTIONS} instructions, not ${count}`);
    }
    const program = Buffer.alloc(8 * count);
    this.#code.forEach((instruction, at) => {
      const { code, jump, always } = instruction;
      program.writeUInt16LE(code, 8 * at);
      if (jump) {
        program.writeUInt8(this.#offset(at, jump.whenTrue, 255), 8 * at + 2);
        program.writeUInt8(this.#offset(at, jump.whenFalse, 255), 8 * at + 3);
      }
      const k = always === undefined ? instruction.k : this.#offset(at, always, MAX_INSTRUCTIONS);
      program.writeUInt32LE(k >>> 0, 8 * at + 4);
    });
    return { program, instructions: count, ...(fallback && { fallback }) };
  }

  #emit(instruction: Instruction): this {
    this.#code.push(instruction);
    return this;
  }

  #offset(at: number, label: Target, reach: number): number {
    if (label === undefined) return 0;
    const target = this.#labels.get(label);
    if (target === undefined) throw new RawSocketError('InvalidArgument', `label ${label} is not set`);
    const offset = target - at - 1;
    if (offset < 0 || offset > reach)
      throw new RawSocketError('InvalidArgument', `label ${label} is ${offset} instructions away: out of reach`);
    return offset;
  }
}
