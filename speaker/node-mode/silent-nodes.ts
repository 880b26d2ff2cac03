import type { Mac } from '../layer2/ethernet.ts';

/** What of a peer of the mesh is looked at. */
export interface SilentPeer {
  readonly name: string;
  /** Where its packets came from, with the zone of a link-local address. */
  readonly address: string;
  readonly mac: Mac | undefined;
  /** Its speaker is heard. */
  readonly heard: boolean;
}

interface Silence {
  address: string;
  mac: Mac | undefined;
  /** When its kernel last answered, or when it fell silent: until it was asked twice it has the benefit of the doubt. */
  answeredAt: number;
  /** Whether the mesh still knows it. */
  known: boolean;
}

/** Two questions, a second apart, may go unanswered (ms). */
const PATIENCE = 1_900;
/** A node that was forgotten by the mesh and whose kernel is silent for so long is forgotten here, too (ms). */
const FORGET = 60_000;

/**
 * Nodes whose speaker is silent while their kernel still answers for their address. Such a node is alive: it restarts its speaker, or has
 * lost it, and kube-proxy on it works on. Only a node whose kernel is silent, too, is dead.
 */
export class SilentNodes {
  readonly #silent = new Map<string, Silence>();

  /** Called once a second. @returns whom to ask now, and who is silent and alive */
  look(peers: Iterable<SilentPeer>, now: number): { ask: { address: string; mac: Mac | undefined }[]; answering: string[] } {
    for (const silence of this.#silent.values()) silence.known = false;
    for (const { name, address, mac, heard } of peers) {
      const before = this.#silent.get(name);
      if (name === '' || heard) this.#silent.delete(name);
      else if (before === undefined) this.#silent.set(name, { address, mac, answeredAt: now, known: true });
      else Object.assign(before, { address, mac, known: true });
    }
    const ask: { address: string; mac: Mac | undefined }[] = [];
    const answering: string[] = [];
    for (const [name, { address, mac, answeredAt, known }] of this.#silent) {
      if (!known && now - answeredAt > FORGET) {
        this.#silent.delete(name);
        continue;
      }
      ask.push({ address, mac });
      if (now - answeredAt < PATIENCE) answering.push(name);
    }
    return { ask, answering: answering.sort() };
  }

  /** A kernel answered for its own address. */
  answered(address: string, now: number): void {
    for (const silence of this.#silent.values()) if (silence.address.replace(/%.*$/, '') === address) silence.answeredAt = now;
  }
}
