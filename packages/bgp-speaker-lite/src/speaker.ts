import { EventEmitter } from 'node:events';
import type { BfdService } from './bfd/spec.ts';
import { BfdThread } from './bfd/thread.ts';
import { parseRouterId } from './codec/address.ts';
import { Cease, cease, describeNotification, type Notification } from './codec/notification.ts';
import { BgpError, type BgpErrorCode } from './errors.ts';
import type { SessionState } from './fsm/state.ts';
import { keysOf, Listeners, type ListenRequest } from './listeners.ts';
import type { PeerOptions } from './options.ts';
import { Peer, type PeerHost } from './peer.ts';
import { checkAsn, type PeerConfig, peerConfig, peerName } from './peer-config.ts';
import { type Route, RouteParser } from './rib/route.ts';
import { type Audience, RouteTable } from './rib/route-table.ts';
import { type Clock, systemClock } from './session/clock.ts';
import { systemTransport, type Transport } from './session/transport.ts';
import type { BfdStatus, PeerStatus } from './status.ts';
import { type LinkDiscovery, systemDiscovery } from './unnumbered/discovery.ts';

export interface SpeakerOptions {
  /** Our AS number. */
  readonly asn: number;
  /** BGP identifier: any address-like number but 0.0.0.0, unique in the AS and the same after a restart (RFC 6286). */
  readonly routerId: string;
  /** Announced to peers, which show it beside the address. */
  readonly hostname?: string;
  /** Whether this process takes the place of one whose routes peers may still hold (the R bit of RFC 4724); true when left out. */
  readonly restarted?: boolean;
  readonly clock?: Clock;
  /** Numbers in [0, 1) for jitter. */
  readonly random?: () => number;
  readonly transport?: Transport;
  /** What runs the BFD sessions; a thread of its own when left out. */
  readonly bfd?: BfdService;
  /** What finds the routers of unnumbered peers. */
  readonly discovery?: LinkDiscovery;
}

export interface SpeakerEvents {
  /** A peer's session changed its state. */
  state: [event: { peer: string; state: SessionState; previous: SessionState }];
  /** A session, or an attempt to have one, ended; `text` says why in words. `code` is there when this machine lacks what the peer's options need. */
  failure: [event: { peer: string; text: string; notification?: string; direction?: 'sent' | 'received'; code?: BgpErrorCode }];
  /** A new session has been told every route, and the End-of-RIB of each family. */
  synchronized: [event: { peer: string }];
  /** A peer's BFD session changed. */
  bfd: [event: { peer: string; status: BfdStatus }];
  /** Something that is not working, in words; `peer` is empty when it concerns no peer in particular. */
  problem: [event: { peer: string; text: string }];
}

/** Limits a call to some peers, by name. */
export interface ForPeers {
  readonly peers?: readonly string[];
}

export interface StopOptions {
  /**
   * `cease`: say goodbye, peers drop the routes. `graceful-restart`: close without a word towards peers that agreed to keep the routes over a
   * restart (RFC 4724 §4); the others are told of an Administrative Reset.
   */
  readonly mode: 'cease' | 'graceful-restart';
  /** Shown by the peers beside "Administrative Shutdown" or "Administrative Reset" (RFC 9003). */
  readonly message?: string;
}

/**
 * A BGP speaker that announces routes to its peers and takes none. It opens sessions as soon as peers are added,
 * keeps each peer's table equal to what it was asked to announce, and explains every end of a session.
 */
export class Speaker extends EventEmitter<SpeakerEvents> {
  readonly #options: SpeakerOptions;
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #peers = new Map<string, Peer>();
  readonly #listeners: Listeners;
  readonly #parser = new RouteParser();
  readonly #routes: RouteTable;
  readonly #host: PeerHost;
  readonly #bfd: BfdService;
  readonly #discovery: LinkDiscovery;
  readonly #watches = new Map<string, { readonly link: string; readonly end: () => void }>();
  /** Whether every route is marked with GRACEFUL_SHUTDOWN, and else towards which peers. */
  #draining = false;
  readonly #drainingPeers = new Set<string>();
  #stopped = false;

  /** Throws `BGP_BAD_OPTION`. */
  constructor(options: SpeakerOptions) {
    super();
    checkAsn('speaker', 'asn', options.asn);
    parseRouterId(options.routerId);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#transport = options.transport ?? systemTransport;
    this.#discovery = options.discovery ?? systemDiscovery(this.#clock);
    this.#bfd = options.bfd ?? new BfdThread((peer, text) => this.emit('problem', { peer, text }));
    this.#routes = new RouteTable((prefix, audience) => {
      if (!audience) for (const peer of this.#peers.values()) peer.mark(prefix);
      else for (const name of audience) this.#peers.get(name)?.mark(prefix);
    });
    this.#listeners = new Listeners(this.#transport, this.#peers, (peer, text) => this.emit('problem', { peer, text }));
    this.#host = {
      clock: this.#clock,
      random: options.random ?? Math.random,
      transport: this.#transport,
      routes: this.#routes,
      draining: peer => this.#draining || this.#drainingPeers.has(peer),
      stateChanged: (peer, state, previous) => this.emit('state', { peer: peer.name, state, previous }),
      failed: (peer, { text, notification, direction, code }) =>
        this.emit('failure', {
          peer: peer.name,
          text,
          ...(notification && { notification: describeNotification(notification) }),
          ...(direction && { direction }),
          ...(code && { code }),
        }),
      synchronized: peer => this.emit('synchronized', { peer: peer.name }),
    };
  }

  /** The names of all peers. */
  get peers(): readonly string[] {
    return [...this.#peers.keys()];
  }

  /** Prefixes with at least one route. */
  get routeCount(): number {
    return this.#routes.size;
  }

  /**
   * Accepts connections from peers; others are closed before a word. Returns the port, which matters when 0 was asked for.
   * Without it the speaker only dials. Throws `BGP_LISTEN`.
   */
  async listen(options: ListenRequest = {}): Promise<number> {
    this.#checkRunning();
    return await this.#listeners.listen(options);
  }

  /** Adds a peer and opens a session with it. Throws `BGP_BAD_OPTION`, `BGP_DUPLICATE_PEER` or `BGP_STOPPED`. */
  addPeer(options: PeerOptions): void {
    this.#checkRunning();
    const config = peerConfig(options, this.#options);
    if (this.#peers.has(config.name))
      throw new BgpError('BGP_DUPLICATE_PEER', `a peer named ${config.name} exists already; use updatePeer`);
    this.#checkUnique(config);
    const peer = new Peer(config, this.#host, this.#options.restarted ?? true);
    this.#listeners.changeKeys(undefined, peer);
    this.#peers.set(config.name, peer);
    peer.start();
    this.#watchLink(peer);
    this.#watchPath(peer);
  }

  /**
   * Gives a peer these options in place of its old ones, all of them. Only what differs is touched: the session is
   * reset when the OPEN or the connection would be another, and stays up for everything else.
   * Throws `BGP_UNKNOWN_PEER`, `BGP_BAD_OPTION` or `BGP_DUPLICATE_PEER`; the peer then stays as it was.
   */
  updatePeer(options: PeerOptions): void {
    this.#checkRunning();
    const peer = this.#peer(peerName(options));
    const config = peerConfig(options, this.#options);
    this.#checkUnique(config);
    const before = peer.config;
    const address = config.discoverOn !== undefined && config.discoverOn === before.discoverOn ? peer.address : config.address;
    if (keysOf(peer) !== keysOf({ address, config })) this.#listeners.changeKeys(peer, { address, config });
    peer.reconfigure(config);
    this.#watchLink(peer);
    if (pathOf(before) !== pathOf(config)) this.#watchPath(peer);
  }

  /** Ends the session with Cease/Peer De-configured and forgets the peer. Throws `BGP_UNKNOWN_PEER`. */
  removePeer(name: string): void {
    const peer = this.#peer(name);
    peer.stop(cease(Cease.PEER_DECONFIGURED));
    this.#listeners.changeKeys(peer, undefined);
    this.#bfd.remove(name);
    this.#endWatch(name);
    this.#peers.delete(name);
    this.#drainingPeers.delete(name);
  }

  /** Ends a peer's session and begins a new one. */
  resetPeer(name: string, message?: string): void {
    this.#peer(name).reset(message);
  }

  /**
   * Announces a route to every peer, or to those named; there it takes the place of a route for every peer.
   * Announcing a prefix again with other attributes replaces it. Throws `BGP_BAD_PREFIX`, `BGP_BAD_ADDRESS` or `BGP_BAD_ROUTE`.
   */
  announce(route: Route, { peers }: ForPeers = {}): void {
    this.#checkRunning();
    this.#routes.set(this.#parser.parse(route), peers);
  }

  /** Withdraws a prefix from every peer, or undoes `announce` for those named. Returns whether there was anything to withdraw. */
  withdraw(prefix: string, { peers }: ForPeers = {}): boolean {
    return this.#routes.delete(this.#parser.parse({ prefix }).prefix.text, peers);
  }

  /** Makes exactly these the routes announced; what stays the same is not sent again. Throws as `announce` does, and then changes nothing. */
  replaceRoutes(routes: Iterable<Route & ForPeers>): void {
    this.#checkRunning();
    const wanted: { route: ReturnType<RouteParser['parse']>; audience: Audience }[] = [];
    for (const route of routes) wanted.push({ route: this.#parser.parse(route), audience: route.peers });
    this.#routes.replace(wanted);
  }

  /**
   * Marks every route with GRACEFUL_SHUTDOWN (RFC 8326), and with LOCAL_PREF 0 inside the AS, so that routers move traffic
   * away while the routes still work; or takes the mark off again. Towards every peer, or only those named.
   */
  setGracefulShutdown(on: boolean, { peers }: ForPeers = {}): void {
    const before = new Set([...this.#peers.keys()].filter(name => this.#host.draining(name)));
    if (peers === undefined) {
      this.#draining = on;
      this.#drainingPeers.clear();
    } else for (const name of peers) this.#drainingPeers[on ? 'add' : 'delete'](name);
    for (const peer of this.#peers.values()) if (before.has(peer.name) !== this.#host.draining(peer.name)) peer.refreshExport();
  }

  /** To be called when addresses of this machine have changed: our own next hops are worked out again. */
  refreshNextHops(): void {
    for (const peer of this.#peers.values()) peer.refreshExport();
  }

  /** A snapshot of every peer, in the order they were added. */
  status(): PeerStatus[] {
    return [...this.#peers.values()].map(peer => peer.status());
  }

  /** A snapshot of one peer. Throws `BGP_UNKNOWN_PEER`. */
  peerStatus(name: string): PeerStatus {
    return this.#peer(name).status();
  }

  /** The last messages of a peer that broke the protocol, in hex. Throws `BGP_UNKNOWN_PEER`. */
  malformedMessages(name: string): readonly { readonly at: number; readonly reason: string; readonly hex: string }[] {
    return this.#peer(name).malformed;
  }

  /** Ends every session and closes the listeners; the speaker cannot be used again. */
  async stop({ mode, message }: StopOptions = { mode: 'cease' }): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const goodbye = (peer: Peer): Notification | undefined => {
      if (mode === 'cease') return cease(Cease.ADMINISTRATIVE_SHUTDOWN, message);
      return peer.keepsRoutes ? undefined : cease(Cease.ADMINISTRATIVE_RESET, message);
    };
    const listening = this.#listeners.close();
    for (const peer of this.#peers.values()) peer.stop(goodbye(peer));
    for (const name of this.#watches.keys()) this.#endWatch(name);
    // AdminDown: whoever watches our path shall not take the end of this process for a failure. The ends of the connections come first, as
    // each peer has read them: a router that hears AdminDown on an established session (FRR 8) drops the routes that it is to keep.
    await Promise.all([...this.#peers.values()].map(peer => peer.closed()));
    await Promise.all([listening, this.#bfd.close()]);
  }

  // --- inside

  /** Looks for the router of an unnumbered peer, on the link that is configured now. */
  #watchLink(peer: Peer): void {
    const { name, config } = peer;
    const link = config.enabled ? config.discoverOn : undefined;
    if (this.#watches.get(name)?.link === link) return;
    this.#endWatch(name);
    if (link === undefined) return;
    const found = (router: string) => {
      const address = `${router}%${link}`;
      try {
        this.#listeners.changeKeys(peer, { address, config: peer.config });
      } catch (error) {
        this.emit('problem', { peer: name, text: error instanceof Error ? error.message : String(error) });
        return;
      }
      peer.discovered(address);
      this.#watchPath(peer);
    };
    const end = this.#discovery.watch(link, found, text => this.emit('problem', { peer: name, text }));
    this.#watches.set(name, { link, end });
  }

  #endWatch(name: string): void {
    this.#watches.get(name)?.end();
    this.#watches.delete(name);
  }

  /** Starts, changes or ends the BFD session of a peer. */
  #watchPath(peer: Peer): void {
    const { name, address, config } = peer;
    if (config.bfd && config.enabled && address !== undefined) {
      const { sourceAddress, device, multihop, bfd } = config;
      this.#bfd.set({ id: name, address, sourceAddress, device, multihop, options: bfd }, status => {
        peer.bfd(status);
        this.emit('bfd', { peer: name, status });
      });
    } else {
      this.#bfd.remove(name);
      peer.bfd(undefined);
    }
  }

  #checkUnique(config: PeerConfig): void {
    for (const { config: other } of this.#peers.values()) {
      if (other.name === config.name) continue;
      const same =
        config.address === undefined
          ? other.discoverOn !== undefined && other.discoverOn === config.discoverOn
          : other.address === config.address &&
            other.port === config.port &&
            other.sourceAddress === config.sourceAddress &&
            other.device === config.device;
      if (same)
        throw new BgpError(
          'BGP_DUPLICATE_PEER',
          `peer ${config.name} is the same router as peer ${other.name}; give one of them another address or device`,
        );
    }
  }

  #peer(name: string): Peer {
    const peer = this.#peers.get(name);
    if (!peer)
      throw new BgpError('BGP_UNKNOWN_PEER', `no peer is named ${JSON.stringify(name)}; there are: ${this.peers.join(', ') || 'none'}`);
    return peer;
  }

  #checkRunning(): void {
    if (this.#stopped) throw new BgpError('BGP_STOPPED', 'the speaker has been stopped; make a new one');
  }
}

/** All that a BFD session depends on. */
function pathOf({ bfd, enabled, address, discoverOn, sourceAddress, device, multihop }: PeerConfig): string {
  return JSON.stringify([bfd, enabled, address, discoverOn, sourceAddress, device, multihop]);
}
