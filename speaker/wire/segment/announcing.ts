import { AddressProbe, type Verdict } from '../../layer2/address-probe.ts';
import { Announcer, type Neighbour } from '../../layer2/announcer.ts';
import { Askers } from '../../layer2/askers.ts';
import type { Mac } from '../../layer2/ethernet.ts';
import { familyOf } from '../../layer2/octets.ts';
import { announcementFrames, probeFrame } from '../frames.ts';
import type { UplinkProbe } from '../uplink-probe.ts';
import type { Ownership } from './ownership.ts';
import type { SegmentState } from './state.ts';

/** A gateway that has not confirmed an address for so long, after all repeats, does not learn it (ms). */
const UNCONFIRMED = 10_000;

const NOBODY: ReadonlySet<Mac> = new Set();

/**
 * Sends what makes an address known: probes before its first use, then announcements to everybody, to the gateways and to those who asked
 * for it lately, until they confirm. One timer serves them all.
 */
export class Announcing {
  readonly #state: SegmentState;
  readonly #ownership: Ownership;
  readonly #uplink: UplinkProbe;
  readonly #onVerdict: (verdict: Verdict) => void;
  readonly #probe = new AddressProbe();
  readonly #announcer: Announcer;
  readonly #askers = new Askers();
  #timer: { cancel(): void; time: number } | undefined;

  /** @param onVerdict told when the probes for an address are over */
  constructor(state: SegmentState, ownership: Ownership, uplink: UplinkProbe, onVerdict: (verdict: Verdict) => void) {
    this.#state = state;
    this.#ownership = ownership;
    this.#uplink = uplink;
    this.#onVerdict = onVerdict;
    this.#announcer = new Announcer(state.context.random, ip => this.#gatewaysFor(ip));
  }

  /** Asks whether somebody else has the address; nothing is answered meanwhile. */
  probe(ip: string): void {
    this.#probe.start(ip, this.#now());
    this.#flush();
  }

  /** A stranger says that it has the address. Ends the probe when one runs, and returns the verdict then. */
  foundStranger(ip: string, mac: Mac): Verdict | undefined {
    return this.#probe.heard(ip, mac, NOBODY);
  }

  /** Answers from now on and tells the neighbours. */
  announce(ip: string): void {
    this.#ownership.answer(ip);
    this.#announcer.start(ip, this.#askers.of(ip), this.#now());
    this.#flush();
  }

  /** Answers again after a restart. Nobody lost the way, so nothing is announced but the usual refresh. */
  resume(ip: string): void {
    this.#ownership.answer(ip);
    this.#announcer.resume(ip, this.#now());
    this.#flush();
  }

  /** One more announcement, in defence. */
  again(ip: string): void {
    this.#announcer.again(ip, this.#now());
    this.#flush();
  }

  /** The address is no longer this node's. Who asks for it is still noted: it may come back. */
  stop(ip: string): void {
    this.#probe.cancel(ip);
    this.#announcer.stop(ip);
  }

  /** The address is no longer in the plan. */
  forget(ip: string): void {
    this.#askers.forget(ip);
  }

  /** Somebody asked for the address, and will have to be told when it moves here. */
  asked(ip: string, asker: string, mac: Mac): void {
    this.#askers.note(ip, asker, mac);
  }

  /** A neighbour answered what was sent from the address: it knows the way. */
  replied(ip: string, neighbour: string): void {
    const { context, name } = this.#state;
    const confirmation = this.#announcer.confirm(ip, neighbour, this.#now());
    if (confirmation !== undefined) context.post({ kind: 'confirmed', ip, segment: name, neighbour, afterMs: confirmation.afterMs });
  }

  /** Gateways that answer, but not to what is announced: with one of the addresses, and their number. */
  unconfirmedGateways(): { gateway: string; address: string; addresses: number }[] {
    const silent = this.#announcer.unconfirmedGateways(UNCONFIRMED, this.#now());
    return [...silent].map(([gateway, [address = '', ...more]]) => ({ gateway, address, addresses: more.length + 1 }));
  }

  close(): void {
    this.#timer?.cancel();
  }

  #now(): number {
    return this.#state.context.loop.now();
  }

  #gatewaysFor(ip: string): Neighbour[] {
    const family = familyOf(ip);
    return this.#uplink.gateways.filter(gateway => familyOf(gateway.ip) === family);
  }

  /** Sends what probes and announcements are due, and comes back for the next. */
  #flush(): void {
    const { context, device, responder } = this.#state;
    const now = this.#now();
    const { send, done } = this.#probe.due(now);
    for (const ip of send) responder?.send(probeFrame(ip, device.mac));
    for (const announcement of this.#announcer.due(now)) {
      for (const frame of announcementFrames(announcement, device.mac)) responder?.send(frame);
    }
    for (const verdict of done) this.#onVerdict(verdict);
    const next = Math.min(this.#probe.nextDue() ?? Number.POSITIVE_INFINITY, this.#announcer.nextDue(now) ?? Number.POSITIVE_INFINITY);
    if (this.#timer !== undefined && this.#timer.time > now && this.#timer.time <= next) return;
    this.#timer?.cancel();
    this.#timer = Number.isFinite(next) ? context.loop.at(Math.max(next, now + 1), () => this.#flush()) : undefined;
  }
}
