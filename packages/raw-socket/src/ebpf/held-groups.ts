import { RawSocketError } from '../error.ts';
import { solicitedNodeGroup } from '../membership.ts';
import { joinInKernel, leaveInKernel } from '../netlink/kernel-groups.ts';

/**
 * The solicited-node groups of the pinned IPv6 entries, joined by the kernel itself. A socket's membership ends with its process; where
 * switches snoop MLD, or the network card filters, solicitations would no longer reach the program that still answers them.
 */
export class HeldGroups {
  /** Addresses per interface and group: addresses with the same last 24 bits share one. */
  readonly #members = new Map<string, Set<string>>();
  /** Why the last join failed; the program answers what arrives all the same. */
  problem: string | undefined;

  add(interfaceIndex: number, address: string): void {
    const { key, group } = this.#key(interfaceIndex, address);
    const members = this.#members.get(key) ?? new Set();
    if (members.has(address)) return;
    if (members.size === 0) {
      try {
        joinInKernel(interfaceIndex, group);
      } catch (error) {
        if (!(error instanceof RawSocketError)) throw error;
        this.problem = error.message;
        return;
      }
    }
    this.#members.set(key, members.add(address));
  }

  delete(interfaceIndex: number, address: string): void {
    const { key, group } = this.#key(interfaceIndex, address);
    const members = this.#members.get(key);
    if (!members?.delete(address) || members.size > 0) return;
    this.#members.delete(key);
    leaveInKernel(interfaceIndex, group);
  }

  clear(): void {
    for (const [key, members] of this.#members) for (const address of members) this.delete(Number.parseInt(key, 10), address);
  }

  #key(interfaceIndex: number, address: string): { key: string; group: string } {
    const { group } = solicitedNodeGroup(address);
    return { key: `${interfaceIndex}/${group}`, group };
  }
}
