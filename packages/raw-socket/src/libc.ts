/**
 * The C library, seen through koffi: the only module that imports it. Buffers only (no struct types, no callbacks from C), so that
 * every layout stands beside the code that uses it. Little-endian LP64 (x64, arm64) is assumed throughout the package.
 *
 * Every wrapper follows the kernel's own convention: a result ≥ 0, or **minus the errno**. errno belongs to the thread and the next
 * system call overwrites it, so it is read here, in the statement after the call.
 */
import { arch, platform } from 'node:process';
import koffi, { type LibraryHandle } from 'koffi';
import { RawSocketError } from './error.ts';

type Bytes = Uint8Array | null;
type Fn<A extends unknown[]> = (...args: A) => number | bigint;

const supported = platform === 'linux' && (arch === 'x64' || arch === 'arm64');

function unsupported(): never {
  throw new RawSocketError('NotSupported', `raw-socket runs on Linux x64 and arm64, not on ${platform} ${arch}`);
}

// The running process has the C library loaded already: the same line serves glibc and musl. Elsewhere the package can be imported, so
// that programs which only sometimes need it start, and the first call says what is wrong.
const lib: LibraryHandle | undefined = supported ? koffi.load(null) : undefined;
const c = <A extends unknown[]>(definition: string): Fn<A> => lib?.func(definition) ?? unsupported;

const cSocket = c<[number, number, number]>('int socket(int domain, int type, int protocol)');
const cClose = c<[number]>('int close(int fd)');
const cBind = c<[number, Bytes, number]>('int bind(int fd, const void *addr, uint32_t len)');
const cConnect = c<[number, Bytes, number]>('int connect(int fd, const void *addr, uint32_t len)');
const cListen = c<[number, number]>('int listen(int fd, int backlog)');
const cSetsockopt = c<[number, number, number, Bytes, number]>('int setsockopt(int fd, int level, int opt, const void *val, uint32_t len)');
const cGetsockopt = c<[number, number, number, Bytes, Bytes]>('int getsockopt(int fd, int level, int opt, void *val, void *len)');
const cGetsockname = c<[number, Bytes, Bytes]>('int getsockname(int fd, void *addr, void *len)');
const cPpoll = c<[Bytes, number, Bytes, Bytes]>('int ppoll(void *fds, unsigned long n, const void *timeout, const void *mask)');
const cSend = c<[number, Bytes, number, number]>('intptr_t send(int fd, const void *buf, size_t len, int flags)');
const cSendto = c<[number, Bytes, number, number, Bytes, number]>(
  'intptr_t sendto(int fd, const void *buf, size_t len, int flags, const void *addr, uint32_t alen)',
);
const cRecvfrom = c<[number, Bytes, number, number, Bytes, Bytes]>(
  'intptr_t recvfrom(int fd, void *buf, size_t len, int flags, void *addr, void *alen)',
);
const cRecvmsg = c<[number, Bytes, number]>('intptr_t recvmsg(int fd, void *msg, int flags)');
const cRead = c<[number, Bytes, number]>('intptr_t read(int fd, void *buf, size_t len)');
const cWrite = c<[number, Bytes, number]>('intptr_t write(int fd, const void *buf, size_t len)');
const cEventfd = c<[number, number]>('int eventfd(unsigned int initval, int flags)');
const cIfNametoindex = c<[string]>('unsigned int if_nametoindex(const char *name)');
const cClockGettime = c<[number, Bytes]>('int clock_gettime(int clock, void *timespec)');
const cSetns = c<[number, number]>('int setns(int fd, int nstype)');
const cSchedSetscheduler = c<[number, number, Bytes]>('int sched_setscheduler(int pid, int policy, const void *param)');
const cSyscall = c<[number, number, Bytes, number]>('long syscall(long nr, long a, void *b, long c)');

const fail = (): number => -koffi.errno();

export function socket(domain: number, type: number, protocol: number): number {
  const result = cSocket(domain, type, protocol);
  return result === -1 ? fail() : Number(result);
}
export function close(fd: number): number {
  const result = cClose(fd);
  return result === -1 ? fail() : 0;
}
export function bind(fd: number, address: Uint8Array): number {
  const result = cBind(fd, address, address.length);
  return result === -1 ? fail() : 0;
}
export function connect(fd: number, address: Uint8Array): number {
  const result = cConnect(fd, address, address.length);
  return result === -1 ? fail() : 0;
}
export function listen(fd: number, backlog: number): number {
  const result = cListen(fd, backlog);
  return result === -1 ? fail() : 0;
}
export function setsockopt(fd: number, level: number, option: number, value: Uint8Array): number {
  const result = cSetsockopt(fd, level, option, value, value.length);
  return result === -1 ? fail() : 0;
}
/** `length`: u32 in and out. */
export function getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number {
  const result = cGetsockopt(fd, level, option, value, length);
  return result === -1 ? fail() : 0;
}
export function getsockname(fd: number, address: Uint8Array, length: Uint8Array): number {
  const result = cGetsockname(fd, address, length);
  return result === -1 ? fail() : 0;
}
/** `timeout`: struct timespec {i64 seconds, i64 nanoseconds}; null waits for ever. */
export function ppoll(pollfds: Uint8Array, count: number, timeout: Uint8Array | null): number {
  const result = cPpoll(pollfds, count, timeout, null);
  return result === -1 ? fail() : Number(result);
}
export function send(fd: number, data: Uint8Array, flags: number): number {
  const result = cSend(fd, data, data.length, flags);
  return result === -1 ? fail() : Number(result);
}
export function sendto(fd: number, data: Uint8Array, flags: number, address: Uint8Array): number {
  const result = cSendto(fd, data, data.length, flags, address, address.length);
  return result === -1 ? fail() : Number(result);
}
/** `addressLength`: u32 in and out. */
export function recvfrom(
  fd: number,
  into: Uint8Array,
  flags: number,
  address: Uint8Array | null,
  addressLength: Uint8Array | null,
): number {
  const result = cRecvfrom(fd, into, into.length, flags, address, addressLength);
  return result === -1 ? fail() : Number(result);
}
export function recvmsg(fd: number, message: Uint8Array, flags: number): number {
  const result = cRecvmsg(fd, message, flags);
  return result === -1 ? fail() : Number(result);
}
export function read(fd: number, into: Uint8Array): number {
  const result = cRead(fd, into, into.length);
  return result === -1 ? fail() : Number(result);
}
export function write(fd: number, data: Uint8Array): number {
  const result = cWrite(fd, data, data.length);
  return result === -1 ? fail() : Number(result);
}
export function eventfd(initial: number, flags: number): number {
  const result = cEventfd(initial, flags);
  return result === -1 ? fail() : Number(result);
}
export function ifNametoindex(name: string): number {
  const result = cIfNametoindex(name);
  return result === 0 ? fail() : Number(result);
}
/** `timespec`: {i64 seconds, i64 nanoseconds}. */
export function clockGettime(clock: number, timespec: Uint8Array): number {
  const result = cClockGettime(clock, timespec);
  return result === -1 ? fail() : 0;
}
export function setns(fd: number, type: number): number {
  const result = cSetns(fd, type);
  return result === -1 ? fail() : 0;
}
/** `pid` 0 is the calling thread. `param`: struct sched_param {i32 priority}. */
export function schedSetscheduler(pid: number, policy: number, param: Uint8Array): number {
  const result = cSchedSetscheduler(pid, policy, param);
  return result === -1 ? fail() : 0;
}

const SYS_bpf = arch === 'arm64' ? 280 : 321;

/** bpf(2), which the C library does not wrap. `attributes`: union bpf_attr of that command. */
export function bpf(command: number, attributes: Uint8Array): number {
  const result = cSyscall(SYS_bpf, command, attributes, attributes.length);
  return result === -1 ? fail() : Number(result);
}

const held = new WeakMap<Buffer, Map<number, Uint8Array>>();

/**
 * Writes the address of `target` into a struct. The struct keeps `target` alive from then on: the C side reads it when the struct is
 * passed, long after JavaScript's last mention of it.
 */
export function writePointer(struct: Buffer, offset: number, target: Uint8Array): void {
  let targets = held.get(struct);
  if (!targets) held.set(struct, (targets = new Map()));
  targets.set(offset, target);
  struct.writeBigUInt64LE(koffi.address(target), offset);
}

export interface PollHandle {
  close(): void;
  ref(): void;
  unref(): void;
}

/**
 * Watches an fd on the calling thread's event loop. The caller must keep the handle: a handle that is garbage-collected stops without a
 * word. Exceptions thrown by `callback` vanish in koffi, so callers catch them.
 */
export function watch(fd: number, what: 'readable' | 'writable', callback: () => void): PollHandle {
  return koffi.node.poll(fd, { readable: what === 'readable', writable: what === 'writable' }, callback);
}
