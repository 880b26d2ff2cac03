import { RawSocketError, type RawSocketErrorCode } from '../error.ts';
import * as libc from '../libc.ts';
import { HeldGroups } from './held-groups.ts';
import { type CountedEntry, decodeEntry, encodeKey, encodeValue, HOLDER, LEASES, type ResponderEntry, shapes, VALUE } from './layout.ts';
import { PinDirectory, removeTree } from './pins.ts';
import { responderProgram } from './program.ts';
import * as bpf from './syscall.ts';
import { attachFilterProgram, detachFilterProgram } from './traffic-control.ts';

export interface KernelResponderOptions {
  /**
   * Directory on a BPF file system (usually under /sys/fs/bpf) for what shall outlive the process. Without it, or when it cannot be used,
   * the responder ends with the process, however that ends.
   */
  pinDirectory?: string | undefined;
  /**
   * With `pinDirectory`: the kernel itself joins the solicited-node groups of the IPv6 entries, so that solicitations reach the pinned program
   * also while no process lives. The groups then show among the interface's addresses in ip-address(8).
   */
  holdGroups?: boolean | undefined;
  /**
   * How the program is attached; default: by a TCX link (Linux 6.6), and by traffic control where the kernel has none. A filter of traffic
   * control does not end with its process: after a SIGKILL only the lease silences it, and the next process takes its place.
   */
  attachBy?: 'tcx' | 'tc' | undefined;
}

export type KernelResponderResult =
  | { readonly available: true; readonly responder: KernelResponder }
  /** `because` names what to grant or which kernel is needed; the packet socket is the way then. */
  | { readonly available: false; readonly code: RawSocketErrorCode; readonly because: string };

/**
 * Loads the eBPF responder, taking over what an earlier process left pinned. It answers once a link is attached, an entry set and the
 * lease renewed.
 */
export function openKernelResponder(options: KernelResponderOptions = {}): KernelResponderResult {
  try {
    return { available: true, responder: KernelResponder.open(options) };
  } catch (error) {
    if (!(error instanceof RawSocketError)) throw error;
    return { available: false, code: error.code, because: error.message };
  }
}

const TRAFFIC_CONTROL = -1;

type Maps = Record<keyof typeof shapes, number>;

/**
 * Answers ARP requests and neighbour solicitations inside the kernel: an eBPF program at the ingress of each interface, with the addresses
 * in maps and a lease (CLOCK_MONOTONIC) that someone must renew.
 */
export class KernelResponder {
  /** Where links and maps are pinned; undefined when they end with the process. */
  readonly pinned: string | undefined;
  /** Why nothing is pinned although a directory was given. */
  readonly pinProblem: string | undefined;
  /** True when maps of an earlier process were found, with their entries and leases. */
  readonly adopted: boolean;
  readonly #maps: Maps;
  readonly #program: number;
  readonly #pins: PinDirectory | undefined;
  readonly #groups: HeldGroups | undefined;
  /** Descriptor of the TCX link per interface, or -1 for a filter of traffic control. */
  readonly #links = new Map<number, number>();
  readonly #attachBy: 'tcx' | 'tc' | undefined;
  #closed = false;

  private constructor(
    maps: Maps,
    program: number,
    pins: PinDirectory | string | undefined,
    adopted: boolean,
    options: KernelResponderOptions,
  ) {
    this.#maps = maps;
    this.#program = program;
    this.#pins = pins instanceof PinDirectory ? pins : undefined;
    this.#groups = options.holdGroups && this.#pins ? new HeldGroups() : undefined;
    this.pinned = this.#pins?.path;
    this.pinProblem = typeof pins === 'string' ? pins : undefined;
    this.adopted = adopted;
    this.#attachBy = options.attachBy;
  }

  static open(options: KernelResponderOptions): KernelResponder {
    const opened: number[] = [];
    try {
      // The directory comes after the first map: without permission for bpf(2) nothing shall be left in the file system.
      opened.push(bpf.createMap('probe', shapes.leases));
      const directory = options.pinDirectory === undefined ? undefined : PinDirectory.open(options.pinDirectory);
      const pins = directory instanceof PinDirectory ? directory : undefined;
      let adopted = false;
      const map = (name: keyof Maps): number => {
        const found = openMap(name, pins);
        adopted ||= found.adopted;
        opened.push(found.fd);
        return found.fd;
      };
      const maps: Maps = { vips4: map('vips4'), vips6: map('vips6'), leases: map('leases') };
      const program = bpf.loadProgram('arp_ndp', responderProgram(maps));
      opened.push(program);
      const responder = new KernelResponder(maps, program, directory, adopted, options);
      for (const ifindex of pins?.linkedInterfaces() ?? []) responder.#adoptLink(ifindex);
      if (responder.#groups) for (const entry of responder.entries()) responder.#hold(entry.interfaceIndex, entry.address);
      libc.close(opened[0] as number);
      return responder;
    } catch (error) {
      for (const fd of opened) libc.close(fd);
      throw error;
    }
  }

  /** Why the kernel could not join a group for good; undefined when all is well. */
  get groupProblem(): string | undefined {
    return this.#groups?.problem;
  }

  /** Interfaces it listens on. */
  get attached(): number[] {
    return [...this.#links.keys()];
  }

  /**
   * Listens on an interface, ahead of the TCX programs already there. Repeating it is harmless, and needed when the interface was
   * removed and made again.
   * @throws RawSocketError NoSuchDevice, NotPermitted, NotSupported
   */
  attach(interfaceIndex: number): void {
    this.#assertOpen();
    const existing = this.#links.get(interfaceIndex);
    if (existing !== undefined && existing >= 0 && bpf.updateLink(existing, this.#program) >= 0) return;
    if (existing !== undefined && existing >= 0) this.detach(interfaceIndex);
    const link = this.#attachBy === 'tc' ? undefined : this.#attachLink(interfaceIndex);
    if (link === undefined) attachFilterProgram(interfaceIndex, this.#program);
    this.#links.set(interfaceIndex, link ?? TRAFFIC_CONTROL);
    const file = this.#pins?.linkFile(interfaceIndex);
    if (link !== undefined && this.#pins && file !== undefined && !bpf.pinObject(link, file)) {
      // A dead link of an interface with the same index.
      this.#pins.unpin(file);
      bpf.pinObject(link, file);
    }
  }

  /** The interface may be gone already. */
  detach(interfaceIndex: number): void {
    const link = this.#links.get(interfaceIndex);
    if (link === undefined) return;
    this.#links.delete(interfaceIndex);
    if (link === TRAFFIC_CONTROL) return detachFilterProgram(interfaceIndex);
    this.#pins?.unpin(this.#pins.linkFile(interfaceIndex));
    bpf.detachLink(link);
    libc.close(link);
  }

  /** Adds or replaces the entry of this address on this interface; its counter goes on. */
  set(entry: ResponderEntry): void {
    const { map, key } = this.#locate(entry.interfaceIndex, entry.address);
    const present = bpf.mapLookup(map, key, shapes.vips4.valueSize);
    bpf.mapUpdate(map, key, encodeValue(entry, present?.readBigUInt64LE(VALUE.hits) ?? 0n));
    this.#hold(entry.interfaceIndex, entry.address);
  }

  /** @returns false when there was no such entry */
  delete(interfaceIndex: number, address: string): boolean {
    const { map, key } = this.#locate(interfaceIndex, address);
    if (address.includes(':')) this.#groups?.delete(interfaceIndex, address);
    return bpf.mapDelete(map, key);
  }

  get(interfaceIndex: number, address: string): CountedEntry | undefined {
    const { map, key } = this.#locate(interfaceIndex, address);
    const value = bpf.mapLookup(map, key, shapes.vips4.valueSize);
    return value && decodeEntry(key, value);
  }

  /** All entries with their counts of answers, also those of an earlier process. */
  entries(): CountedEntry[] {
    this.#assertOpen();
    const entries: CountedEntry[] = [];
    for (const name of ['vips4', 'vips6'] as const) {
      const { keySize, valueSize, maxEntries } = shapes[name];
      for (const key of bpf.mapKeys(this.#maps[name], keySize, maxEntries)) {
        const value = bpf.mapLookup(this.#maps[name], key, valueSize);
        if (value) entries.push(decodeEntry(key, value));
      }
    }
    return entries;
  }

  /**
   * Lets the entries of a lease answer until then (nanoseconds of `nowNs()`); 0n silences them at once. Renew it from the thread whose
   * health it stands for.
   */
  renew(untilNs: bigint, lease = 0): void {
    this.#assertOpen();
    if (!Number.isInteger(lease) || lease < 0 || lease >= LEASES) throw new RawSocketError('InvalidArgument', `no lease ${lease}`);
    this.#writeLease(lease, untilNs);
  }

  /** How many leases there are. */
  get leaseCount(): number {
    return LEASES;
  }

  /**
   * Which process the maps belong to: a number of its own choosing that each writes when it takes them over. One that reads another's was
   * superseded, and must keep its hands off them.
   */
  get holder(): bigint {
    this.#assertOpen();
    return this.#readLease(HOLDER);
  }

  set holder(token: bigint) {
    this.#assertOpen();
    this.#writeLease(HOLDER, token);
  }

  /** When each lease ends, by number; 0n: not running. */
  leases(): bigint[] {
    this.#assertOpen();
    return Array.from({ length: LEASES }, (_, lease) => this.#readLease(lease));
  }

  /**
   * Removes what processes with another layout left pinned. Call it when the entries are set and the lease runs: until then the old
   * program answers.
   * @returns the paths removed
   */
  retireOthers(): string[] {
    const others = this.#pins?.others() ?? [];
    for (const path of others) removeTree(path);
    return others;
  }

  /**
   * Lets go of it.
   * @param keep true: what is pinned goes on answering until its lease ends; false: nothing answers any more and nothing stays pinned
   */
  close(keep = false): void {
    if (this.#closed) return;
    if (!keep) {
      for (const ifindex of this.attached) this.detach(ifindex);
      this.#groups?.clear();
    }
    this.#closed = true;
    for (const fd of [...[...this.#links.values()].filter(link => link !== TRAFFIC_CONTROL), this.#program, ...Object.values(this.#maps)])
      libc.close(fd);
    this.#links.clear();
    if (!keep) this.#pins?.remove();
  }

  readonly #leaseKey = Buffer.alloc(4);
  readonly #leaseValue = Buffer.alloc(8);

  #readLease(place: number): bigint {
    this.#leaseKey.writeUInt32LE(place, 0);
    return bpf.mapLookup(this.#maps.leases, this.#leaseKey, 8)?.readBigUInt64LE(0) ?? 0n;
  }

  #writeLease(place: number, value: bigint): void {
    this.#leaseKey.writeUInt32LE(place, 0);
    this.#leaseValue.writeBigUInt64LE(value, 0);
    bpf.mapUpdate(this.#maps.leases, this.#leaseKey, this.#leaseValue);
  }

  /** Undefined where this kernel has no TCX links. */
  #attachLink(interfaceIndex: number): number | undefined {
    try {
      return bpf.createTcxLink(this.#program, interfaceIndex);
    } catch (error) {
      if (this.#attachBy === 'tcx' || !(error instanceof RawSocketError) || error.errno !== 'EINVAL') throw error;
      return undefined;
    }
  }

  #hold(interfaceIndex: number, address: string): void {
    if (address.includes(':')) this.#groups?.add(interfaceIndex, address);
  }

  #adoptLink(ifindex: number): void {
    const pins = this.#pins as PinDirectory;
    const file = pins.linkFile(ifindex);
    const link = bpf.getObject(file);
    if (link === undefined) return;
    // The interface of a dead link is gone.
    if (bpf.updateLink(link, this.#program) >= 0) this.#links.set(ifindex, link);
    else {
      libc.close(link);
      pins.unpin(file);
    }
  }

  #locate(interfaceIndex: number, address: string): { map: number; key: Buffer } {
    this.#assertOpen();
    const { family, key } = encodeKey(interfaceIndex, address);
    return { map: family === 4 ? this.#maps.vips4 : this.#maps.vips6, key };
  }

  #assertOpen(): void {
    if (this.#closed) throw new RawSocketError('Closed', 'the kernel responder was closed');
  }
}

function openMap(name: keyof typeof shapes, pins: PinDirectory | undefined): { fd: number; adopted: boolean } {
  const shape = shapes[name];
  const file = pins?.file(name);
  if (pins && file !== undefined) {
    const fd = bpf.getObject(file);
    if (fd !== undefined) {
      const found = bpf.mapShape(fd);
      if (Object.entries(shape).every(([field, value]) => found[field as keyof typeof found] === value)) return { fd, adopted: true };
      libc.close(fd);
      pins.unpin(file);
    }
  }
  const fd = bpf.createMap(name, shape);
  if (file !== undefined) bpf.pinObject(fd, file);
  return { fd, adopted: false };
}
