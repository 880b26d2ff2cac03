import type { BfdStatus } from '../status.ts';
import type { BfdOptions } from './options.ts';

/** A BFD session to run beside a peer. */
export interface BfdSessionSpec {
  /** Names the session in every message. */
  readonly id: string;
  /** The peer, with its zone when link-local. */
  readonly address: string;
  /** Address to send from; the kernel's choice when left out, and needed over several hops. */
  readonly sourceAddress?: string | undefined;
  /** Interface or VRF. */
  readonly device?: string | undefined;
  /** RFC 5883: another port, and a TTL that may have been decremented. */
  readonly multihop: boolean;
  readonly options: BfdOptions;
}

/** What runs BFD sessions; `BfdThread` is one in a thread of its own. */
export interface BfdService {
  /** Starts a session, or gives it other timers; `listener` hears of every change. */
  set(spec: BfdSessionSpec, listener: (status: BfdStatus) => void): void;
  /** Tells the peer AdminDown and forgets the session. */
  remove(id: string): void;
  close(): Promise<void>;
}

/** Tells what could not be done, such as a port that another daemon holds. */
export type BfdProblemListener = (id: string, text: string) => void;
