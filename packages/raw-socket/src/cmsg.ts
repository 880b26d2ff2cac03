import { SO_TIMESTAMPNS, SOL_SOCKET } from './constants.ts';
import { writePointer } from './libc.ts';

/** One control message: `data` is a view into the parsed block. */
export interface ControlMessage {
  level: number;
  type: number;
  data: Buffer;
}

/**
 * Reads the control block of a recvmsg(2): cmsghdr {u64 len · i32 level @8 · i32 type @12 · data @16}, the next one at the following
 * multiple of 8. Stops at the first header that does not fit: a block cut by MSG_CTRUNC yields what is whole.
 */
export function parseControl(block: Buffer): ControlMessage[] {
  const messages: ControlMessage[] = [];
  let at = 0;
  while (at + 16 <= block.length) {
    const length = block.readBigUInt64LE(at);
    if (length < 16n || length > BigInt(block.length - at)) break;
    const end = at + Number(length);
    messages.push({ level: block.readInt32LE(at + 8), type: block.readInt32LE(at + 12), data: block.subarray(at + 16, end) });
    at += (Number(length) + 7) & ~7;
  }
  return messages;
}

/** Nanoseconds of CLOCK_REALTIME in an SO_TIMESTAMPNS message: struct timespec {i64 seconds, i64 nanoseconds}. */
export function timestampOf(messages: readonly ControlMessage[]): bigint | undefined {
  const found = messages.find(({ level, type, data }) => level === SOL_SOCKET && type === SO_TIMESTAMPNS && data.length >= 16);
  return found && found.data.readBigInt64LE(0) * 1_000_000_000n + found.data.readBigInt64LE(8);
}

/**
 * A struct msghdr over buffers that are used again and again:
 * name* @0 · namelen u32 @8 · iov* @16 · iovlen @24 · control* @32 · controllen @40 · flags @48.
 */
export class MessageHeader {
  readonly struct = Buffer.alloc(56);
  readonly name = Buffer.alloc(28);
  readonly control = Buffer.alloc(256);
  readonly data: Buffer;

  constructor(size: number) {
    this.data = Buffer.alloc(size);
    const iov = Buffer.alloc(16);
    writePointer(iov, 0, this.data);
    iov.writeBigUInt64LE(BigInt(size), 8);
    writePointer(this.struct, 0, this.name);
    writePointer(this.struct, 16, iov);
    this.struct.writeBigUInt64LE(1n, 24);
    writePointer(this.struct, 32, this.control);
  }

  /** Before every recvmsg: the kernel overwrites the lengths. */
  reset(): void {
    this.struct.writeUInt32LE(this.name.length, 8);
    this.struct.writeBigUInt64LE(BigInt(this.control.length), 40);
    this.struct.writeInt32LE(0, 48);
  }

  get from(): Buffer {
    return this.name.subarray(0, Math.min(this.struct.readUInt32LE(8), this.name.length));
  }

  get controlMessages(): ControlMessage[] {
    return parseControl(this.control.subarray(0, Math.min(Number(this.struct.readBigUInt64LE(40)), this.control.length)));
  }

  get flags(): number {
    return this.struct.readInt32LE(48);
  }
}
