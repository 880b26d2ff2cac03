import { EEXIST, ENOENT, EPERM } from '../errno.ts';
import { type RawSocketError, systemError } from '../error.ts';
import * as libc from '../libc.ts';

/** Commands of bpf(2). */
const BPF = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  OBJ_GET_INFO_BY_FD: 15,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
  LINK_DETACH: 34,
} as const;

export const BPF_MAP_TYPE_HASH = 1;
export const BPF_MAP_TYPE_ARRAY = 2;
export const BPF_PROG_TYPE_SCHED_CLS = 3;
export const BPF_TCX_INGRESS = 46;
const BPF_F_NO_PREALLOC = 1;
const BPF_F_BEFORE = 8;
const NEEDS = 'CAP_BPF and CAP_NET_ADMIN';

export interface MapShape {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
}

const failure = (errno: number, doing: string): RawSocketError => systemError('bpf', errno, doing, NEEDS);

function check(result: number, doing: string): number {
  if (result < 0) throw failure(-result, doing);
  return result;
}

function objectName(name: string): Buffer {
  return Buffer.from(name.slice(0, 15));
}

/** attr: u32 type · key · value · max · flags @16 · name[16] @28. */
export function createMap(name: string, shape: MapShape): number {
  const attr = Buffer.alloc(48);
  attr.writeUInt32LE(shape.type, 0);
  attr.writeUInt32LE(shape.keySize, 4);
  attr.writeUInt32LE(shape.valueSize, 8);
  attr.writeUInt32LE(shape.maxEntries, 12);
  attr.writeUInt32LE(shape.type === BPF_MAP_TYPE_HASH ? BPF_F_NO_PREALLOC : 0, 16);
  objectName(name).copy(attr, 28);
  return check(libc.bpf(BPF.MAP_CREATE, attr), `create the eBPF map ${name}`);
}

/** What a map looks like: struct bpf_map_info {u32 type · id · key · value · max · flags}; attr: u32 fd · u32 length · u64 info*. */
export function mapShape(fd: number): MapShape {
  const info = Buffer.alloc(80);
  const attr = Buffer.alloc(16);
  attr.writeUInt32LE(fd, 0);
  attr.writeUInt32LE(info.length, 4);
  libc.writePointer(attr, 8, info);
  check(libc.bpf(BPF.OBJ_GET_INFO_BY_FD, attr), 'look at a pinned eBPF map');
  return { type: info.readUInt32LE(0), keySize: info.readUInt32LE(8), valueSize: info.readUInt32LE(12), maxEntries: info.readUInt32LE(16) };
}

/** attr: u32 fd · u64 key* @8 · u64 value* @16 · u64 flags @24. */
function mapAttr(fd: number, key: Buffer, value?: Buffer): Buffer {
  const attr = Buffer.alloc(32);
  attr.writeUInt32LE(fd, 0);
  libc.writePointer(attr, 8, key);
  if (value) libc.writePointer(attr, 16, value);
  return attr;
}

export function mapUpdate(fd: number, key: Buffer, value: Buffer): void {
  check(libc.bpf(BPF.MAP_UPDATE_ELEM, mapAttr(fd, key, value)), 'write to an eBPF map');
}

export function mapLookup(fd: number, key: Buffer, valueSize: number): Buffer | undefined {
  const value = Buffer.alloc(valueSize);
  const result = libc.bpf(BPF.MAP_LOOKUP_ELEM, mapAttr(fd, key, value));
  if (result === -ENOENT) return undefined;
  check(result, 'read an eBPF map');
  return value;
}

/** @returns false when it was not there */
export function mapDelete(fd: number, key: Buffer): boolean {
  const result = libc.bpf(BPF.MAP_DELETE_ELEM, mapAttr(fd, key));
  if (result === -ENOENT) return false;
  check(result, 'delete from an eBPF map');
  return true;
}

/** All keys; a map that is written meanwhile may yield one twice or not at all. */
export function mapKeys(fd: number, keySize: number, limit: number): Buffer[] {
  const keys: Buffer[] = [];
  let key: Buffer | undefined;
  while (keys.length < limit) {
    const next = Buffer.alloc(keySize);
    const attr = Buffer.alloc(32);
    attr.writeUInt32LE(fd, 0);
    if (key) libc.writePointer(attr, 8, key);
    libc.writePointer(attr, 16, next);
    const result = libc.bpf(BPF.MAP_GET_NEXT_KEY, attr);
    if (result === -ENOENT) break;
    check(result, 'list an eBPF map');
    keys.push(next);
    key = next;
  }
  return keys;
}

/**
 * attr: u32 type · u32 count · insns* @8 · license* @16 · u32 loglevel @24 · u32 logsize @28 · log* @32 · name[16] @48 ·
 * u32 expected_attach_type @68.
 */
export function loadProgram(name: string, code: Buffer): number {
  const attempt = (log: Buffer | undefined): number => {
    const attr = Buffer.alloc(72);
    attr.writeUInt32LE(BPF_PROG_TYPE_SCHED_CLS, 0);
    attr.writeUInt32LE(code.length / 8, 4);
    libc.writePointer(attr, 8, code);
    libc.writePointer(attr, 16, Buffer.from('Dual BSD/GPL\0'));
    if (log) {
      attr.writeUInt32LE(1, 24);
      attr.writeUInt32LE(log.length, 28);
      libc.writePointer(attr, 32, log);
    }
    objectName(name).copy(attr, 48);
    attr.writeUInt32LE(BPF_TCX_INGRESS, 68);
    return libc.bpf(BPF.PROG_LOAD, attr);
  };
  const fd = attempt(undefined);
  if (fd >= 0 || fd === -EPERM) return check(fd, 'load the eBPF responder');
  // The verifier's last lines name the instruction it refused.
  const log = Buffer.alloc(1 << 20);
  const again = attempt(log);
  if (again >= 0) return again;
  const end = log.indexOf(0);
  const tail = log.toString('latin1', Math.max(0, end - 600), Math.max(0, end)).trim();
  throw failure(-again, `load the eBPF responder${tail ? ` (verifier: ${tail.split('\n').slice(-4).join(' | ')})` : ''}`);
}

/** attr: u32 prog · u32 ifindex · u32 attach type · u32 flags · u32 relative fd · u64 expected revision. */
export function createTcxLink(programFd: number, ifindex: number): number {
  const attr = Buffer.alloc(48);
  attr.writeUInt32LE(programFd, 0);
  attr.writeUInt32LE(ifindex, 4);
  attr.writeUInt32LE(BPF_TCX_INGRESS, 8);
  // First in the chain: behind a program that ends it (TC_ACT_OK) ours would never run.
  attr.writeUInt32LE(BPF_F_BEFORE, 12);
  return check(libc.bpf(BPF.LINK_CREATE, attr), `attach the eBPF responder to interface ${ifindex}`);
}

/** Exchanges the program of a link, without a packet in between. @returns 0 or minus the errno */
export function updateLink(linkFd: number, programFd: number): number {
  const attr = Buffer.alloc(16);
  attr.writeUInt32LE(linkFd, 0);
  attr.writeUInt32LE(programFd, 4);
  return libc.bpf(BPF.LINK_UPDATE, attr);
}

/**
 * Takes the program off its interface now, whoever else holds the link. Without it that happens when the last reference is gone, which for
 * a removed pin is some time later.
 */
export function detachLink(linkFd: number): void {
  const attr = Buffer.alloc(4);
  attr.writeUInt32LE(linkFd, 0);
  libc.bpf(BPF.LINK_DETACH, attr);
}

/** attr: u64 path* · u32 fd · u32 flags. */
function objectAttr(path: string, fd: number): Buffer {
  const attr = Buffer.alloc(16);
  libc.writePointer(attr, 0, Buffer.from(`${path}\0`));
  attr.writeUInt32LE(fd, 8);
  return attr;
}

/** @returns false when something is pinned there already */
export function pinObject(fd: number, path: string): boolean {
  const result = libc.bpf(BPF.OBJ_PIN, objectAttr(path, fd));
  if (result === -EEXIST) return false;
  check(result, `pin an eBPF object at ${path}`);
  return true;
}

/** The pinned object's descriptor; undefined when nothing is pinned there. */
export function getObject(path: string): number | undefined {
  const result = libc.bpf(BPF.OBJ_GET, objectAttr(path, 0));
  if (result === -ENOENT) return undefined;
  return check(result, `open the pinned eBPF object ${path}`);
}
