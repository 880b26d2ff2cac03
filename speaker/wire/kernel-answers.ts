import { type KernelResponder, kernelAnswers } from 'raw-socket';
import type { Standing } from '../layer2/answer.ts';
import type { Mac } from '../layer2/ethernet.ts';

/** The part of the kernel responder that belongs to one interface: its table follows the standings. */
export class KernelAnswers {
  readonly #responder: KernelResponder;
  readonly #index: number;
  readonly #mac: Mac;
  readonly #hits = new Map<string, bigint>();

  /** @throws RawSocketError when the program cannot be attached to the interface */
  constructor(responder: KernelResponder, interfaceIndex: number, mac: Mac) {
    responder.attach(interfaceIndex);
    this.#responder = responder;
    this.#index = interfaceIndex;
    this.#mac = mac;
  }

  set(ip: string, standing: Standing): void {
    if (standing.mode === 'silent') return this.delete(ip);
    this.#responder.set({
      interfaceIndex: this.#index,
      address: ip,
      mac: standing.mode === 'caretaker' ? standing.mac : this.#mac,
      source: this.#mac,
      broadcast: standing.mode !== 'lame-duck',
    });
    if (!this.#hits.has(ip)) this.#hits.set(ip, 0n);
  }

  delete(ip: string): void {
    this.#responder.delete(this.#index, ip);
    this.#hits.delete(ip);
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

  close(): void {
    for (const ip of this.#hits.keys()) this.#responder.delete(this.#index, ip);
    this.#responder.detach(this.#index);
  }
}
