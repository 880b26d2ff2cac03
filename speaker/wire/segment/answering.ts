import { RawSocketError } from 'raw-socket';
import type { Standing } from '../../layer2/answer.ts';
import type { NodeId } from '../../mesh/packet.ts';
import { isHeard } from '../../mesh/state.ts';
import type { WireAddress } from '../messages.ts';
import { type FrameListener, Responder } from '../responder.ts';
import { guard, type SegmentState, tellProblem } from './state.ts';

/** What decides how addresses are answered, besides the mesh. */
export interface AnsweringParts {
  listener: FrameListener;
  /** Addresses of the plan on this segment. */
  planned: ReadonlyMap<string, WireAddress>;
  /** The responder that could not be opened before is there. */
  onChange: () => void;
}

/** What opens a responder; tests have another one. */
export type OpenResponder = (...args: ConstructorParameters<typeof Responder>) => Responder;

/** Until a responder that could not be opened is tried again (ms); doubled each time. */
const RETRY = { first: 500, longest: 30_000 };

/**
 * Opens the responder of the interface and keeps its table of addresses true to the plan. The table is written for a batch of changes at
 * once, because each write replaces the sockets' filters; single standings change in between.
 */
export class Answering {
  readonly #state: SegmentState;
  readonly #parts: AnsweringParts;
  #stale = false;
  /** Others have taken these over: this process has said goodbye, and has not ended yet. */
  readonly #rested = new Set<string>();
  readonly #openResponder: OpenResponder;
  #retry: { cancel(): void } | undefined;
  #pause = RETRY.first;

  constructor(state: SegmentState, parts: AnsweringParts, openResponder: OpenResponder = (...args) => new Responder(...args)) {
    this.#state = state;
    this.#parts = parts;
    this.#openResponder = openResponder;
    this.#open();
  }

  /** The interface has another MAC. */
  reopen(): void {
    this.#state.responder?.close();
    this.#open();
  }

  /** The hold of these addresses is over, counted from the goodbye. Where nobody can take them over they are answered to the last. */
  rest(hold: number): void {
    const { mesh, responder } = this.#state;
    for (const [ip, address] of this.#parts.planned) {
      if (address.hold !== hold || !address.nodes.some(node => this.#isHeard(node)) || mesh.caretaking.has(ip)) continue;
      this.#rested.add(ip);
      responder?.setStanding(ip, { mode: 'silent' });
    }
  }

  /** Plan or interface changed: the next `refresh` writes the table anew. */
  touch(): void {
    this.#stale = true;
  }

  refresh(): void {
    const { responder, device } = this.#state;
    if (!this.#stale || responder === undefined) return;
    this.#stale = false;
    const standings = new Map<string, Standing>();
    for (const ip of this.#parts.planned.keys()) standings.set(ip, this.#standingOf(ip));
    const own = device.addresses.map(({ address }) => address);
    guard(this.#state, 'ARP and NDP', () => responder.setAddresses(standings, own));
  }

  /** What held for a while is over: the address is answered as what it is otherwise. */
  settle(ip: string): void {
    this.#state.responder?.setStanding(ip, this.#standingOf(ip));
  }

  /** What an earlier process left with the kernel goes as soon as another node has the address, and not only when this one has listened. */
  reviewAdopted(): void {
    const { responder, mesh } = this.#state;
    for (const ip of responder?.adopted ?? [])
      if (!mesh.mine.has(ip) && !mesh.lameDucks.has(ip) && this.#isElsewhere(ip)) responder?.dropAdopted(ip);
  }

  /** @param keep the kernel is to go on for the next process */
  close(keep: boolean): void {
    this.#retry?.cancel();
    this.#state.responder?.close(keep);
  }

  #open(): void {
    const { context, device, mesh } = this.#state;
    this.#retry?.cancel();
    this.#state.responder = undefined;
    mesh.persistent = false;
    try {
      const responder = this.#openResponder(context.loop, device, this.#parts.listener, context.kernel);
      this.#state.responder = responder;
      this.#pause = RETRY.first;
      mesh.persistent = responder.kind === 'kernel' && context.kernel?.responder.pinned !== undefined;
      const { kernelProblem } = responder;
      if (kernelProblem !== undefined)
        context.post({ kind: 'note', message: `${device.name} is answered by packet socket: ${kernelProblem}` });
      this.#stale = true;
    } catch (error) {
      if (!(error instanceof RawSocketError)) throw error;
      tellProblem(this.#state, 'ARP and NDP', error);
      // What is missing, such as memory or descriptors, may be there later.
      this.#retry = context.loop.after(this.#pause, () => {
        this.#open();
        if (this.#state.responder !== undefined) this.#parts.onChange();
      });
      this.#pause = Math.min(2 * this.#pause, RETRY.longest);
    }
  }

  #isElsewhere(ip: string): boolean {
    return [...(this.#state.mesh.claimants.get(ip) ?? [])].some(node => this.#isHeard(node));
  }

  #isHeard(node: NodeId): boolean {
    const peer = this.#state.mesh.peers.get(node);
    return peer !== undefined && isHeard(peer);
  }

  #standingOf(ip: string): Standing {
    const { caretaking, lameDucks, mine } = this.#state.mesh;
    if (this.#rested.has(ip)) return { mode: 'silent' };
    const held = caretaking.get(ip);
    if (held !== undefined) return { mode: 'caretaker', mac: held.mac };
    if (lameDucks.has(ip)) return { mode: 'lame-duck' };
    const claim = mine.get(ip);
    return claim?.dormant === false && !claim.withheld ? { mode: 'own' } : { mode: 'silent' };
  }
}
