import type { Verdict } from '../../layer2/address-probe.ts';
import { ConflictWatch } from '../../layer2/conflict.ts';
import type { Mac } from '../../layer2/ethernet.ts';
import { setWithheld } from '../../mesh/claims.ts';
import { startHandover } from '../../mesh/handover.ts';
import type { Announcing } from './announcing.ts';
import { peerWith, type SegmentState } from './state.ts';

/** A stranger that was found before the first use is asked about again after so long (ms). */
const RETRY_CONFLICT = 30_000;
/** The same where a program on one of our own nodes answers for it, such as another load balancer that is about to be removed (ms). */
const RETRY_OURS = 250;

/** An address that is not announced because somebody else answers for it. */
interface Refused {
  readonly mac: Mac;
  /** When it is probed for again. */
  at: number;
  /** Whether it was reported. */
  told: boolean;
}

/**
 * Others than the speakers that use our addresses. One found before the first use keeps the address from being announced until it is gone;
 * one found later is told of, and announced against now and then.
 */
export class Strangers {
  readonly #state: SegmentState;
  readonly #announcing: Announcing;
  readonly #conflicts = new ConflictWatch();
  readonly #refused = new Map<string, Refused>();

  constructor(state: SegmentState, announcing: Announcing) {
    this.#state = state;
    this.#announcing = announcing;
  }

  /** `mac` says that it has `ip`, or with `probe` asks whether it may have it. */
  claimed(ip: string, mac: Mac, probe: boolean): void {
    const verdict = this.#isElse(ip, mac, probe) ? this.#announcing.foundStranger(ip, mac) : undefined;
    if (verdict !== undefined) return this.judge(verdict);
    if (probe || !this.#state.mesh.mine.has(ip) || this.#refused.has(ip)) return;
    const found = this.#conflicts.claim(ip, mac, this.#state.ours, this.#now());
    if (found === undefined) return;
    if (found.defend) this.#announcing.again(ip);
    if (found.news) this.#tell(ip, mac, 'announcing');
  }

  /** The probes for an address are over: it is announced, or refused. */
  judge({ ip, stranger }: Verdict): void {
    if (!this.#state.mesh.mine.has(ip)) return;
    if (stranger === undefined) {
      this.#accept(ip);
      setWithheld(this.#state.mesh, ip, false);
      this.#announcing.announce(ip);
      return;
    }
    // The claim is kept and stays withheld, so that no other node announces over the stranger; nothing is answered.
    const now = this.#now();
    const told = this.#refused.get(ip)?.told === true;
    const given = this.#giveTo(ip, stranger, now);
    this.#refused.set(ip, { mac: stranger, at: now + this.#patience(stranger), told: told || !given });
    if (!given && !told) this.#tell(ip, stranger, 'probe');
  }

  /** Probes again for what was refused, and tells of conflicts that are over. Called at every tick. */
  tick(now: number): void {
    for (const [ip, refused] of this.#refused) {
      // The node of the stranger may have joined only now.
      if (this.#state.ours.has(refused.mac)) refused.at = Math.min(refused.at, now + RETRY_OURS);
      if (now < refused.at) continue;
      refused.at = now + this.#patience(refused.mac);
      this.#announcing.probe(ip);
    }
    for (const ip of this.#conflicts.expire(now)) this.#tellOver(ip);
  }

  /** The address is no longer this node's to watch. */
  released(ip: string): void {
    this.#conflicts.forget(ip);
    this.#accept(ip);
  }

  /** The address is no longer in the plan. */
  forget(ip: string): void {
    this.#conflicts.forget(ip);
    this.#refused.delete(ip);
  }

  /** Whether it is not a speaker that says so. Speakers say what they claim; another program on one of their nodes has the same MAC. */
  #isElse(ip: string, mac: Mac, probe: boolean): boolean {
    if (!this.#state.ours.has(mac)) return true;
    const node = probe ? undefined : peerWith(this.#state, mac);
    return node !== undefined && this.#state.mesh.claimants.get(ip)?.has(node.id) !== true;
  }

  #patience(stranger: Mac): number {
    return this.#state.ours.has(stranger) ? RETRY_OURS : RETRY_CONFLICT;
  }

  /** Nobody else answers for it any more, or it is not ours to watch. */
  #accept(ip: string): void {
    const refused = this.#refused.get(ip);
    this.#refused.delete(ip);
    if (refused?.told === true) this.#tellOver(ip);
  }

  /**
   * Another program on a node of ours answers for the address, such as the speaker of another load balancer. That node shall have it: it
   * announces the same MAC, so that no client notices when the other program goes, and connections stay where they are.
   */
  #giveTo(ip: string, mac: Mac, now: number): boolean {
    const { mesh } = this.#state;
    const node = peerWith(this.#state, mac);
    if (node === undefined || mesh.desired.get(ip)?.order.includes(node.id) !== true) return false;
    return mesh.handovers.has(ip) || startHandover(mesh, ip, 'handover', now, { to: node.id, drain: 0 });
  }

  #tell(ip: string, mac: Mac, phase: 'probe' | 'announcing'): void {
    const { context, name, device } = this.#state;
    context.post({ kind: 'conflict', ip, segment: name, interface: device.name, mac, phase });
  }

  #tellOver(ip: string): void {
    const { context, name, device } = this.#state;
    context.post({ kind: 'conflict-over', ip, segment: name, interface: device.name });
  }

  #now(): number {
    return this.#state.context.loop.now();
  }
}
