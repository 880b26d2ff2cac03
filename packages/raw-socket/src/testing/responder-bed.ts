import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nowNs } from '../clock.ts';
import { cleanupPins } from '../ebpf/pins.ts';
import { type KernelResponder, type KernelResponderOptions, openKernelResponder } from '../ebpf/responder.ts';
import { interfaceIndex } from '../sockaddr.ts';
import { Asker } from './asker.ts';
import { createLan, type Lan } from './lan.ts';
import { missing } from './requirements.ts';

export const VIP4 = '10.66.0.50';
export const VIP6 = 'fd66::50';
export const VIP_MAC = '02:aa:00:00:00:50';
export const SECOND_NS = 1_000_000_000n;

/** Why kernel responders cannot be tested here; undefined when they can. */
export function responderUnavailable(): string | undefined {
  const lacking = missing({ capabilities: ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_BPF'], programs: ['ip', 'mount'] });
  if (lacking !== undefined) return lacking;
  const opened = openKernelResponder();
  if (!opened.available) {
    console.warn(`skipped: ${opened.because}`);
    return opened.because;
  }
  opened.responder.close();
  return undefined;
}

/** A {@link Lan}, who asks on it, a BPF file system of its own, and responders on the host's end that are closed with the rest. */
export class ResponderBed {
  readonly lan: Lan = createLan();
  readonly asker: Asker;
  readonly index: number;
  readonly #bpffs = mkdtempSync(join(tmpdir(), 'raw-socket-bpf-'));
  readonly #closers: (() => void)[] = [];

  constructor() {
    this.asker = new Asker(this.lan);
    this.index = this.lan.host.enter(() => interfaceIndex('eth0'));
    execFileSync('mount', ['-t', 'bpf', 'bpf', this.#bpffs]);
  }

  onReset(close: () => void): void {
    this.#closers.push(close);
  }

  /** After each test. */
  reset(): void {
    for (const close of this.#closers.splice(0).reverse()) close();
  }

  close(): void {
    this.reset();
    this.asker.close();
    this.lan.close();
    execFileSync('umount', [this.#bpffs]);
    rmSync(this.#bpffs, { recursive: true });
  }

  /** A new directory on the BPF file system. */
  pinDirectory(): string {
    const path = join(this.#bpffs, randomBytes(4).toString('hex'));
    this.onReset(() => cleanupPins(path));
    return path;
  }

  open(pinDirectory?: string, options: KernelResponderOptions = {}): KernelResponder {
    const opened = this.lan.host.enter(() => openKernelResponder({ ...options, pinDirectory }));
    if (!opened.available) throw new Error(opened.because);
    this.onReset(() => this.lan.host.enter(() => opened.responder.close()));
    return opened.responder;
  }

  /** With both addresses, attached, and its lease running. */
  start(pinDirectory?: string, options: KernelResponderOptions = {}): KernelResponder {
    const responder = this.open(pinDirectory, options);
    this.lan.host.enter(() => responder.attach(this.index));
    for (const address of [VIP4, VIP6]) {
      responder.set({ interfaceIndex: this.index, address, mac: VIP_MAC, source: this.lan.host.mac });
    }
    responder.renew(nowNs() + 30n * SECOND_NS);
    return responder;
  }

  /** Whether the two addresses are answered for. */
  answers(): boolean[] {
    return [VIP4, VIP6].map(address => this.asker.ask(address) !== undefined);
  }
}
