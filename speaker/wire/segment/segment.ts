import { nodeIdOf, seal, unseal } from '../../mesh/authentication.ts';
import { handedOver, leaveMesh, setCarrier, setDesired } from '../../mesh/desired.ts';
import { noteFlows } from '../../mesh/lame-duck.ts';
import { onPacket, peersHaveNewestKey } from '../../mesh/receive.ts';
import { copyOf } from '../../mesh/send.ts';
import { type Effect, isHeard } from '../../mesh/state.ts';
import { farewell, pauseMesh, tick, tickInterval } from '../../mesh/tick.ts';
import { SilentNodes } from '../../node-mode/silent-nodes.ts';
import type { Device } from '../devices.ts';
import type { NodeHint, SegmentReport, WireAddress } from '../messages.ts';
import { Transport } from '../transport.ts';
import { UplinkProbe } from '../uplink-probe.ts';
import { Announcing } from './announcing.ts';
import { Answering } from './answering.ts';
import { desiredOf } from './desired-address.ts';
import { Ownership } from './ownership.ts';
import { Receiver } from './receiver.ts';
import { reportOf } from './report.ts';
import { SegmentIds } from './segment-ids.ts';
import { createSegmentState, nameOf, type SegmentContext, type SegmentState, tellProblem } from './state.ts';
import { Strangers } from './strangers.ts';

/**
 * Everything of this node on one interface. It keeps the rhythm of this node's part of the mesh and has done what the mesh decides: by
 * `Answering` and `Ownership` (who is answered), `Announcing` (who is told) and `Strangers` (who else is there).
 */
export class Segment {
  readonly #state: SegmentState;
  readonly #addresses = new Map<string, WireAddress>();
  readonly #transport: Transport;
  readonly #uplink: UplinkProbe;
  readonly #silent = new SilentNodes();
  readonly #ownership: Ownership;
  readonly #announcing: Announcing;
  readonly #strangers: Strangers;
  readonly #answering: Answering;
  readonly #ids = new SegmentIds();
  /** What the changes of `set` bring, done when the table of answers has the addresses. */
  #planned: Effect[] = [];
  #rejected = 0;
  #timer: { cancel(): void } | undefined;
  #isHeard = false;
  #closed = false;

  constructor(device: Device, context: SegmentContext) {
    const state = createSegmentState(device, context);
    this.#state = state;
    this.#transport = new Transport(context.loop, context.port, (data, from) => this.#onDatagram(data, from));
    this.#uplink = new UplinkProbe(frame => state.responder?.send(frame));
    this.#ownership = new Ownership(state);
    this.#announcing = new Announcing(state, this.#ownership, this.#uplink, verdict => this.#strangers.judge(verdict));
    this.#strangers = new Strangers(state, this.#announcing);
    const listener = new Receiver(state, {
      addresses: this.#addresses,
      announcing: this.#announcing,
      strangers: this.#strangers,
      uplink: this.#uplink,
      silent: this.#silent,
    });
    this.#answering = new Answering(state, {
      listener,
      planned: this.#addresses,
      onChange: () => this.update(this.device),
    });
    this.update(device);
  }

  get name(): string {
    return this.#state.name;
  }

  get device(): Device {
    return this.#state.device;
  }

  /** Link, MAC or addresses of the interface changed. */
  update(device: Device): void {
    const state = this.#state;
    const before = state.device;
    state.device = device;
    this.#ids.setSubnets(device.segment, device.subnets);
    state.mesh.macs = [device.mac];
    for (const problem of this.#transport.update(device)) tellProblem(state, 'heartbeats', problem);
    if (device.mac !== before.mac) this.#answering.reopen();
    // Without a responder nothing could be answered: as without a link, nothing is kept or taken, and the others know at once.
    const wasUp = state.mesh.uplink.carrier;
    const isUp = device.carrier && state.responder !== undefined;
    setCarrier(state.mesh, isUp);
    this.#answering.touch();
    const cameBack = device.carrier && !before.carrier;
    if (cameBack) {
      for (const problem of this.#transport.rejoin()) tellProblem(state, 'multicast', problem);
      state.responder?.rejoin();
    }
    if (!isUp && wasUp) this.#tick();
    this.#answering.refresh();
    if (cameBack || device.mac !== before.mac) this.#announceAll(device.mac !== before.mac);
  }

  setGateways(gateways: readonly string[]): void {
    this.#uplink.setGateways(gateways);
  }

  setHints(nodes: readonly NodeHint[]): void {
    this.#state.mesh.hints = nodes.map(({ name, addresses }) => ({ node: nodeIdOf(name), addresses }));
  }

  setNewestKey(id: number): void {
    this.#state.mesh.newestKey = id;
  }

  /** Adds or changes an address of the plan; `settle` has to follow. */
  set(address: WireAddress): void {
    const { ip } = address;
    const { context, mesh, name, device } = this.#state;
    const now = this.#now();
    this.#addresses.set(ip, address);
    this.#planned.push(...setDesired(mesh, ip, desiredOf(address, [name, ...device.subnets], now, context.wall()), now));
    this.#answering.touch();
  }

  remove(ip: string): void {
    if (!this.#addresses.delete(ip)) return;
    this.#apply(setDesired(this.#state.mesh, ip, undefined, this.#now()));
    this.#announcing.forget(ip);
    this.#strangers.forget(ip);
    this.#answering.touch();
  }

  /** After a batch of `set` and `remove`: filters and groups change once, and what is free is taken without waiting for a tick. */
  settle(): void {
    this.#answering.refresh();
    const effects = this.#planned;
    this.#planned = [];
    this.#apply(effects);
    this.#tick();
  }

  /** Established flows that still pass through this node, of an address that has moved away gently. */
  flows(ip: string, flows: number): void {
    this.#apply(noteFlows(this.#state.mesh, ip, flows, this.#now()));
  }

  drainWithin(ms: number | undefined): void {
    this.#state.mesh.drainOverride = ms;
  }

  leave(until: number): void {
    leaveMesh(this.#state.mesh, until);
  }

  get handedOver(): boolean {
    return handedOver(this.#state.mesh);
  }

  /** The process ends and will be back. */
  pause(): void {
    this.#apply(pauseMesh(this.#state.mesh, this.#now()));
    for (const hold of new Set([...this.#addresses.values()].map(address => address.hold))) {
      if (hold === 0) this.#answering.rest(hold);
      else
        this.#state.context.loop.after(hold, () => {
          if (!this.#closed) this.#answering.rest(hold);
        });
    }
  }

  farewell(): void {
    this.#apply(farewell(this.#state.mesh, this.#now()));
  }

  /**
   * The interface is another segment from now on, or not usable any more. The others are told as far as it still goes, so that they need
   * not wait for this node's silence, which its kernel may break.
   * @param device what has become of it; undefined where it cannot be used
   */
  end(device: Device | undefined): void {
    // Without the addresses that are gone: what is sent from them does not leave.
    if (device !== undefined) this.#transport.update(device);
    // One that has said that it will be back does not give up what is held for it.
    if (!this.#state.mesh.restarting) this.#apply(farewell(this.#state.mesh, this.#now(), 'interface-gone'));
    this.close();
  }

  /** @param keep the kernel is to go on for the next process */
  close(keep = false): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#announcing.close();
    this.#transport.close();
    this.#answering.close(keep);
  }

  /** How long this node still only listens (ms); 0 when it does not. */
  get listeningFor(): number {
    return Math.max(0, this.#state.mesh.listenUntil - this.#now());
  }

  /** What is known; called once a second, and when listening ends. */
  report(): SegmentReport {
    return reportOf(this.#state, {
      peersAnswering: this.#answeringPeers(),
      gatewaysUnconfirmed: this.#announcing.unconfirmedGateways(),
      rejected: this.#rejected,
      unsent: this.#transport.errors,
    });
  }

  #now(): number {
    return this.#state.context.loop.now();
  }

  #tick(): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    const { context, mesh, device } = this.#state;
    const now = this.#now();
    // Before the work, so that an exception in it does not end the rhythm.
    this.#timer = context.loop.at(now + tickInterval(mesh), () => this.#tick());
    this.#state.ours = new Set([device.mac, ...[...mesh.peers.values()].flatMap(peer => peer.macs)]);
    this.#uplink.tick(mesh, device, now);
    this.#apply(tick(mesh, now));
    this.#answering.reviewAdopted();
    this.#noteHeard();
    this.#strangers.tick(now);
  }

  #onDatagram(data: Buffer, from: { address: string; group: boolean }): void {
    const read = unseal(data, this.#state.context.keyring(), this.#ids.accepted);
    if (typeof read === 'string') this.#rejected += 1;
    else {
      this.#ids.heard(from.address, read.segmentId);
      this.#apply(onPacket(this.#state.mesh, read.packet, from, this.#now()));
    }
    if (!this.#isHeard) this.#noteHeard();
  }

  #noteHeard(): void {
    const was = this.#isHeard;
    this.#isHeard = [...this.#state.mesh.peers.values()].some(peer => peer.liveness === 'two-way');
    if (this.#isHeard && !was) this.#state.context.onHeard();
  }

  #apply(effects: readonly Effect[]): void {
    const { name: segment, responder } = this.#state;
    const { post } = this.#state.context;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#send(effect);
          break;
        case 'acquire':
          this.#acquire(effect);
          break;
        case 'release':
          this.#announcing.stop(effect.vip);
          this.#strangers.released(effect.vip);
          this.#ownership.released(effect);
          break;
        case 'duplicate':
          post({ kind: 'duplicate', ip: effect.vip, segment, node: nameOf(this.#state, effect.node) });
          break;
        case 'stall':
          post({ kind: 'stall', segment, ms: effect.ms });
          break;
        case 'ask-kernel':
          this.#uplink.ask(effect.address, effect.mac, this.device);
          break;
        case 'caretake':
          responder?.setStanding(effect.vip, effect.mac === undefined ? { mode: 'silent' } : { mode: 'caretaker', mac: effect.mac });
          break;
        case 'announce':
          post({ kind: 'announced', ip: effect.vip, segment, why: effect.why });
          this.#announcing.announce(effect.vip);
          break;
        case 'lame-duck':
          this.#ownership.lameDuck(effect);
          break;
        case 'lame-duck-over':
          this.#answering.settle(effect.vip);
          post({ kind: 'lame-duck-over', ip: effect.vip, segment, why: effect.why });
          break;
        case 'peer':
          break;
      }
    }
  }

  #send({ packet, to }: Effect & { kind: 'send' }): void {
    const { context, mesh } = this.#state;
    for (const [index, id] of this.#ids.for(to).entries()) {
      const sent = index === 0 ? packet : copyOf(mesh, packet);
      this.#transport.send(seal(sent, context.keyring(), id, peersHaveNewestKey(mesh)), to);
    }
  }

  #acquire(effect: Effect & { kind: 'acquire' }): void {
    const { vip, cause, quiet, probe } = effect;
    this.#ownership.claimed(effect);
    // Never on failover: the address is known to be ours, and a client waits.
    if (probe) this.#announcing.probe(vip);
    // Not even the usual refresh: it would draw everybody here.
    else if (quiet !== undefined) this.#ownership.answer(vip);
    else if (cause === 'restored') this.#announcing.resume(vip);
    else this.#announcing.announce(vip);
  }

  /** The interface came back, or has another MAC, which is then reported as well. */
  #announceAll(report: boolean): void {
    for (const { vip, epoch, quiet, withheld } of this.#state.mesh.mine.values()) {
      if (withheld) continue;
      // Whoever was told of it knows the way still; with another MAC there is no quiet way.
      if (quiet !== undefined && !report) continue;
      if (report) this.#ownership.interfaceChanged(vip, epoch);
      this.#announcing.announce(vip);
    }
  }

  /** Nodes whose speaker is silent while their kernel answers; asks those kernels again. */
  #answeringPeers(): string[] {
    const peers = [...this.#state.mesh.peers.values()].map(peer => ({
      name: peer.name,
      address: peer.address,
      mac: peer.macs[0],
      heard: isHeard(peer),
    }));
    const { ask, answering } = this.#silent.look(peers, this.#now());
    for (const { address, mac } of ask) this.#uplink.ask(address, mac, this.device);
    return answering;
  }
}
