import type { Effect, Quiet, TakeoverCause } from '../../mesh/state.ts';
import type { WireEvent } from '../messages.ts';
import { nameOf, type SegmentState } from './state.ts';

type Released = WireEvent & { kind: 'released' };

interface Acquired {
  epoch: number;
  cause: TakeoverCause | 'interface-changed';
  quiet?: Quiet;
}

/**
 * Answers for addresses as they come and go, and tells of it. An address counts as acquired from the first answer on, not from the claim:
 * in between it may be probed for a stranger, and one that is lost before it was ever answered was never here for anybody outside.
 */
export class Ownership {
  readonly #state: SegmentState;
  /** Claimed, and not yet answered: what to tell then. */
  readonly #untold = new Map<string, Acquired>();

  constructor(state: SegmentState) {
    this.#state = state;
  }

  /** The address is this node's; `answer` follows, at once or when no stranger has it. */
  claimed({ vip, epoch, cause, quiet }: Effect & { kind: 'acquire' }): void {
    this.#untold.set(vip, { epoch, cause, ...(quiet !== undefined && { quiet }) });
  }

  /** The interface has another MAC: the next `answer` tells of it. */
  interfaceChanged(ip: string, epoch: number): void {
    this.#untold.set(ip, { epoch, cause: 'interface-changed' });
  }

  /** Answers everybody from now on. */
  answer(ip: string): void {
    const { context, name: segment, mesh, device, responder } = this.#state;
    responder?.setStanding(ip, { mode: 'own' });
    const acquired = this.#untold.get(ip);
    if (acquired === undefined) return;
    this.#untold.delete(ip);
    const { epoch, cause, quiet } = acquired;
    const now = context.loop.now();
    const since = mesh.mine.get(ip)?.since;
    const before = cause === 'restored' && since !== undefined && { ownedMs: now - since };
    const gentle = quiet && { quiet: { from: nameOf(this.#state, quiet.from), forMs: quiet.until - now } };
    const { name, mac } = device;
    context.post({ kind: 'acquired', ip, segment, interface: name, mac, epoch, cause, ...before, ...gentle });
  }

  /** The address is no longer this node's. With `lameDuck` those who use it already are still answered. */
  released({ vip, epoch, cause, to, lameDuck }: Effect & { kind: 'release' }): void {
    this.#state.responder?.setStanding(vip, { mode: lameDuck === undefined ? 'silent' : 'lame-duck' });
    if (this.#untold.delete(vip)) return;
    this.#tellReleased(vip, epoch, cause, {
      ...(to !== undefined && { to: nameOf(this.#state, to) }),
      ...(lameDuck !== undefined && { lameDuckMs: lameDuck.until - this.#state.context.loop.now() }),
    });
  }

  /** A gentle move of before the restart goes on. */
  lameDuck({ vip, to, until }: Effect & { kind: 'lame-duck' }): void {
    const { context, name, responder } = this.#state;
    responder?.setStanding(vip, { mode: 'lame-duck' });
    context.post({ kind: 'lame-duck', ip: vip, segment: name, to: nameOf(this.#state, to), forMs: until - context.loop.now() });
  }

  #tellReleased(ip: string, epoch: number, cause: Released['cause'], more: Pick<Released, 'to' | 'lameDuckMs'> = {}): void {
    const { context, name, device } = this.#state;
    context.post({ kind: 'released', ip, segment: name, interface: device.name, epoch, cause, ...more });
  }
}
