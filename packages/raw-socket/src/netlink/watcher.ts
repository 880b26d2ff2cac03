import { MSG_DONTWAIT } from '../constants.ts';
import type { RawSocketError } from '../error.ts';
import type { Poller, Source } from '../poller.ts';
import type { NetlinkMessage } from './codec.ts';
import { diffInterfaces, sameAddress, sameLink } from './interface-diff.ts';
import {
  type InterfaceAddress,
  type Neighbour,
  parseAddress,
  parseLink,
  parseNeighbour,
  parseRoute,
  type Route,
  RTM,
} from './route-messages.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts';
import { type InterfaceInfo, interfaces } from './tables.ts';

export type NetlinkEvent =
  /** `changed` also for what the interface's addresses do not show: flags, carrier, MAC, name, master. */
  | { kind: 'link'; change: 'added' | 'changed' | 'removed'; interface: InterfaceInfo; previous: InterfaceInfo | undefined }
  | { kind: 'address'; change: 'added' | 'changed' | 'removed'; address: InterfaceAddress; interface: InterfaceInfo | undefined }
  | { kind: 'route'; change: 'added' | 'removed'; route: Route }
  | { kind: 'neighbour'; change: 'changed' | 'removed'; neighbour: Neighbour }
  /** Events were lost. Links and addresses have been read anew and reported as changes; routes and neighbours must be read anew. */
  | { kind: 'overrun' };

export type NetlinkTopic = 'link' | 'address' | 'route' | 'neighbour';

// Multicast groups of rtnetlink(7), as bits: RTNLGRP_n is bit n-1.
const groups: Record<NetlinkTopic, number> = {
  link: 1 << 0,
  address: (1 << 4) | (1 << 8),
  route: (1 << 6) | (1 << 10),
  neighbour: 1 << 2,
};

export interface NetlinkWatcherOptions {
  /** `eventLoop` on a main thread, the PollLoop in its worker. */
  poller: Poller;
  /** Default: link and address, which are always watched. */
  topics?: readonly NetlinkTopic[];
  onEvent: (event: NetlinkEvent) => void;
  /** Kernel buffer, bytes; default 4 MiB. */
  receiveBuffer?: number;
  /** A message that does not parse, or a failed receive. The watcher goes on. */
  onError?: (error: RawSocketError) => void;
}

/**
 * Follows the interfaces of this network namespace: the present state by `interfaces`, every change as an event, 1–3 ms after it
 * happened. Events are differences: what the kernel merely repeats is not reported.
 */
export class NetlinkWatcher implements Source {
  readonly #socket: NetlinkSocket;
  readonly #options: NetlinkWatcherOptions;
  #interfaces: Map<number, InterfaceInfo>;

  constructor(options: NetlinkWatcherOptions) {
    this.#options = options;
    const mask = (options.topics ?? []).reduce((bits, topic) => bits | groups[topic], groups.link | groups.address);
    // Listen first, then read: what happens in between is seen twice rather than not at all.
    this.#socket = new NetlinkSocket(NETLINK_ROUTE, "the kernel's interface events", {
      groups: mask,
      receiveBuffer: options.receiveBuffer ?? 4 << 20,
    });
    try {
      this.#interfaces = snapshot();
      options.poller.add(this);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  get fd(): number {
    return this.#socket.fd;
  }

  /** By index. A new map after a change of links; do not modify it. */
  get interfaces(): ReadonlyMap<number, InterfaceInfo> {
    return this.#interfaces;
  }

  byName(name: string): InterfaceInfo | undefined {
    for (const info of this.#interfaces.values()) if (info.name === name) return info;
    return undefined;
  }

  onReadable(): void {
    for (let i = 0; i < 64 && !this.#socket.closed; i++) {
      let messages: ReturnType<NetlinkSocket['receive']>;
      try {
        messages = this.#socket.receive(MSG_DONTWAIT);
        if (messages === undefined) return;
        if (messages === 'overrun') this.resync();
        else for (const message of messages) this.#handle(message);
      } catch (error) {
        if (!this.#options.onError || !isOurs(error)) throw error;
        this.#options.onError(error);
      }
    }
  }

  /** Reads links and addresses anew and reports the differences; done by itself when events were lost. */
  resync(): void {
    const before = this.#interfaces;
    this.#interfaces = snapshot();
    for (const event of diffInterfaces(before, this.#interfaces)) this.#emit(event);
    this.#emit({ kind: 'overrun' });
  }

  close(): void {
    if (this.#socket.closed) return;
    this.#options.poller.remove(this.#socket.fd);
    this.#socket.close();
  }

  #emit(event: NetlinkEvent): void {
    this.#options.onEvent(event);
  }

  #handle(message: NetlinkMessage): void {
    switch (message.type) {
      case RTM.NEWLINK:
      case RTM.DELLINK:
        return this.#onLink(message);
      case RTM.NEWADDR:
      case RTM.DELADDR:
        return this.#onAddress(message);
      case RTM.NEWROUTE:
      case RTM.DELROUTE: {
        const route = parseRoute(message);
        if (route) this.#emit({ kind: 'route', change: message.type === RTM.NEWROUTE ? 'added' : 'removed', route });
        return;
      }
      case RTM.NEWNEIGH:
      case RTM.DELNEIGH: {
        const neighbour = parseNeighbour(message);
        if (neighbour) this.#emit({ kind: 'neighbour', change: message.type === RTM.NEWNEIGH ? 'changed' : 'removed', neighbour });
      }
    }
  }

  #onLink(message: NetlinkMessage): void {
    const link = parseLink(message);
    if (!link) return;
    const previous = this.#interfaces.get(link.index);
    if (message.type === RTM.DELLINK) {
      if (!previous) return;
      this.#interfaces = new Map(this.#interfaces);
      this.#interfaces.delete(link.index);
      this.#emit({ kind: 'link', change: 'removed', interface: previous, previous });
      return;
    }
    if (previous && sameLink(previous, link)) return;
    const info: InterfaceInfo = { ...link, addresses: previous?.addresses ?? [] };
    this.#interfaces = new Map(this.#interfaces).set(link.index, info);
    this.#emit({ kind: 'link', change: previous ? 'changed' : 'added', interface: info, previous });
  }

  #onAddress(message: NetlinkMessage): void {
    const address = parseAddress(message);
    if (!address) return;
    const info = this.#interfaces.get(address.interfaceIndex);
    const others = info?.addresses.filter(a => a.address !== address.address || a.prefixLength !== address.prefixLength) ?? [];
    const known = info?.addresses.find(a => a.address === address.address && a.prefixLength === address.prefixLength);
    const removed = message.type === RTM.DELADDR;
    if (removed ? !known : known && sameAddress(known, address)) return;
    // A new object, so that an event's `previous` stays what it was.
    const changed = info && { ...info, addresses: removed ? others : [...others, address] };
    if (changed) this.#interfaces = new Map(this.#interfaces).set(changed.index, changed);
    this.#emit({ kind: 'address', change: removed ? 'removed' : known ? 'changed' : 'added', address, interface: changed });
  }
}

const snapshot = (): Map<number, InterfaceInfo> => new Map(interfaces().map(info => [info.index, info]));

const isOurs = (error: unknown): error is RawSocketError => error instanceof Error && error.name === 'RawSocketError';
