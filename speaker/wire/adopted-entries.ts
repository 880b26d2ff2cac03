import type { KernelResponder } from 'raw-socket';

/**
 * What an earlier process left with the kernel. It answers on until this one takes it up, or knows that it is not to: but never longer than
 * it would have without this process, whose signs of life keep the same leases running. By then others have taken over.
 */
export class AdoptedEntries {
  readonly #responder: KernelResponder;
  /** When the lease of each ends (ns), as the earlier process left it; by interface and address. */
  readonly #until = new Map<number, Map<string, bigint>>();

  /** Reads what is there: before this process renews any lease. */
  constructor(responder: KernelResponder) {
    this.#responder = responder;
    if (!responder.adopted) return;
    const leases = responder.leases();
    for (const { interfaceIndex, address, lease } of responder.entries()) {
      const entries = this.#until.get(interfaceIndex) ?? new Map<string, bigint>();
      this.#until.set(interfaceIndex, entries.set(address, leases[lease] ?? 0n));
    }
  }

  get size(): number {
    let size = 0;
    for (const entries of this.#until.values()) size += entries.size;
    return size;
  }

  on(interfaceIndex: number): string[] {
    return [...(this.#until.get(interfaceIndex)?.keys() ?? [])];
  }

  has(interfaceIndex: number, ip: string): boolean {
    return this.#until.get(interfaceIndex)?.has(ip) === true;
  }

  /** This process goes on with it. */
  takeUp(interfaceIndex: number, ip: string): void {
    this.#until.get(interfaceIndex)?.delete(ip);
  }

  /** It answers no more, if it was not taken up. */
  drop(interfaceIndex: number, ip: string): void {
    if (this.#until.get(interfaceIndex)?.delete(ip) === true) this.#responder.delete(interfaceIndex, ip);
  }

  /** Those whose time is over answer no more. */
  expire(nowNs: bigint): void {
    for (const [index, entries] of this.#until) for (const [ip, until] of entries) if (until <= nowNs) this.drop(index, ip);
  }

  /** What has not been taken up by now goes. */
  settle(): void {
    for (const index of this.#until.keys()) for (const ip of this.on(index)) this.drop(index, ip);
    this.#until.clear();
  }
}
