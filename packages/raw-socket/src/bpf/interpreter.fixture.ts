/** What a classic BPF program says about a frame: an implementation of its own, against which the assembler's output is tested. */
export interface Ancillary {
  ifindex: number;
  pkttype: number;
  vlanTagPresent: number;
}

export function runClassic(program: Buffer, frame: Buffer, ancillary: Ancillary): number {
  let a = 0;
  for (let pc = 0; pc < program.length / 8; pc++) {
    const code = program.readUInt16LE(8 * pc);
    const [jt, jf] = [program.readUInt8(8 * pc + 2), program.readUInt8(8 * pc + 3)];
    const k = program.readUInt32LE(8 * pc + 4);
    const branch = (taken: boolean): void => {
      pc += taken ? jt : jf;
    };
    switch (code) {
      case 0x20:
      case 0x28:
      case 0x30: {
        if (k >= 0xfffff000) {
          const value = { 4: ancillary.pkttype, 8: ancillary.ifindex, 48: ancillary.vlanTagPresent }[k - 0xfffff000];
          if (value === undefined) throw new Error(`ancillary load ${k - 0xfffff000}`);
          a = value;
          break;
        }
        const size = { 0x20: 4, 0x28: 2, 0x30: 1 }[code];
        if (k + size > frame.length) return 0;
        a = frame.readUIntBE(k, size);
        break;
      }
      case 0x54:
        a = (a & k) >>> 0;
        break;
      case 0x05:
        pc += k;
        break;
      case 0x15:
        branch(a === k);
        break;
      case 0x25:
        branch(a > k);
        break;
      case 0x35:
        branch(a >= k);
        break;
      case 0x45:
        branch((a & k) !== 0);
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`code ${code}`);
    }
  }
  throw new Error('ran off the end');
}
