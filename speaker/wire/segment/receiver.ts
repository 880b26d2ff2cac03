import type { RawSocketError } from 'raw-socket';
import type { Mac } from '../../layer2/ethernet.ts';
import { onKernelAnswer } from '../../mesh/hold.ts';
import type { SilentNodes } from '../../node-mode/silent-nodes.ts';
import type { WireAddress } from '../messages.ts';
import type { FrameListener } from '../responder.ts';
import type { UplinkProbe } from '../uplink-probe.ts';
import type { Announcing } from './announcing.ts';
import { type SegmentState, tellProblem } from './state.ts';
import type { Strangers } from './strangers.ts';

/** Those whom frames concern. */
export interface Concerned {
  addresses: ReadonlyMap<string, WireAddress>;
  announcing: Announcing;
  strangers: Strangers;
  uplink: UplinkProbe;
  silent: SilentNodes;
}

/** Passes on what the frames of a segment tell: one frame often concerns several, which need not know each other for it. */
export class Receiver implements FrameListener {
  readonly #state: SegmentState;
  readonly #concerned: Concerned;

  constructor(state: SegmentState, concerned: Concerned) {
    this.#state = state;
    this.#concerned = concerned;
  }

  asked(ip: string, asker: string, mac: Mac): void {
    if (this.#state.ours.has(mac)) return;
    this.#concerned.announcing.asked(ip, asker, mac);
    this.#concerned.uplink.noteWitness(asker, mac);
  }

  claimed(ip: string, mac: Mac, probe: boolean): void {
    this.#concerned.strangers.claimed(ip, mac, probe);
  }

  holdOf(ip: string): number {
    return this.#concerned.addresses.get(ip)?.hold ?? 0;
  }

  replied(ip: string, neighbour: string, mac: Mac): void {
    const { announcing, uplink, silent } = this.#concerned;
    const { context, mesh } = this.#state;
    const now = context.loop.now();
    announcing.replied(ip, neighbour);
    uplink.replied(mesh, neighbour, mac, now);
    onKernelAnswer(mesh, neighbour, now);
    silent.answered(neighbour, now);
  }

  unjoined(count: number, error: RawSocketError): void {
    tellProblem(this.#state, `multicast for ${count} IPv6 addresses`, error);
  }

  heard(mac: Mac): void {
    const { context, mesh, device } = this.#state;
    if (mac !== device.mac) this.#concerned.uplink.heard(mesh, context.loop.now());
  }
}
