import { type KernelResponder, kernelAnswers } from 'raw-socket';
import type { Standing } from '../layer2/answer.ts';
import type { Mac } from '../layer2/ethernet.ts';
import type { AdoptedEntries } from './adopted-entries.ts';
import type { Leases } from './leases.ts';

/** The kernel responder, shared by all interfaces of this process. */
export interface Kernel {
  responder: KernelResponder;
  leases: Leases;
  adopted: AdoptedEntries;
}

/** The part of the kernel responder that belongs to one interface: its table follows the standings. */
export class KernelAnswers {
  readonly #responder: KernelResponder;
  readonly #leases: Leases;
  readonly #index: number;
  readonly #mac: Mac;
  readonly #hits = new Map<string, bigint>();
  /** What each entry was set to, to write differences only. */
  readonly #set = new Map<string, string>();
  readonly #adopted: AdoptedEntries;

  /** @throws RawSocketError when the program cannot be attached to the interface */
  constructor(kernel: Kernel, interfaceIndex: number, mac: Mac) {
    kernel.responder.attach(interfaceIndex);
    this.#responder = kernel.responder;
    this.#leases = kernel.leases;
    this.#adopted = kernel.adopted;
    this.#index = interfaceIndex;
    this.#mac = mac;
  }

  /** @param hold how long the kernel is to go on when this process is gone (ms) */
  set(ip: string, standing: Standing, hold: number): void {
    if (standing.mode === 'silent') return this.delete(ip);
    const entry = {
      interfaceIndex: this.#index,
      address: ip,
      mac: standing.mode === 'caretaker' ? standing.mac : this.#mac,
      source: this.#mac,
      broadcast: standing.mode !== 'lame-duck',
      // On another's behalf only while this process lives: nobody counts on it.
      lease: this.#leases.of(standing.mode === 'caretaker' ? 0 : hold),
    };
    const text = JSON.stringify(entry);
    if (this.#set.get(ip) === text || !this.#leases.isHolder) return;
    this.#responder.set(entry);
    this.#set.set(ip, text);
    this.#adopted.takeUp(this.#index, ip);
    if (!this.#hits.has(ip)) this.#hits.set(ip, this.#responder.get(this.#index, ip)?.hits ?? 0n);
  }

  delete(ip: string): void {
    // Left by an earlier process: whether this one goes on with it is not settled yet.
    if (this.#adopted.has(this.#index, ip) || !this.#leases.isHolder) return;
    if (this.#set.delete(ip)) this.#responder.delete(this.#index, ip);
    this.#hits.delete(ip);
  }

  /** Addresses for which the kernel goes on only because an earlier process left it so. */
  get adopted(): string[] {
    return this.#adopted.on(this.#index);
  }

  /** This process does not go on with what an earlier one left. */
  dropAdopted(ip: string): void {
    if (this.#leases.isHolder) this.#adopted.drop(this.#index, ip);
  }

  /** The kernel answers this frame, if it answers for its target at all: user space must not answer a second time. */
  answers(frame: Uint8Array): boolean {
    return kernelAnswers(frame);
  }

  /** Answers since the last call. */
  takeAnswers(): { ip: string; count: number }[] {
    const answers: { ip: string; count: number }[] = [];
    for (const [ip, before] of this.#hits) {
      const hits = this.#responder.get(this.#index, ip)?.hits ?? before;
      if (hits === before) continue;
      this.#hits.set(ip, hits);
      answers.push({ ip, count: Number(hits - before) });
    }
    return answers;
  }

  /** @param keep the kernel is to go on for the next process */
  close(keep: boolean): void {
    if (keep || !this.#leases.isHolder) return;
    for (const ip of this.adopted) this.dropAdopted(ip);
    for (const ip of this.#set.keys()) this.delete(ip);
    this.#responder.detach(this.#index);
  }
}
