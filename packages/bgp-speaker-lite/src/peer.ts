import type { Socket } from 'node:net';
import { formatRouterId } from './codec/address.ts';
import { EMPTY, toHex } from './codec/bytes.ts';
import { encodeMessage, INITIAL_CONTEXT, type Message, type ReceivedMessage } from './codec/message.ts';
import type { MessageError } from './codec/message-error.ts';
import { Cease, cease, type Notification } from './codec/notification.ts';
import type { NamedPrefix } from './codec/prefix.ts';
import { EstablishedSession } from './established.ts';
import type { Failure, FsmAction, FsmEvent } from './fsm/events.ts';
import { step } from './fsm/machine.ts';
import type { Negotiated } from './fsm/negotiate.ts';
import { initialState, nextDeadline, type PeerState, type SessionState, sessionState } from './fsm/state.ts';
import { needsReset, type PeerConfig } from './peer-config.ts';
import type { RouteTable } from './rib/route-table.ts';
import type { Clock } from './session/clock.ts';
import { Connection } from './session/connection.ts';
import type { Transport } from './session/transport.ts';
import { type BfdStatus, count, newCounters, type PeerStatus } from './status.ts';

/** What a peer needs of its speaker. */
export interface PeerHost {
  readonly clock: Clock;
  readonly random: () => number;
  readonly transport: Transport;
  readonly routes: RouteTable;
  /** Whether GRACEFUL_SHUTDOWN goes on every route towards the peer (RFC 8326). */
  readonly draining: (peer: string) => boolean;
  stateChanged(peer: Peer, state: SessionState, previous: SessionState): void;
  failed(peer: Peer, failure: Failure): void;
  /** A new Established session has been told everything, End-of-RIB included. */
  synchronized(peer: Peer): void;
}

/** RFC 9687 asks for 8 minutes; a router that reads nothing for twice the hold time is of no use to a load balancer. */
const SEND_HOLD_FACTOR = 2;
const MIN_SEND_HOLD = 10_000;
/** Malformed messages kept for the operator, and octets of each. */
const KEPT_MALFORMED = 8;
const KEPT_OCTETS = 512;

/** One peer: performs what the state machine says, and keeps the peer's table up to date while the session is Established. */
export class Peer {
  readonly counters = newCounters();
  readonly #host: PeerHost;
  readonly #connections = new Map<number, Connection>();
  readonly #closing = new Set<Promise<void>>();
  readonly #queue: FsmEvent[] = [];
  #config: PeerConfig;
  #address: string | undefined;
  #state: PeerState;
  #shown: SessionState = 'Idle';
  #since: number;
  #handling = false;
  #nextConnection = 1;
  #dial: AbortController | undefined;
  #cancelTimer: (() => void) | undefined;
  #timerAt: number | undefined;
  #session: EstablishedSession | undefined;
  #lastError: PeerStatus['lastError'];
  #bfd: BfdStatus | undefined;
  #bfdWasUp = false;
  readonly #malformed: { readonly at: number; readonly reason: string; readonly hex: string }[] = [];

  constructor(config: PeerConfig, host: PeerHost, restarting: boolean) {
    this.#config = config;
    this.#address = config.address;
    this.#host = host;
    this.#state = initialState(restarting);
    this.#since = host.clock.wall();
  }

  get name(): string {
    return this.#config.name;
  }

  get config(): PeerConfig {
    return this.#config;
  }

  /** Where the peer is: as configured, or as found on the link. */
  get address(): string | undefined {
    return this.#address;
  }

  /** The last messages that broke the protocol, in hex, newest last. */
  get malformed(): readonly { readonly at: number; readonly reason: string; readonly hex: string }[] {
    return this.#malformed;
  }

  start(): void {
    if (!this.#config.enabled || this.#address === undefined) return;
    if (this.#usable()) this.#handle({ type: 'start' });
  }

  /** Whether this machine has what the options need; what it lacks does not come by trying again. */
  #usable(): boolean {
    if (!this.#config.tcpAo || this.#host.transport.tcpAoSupported()) return true;
    const text =
      `peer ${this.name}: tcpAo needs TCP-AO (RFC 5925), which this kernel has not; ` +
      'run Linux 6.7 or later built with CONFIG_TCP_AO, or use password (TCP MD5) on both sides';
    this.#failed({ text, code: 'BGP_UNSUPPORTED' });
    return false;
  }

  /** Ends the session: with a NOTIFICATION, or without a word so that the peer keeps the routes (graceful restart). */
  stop(notification?: Notification, hard = true): void {
    this.#handle({ type: 'stop', ...(notification && { notification }), hard });
  }

  /** Resolves when the last octet of a stopped peer has left, or a second has passed. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** Ends the session and begins a new one. */
  reset(message?: string): void {
    this.#handle({ type: 'reset', notification: cease(Cease.ADMINISTRATIVE_RESET, message) });
  }

  /** The router of an unnumbered peer has been found, or lost. */
  discovered(address: string | undefined): void {
    if (address === this.#address) return;
    const had = this.#address !== undefined;
    this.#address = address;
    if (had) this.stop(cease(Cease.OTHER_CONFIGURATION_CHANGE), false);
    this.start();
  }

  /** Applies what is different in `config`; the session is reset only when it must. */
  reconfigure(config: PeerConfig): void {
    const before = this.#config;
    this.#config = config;
    if (config.discoverOn === undefined) this.#address = config.address;
    else if (config.discoverOn !== before.discoverOn) this.#address = undefined;
    if (!config.enabled) {
      if (before.enabled) this.stop(cease(Cease.ADMINISTRATIVE_SHUTDOWN, 'the peer was disabled'));
      return;
    }
    if (!this.#state.started) this.start();
    else if (config.tcpAo && !this.#usable()) this.stop(cease(Cease.OTHER_CONFIGURATION_CHANGE), false);
    else if (this.#address === undefined) this.stop(cease(Cease.OTHER_CONFIGURATION_CHANGE), false);
    else if (needsReset(before, config)) this.#handle({ type: 'reset', notification: cease(Cease.OTHER_CONFIGURATION_CHANGE) });
    else {
      this.refreshExport();
      this.#handle({ type: 'tick' });
    }
  }

  /** Takes a TCP connection from this peer, or closes it when it breaks GTSM. */
  accept(socket: Socket): void {
    const { minTtl } = this.#config;
    const refusal = minTtl === undefined ? undefined : this.#host.transport.requireTtl(socket, minTtl);
    if (refusal !== undefined) {
      socket.on('error', () => {});
      socket.destroy();
      // A session that is up is not touched by what somebody else sends in the peer's name.
      if (this.#state.started && !this.#session) this.#failed({ text: `a connection of the peer was refused: ${refusal}` });
      return;
    }
    const id = this.#attach(socket);
    this.#handle({ type: 'accepted', connection: id });
  }

  /** The route of a prefix may have changed for this peer. */
  mark(prefix: NamedPrefix): void {
    this.#session?.mark(prefix);
  }

  /** Next hops, or whether the speaker drains, may have changed. */
  refreshExport(): void {
    this.#session?.refreshExport(this.#config);
  }

  /** How the path is, from BFD. Only Up to Down ends a session, and AdminDown is no failure (RFC 5882 §4.2). */
  bfd(status: BfdStatus | undefined): void {
    this.#bfd = status;
    if (!status) {
      this.#bfdWasUp = false;
    } else if (status.state === 'Up') {
      this.#bfdWasUp = true;
      this.#handle({ type: 'bfd-up' });
    } else if (this.#bfdWasUp && status.state === 'Down') {
      this.#bfdWasUp = false;
      if (status.remoteState === 'AdminDown') return;
      this.counters.bfdDowns++;
      this.#handle({ type: 'bfd-down', reason: status.diagnostic ?? 'the path is down' });
    }
  }

  /** Whether both sides agreed that the peer keeps our routes over a restart (RFC 4724). */
  get keepsRoutes(): boolean {
    return this.#config.fsm.gracefulRestart !== undefined && (this.#session?.negotiated.peerRestarts ?? false);
  }

  status(): PeerStatus {
    const session = this.#session;
    const negotiated = session?.negotiated;
    return {
      name: this.name,
      address: this.#address,
      state: this.#shown,
      since: this.#since,
      enabled: this.#config.enabled,
      localAs: this.#config.fsm.localAs,
      remoteAs: negotiated?.peerAs,
      remoteRouterId: negotiated && formatRouterId(negotiated.peerId),
      remoteHostname: negotiated?.peerHostname,
      localAddress: session?.connection.localAddress,
      holdTime: negotiated?.holdTime,
      families: negotiated?.families ?? [],
      withoutNextHop: session?.withoutNextHop ?? [],
      capabilities: negotiated?.peerCapabilities ?? [],
      gracefulRestart: this.keepsRoutes,
      lastError: this.#lastError,
      problems: session?.problems() ?? [],
      announced: { 'ipv4-unicast': 0, 'ipv6-unicast': 0, ...session?.announced },
      bfd: this.#bfd,
      counters: structuredClone(this.counters),
    };
  }

  // --- the state machine

  #handle(event: FsmEvent): void {
    this.#queue.push(event);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        const { clock, random } = this.#host;
        const result = step(this.#state, next, { now: clock.now(), random, config: this.#config.fsm });
        this.#state = result.state;
        for (const action of result.actions) this.#perform(action);
      }
    } finally {
      this.#handling = false;
    }
    this.#show();
    this.#armTimer();
  }

  #show(): void {
    const state = sessionState(this.#state);
    if (state === this.#shown) return;
    const previous = this.#shown;
    this.#shown = state;
    this.#since = this.#host.clock.wall();
    this.#host.stateChanged(this, state, previous);
  }

  #perform(action: FsmAction): void {
    switch (action.type) {
      case 'dial':
        this.#startDial();
        break;
      case 'cancel-dial':
        this.#dial?.abort();
        this.#dial = undefined;
        break;
      case 'send':
        this.#send(action.connection, action.message);
        break;
      case 'close':
        this.#close(action.connection);
        break;
      case 'negotiated':
        this.#connections.get(action.connection)?.setContext(action.negotiated.context);
        break;
      case 'established':
        this.#established(action.connection, action.negotiated);
        break;
      case 'down':
        this.#session?.end();
        this.#session = undefined;
        this.counters.sessionsLost++;
        break;
      case 'failed':
        this.#failed(action.failure);
        break;
      case 'deliver':
        this.#deliver(action.message);
        break;
    }
  }

  #armTimer(): void {
    const stalls = [...this.#connections.values()].map(connection => connection.stalledSince).filter(since => since !== undefined);
    const sendHold = this.#sendHold();
    const next = Math.min(nextDeadline(this.#state) ?? Number.POSITIVE_INFINITY, ...stalls.map(since => since + sendHold));
    const at = Number.isFinite(next) ? next : undefined;
    if (at === this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer =
      at === undefined
        ? undefined
        : this.#host.clock.at(at, () => {
            this.#timerAt = undefined;
            this.#onTimer();
          });
  }

  #onTimer(): void {
    const now = this.#host.clock.now();
    for (const connection of this.#connections.values())
      if (connection.stalledSince !== undefined && now - connection.stalledSince >= this.#sendHold())
        this.#handle({ type: 'send-stalled', connection: connection.id });
    this.#handle({ type: 'tick' });
  }

  #sendHold(): number {
    return Math.max(MIN_SEND_HOLD, SEND_HOLD_FACTOR * 1000 * (this.#session?.negotiated.holdTime ?? 0));
  }

  // --- connections

  #startDial(): void {
    const address = this.#address;
    const dial = new AbortController();
    this.#dial = dial;
    const { port, sourceAddress, device, password, tcpAo, ttl, minTtl, fsm } = this.#config;
    if (address === undefined) {
      this.#queue.push({ type: 'dial-failed', reason: 'the address of the peer is not known' });
      return;
    }
    this.#host.transport
      .dial({ address, port, sourceAddress, device, password, tcpAo, ttl, minTtl, timeout: fsm.connectTimeout + 1000, signal: dial.signal })
      .then(
        socket => {
          if (dial.signal.aborted) {
            socket.on('error', () => {});
            socket.destroy();
            return;
          }
          this.#dial = undefined;
          this.#handle({ type: 'dialed', connection: this.#attach(socket) });
        },
        (error: unknown) => {
          if (dial.signal.aborted) return;
          this.#dial = undefined;
          this.#handle({ type: 'dial-failed', reason: error instanceof Error ? error.message : String(error) });
        },
      );
  }

  #attach(socket: Socket): number {
    const id = this.#nextConnection++;
    const connection = new Connection(id, socket, () => this.#host.clock.now(), {
      message: (message, frame) => this.#received(id, message, frame),
      malformed: (error, frame) => this.#unreadable(id, error, frame),
      closed: reason => {
        this.#handle({ type: 'closed', connection: id, reason });
        this.#connections.delete(id);
      },
      drained: () => {
        if (this.#session?.connection.id === id) this.#session.scheduleFlush();
      },
    });
    this.#connections.set(id, connection);
    return id;
  }

  #close(id: number): void {
    const closing = this.#connections.get(id)?.close();
    this.#connections.delete(id);
    if (!closing) return;
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  #send(id: number, message: Message): void {
    const bytes = encodeMessage(message, INITIAL_CONTEXT);
    this.#connections.get(id)?.write(bytes);
    this.counters.messagesSent++;
    this.counters.octetsSent += bytes.length;
    if (message.kind === 'notification') count(this.counters.notificationsSent, codeOf(message.notification));
  }

  #received(id: number, message: ReceivedMessage, frame: Uint8Array): void {
    const { counters } = this;
    counters.messagesReceived++;
    counters.octetsReceived += frame.length;
    if (message.kind === 'notification') count(counters.notificationsReceived, codeOf(message.notification));
    else if (message.kind === 'update') {
      counters.updatesReceived++;
      const problem = message.update.problems[0];
      if (problem) this.#keepMalformed(problem.reason, frame);
    }
    this.#handle({ type: 'received', connection: id, message });
  }

  #unreadable(id: number, error: MessageError, frame: Uint8Array | undefined): void {
    this.#keepMalformed(error.message, frame ?? EMPTY);
    this.#handle({ type: 'malformed', connection: id, error });
  }

  #keepMalformed(reason: string, frame: Uint8Array): void {
    this.#malformed.push({ at: this.#host.clock.wall(), reason, hex: toHex(frame.subarray(0, KEPT_OCTETS)) });
    if (this.#malformed.length > KEPT_MALFORMED) this.#malformed.shift();
  }

  #failed(failure: Failure): void {
    this.#lastError = { text: failure.text, at: this.#host.clock.wall(), ...(failure.code && { code: failure.code }) };
    this.#host.failed(this, failure);
  }

  // --- the Established session

  #established(id: number, negotiated: Negotiated): void {
    const connection = this.#connections.get(id);
    if (!connection) return;
    this.counters.sessionsEstablished++;
    this.#session = new EstablishedSession(connection, negotiated, this.#config, this.#host, this.counters, {
      synchronized: () => this.#host.synchronized(this),
      written: () => this.#armTimer(),
    });
  }

  #deliver(message: ReceivedMessage): void {
    if (!this.#session) return;
    if (message.kind === 'update') {
      if (this.#session.received(message.update)) return;
      this.#queue.push({ type: 'reset', notification: cease(Cease.MAXIMUM_PREFIXES), damp: true });
    } else if (message.kind === 'route-refresh') this.#session.refresh(message.refresh);
  }
}

function codeOf({ code, subcode }: Notification): string {
  return `${code}/${subcode}`;
}
