import {
  cleanupOwnPins,
  type NetlinkEvent,
  NetlinkWatcher,
  nowNs,
  openKernelResponder,
  type PollLoop,
  type RawSocketError,
  routes,
} from 'raw-socket';
import { type Keyring, keyring } from '../mesh/authentication.ts';
import { listening } from '../mesh/timers.ts';
import { AdoptedEntries } from './adopted-entries.ts';
import { type Device, devicesFor, devicesOf, type OnePerSegment, onePerSegment, withKnownNames } from './devices.ts';
import type { Kernel } from './kernel-answers.ts';
import { Leases } from './leases.ts';
import type { NodeHint, WireAddress, WireCommand, WireEvent, WireOptions } from './messages.ts';
import { Segment } from './segment/segment.ts';
import type { SegmentContext } from './segment/state.ts';

const REPORT_INTERVAL = 1_000;
/** Changes of interfaces come in bursts; they are looked at together (ms). */
const DEVICE_SETTLE = 2;
const MAIN_TABLE = 254;
/** How often the kernel is given a sign of life of this thread (ms). */
const LEASE_RENEWAL = 100;
/** What an earlier process left with the kernel is taken up so long (ms) after listening, or goes: claims are restored by then. */
const ADOPTION = 500;
/** The same while a node that stood still listens again, counted from its start (ms). */
const ADOPTION_LIMIT = 5_000;

/** What a thread is given so that the same code runs in tests. */
export interface Identity {
  /** Another random number at every call, never 0. */
  nonce: () => bigint;
  random: () => number;
  /** ms since the epoch. */
  wall: () => number;
}

/** The wire thread: one segment per usable interface, and which address belongs on which. */
export class Wire {
  readonly #loop: PollLoop;
  readonly #options: WireOptions;
  readonly #post: (event: WireEvent) => void;
  readonly #watcher: NetlinkWatcher;
  readonly #context: SegmentContext;
  readonly #kernelToken: bigint;
  readonly #segments = new Map<number, Segment>();
  /** Names of the segments that there were. */
  readonly #ended = new Set<string>();
  readonly #addresses = new Map<string, WireAddress>();
  /** All that this node's interfaces have had. */
  readonly #subnets = new Set<string>();
  #spareNotes: readonly string[] = [];
  #ring: Keyring;
  #hints: readonly NodeHint[] = [];
  /** Excluded interfaces that could be used. */
  #excluded: readonly string[] = [];
  #leaving: { until: number; restart: boolean } | undefined;
  /** The goodbye was said. */
  #left = false;
  #drainWithin: number | undefined;
  #refreshing = false;
  #nextReport: { cancel(): void } | undefined;
  #closed = false;

  constructor(loop: PollLoop, options: WireOptions, identity: Identity, post: (event: WireEvent) => void) {
    this.#loop = loop;
    this.#options = options;
    this.#post = post;
    this.#kernelToken = identity.nonce();
    this.#ring = keyring(options.secrets, options.clusterUid);
    for (const address of options.addresses) this.#addresses.set(address.ip, address);
    this.#context = {
      loop,
      node: options.node,
      nonce: identity.nonce,
      timers: options.timers,
      port: options.port,
      random: identity.random,
      wall: identity.wall,
      keyring: () => this.#ring,
      kernel: this.#openKernel(),
      caretaker: options.caretaker,
      post,
      onHeard: () => this.#report(),
    };
    this.#watcher = new NetlinkWatcher({
      poller: loop,
      topics: ['link', 'address', 'route'],
      onEvent: event => this.#onNetlink(event),
      onError: error => this.#problem('interface events', error),
    });
    this.#renewLease();
    const start = loop.now();
    if (this.#context.kernel !== undefined) this.#loop.after(listening(options.timers) + ADOPTION, () => this.#settleAdopted(start));
    this.#refreshDevices();
    this.#refreshGateways();
    this.#report();
  }

  command(command: WireCommand): void {
    switch (command.kind) {
      case 'addresses':
        this.#setAddresses(command.set, command.remove);
        break;
      case 'hints':
        this.#hints = command.nodes;
        for (const segment of this.#segments.values()) segment.setHints(this.#hints);
        break;
      case 'secrets':
        this.#ring = keyring(command.secrets, this.#options.clusterUid);
        for (const segment of this.#segments.values()) segment.setNewestKey(this.#ring.keys[0]?.id ?? 0);
        break;
      case 'drain-within':
        this.#drainWithin = command.ms;
        for (const segment of this.#segments.values()) segment.drainWithin(command.ms);
        break;
      case 'flows':
        for (const { ip, flows } of command.counts) for (const segment of this.#segments.values()) segment.flows(ip, flows);
        break;
      case 'leave':
        this.#leave(command.deadline, command.restart);
        break;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { kernel } = this.#context;
    const isHolder = kernel?.leases.isHolder === true;
    // Whatever ends this process but leaving for good: the kernel goes on for the next one, for as long as the others hold the addresses.
    const keep = kernel?.responder.pinned !== undefined && (!isHolder || this.#leaving?.restart !== false);
    for (const segment of this.#segments.values()) segment.close(keep);
    this.#watcher.close();
    if (keep && isHolder) kernel.leases.rest();
    kernel?.responder.close(keep);
  }

  #openKernel(): Kernel | undefined {
    const { responder: wanted, pinDirectory } = this.#options;
    if (wanted === 'packet') {
      this.#retirePins();
      return undefined;
    }
    const opened = openKernelResponder({ pinDirectory, holdGroups: true });
    if (!opened.available) {
      this.#post({ kind: 'note', message: `ARP and NDP are answered by packet socket: ${opened.because}` });
      this.#retirePins();
      return undefined;
    }
    const { responder } = opened;
    if (responder.pinProblem !== undefined)
      this.#post({ kind: 'note', message: `the kernel answers only while the speaker runs: ${responder.pinProblem}` });
    // First of all, so that a process that still runs renews no lease from here on.
    const leases = new Leases(responder, this.#kernelToken, nowNs);
    const adopted = new AdoptedEntries(responder);
    adopted.expire(nowNs());
    if (responder.adopted)
      this.#post({ kind: 'note', message: `the kernel went on answering for ${adopted.size} addresses; this process takes them over` });
    return { responder, leases, adopted };
  }

  /** An earlier process may have left answers with the kernel, which this one could not end: they go as soon as it answers itself. */
  #retirePins(): void {
    const { pinDirectory, timers } = this.#options;
    if (pinDirectory === undefined) return;
    this.#loop.after(listening(timers) + ADOPTION, () => {
      const removed = this.#closed ? [] : cleanupOwnPins(pinDirectory);
      if (removed.length > 0) this.#post({ kind: 'note', message: `removed what the kernel answered with before: ${removed.join(', ')}` });
    });
  }

  /** The claims of before have been taken up or not: what else is left goes, with programs of other versions. */
  #settleAdopted(start: number): void {
    const { kernel } = this.#context;
    if (kernel === undefined || this.#closed || !kernel.leases.isHolder) return;
    const listeningFor = this.#listeningFor();
    if (listeningFor > 0 && this.#loop.now() - start < ADOPTION_LIMIT) {
      this.#loop.after(listeningFor + ADOPTION, () => this.#settleAdopted(start));
      return;
    }
    const { responder, adopted } = kernel;
    adopted.settle();
    for (const index of responder.attached) if (!this.#segments.has(index)) responder.detach(index);
    const retired = responder.retireOthers();
    if (retired.length > 0)
      this.#post({ kind: 'note', message: `removed what another version had left with the kernel: ${retired.join(', ')}` });
    if (responder.groupProblem !== undefined) this.#post({ kind: 'problem', about: 'multicast', message: responder.groupProblem });
  }

  /** A thread that hangs stops renewing, and the kernel falls silent: others take over then. */
  #renewLease(): void {
    const { kernel } = this.#context;
    if (kernel === undefined || this.#closed) return;
    if (!kernel.leases.isHolder) {
      this.close();
      return this.#post({ kind: 'superseded' });
    }
    // Before the work, so that an exception in it does not end the rhythm.
    this.#loop.after(LEASE_RENEWAL, () => this.#renewLease());
    const now = nowNs();
    kernel.adopted.expire(now);
    kernel.leases.renew(now);
  }

  #setAddresses(set: readonly WireAddress[], remove: readonly string[]): void {
    const named = this.#named();
    for (const ip of remove) this.#addresses.delete(ip);
    for (const address of set) this.#addresses.set(address.ip, address);
    if (this.#named().join() !== named.join()) this.#refreshDevices();
    for (const ip of remove) for (const segment of this.#segments.values()) segment.remove(ip);
    for (const address of set) this.#place(address);
    for (const segment of this.#segments.values()) segment.settle();
  }

  /** Puts an address on the segments it belongs to and takes it off the others. */
  #place(address: WireAddress): void {
    const devices = new Set(devicesFor(address.ip, address.interfaces, this.#devices(), this.#subnets).map(({ index }) => index));
    for (const [index, segment] of this.#segments) {
      // What was owned before the restart was taken up or not when the segment began first; since then it may have been with others.
      const later = [segment.name, ...segment.device.subnets].some(name => this.#ended.has(name));
      if (devices.has(index)) segment.set(later ? { ...address, restored: [], lastOwners: [], lameDucks: [] } : address);
      else segment.remove(address.ip);
    }
  }

  #devices(): Device[] {
    return [...this.#segments.values()].map(segment => segment.device);
  }

  /** Interfaces that some address names. */
  #named(): string[] {
    return [...new Set([...this.#addresses.values()].flatMap(address => address.interfaces))].sort();
  }

  #onNetlink(event: NetlinkEvent): void {
    if (event.kind === 'overrun') {
      this.#scheduleRefresh();
      this.#refreshGateways();
    } else if (event.kind === 'route') {
      if (event.route.prefixLength === 0) this.#refreshGateways();
    } else if (event.kind === 'link' || event.kind === 'address') {
      // A link that goes down must silence us at once; everything else may settle first.
      if (event.kind === 'link' && event.change !== 'added') this.#refreshDevices();
      else this.#scheduleRefresh();
    }
  }

  #scheduleRefresh(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    this.#loop.after(DEVICE_SETTLE, () => {
      this.#refreshing = false;
      if (!this.#closed) this.#refreshDevices();
    });
  }

  #refreshDevices(): void {
    const named = new Set(this.#named());
    const { usable, excluded } = devicesOf(this.#watcher.interfaces.values(), this.#options.excludeInterfaces, named);
    this.#excluded = excluded;
    const names = new Map([...this.#segments].map(([index, segment]) => [index, segment.name]));
    const { chosen, spare } = onePerSegment(withKnownNames(usable, names), named, new Set(names.keys()));
    this.#noteSpare(spare);
    const byIndex = new Map(chosen.map(device => [device.index, device]));
    let replace = false;
    for (const [index, segment] of this.#segments) {
      const device = byIndex.get(index);
      // Another subnet is another segment: its peers and epochs are others.
      if (device !== undefined && device.segment === segment.name && device.name === segment.device.name) continue;
      segment.end(device);
      this.#ended.add(segment.name);
      this.#segments.delete(index);
      replace = true;
    }
    for (const device of chosen) {
      for (const subnet of device.subnets) this.#subnets.add(subnet);
      const segment = this.#segments.get(device.index);
      if (segment !== undefined) {
        replace ||= segment.device.subnets.join() !== device.subnets.join();
        segment.update(device);
        continue;
      }
      // One that comes after the goodbye would be answered on, and nobody would say goodbye there.
      if (this.#left) continue;
      const created = new Segment(device, this.#context);
      created.setHints(this.#hints);
      created.drainWithin(this.#drainWithin);
      if (this.#leaving !== undefined) created.leave(this.#leaving.until);
      this.#segments.set(device.index, created);
      replace = true;
    }
    if (!replace) return;
    for (const address of this.#addresses.values()) this.#place(address);
    for (const segment of this.#segments.values()) segment.settle();
    this.#refreshGateways();
  }

  #noteSpare(spare: OnePerSegment['spare']): void {
    const notes = spare.map(
      ({ name, segment, beside }) =>
        `${name} is in the subnet ${segment} like ${beside}: only ${beside} is used, as long as its link is up`,
    );
    for (const message of notes) if (!this.#spareNotes.includes(message)) this.#post({ kind: 'note', message });
    this.#spareNotes = notes;
  }

  #refreshGateways(): void {
    const gateways = new Map<number, string[]>();
    for (const route of routes()) {
      if (route.prefixLength !== 0 || route.table !== MAIN_TABLE) continue;
      for (const { gateway, interfaceIndex } of route.gateways) {
        if (gateway === undefined || interfaceIndex === undefined) continue;
        gateways.set(interfaceIndex, [...(gateways.get(interfaceIndex) ?? []), gateway]);
      }
    }
    for (const [index, segment] of this.#segments) segment.setGateways(gateways.get(index) ?? []);
  }

  #leave(deadline: number, restart: boolean): void {
    if (this.#leaving !== undefined) return;
    if (restart) {
      this.#leaving = { until: this.#loop.now(), restart };
      for (const segment of this.#segments.values()) segment.pause();
      this.#context.kernel?.leases.leave();
      return this.#tellLeft();
    }
    const until = this.#loop.now() + deadline;
    this.#leaving = { until, restart };
    for (const segment of this.#segments.values()) segment.leave(until);
    const step = (): void => {
      const done = [...this.#segments.values()].every(segment => segment.handedOver);
      if (!done && this.#loop.now() < until) {
        this.#loop.after(this.#options.timers.interval / 4, step);
        return;
      }
      for (const segment of this.#segments.values()) segment.farewell();
      this.#tellLeft();
    };
    // One tick for the handovers to begin.
    this.#loop.after(this.#options.timers.interval / 2, step);
  }

  #tellLeft(): void {
    this.#left = true;
    this.#post({ kind: 'left' });
  }

  #report(): void {
    if (this.#closed) return;
    this.#nextReport?.cancel();
    this.#post({ kind: 'report', segments: [...this.#segments.values()].map(segment => segment.report()), excluded: this.#excluded });
    // The end of listening makes a node ready, as does the first peer: it is told at once, so that a rollout does not wait for the next report.
    const listening = this.#listeningFor();
    this.#nextReport = this.#loop.after(listening > 0 ? Math.min(listening + 1, REPORT_INTERVAL) : REPORT_INTERVAL, () => this.#report());
  }

  /** How long one of the segments still only listens (ms). */
  #listeningFor(): number {
    return Math.max(0, ...[...this.#segments.values()].map(segment => segment.listeningFor));
  }

  #problem(about: string, error: RawSocketError): void {
    this.#post({ kind: 'problem', about, message: error.message });
  }
}
