import { type Keyring, keyring, nodeIdOf, seal, segmentIdOf, unseal } from './authentication.ts';
import { setWithheld } from './claims.ts';
import { handedOver, leaveMesh, setCarrier, setDesired } from './desired.ts';
import { EventQueue } from './event-queue.ts';
import { onKernelAnswer } from './hold.ts';
import { flowsGone } from './lame-duck.ts';
import { Observer } from './observer.ts';
import type { NodeId, Packet, Vip } from './packet.ts';
import { seededRandom } from './random.ts';
import { onPacket, peersHaveNewestKey } from './receive.ts';
import { createMesh, type DesiredAddress, type Effect, type Hint, type MeshState } from './state.ts';
import { farewell, pauseMesh, tick, tickInterval } from './tick.ts';
import { detection, MESH_PROFILES, type MeshTimers } from './timers.ts';
import { noteUplink, searchInterval } from './uplink.ts';

export interface SimulationOptions {
  nodes: number;
  vips: number;
  seed: number;
  /** Share of packets lost. */
  loss?: number;
  timers?: MeshTimers;
  /** Somebody beyond the nodes answers probes. Without it the carrier and the other nodes' kernels are all there is. */
  gateway?: boolean;
  /** Nodes in the order of one address; all by default. */
  candidates?: number;
  /** How long claims of a silent speaker are held while its host answers (ms); 0, the default, switches it off. */
  hold?: number;
  /** How long planned moves go on for established flows (ms). */
  drain?: number;
  /** Nodes answer from their kernel, which goes on when the speaker is gone or hangs, for as long as claims are held. */
  kernel?: boolean;
  /** Every packet travels in its signed wire form; see `rotate`. */
  sealed?: boolean;
  /** The first of an order takes its address over when it is there. */
  preempt?: boolean;
  /** The nodes know of each other what Node objects tell: an address of either family, where they ask who is not heard. */
  dualStack?: boolean;
  /** With `dualStack`: a firewall lets nothing but multicast pass in the family of multicast. */
  firewall?: boolean;
}

/** A node of the simulation: a speaker that may be absent or frozen, on a host that goes on forwarding. */
export interface SimNode {
  index: number;
  name: string;
  id: NodeId;
  state: MeshState;
  alive: boolean;
  /** The host is up: its kernel answers for its own address and forwards, speaker or not. */
  host: boolean;
  paused: boolean;
  life: number;
  inbox: { packet: Packet; from: { address: string; group: boolean } }[];
  /** Cannot receive, cannot send. */
  deaf: boolean;
  mute: boolean;
  /** Which side of a partition it is on. */
  side: number;
  /** When it last asked the gateway. */
  askedAt: number;
  /** Its clock, ahead of the simulation's: no decision may depend on what others' clocks say. */
  offset: number;
  keys: Keyring;
  /** What the node's kernel answers for without its speaker, and until when. */
  pinned: { vips: ReadonlySet<Vip>; until: number };
}

/** How long a node asks whether a stranger has an address, and how soon it asks again when one has (ms). */
const PROBE = 60;
const PROBE_AGAIN = 1_000;

/** A node's index is its address of one family; of the other, with this before it. */
const OTHER_FAMILY = '::';

const SEGMENT = segmentIdOf('192.0.2.0/24');
const UID = 'simulation';
const OLD_KEY = Buffer.alloc(32, 1);
const NEW_KEY = Buffer.alloc(32, 2);

/** The real core in virtual time: seeded, single-threaded, deterministic. Times in ms. */
export class Simulation {
  now = 0;
  readonly nodes: SimNode[] = [];
  readonly vips: Vip[];
  readonly observer: Observer;
  loss: number;
  /** Sides on which clients (and the gateway) are. */
  clientSides = [0];
  gatewayUp: boolean;
  takeovers = 0;
  /** Addresses that somebody beyond the nodes uses. */
  readonly strangers = new Set<Vip>();
  /** Signed packets that were refused. */
  refused = 0;
  /** Gratuitous announcements that would be sent, in order. */
  readonly announced: { at: number; vip: Vip; node: number }[] = [];
  #events = new EventQueue<() => void>();
  readonly #random: () => number;
  readonly #timers: MeshTimers;
  readonly #gateway: boolean;
  readonly #sealed: boolean;
  readonly #dualStack: boolean;
  readonly #firewall: boolean;
  readonly #ids: readonly NodeId[];
  readonly #orders = new Map<Vip, NodeId[]>();
  readonly #wishes = new Map<Vip, Partial<DesiredAddress>>();
  readonly #byId = new Map<NodeId, SimNode>();
  readonly #epochs = new Map<Vip, { epoch: number; node: SimNode }>();
  readonly #hold: number;
  readonly #drain: number;
  readonly #kernel: boolean;
  readonly #preempt: boolean;
  #rebalance: number | undefined;

  constructor(options: SimulationOptions) {
    this.#random = seededRandom(options.seed);
    this.#timers = options.timers ?? MESH_PROFILES.default;
    this.#gateway = options.gateway ?? true;
    this.#hold = options.hold ?? 0;
    this.#drain = options.drain ?? 0;
    this.#preempt = options.preempt ?? false;
    this.gatewayUp = this.#gateway;
    this.loss = options.loss ?? 0.001;
    this.#kernel = options.kernel ?? false;
    this.#sealed = options.sealed ?? false;
    this.#dualStack = options.dualStack ?? false;
    this.#firewall = options.firewall ?? false;
    this.vips = Array.from({ length: options.vips }, (_, index) => `192.0.2.${index}`);
    if (options.vips > 250) this.vips = Array.from({ length: options.vips }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    this.observer = new Observer(this);
    const ids = Array.from({ length: options.nodes }, (_, index) => nodeIdOf(`node-${index}`));
    this.#ids = ids;
    const candidates = Math.min(options.candidates ?? options.nodes, options.nodes);
    for (const [index, vip] of this.vips.entries())
      this.#orders.set(
        vip,
        Array.from({ length: candidates }, (_, place) => ids[(index + place) % ids.length] ?? ''),
      );
    for (const [index, id] of ids.entries()) {
      const node = this.#createNode(index, id);
      this.nodes.push(node);
      this.#byId.set(id, node);
    }
    for (const node of this.nodes) this.#start(node, false);
    this.observer.refresh();
  }

  #createNode(index: number, id: NodeId): SimNode {
    const name = `node-${index}`;
    const offset = Math.floor(this.#random() * 1e6);
    const keys = keyring([OLD_KEY], UID);
    return {
      index,
      name,
      id,
      askedAt: Number.NEGATIVE_INFINITY,
      offset,
      keys,
      pinned: { vips: new Set(), until: 0 },
      state: this.#createState(id, name, offset, keys),
      alive: false,
      host: true,
      paused: false,
      life: 0,
      inbox: [],
      deaf: false,
      mute: false,
      side: 0,
    };
  }

  #createState(id: NodeId, name: string, offset: number, { keys }: Keyring): MeshState {
    const nonce = BigInt(Math.floor(this.#random() * 2 ** 48)) + 1n;
    const macs = [`02:00:00:00:${Number(name.slice(5)).toString(16).padStart(4, '0').replace(/^../, '$&:')}`];
    const newestKey = keys[0]?.id ?? 0;
    const options = { me: id, name, nonce, timers: this.#timers, random: this.#random, macs, drain: this.#drain, newestKey };
    const state = createMesh(options, this.now + offset);
    state.persistent = this.#kernel;
    state.uplink.expected = this.#gateway;
    if (this.#dualStack) state.hints = this.#hints(id);
    return state;
  }

  #hints(me: NodeId): Hint[] {
    return this.#ids.flatMap((node, index) => (node === me ? [] : { node, addresses: [String(index), `${OTHER_FAMILY}${index}`] }));
  }

  /** The time on the node's clock. */
  #clock(node: SimNode): number {
    return this.now + node.offset;
  }

  /** Uniform in [0, 1), from the seed. */
  random(): number {
    return this.#random();
  }

  /** Whether nodes answer from their kernel. */
  get kernel(): boolean {
    return this.#kernel;
  }

  node(index: number): SimNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`there is no node ${index}`);
    return node;
  }

  nodeOf(id: NodeId): SimNode | undefined {
    return this.#byId.get(id);
  }

  order(vip: Vip): NodeId[] {
    return this.#orders.get(vip) ?? [];
  }

  /** @param remembers whether it takes up the claims it had, as the API or a snapshot tells them */
  boot(node: SimNode, remembers = false): void {
    this.#start(node, remembers);
    this.observer.refresh();
  }

  #start(node: SimNode, remembers: boolean): void {
    const before = remembers ? node.state : undefined;
    node.host = true;
    node.state = this.#createState(node.id, node.name, node.offset, node.keys);
    node.alive = true;
    node.paused = false;
    if (!remembers) node.pinned = { vips: new Set(), until: 0 };
    node.inbox = [];
    node.life += 1;
    for (const vip of this.vips) {
      const desired = this.#desired(vip, node);
      this.#apply(
        node,
        setDesired(node.state, vip, before && desired ? { ...desired, ...this.#memory(node, vip, before) } : desired, this.#clock(node)),
      );
    }
    const { life } = node;
    this.after(this.#random() * tickInterval(node.state), () => this.#tick(node, life));
  }

  /** The host is gone, and with it everything. */
  crash(node: SimNode): void {
    node.host = false;
    node.pinned = { vips: new Set(), until: 0 };
    this.kill(node);
  }

  /** The process is gone; the host goes on forwarding. */
  kill(node: SimNode): void {
    if (node.host) this.#pin(node);
    node.alive = false;
    node.life += 1;
    this.observer.refresh();
  }

  pause(node: SimNode): void {
    this.#pin(node);
    node.paused = true;
    this.observer.refresh();
  }

  /** The speaker is gone or hangs: from now on the kernel answers from its table, until the lease ends that the speaker renewed last. */
  #pin(node: SimNode): void {
    if (!this.#kernel || !node.alive || node.paused) return;
    const vips = [...node.state.mine.values()].flatMap(({ vip, dormant, withheld }) => (dormant || withheld ? [] : [vip]));
    node.pinned = { vips: new Set(vips), until: this.now + this.#hold };
    this.after(this.#hold, () => this.observer.refresh());
  }

  /** Runs on: what lies in the sockets comes first. */
  resume(node: SimNode): void {
    node.paused = false;
    for (const { packet, from } of node.inbox.splice(0)) this.#apply(node, onPacket(node.state, packet, from, this.#clock(node)));
    this.observer.refresh();
  }

  /** The last established flow of an address through the node ends. */
  flowsGone(node: SimNode, vip: Vip): void {
    this.#apply(node, flowsGone(node.state, vip, this.#clock(node)));
  }

  /** SIGTERM: hands over within `deadline`, says goodbye and ends. With `flows` it waits until then for established flows. */
  leave(node: SimNode, deadline = 3_000, flows = false): void {
    leaveMesh(node.state, flows ? this.#clock(node) + deadline : undefined);
    const until = this.now + deadline;
    const { life } = node;
    const step = (): void => {
      if (node.life !== life) return;
      if (!handedOver(node.state) && this.now < until) return this.after(this.#timers.interval / 4, step);
      this.#apply(node, farewell(node.state, this.#clock(node)));
      this.crash(node);
    };
    this.after(this.#timers.interval / 2, step);
  }

  /** SIGTERM of a speaker that will be back: says so and ends, at once or after `lingering`. */
  restart(node: SimNode, absence: number, lingering = 0): void {
    this.#apply(node, pauseMesh(node.state, this.#clock(node)));
    if (lingering === 0) this.kill(node);
    else this.after(lingering, () => this.kill(node));
    const life = node.life + (lingering === 0 ? 0 : 1);
    this.after(lingering + absence, () => {
      if (node.life === life) this.boot(node, true);
    });
  }

  carrier(node: SimNode, up: boolean): void {
    node.deaf = !up;
    node.mute = !up;
    setCarrier(node.state, up);
    this.observer.refresh();
  }

  /** The address is a new one, of which nobody knows an epoch; with `stranger` somebody uses it. Plan it when the nodes have given it up. */
  renew(vip: Vip, stranger: boolean): void {
    if (stranger) this.strangers.add(vip);
    this.#epochs.delete(vip);
  }

  /** The stranger is gone. */
  vacate(vip: Vip): void {
    this.strangers.delete(vip);
    this.observer.refresh();
  }

  /** The plan changes; every node hears of it a little later (API and watch). */
  plan(vip: Vip, order: NodeId[] | undefined): void {
    if (order === undefined) this.#orders.delete(vip);
    else this.#orders.set(vip, order);
    for (const node of this.nodes) {
      const { life } = node;
      this.after(5 + this.#random() * 100, () => {
        if (node.life === life) this.#apply(node, setDesired(node.state, vip, this.#desired(vip, node), this.#clock(node)));
      });
    }
    this.observer.refresh();
  }

  /** The plan says more about an address than who may own it, or less again. Times are the simulation's. */
  wish(vip: Vip, wish: Partial<DesiredAddress>): void {
    this.#wishes.set(vip, wish);
    this.plan(vip, this.order(vip));
  }

  /** The node has a new key, and goes on reading the old one. */
  rotate(node: SimNode): void {
    node.keys = keyring([NEW_KEY, OLD_KEY], UID);
    node.state.newestKey = node.keys.keys[0]?.id ?? 0;
  }

  /** Asks for every address to be where it is meant to be; every node hears of it a little later. */
  rebalance(at = this.now): void {
    this.#rebalance = at;
    for (const vip of this.vips) this.plan(vip, this.order(vip));
  }

  split(side: readonly number[], number = 1): void {
    for (const index of side) this.node(index).side = number;
    this.observer.refresh();
  }

  heal(): void {
    for (const node of this.nodes) node.side = 0;
    this.observer.refresh();
  }

  after(delay: number, run: () => void): void {
    this.#events.push(this.now + delay, run);
  }

  run(duration: number): void {
    const until = this.now + duration;
    for (let next = this.#events.peek(); next !== undefined && next <= until; next = this.#events.peek()) {
      this.now = next;
      this.#events.pop()?.();
    }
    this.now = until;
    this.observer.refresh();
  }

  #desired(vip: Vip, node: SimNode): DesiredAddress | undefined {
    const order = this.#orders.get(vip);
    if (order === undefined) return undefined;
    const wish = this.#wishes.get(vip);
    const asked = wish?.rebalance ?? this.#rebalance;
    const rebalance = asked !== undefined && { rebalance: asked + node.offset };
    const last = this.#epochs.get(vip);
    const lastOwner = last !== undefined && last.node !== node && { lastOwner: { node: last.node.id, mac: last.node.state.macs[0] ?? '' } };
    return { order, epoch: last?.epoch ?? 0, hold: this.#hold, preempt: this.#preempt, ...lastOwner, ...wish, ...rebalance };
  }

  /** What a speaker that restarts finds in its snapshot and in the API. */
  #memory(node: SimNode, vip: Vip, before: MeshState | undefined): Partial<DesiredAddress> {
    if (before === undefined) return {};
    const reported = this.#epochs.get(vip);
    const quiet = before.mine.get(vip)?.quiet;
    const duck = before.lameDucks.get(vip);
    return {
      ...(reported?.node === node && { restored: reported.epoch }),
      ...(reported?.node === node && quiet !== undefined && { restoredQuiet: quiet }),
      ...(duck !== undefined && { restoredLameDuck: { to: duck.to, until: duck.until } }),
    };
  }

  #tick(node: SimNode, life: number): void {
    if (node.life !== life) return;
    this.after(tickInterval(node.state), () => this.#tick(node, life));
    if (node.paused) return;
    this.#probeUplink(node);
    this.#apply(node, tick(node.state, this.#clock(node)));
  }

  /** What the wire thread does by ARP: a gateway if there is one, else the kernels of the other hosts. */
  #probeUplink(node: SimNode): void {
    if (node.deaf || node.mute || this.now - node.askedAt < this.#askInterval(node)) return;
    node.askedAt = this.now;
    const reached = this.#gateway
      ? this.gatewayUp && this.clientSides.includes(node.side)
      : this.nodes.some(other => other !== node && other.side === node.side && !other.deaf && !other.mute);
    if (!reached) return;
    // The question leaves with the tick, and the answer is not there before it: after a stall, that tick sees an old one.
    const { life } = node;
    this.after(0.5, () => {
      if (node.life === life && !node.paused) noteUplink(node.state, this.#clock(node));
    });
  }

  /** A gateway that has been silent for long is asked by few broadcasts. */
  #askInterval({ state, offset }: SimNode): number {
    const isLost = this.#gateway && this.now + offset - state.uplink.seenAt >= 2 * detection(this.#timers);
    // Ticks are late by a little, and on each node by another: nodes do not go on asking at the same moment.
    return isLost ? searchInterval(state, this.now + offset) + 40 * this.#random() : this.#timers.interval / 2;
  }

  #apply(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.#send(node, effect);
      else if (effect.kind === 'acquire') {
        if (effect.cause !== 'restored') this.takeovers += 1;
        if (effect.probe) this.#probe(node, effect);
        else this.#answer(node, effect, effect.cause !== 'restored' && !effect.quiet);
      } else if (effect.kind === 'release' || effect.kind === 'caretake') this.observer.changed(effect.vip);
      else if (effect.kind === 'announce') this.announced.push({ at: this.now, vip: effect.vip, node: node.index });
      else if (effect.kind === 'ask-kernel') this.#askKernel(node, effect.address);
    }
  }

  /** What the wire thread does by ARP and NDP before the first use of an address, and again while a stranger has it. */
  #probe(node: SimNode, effect: Effect & { kind: 'acquire' }): void {
    const { life } = node;
    const { vip, epoch } = effect;
    const verdict = (): void => {
      const claim = node.life === life ? node.state.mine.get(vip) : undefined;
      if (claim?.epoch !== epoch || !claim.withheld) return;
      if (node.paused) return this.after(PROBE, verdict);
      if (this.strangers.has(vip)) return this.after(PROBE_AGAIN, verdict);
      setWithheld(node.state, vip, false);
      this.#answer(node, effect, true);
    };
    this.after(PROBE, verdict);
  }

  /** Only now others hear of it by the API. */
  #answer(node: SimNode, { vip, epoch }: Effect & { kind: 'acquire' }, announces: boolean): void {
    if (announces) this.announced.push({ at: this.now, vip, node: node.index });
    if (epoch >= (this.#epochs.get(vip)?.epoch ?? 0)) this.#epochs.set(vip, { epoch, node });
    this.observer.changed(vip);
  }

  #askKernel(asker: SimNode, address: string): void {
    const host = this.#at(address);
    const { life } = asker;
    if (!host.host || host.side !== asker.side || host.deaf || host.mute || asker.deaf || asker.mute || this.#random() < this.loss) return;
    this.after(0.5, () => {
      if (asker.life === life && !asker.paused) onKernelAnswer(asker.state, address, this.#clock(asker));
    });
  }

  #at(address: string): SimNode {
    return this.node(Number(address.replace(OTHER_FAMILY, '')));
  }

  #send(sender: SimNode, { to, packet }: Effect & { kind: 'send' }): void {
    if (sender.mute) return;
    const group = to === 'group';
    if (this.#firewall && !group && !to.address.startsWith(OTHER_FAMILY)) return;
    const octets = this.#sealed ? seal(packet, sender.keys, SEGMENT, peersHaveNewestKey(sender.state)) : undefined;
    const targets = group ? this.nodes : [this.#at(to.address)];
    const reached = targets.filter(
      target => target !== sender && !target.deaf && target.side === sender.side && this.#random() >= this.loss,
    );
    const from = { address: `${!group && to.address.startsWith(OTHER_FAMILY) ? OTHER_FAMILY : ''}${sender.index}`, group };
    // One event for a group: the switch copies it to all ports at once.
    this.after(0.3 + this.#random() * 0.5, () => {
      for (const target of reached) this.#arrive(target, packet, octets, from);
    });
  }

  #arrive(node: SimNode, packet: Packet, octets: Buffer | undefined, from: { address: string; group: boolean }): void {
    if (!node.alive) return;
    if (octets === undefined) return this.#receive(node, packet, from);
    const read = unseal(octets, node.keys, [SEGMENT]);
    if (typeof read === 'string') this.refused += 1;
    else this.#receive(node, read.packet, from);
  }

  #receive(node: SimNode, packet: Packet, from: { address: string; group: boolean }): void {
    if (node.paused) node.inbox.push({ packet, from });
    else this.#apply(node, onPacket(node.state, packet, from, this.#clock(node)));
  }
}
