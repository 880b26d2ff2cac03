import { type PollLoop, RawSocketError } from 'raw-socket';
import { AddressProbe, type Verdict } from '../layer2/address-probe.ts';
import { Announcer, type Neighbour } from '../layer2/announcer.ts';
import type { Standing } from '../layer2/answer.ts';
import { Askers } from '../layer2/askers.ts';
import { ConflictWatch } from '../layer2/conflict.ts';
import type { Mac } from '../layer2/ethernet.ts';
import { familyOf } from '../layer2/octets.ts';
import { type Keyring, nodeIdOf, seal, segmentIdOf, unseal } from '../mesh/authentication.ts';
import { handedOver, leaveMesh, setCarrier, setDesired } from '../mesh/desired.ts';
import { startHandover } from '../mesh/handover.ts';
import { onKernelAnswer } from '../mesh/hold.ts';
import { noteFlows } from '../mesh/lame-duck.ts';
import { onPacket, peersHaveNewestKey } from '../mesh/receive.ts';
import {
  createMesh,
  type DesiredAddress,
  type Effect,
  isHeard,
  type MeshState,
  type Peer,
  type Quiet,
  type TakeoverCause,
} from '../mesh/state.ts';
import { farewell, pauseMesh, tick, tickInterval } from '../mesh/tick.ts';
import type { MeshTimers } from '../mesh/timers.ts';
import { SilentNodes } from '../node-mode/silent-nodes.ts';
import type { Device } from './devices.ts';
import { announcementFrames, probeFrame } from './frames.ts';
import type { Kernel } from './kernel-answers.ts';
import type { SegmentReport, WireAddress, WireEvent } from './messages.ts';
import { type FrameListener, Responder } from './responder.ts';
import { Transport } from './transport.ts';
import { UplinkProbe } from './uplink-probe.ts';

export interface SegmentContext {
  loop: PollLoop;
  node: string;
  nonce: bigint;
  timers: MeshTimers;
  port: number;
  random: () => number;
  /** ms since the epoch. */
  wall: () => number;
  keyring: () => Keyring;
  /** Undefined where eBPF is not permitted, or not wanted. */
  kernel: Kernel | undefined;
  caretaker: boolean;
  post: (event: WireEvent) => void;
  /** Another node hears this one and is heard, where just now none was. */
  onHeard: () => void;
}

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

const NOBODY: ReadonlySet<Mac> = new Set();

/** Everything of this node on one interface: its part of the mesh, what it answers and what it announces. */
export class Segment implements FrameListener {
  readonly name: string;
  readonly #context: SegmentContext;
  readonly #mesh: MeshState;
  readonly #transport: Transport;
  readonly #announcer: Announcer;
  readonly #askers = new Askers();
  readonly #conflicts = new ConflictWatch();
  readonly #probe = new AddressProbe();
  readonly #uplink: UplinkProbe;
  readonly #silent = new SilentNodes();
  readonly #addresses = new Map<string, WireAddress>();
  /** Addresses a stranger was found on before their first use, and when to ask again. */
  readonly #refused = new Map<string, Refused>();
  /** Claimed, and not yet announced because it is being probed for a stranger. */
  readonly #unreported = new Map<string, { epoch: number; cause: TakeoverCause | 'interface-changed'; quiet?: Quiet }>();
  #responder: Responder | undefined;
  #device: Device;
  #segmentIds = new Set<bigint>();
  #rejected = 0;
  #timer: { cancel(): void } | undefined;
  #flushTimer: { cancel(): void; time: number } | undefined;
  #tableStale = false;
  #ours = new Set<Mac>();
  #isHeard = false;
  #closed = false;

  constructor(device: Device, context: SegmentContext) {
    this.#device = device;
    this.#context = context;
    this.name = device.segment;
    const { loop, timers, random, nonce, node } = context;
    this.#mesh = createMesh(
      {
        me: nodeIdOf(node),
        name: node,
        nonce,
        timers,
        random,
        macs: [device.mac],
        newestKey: context.keyring().keys[0]?.id ?? 0,
        caretaker: context.caretaker,
      },
      loop.now(),
    );
    this.#announcer = new Announcer(random);
    this.#transport = new Transport(loop, context.port, (data, from) => this.#onDatagram(data, from));
    this.#uplink = new UplinkProbe(frame => this.#responder?.send(frame));
    this.#openResponder();
    this.update(device);
  }

  get device(): Device {
    return this.#device;
  }

  /** Link, MAC or addresses of the interface changed. */
  update(device: Device): void {
    const before = this.#device;
    this.#device = device;
    this.#segmentIds = new Set([device.segment, ...device.subnets].map(segmentIdOf));
    this.#mesh.macs = [device.mac];
    for (const problem of this.#transport.update(device)) this.#problem('heartbeats', problem);
    setCarrier(this.#mesh, device.carrier, this.#context.loop.now());
    if (device.mac !== before.mac) {
      this.#responder?.close();
      this.#openResponder();
    }
    this.#tableStale = true;
    const cameBack = device.carrier && !before.carrier;
    if (cameBack) {
      this.#guard('multicast', () => {
        this.#transport.rejoin();
        this.#responder?.rejoin();
      });
    }
    if (!device.carrier && before.carrier) this.#tick();
    this.#refreshTable();
    if (cameBack || device.mac !== before.mac) this.#announceAll(device.mac !== before.mac);
  }

  setGateways(gateways: readonly string[]): void {
    this.#uplink.setGateways(gateways);
  }

  setHints(addresses: readonly string[]): void {
    const own = new Set(this.#device.addresses.map(({ address }) => address));
    this.#mesh.hints = addresses.filter(address => !own.has(address));
  }

  setNewestKey(id: number): void {
    this.#mesh.newestKey = id;
  }

  /** Adds or changes an address of the plan. */
  set(address: WireAddress): void {
    const { ip } = address;
    const now = this.#context.loop.now();
    this.#addresses.set(ip, address);
    this.#apply(setDesired(this.#mesh, ip, this.#desiredOf(address, now), now));
    this.#tableStale = true;
  }

  /** Times of the past are told by the wall clock, and kept by the loop's. */
  #desiredOf(address: WireAddress, now: number): DesiredAddress {
    const { nodes: order, epoch, hold, drain, preempt, preference, rebalance, restored, lameDucks } = address;
    const before = restored.find(({ segment }) => segment === this.name);
    const lameDuck = lameDucks.find(({ segment }) => segment === this.name);
    const at = (wall: number): number => now + wall - this.#context.wall();
    return {
      order,
      epoch,
      hold,
      drain,
      ...(preempt !== undefined && { preempt }),
      ...(preference !== undefined && { preference }),
      ...(rebalance !== undefined && { rebalance: at(rebalance) }),
      ...(before !== undefined && { restored: before.epoch }),
      ...(before?.sinceMs !== undefined && { restoredSince: Math.min(now, at(before.sinceMs)) }),
      ...(before?.quiet !== undefined && {
        restoredQuiet: { from: before.quiet.from, since: now, until: at(before.quiet.untilMs) },
      }),
      ...(lameDuck !== undefined && { restoredLameDuck: { to: lameDuck.to, until: at(lameDuck.untilMs) } }),
    };
  }

  remove(ip: string): void {
    if (!this.#addresses.delete(ip)) return;
    this.#apply(setDesired(this.#mesh, ip, undefined, this.#context.loop.now()));
    this.#askers.forget(ip);
    this.#conflicts.forget(ip);
    this.#refused.delete(ip);
    this.#tableStale = true;
  }

  /** After a batch of `set` and `remove`: filters and groups change once, and what is free is taken without waiting for a tick. */
  settle(): void {
    this.#refreshTable();
    this.#tick();
  }

  /** Established flows that still pass through this node, of an address that has moved away gently. */
  flows(ip: string, flows: number): void {
    this.#apply(noteFlows(this.#mesh, ip, flows, this.#context.loop.now()));
  }

  drainWithin(ms: number | undefined): void {
    this.#mesh.drainOverride = ms;
  }

  leave(until: number): void {
    leaveMesh(this.#mesh, until);
  }

  get handedOver(): boolean {
    return handedOver(this.#mesh);
  }

  /** The process ends and will be back. */
  pause(): void {
    this.#apply(pauseMesh(this.#mesh, this.#context.loop.now()));
  }

  farewell(): void {
    this.#apply(farewell(this.#mesh, this.#context.loop.now()));
  }

  holdOf(ip: string): number {
    return this.#addresses.get(ip)?.hold ?? 0;
  }

  settleAdopted(): void {
    this.#guard('ARP and NDP', () => this.#responder?.settleAdopted());
  }

  /** @param keep the kernel is to go on for the next process */
  close(cause?: 'interface-gone', keep = false): void {
    if (this.#closed) return;
    this.#closed = true;
    if (cause !== undefined) {
      for (const { vip, epoch } of this.#mesh.mine.values()) if (!this.#unreported.has(vip)) this.#postReleased(vip, epoch, cause);
    }
    this.#timer?.cancel();
    this.#flushTimer?.cancel();
    this.#transport.close();
    this.#responder?.close(keep);
  }

  /** How long this node still only listens (ms); 0 when it does not. */
  get listeningFor(): number {
    return Math.max(0, this.#mesh.listenUntil - this.#context.loop.now());
  }

  /** What is known; called once a second, and when listening ends. */
  report(): SegmentReport {
    const { counters } = this.#mesh;
    const now = this.#context.loop.now();
    const unfit = this.#unfitReason(now);
    return {
      interface: this.#device.name,
      segment: this.name,
      mac: this.#device.mac,
      addresses: this.#device.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      carrier: this.#device.carrier,
      fit: unfit === undefined,
      ...(unfit !== undefined && { unfitReason: unfit }),
      peersHeard: [...this.#mesh.peers.values()].filter(peer => peer.liveness === 'two-way').map(peer => peer.name),
      peersAnswering: this.#answering(now),
      listening: now < this.#mesh.listenUntil,
      stalls: counters.stalls,
      beaconsLost: counters.beaconsLost,
      peersLost: counters.peersLost,
      duplicates: counters.duplicates,
      replays: counters.replays,
      rejected: this.#rejected,
      sendErrors: this.#transport.errors + (this.#responder?.errors ?? 0),
      responder: this.#responder?.kind ?? 'none',
      pinned: this.#mesh.persistent,
      held: heldClaims(this.#mesh),
      answers: this.#responder?.takeAnswers() ?? [],
    };
  }

  asked(ip: string, asker: string, mac: Mac): void {
    if (this.#ours.has(mac)) return;
    this.#askers.note(ip, asker, mac);
    this.#uplink.noteWitness(asker, mac);
  }

  claimed(ip: string, mac: Mac, probe: boolean): void {
    const verdict = this.#isElse(ip, mac, probe) ? this.#probe.heard(ip, mac, NOBODY) : undefined;
    if (verdict !== undefined) return this.#onVerdict(verdict);
    if (probe || !this.#mesh.mine.has(ip) || this.#refused.has(ip)) return;
    const found = this.#conflicts.claim(ip, mac, this.#ours, this.#context.loop.now());
    if (found === undefined) return;
    if (found.defend) {
      this.#announcer.again(ip, this.#context.loop.now());
      this.#flush();
    }
    if (found.news)
      this.#context.post({ kind: 'conflict', ip, segment: this.name, interface: this.#device.name, mac, phase: 'announcing' });
  }

  /** Whether it is not a speaker that says so. Speakers say what they claim; another program on one of their nodes has the same MAC. */
  #isElse(ip: string, mac: Mac, probe: boolean): boolean {
    if (!this.#ours.has(mac)) return true;
    const node = probe ? undefined : this.#nodeOf(mac);
    return node !== undefined && this.#mesh.claimants.get(ip)?.has(node.id) !== true;
  }

  #nodeOf(mac: Mac): Peer | undefined {
    return [...this.#mesh.peers.values()].find(peer => peer.macs.includes(mac));
  }

  replied(ip: string, neighbour: string, mac: Mac): void {
    const now = this.#context.loop.now();
    const confirmation = this.#announcer.confirm(ip, neighbour, now);
    if (confirmation !== undefined) {
      const { afterMs } = confirmation;
      this.#context.post({ kind: 'confirmed', ip, segment: this.name, neighbour, afterMs });
    }
    this.#uplink.replied(this.#mesh, neighbour, mac, now);
    onKernelAnswer(this.#mesh, neighbour, now);
    this.#silent.answered(neighbour, now);
  }

  heard(mac: Mac): void {
    if (mac !== this.#device.mac) this.#uplink.heard(this.#mesh, this.#context.loop.now());
  }

  #openResponder(): void {
    this.#responder = undefined;
    try {
      this.#responder = new Responder(this.#context.loop, this.#device, this, this.#context.kernel);
      this.#mesh.persistent = this.#responder.kind === 'kernel' && this.#context.kernel?.responder.pinned !== undefined;
      const { kernelProblem } = this.#responder;
      if (kernelProblem !== undefined)
        this.#context.post({ kind: 'note', message: `${this.#device.name} is answered by packet socket: ${kernelProblem}` });
      this.#tableStale = true;
    } catch (error) {
      if (!(error instanceof RawSocketError)) throw error;
      this.#problem('ARP and NDP', error);
    }
  }

  #tick(): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    const { loop } = this.#context;
    const now = loop.now();
    // Before the work, so that an exception in it does not end the rhythm.
    this.#timer = loop.at(now + tickInterval(this.#mesh), () => this.#tick());
    this.#ours = new Set([this.#device.mac, ...[...this.#mesh.peers.values()].flatMap(peer => peer.macs)]);
    this.#uplink.tick(this.#mesh, this.#device, now);
    // Without a responder nothing could be answered: this node is heard, and takes nothing.
    if (this.#responder !== undefined) this.#apply(tick(this.#mesh, now));
    this.#noteHeard();
    this.#retryRefused(now);
    for (const ip of this.#conflicts.expire(now))
      this.#context.post({ kind: 'conflict-over', ip, segment: this.name, interface: this.#device.name });
  }

  #onDatagram(data: Buffer, from: { address: string; group: boolean }): void {
    const packet = unseal(data, this.#context.keyring(), this.#segmentIds);
    if (typeof packet === 'string') this.#rejected += 1;
    else this.#apply(onPacket(this.#mesh, packet, from, this.#context.loop.now()));
    if (!this.#isHeard) this.#noteHeard();
  }

  #noteHeard(): void {
    const was = this.#isHeard;
    this.#isHeard = [...this.#mesh.peers.values()].some(peer => peer.liveness === 'two-way');
    if (this.#isHeard && !was) this.#context.onHeard();
  }

  #apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#transport.send(
            seal(effect.packet, this.#context.keyring(), segmentIdOf(this.name), peersHaveNewestKey(this.#mesh)),
            effect.to,
          );
          break;
        case 'acquire':
          this.#acquire(effect);
          break;
        case 'release':
          this.#release(effect);
          break;
        case 'duplicate':
          this.#context.post({ kind: 'duplicate', ip: effect.vip, segment: this.name, node: this.#nameOf(effect.node) });
          break;
        case 'stall':
          this.#context.post({ kind: 'stall', segment: this.name, ms: effect.ms });
          break;
        case 'ask-kernel':
          this.#uplink.ask(effect.address, effect.mac, this.#device);
          break;
        case 'caretake':
          this.#responder?.setStanding(effect.vip, effect.mac === undefined ? { mode: 'silent' } : { mode: 'caretaker', mac: effect.mac });
          break;
        case 'announce':
          this.#context.post({ kind: 'announced', ip: effect.vip, segment: this.name, why: effect.why });
          this.#announce(effect.vip);
          break;
        case 'lame-duck':
          this.#responder?.setStanding(effect.vip, { mode: 'lame-duck' });
          this.#context.post({
            kind: 'lame-duck',
            ip: effect.vip,
            segment: this.name,
            to: this.#nameOf(effect.to),
            forMs: effect.until - this.#context.loop.now(),
          });
          break;
        case 'lame-duck-over':
          this.#responder?.setStanding(effect.vip, this.#standingOf(effect.vip));
          this.#context.post({ kind: 'lame-duck-over', ip: effect.vip, segment: this.name, why: effect.why });
          break;
        case 'peer':
          break;
      }
    }
  }

  #acquire({ vip, epoch, cause, quiet }: Effect & { kind: 'acquire' }): void {
    this.#unreported.set(vip, { epoch, cause, ...(quiet !== undefined && { quiet }) });
    // Not even the usual refresh: it would draw everybody here.
    if (quiet !== undefined) return this.#answer(vip);
    if (cause === 'restored') return this.#resume(vip);
    // Never on failover: the address is known to be ours, and a client waits.
    if (epoch === 1) {
      this.#probe.start(vip, this.#context.loop.now());
      this.#flush();
    } else this.#announce(vip);
  }

  #release({ vip, epoch, cause, to, lameDuck }: Effect & { kind: 'release' }): void {
    this.#probe.cancel(vip);
    this.#announcer.stop(vip);
    this.#conflicts.forget(vip);
    this.#accept(vip);
    this.#responder?.setStanding(vip, { mode: lameDuck === undefined ? 'silent' : 'lame-duck' });
    // What was never announced was never reported.
    if (this.#unreported.delete(vip)) return;
    this.#postReleased(vip, epoch, cause, {
      ...(to !== undefined && { to: this.#nameOf(to) }),
      ...(lameDuck !== undefined && { lameDuckMs: lameDuck.until - this.#context.loop.now() }),
    });
  }

  #postReleased(
    ip: string,
    epoch: number,
    cause: (WireEvent & { kind: 'released' })['cause'],
    more: { to?: string; lameDuckMs?: number } = {},
  ): void {
    this.#context.post({ kind: 'released', ip, segment: this.name, interface: this.#device.name, epoch, cause, ...more });
  }

  /** Answers from now on and tells the neighbours. */
  #announce(ip: string): void {
    this.#answer(ip);
    this.#announcer.start(ip, this.#gatewaysFor(ip), this.#askers.of(ip), this.#context.loop.now());
    this.#flush();
  }

  /** Answers again after a restart. Nobody lost the way, so nothing is announced but the usual refresh. */
  #resume(ip: string): void {
    this.#answer(ip);
    this.#announcer.resume(ip, this.#gatewaysFor(ip), this.#context.loop.now());
    this.#flush();
  }

  #answer(ip: string): void {
    this.#responder?.setStanding(ip, { mode: 'own' });
    const acquired = this.#unreported.get(ip);
    if (acquired === undefined) return;
    this.#unreported.delete(ip);
    const { epoch, cause, quiet } = acquired;
    const since = this.#mesh.mine.get(ip)?.since;
    const before = cause === 'restored' && since !== undefined && { ownedMs: this.#context.loop.now() - since };
    const gentle = quiet && { quiet: { from: this.#nameOf(quiet.from), forMs: quiet.until - this.#context.loop.now() } };
    const { name, mac } = this.#device;
    this.#context.post({ kind: 'acquired', ip, segment: this.name, interface: name, mac, epoch, cause, ...before, ...gentle });
  }

  #gatewaysFor(ip: string): Neighbour[] {
    const family = familyOf(ip);
    return this.#uplink.gateways.filter(gateway => familyOf(gateway.ip) === family);
  }

  /** The interface came back, or has another MAC, which is then reported as well. */
  #announceAll(report: boolean): void {
    for (const { vip, epoch, quiet } of this.#mesh.mine.values()) {
      if (this.#probe.has(vip) || this.#refused.has(vip)) continue;
      // Whoever was told of it knows the way still; with another MAC there is no quiet way.
      if (quiet !== undefined && !report) continue;
      if (report) this.#unreported.set(vip, { epoch, cause: 'interface-changed' });
      this.#announce(vip);
    }
  }

  #onVerdict({ ip, stranger }: Verdict): void {
    if (!this.#mesh.mine.has(ip)) return;
    if (stranger === undefined) {
      this.#accept(ip);
      this.#announce(ip);
      return;
    }
    // The claim is kept, so that no other node announces over the stranger; nothing is answered.
    const now = this.#context.loop.now();
    const told = this.#refused.get(ip)?.told === true;
    const given = this.#giveTo(ip, stranger, now);
    this.#refused.set(ip, { mac: stranger, at: now + (this.#ours.has(stranger) ? RETRY_OURS : RETRY_CONFLICT), told: told || !given });
    if (given || told) return;
    this.#context.post({ kind: 'conflict', ip, segment: this.name, interface: this.#device.name, mac: stranger, phase: 'probe' });
  }

  /** Nobody else answers for it any more, or it is not ours to watch. */
  #accept(ip: string): void {
    const refused = this.#refused.get(ip);
    this.#refused.delete(ip);
    if (refused?.told === true) this.#context.post({ kind: 'conflict-over', ip, segment: this.name, interface: this.#device.name });
  }

  #retryRefused(now: number): void {
    for (const [ip, refused] of this.#refused) {
      // The node of the stranger may have joined only now.
      if (this.#ours.has(refused.mac)) refused.at = Math.min(refused.at, now + RETRY_OURS);
      if (now < refused.at) continue;
      refused.at = now + (this.#ours.has(refused.mac) ? RETRY_OURS : RETRY_CONFLICT);
      this.#probe.start(ip, now);
      this.#flush();
    }
  }

  /**
   * Another program on a node of ours answers for the address, such as the speaker of another load balancer. That node shall have it: it
   * announces the same MAC, so that no client notices when the other program goes, and connections stay where they are.
   */
  #giveTo(ip: string, mac: Mac, now: number): boolean {
    const node = this.#nodeOf(mac);
    if (node === undefined || this.#mesh.desired.get(ip)?.order.includes(node.id) !== true) return false;
    return this.#mesh.handovers.has(ip) || startHandover(this.#mesh, ip, 'handover', now, { to: node.id, drain: 0 });
  }

  /** Sends what probes and announcements are due, and comes back for the next. */
  #flush(): void {
    const { loop } = this.#context;
    const now = loop.now();
    const { send, done } = this.#probe.due(now);
    for (const ip of send) this.#responder?.send(probeFrame(ip, this.#device.mac));
    for (const announcement of this.#announcer.due(now)) {
      for (const frame of announcementFrames(announcement, this.#device.mac)) this.#responder?.send(frame);
    }
    for (const verdict of done) this.#onVerdict(verdict);
    const next = Math.min(this.#probe.nextDue() ?? Number.POSITIVE_INFINITY, this.#announcer.nextDue(now) ?? Number.POSITIVE_INFINITY);
    if (this.#flushTimer !== undefined && this.#flushTimer.time > now && this.#flushTimer.time <= next) return;
    this.#flushTimer?.cancel();
    this.#flushTimer = Number.isFinite(next) ? loop.at(Math.max(next, now + 1), () => this.#flush()) : undefined;
  }

  #refreshTable(): void {
    if (!this.#tableStale || this.#responder === undefined) return;
    this.#tableStale = false;
    const standings = new Map<string, Standing>();
    for (const ip of this.#addresses.keys()) standings.set(ip, this.#standingOf(ip));
    const own = this.#device.addresses.map(({ address }) => address);
    this.#guard('ARP and NDP', () => this.#responder?.setAddresses(standings, own));
  }

  #standingOf(ip: string): Standing {
    const held = this.#mesh.caretaking.get(ip);
    if (held !== undefined) return { mode: 'caretaker', mac: held.mac };
    if (this.#mesh.lameDucks.has(ip)) return { mode: 'lame-duck' };
    const own = this.#mesh.mine.get(ip)?.dormant === false && !this.#probe.has(ip) && !this.#refused.has(ip);
    return own ? { mode: 'own' } : { mode: 'silent' };
  }

  /** Nodes whose speaker is silent while their kernel answers; asks those kernels again. */
  #answering(now: number): string[] {
    const peers = [...this.#mesh.peers.values()].map(peer => ({
      name: peer.name,
      address: peer.address,
      mac: peer.macs[0],
      heard: isHeard(peer),
    }));
    const { ask, answering } = this.#silent.look(peers, now);
    for (const { address, mac } of ask) this.#uplink.ask(address, mac, this.#device);
    return answering;
  }

  #unfitReason(now: number): string | undefined {
    if (this.#responder === undefined) return 'no socket for ARP and NDP could be opened';
    if (!this.#device.carrier) return 'the link is down';
    if (this.#mesh.unheardSince !== undefined) return 'no peer hears this node';
    if (this.#mesh.uplink.probed && now - this.#mesh.uplink.seenAt > this.#mesh.timers.interval * this.#mesh.timers.multiplier)
      return 'neither the gateway nor any other host answers';
    return undefined;
  }

  #nameOf(id: string): string {
    const name = this.#mesh.peers.get(id)?.name;
    return name === undefined || name === '' ? id : name;
  }

  #guard(about: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof RawSocketError)) throw error;
      this.#problem(about, error);
    }
  }

  #problem(about: string, error: RawSocketError): void {
    this.#context.post({ kind: 'problem', about: `${about} on ${this.#device.name}`, message: error.message });
  }
}

/** Claims of speakers that are away while their kernels go on. */
function heldClaims(state: MeshState): number {
  let held = 0;
  for (const peer of state.peers.values()) if (peer.liveness === 'held') held += peer.claims.size;
  return held;
}
