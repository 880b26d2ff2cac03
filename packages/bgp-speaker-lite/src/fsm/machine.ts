import { EMPTY } from '../codec/bytes.ts';
import { type Message, MessageType, type ReceivedMessage } from '../codec/message.ts';
import { MessageError } from '../codec/message-error.ts';
import { Cease, cease, describeNotification, ErrorCode, hardReset, type Notification } from '../codec/notification.ts';
import type { Open } from '../codec/open.ts';
import { connectDelay, idleHold, jitter } from './backoff.ts';
import type { FsmConfig } from './config.ts';
import type { Failure, FsmAction, FsmEvent } from './events.ts';
import { localOpen } from './local-open.ts';
import { type Negotiated, negotiate } from './negotiate.ts';
import { type ConnectionState, type Direction, establishedConnection, type PeerState } from './state.ts';

/** What the machine may not fetch itself. `random` gives numbers in [0, 1). */
export interface FsmEnvironment {
  /** Milliseconds of a clock that never goes back. */
  readonly now: number;
  readonly random: () => number;
  readonly config: FsmConfig;
}

/** RFC 4271 §8.2.2: a large hold time until the peer's OPEN is there. */
const OPEN_HOLD_TIME = 240_000;
/** A session that lived this long was a good one: the next attempt is not delayed for those before it. */
const GOOD_SESSION = 30_000;
/** How long reconnecting waits for BFD to come back before it tries without. */
const BFD_WAIT = 10_000;
const MIN_KEEPALIVE = 1000;

const TYPE_OF: Readonly<Record<ReceivedMessage['kind'], number>> = {
  open: MessageType.OPEN,
  update: MessageType.UPDATE,
  notification: MessageType.NOTIFICATION,
  keepalive: MessageType.KEEPALIVE,
  'route-refresh': MessageType.ROUTE_REFRESH,
};

/** Subcodes of an FSM error (RFC 6608 §3). */
const UNEXPECTED: Readonly<Record<ConnectionState['state'], number>> = { OpenSent: 1, OpenConfirm: 2, Established: 3 };

/** How to go on after a session or an attempt has ended. */
type Aftermath = 'retry' | 'damp' | 'bfd';

/**
 * The session with one peer (RFC 4271 §8): `(state, event, environment) → (state, actions)`.
 * Two connections may exist while a collision lasts (§6.8). Nothing here reads a clock or touches a socket.
 */
export function step(state: PeerState, event: FsmEvent, environment: FsmEnvironment): { state: PeerState; actions: FsmAction[] } {
  const machine = new Machine(state, environment);
  machine.handle(event);
  return { state: machine.state, actions: machine.actions };
}

class Machine {
  state: PeerState;
  readonly actions: FsmAction[] = [];
  readonly #now: number;
  readonly #random: () => number;
  readonly #config: FsmConfig;

  constructor(state: PeerState, { now, random, config }: FsmEnvironment) {
    this.state = state;
    this.#now = now;
    this.#random = random;
    this.#config = config;
  }

  handle(event: FsmEvent): void {
    switch (event.type) {
      case 'start':
        if (!this.state.started) this.#set({ started: true });
        break;
      case 'stop':
        this.#stop(event.notification, event.hard ?? false);
        break;
      case 'reset':
        this.#reset(event.notification, event.hard ?? false, event.damp ?? false);
        break;
      case 'tick':
        this.#tick();
        break;
      case 'dialed':
        this.#dialed(event.connection);
        break;
      case 'dial-failed':
        this.#dialFailed(event.reason);
        break;
      case 'accepted':
        this.#accepted(event.connection);
        break;
      case 'received':
        this.#withConnection(event.connection, connection => this.#received(connection, event.message));
        break;
      case 'malformed':
        this.#withConnection(event.connection, connection => this.#refuse(connection, event.error));
        break;
      case 'closed':
        this.#withConnection(event.connection, connection => this.#closed(connection, event.reason));
        break;
      case 'send-stalled':
        this.#withConnection(event.connection, connection =>
          this.#fail(
            connection,
            { code: ErrorCode.SEND_HOLD_TIMER_EXPIRED, subcode: 0, data: EMPTY },
            'the peer reads nothing any more',
            'retry',
          ),
        );
        break;
      case 'bfd-down':
        this.#bfdDown(event.reason);
        break;
      case 'bfd-up':
        if (this.state.idle?.waitsFor === 'bfd') this.#set({ idle: undefined });
        break;
    }
    this.#ensureDial();
  }

  // --- starting and stopping

  #stop(notification: Notification | undefined, hard: boolean): void {
    for (const connection of this.state.connections) this.#end(connection, notification, hard);
    this.#cancelDial();
    this.#set({ started: false, idle: undefined });
  }

  #reset(notification: Notification, hard: boolean, damp: boolean): void {
    if (!this.state.started) return;
    const had = this.state.connections.length > 0;
    for (const connection of this.state.connections) {
      if (connection.state === 'Established') this.#report(describeNotification(notification), { notification, direction: 'sent' });
      this.#end(connection, notification, hard);
    }
    this.#cancelDial();
    if (damp) this.#after('damp');
    else if (had) this.#set({ dial: { phase: 'waiting', at: this.#now + jitter(MIN_KEEPALIVE / 4, this.#random()) }, idle: undefined });
    else this.#set({ idle: undefined });
  }

  #bfdDown(reason: string): void {
    const sessions = this.state.connections.filter(connection => connection.state !== 'OpenSent');
    // RFC 5882 §4.3: a session that never depended on the path is left alone.
    for (const connection of sessions) this.#fail(connection, cease(Cease.BFD_DOWN), `BFD: ${reason}`, 'bfd', true);
  }

  /** Begins to dial whenever nothing else is under way. */
  #ensureDial(): void {
    const { started, dial, connections, idle } = this.state;
    if (!started || this.#config.passive || dial.phase !== 'none' || connections.length > 0 || idle) return;
    this.#set({ dial: { phase: 'connecting', giveUpAt: this.#now + this.#config.connectTimeout } });
    this.#do({ type: 'dial' });
  }

  #cancelDial(): void {
    if (this.state.dial.phase === 'connecting') this.#do({ type: 'cancel-dial' });
    this.#set({ dial: { phase: 'none' } });
  }

  // --- time

  #tick(): void {
    const { dial, idle } = this.state;
    if (idle && idle.until <= this.#now) this.#set({ idle: undefined });
    if (dial.phase === 'waiting' && dial.at <= this.#now) this.#set({ dial: { phase: 'none' } });
    if (dial.phase === 'connecting' && dial.giveUpAt <= this.#now) {
      this.#do({ type: 'cancel-dial' });
      this.#dialFailed('cannot connect: no answer (is the peer listening, and are the passwords and TTL settings of both sides the same?)');
    }
    for (const { id } of this.state.connections) this.#withConnection(id, connection => this.#tickConnection(connection));
  }

  #tickConnection(connection: ConnectionState): void {
    if (connection.holdAt !== undefined && connection.holdAt <= this.#now) {
      this.#fail(connection, { code: ErrorCode.HOLD_TIMER_EXPIRED, subcode: 0, data: EMPTY }, 'the hold timer expired', 'retry');
      return;
    }
    if (connection.keepaliveAt !== undefined && connection.keepaliveAt <= this.#now) {
      this.#send(connection, { kind: 'keepalive' });
      this.#update({ ...connection, keepaliveAt: this.#nextKeepalive(connection.negotiated?.holdTime ?? 0) });
    }
  }

  #nextKeepalive(holdTime: number): number | undefined {
    if (holdTime === 0) return undefined;
    const interval = Math.min(holdTime / 3, this.#config.keepaliveTime ?? Number.POSITIVE_INFINITY) * 1000;
    return this.#now + Math.max(MIN_KEEPALIVE, jitter(interval, this.#random()));
  }

  // --- connections

  #dialed(id: number): void {
    if (this.state.dial.phase !== 'connecting') {
      this.#do({ type: 'close', connection: id });
      return;
    }
    this.#set({ dial: { phase: 'none' } });
    this.#open(id, 'outgoing');
  }

  #dialFailed(reason: string): void {
    if (this.state.dial.phase !== 'connecting') return;
    this.#set({ dial: { phase: 'none' } });
    this.#report(reason);
    this.#after('retry');
  }

  #accepted(id: number): void {
    const established = establishedConnection(this.state);
    if (!this.state.started || this.state.idle) {
      this.#do({ type: 'close', connection: id });
      return;
    }
    if (established && !established.negotiated?.peerRestarts) {
      // RFC 4271 §6.8: an Established connection stays.
      this.#do({ type: 'send', connection: id, message: { kind: 'notification', notification: cease(Cease.COLLISION_RESOLUTION) } });
      this.#do({ type: 'close', connection: id });
      return;
    }
    // A second one the peer opens means that it has given up the first.
    for (const older of this.state.connections)
      if (older.direction === 'incoming' && older.state !== 'Established') this.#end(older, cease(Cease.COLLISION_RESOLUTION), false);
    this.#open(id, 'incoming');
  }

  #open(id: number, direction: Direction): void {
    const { plain, restarting } = this.state;
    const connection: ConnectionState = {
      id,
      direction,
      state: 'OpenSent',
      plain,
      negotiated: undefined,
      holdAt: this.#now + OPEN_HOLD_TIME,
      keepaliveAt: undefined,
      establishedAt: undefined,
    };
    this.#set({ connections: [...this.state.connections, connection] });
    this.#send(connection, { kind: 'open', open: localOpen(this.#config, { plain, restarting }) });
  }

  #closed(connection: ConnectionState, reason: string): void {
    const before = connection.state === 'Established' ? 'the connection was closed' : `the connection was closed in ${connection.state}`;
    this.#remove(connection);
    this.#report(`${before}: ${reason}`);
    this.#credit(connection);
    if (this.state.connections.length === 0) this.#after('retry');
  }

  // --- messages

  #received(connection: ConnectionState, message: ReceivedMessage): void {
    if (message.kind === 'notification') this.#notified(connection, message.notification);
    else if (connection.state === 'OpenSent' && message.kind === 'open') this.#opened(connection, message.open);
    else if (connection.state === 'OpenConfirm' && message.kind === 'keepalive') this.#establish(connection);
    else if (connection.state === 'Established' && message.kind !== 'open') {
      this.#restartHold(connection);
      if (message.kind !== 'keepalive') this.#do({ type: 'deliver', connection: connection.id, message });
    } else {
      const type = TYPE_OF[message.kind];
      const reason = `unexpected ${message.kind} in ${connection.state}`;
      this.#refuse(connection, new MessageError(ErrorCode.FSM, UNEXPECTED[connection.state], reason, new Uint8Array([type])));
    }
  }

  #opened(connection: ConnectionState, open: Open): void {
    let negotiated: Negotiated;
    try {
      negotiated = negotiate(this.#config, open, connection.plain);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#refuse(connection, error);
      return;
    }
    const confirmed: ConnectionState = {
      ...connection,
      state: 'OpenConfirm',
      negotiated,
      holdAt: negotiated.holdTime === 0 ? undefined : this.#now + negotiated.holdTime * 1000,
      keepaliveAt: this.#nextKeepalive(negotiated.holdTime),
    };
    this.#update(confirmed);
    if (!this.#survivesCollision(confirmed)) return;
    this.#do({ type: 'negotiated', connection: connection.id, negotiated });
    this.#send(confirmed, { kind: 'keepalive' });
  }

  /** RFC 4271 §6.8, RFC 6286 §2.3: of two, the one stays that the side with the higher identifier (then AS number) has opened. */
  #survivesCollision(connection: ConnectionState): boolean {
    for (const other of this.state.connections) {
      if (other.id === connection.id) continue;
      if (other.state === 'Established') {
        // RFC 4724 §4.2: the peer has restarted; its old connection goes without a word.
        this.#end(other, undefined, false);
        this.#report('the peer opened a new session while the old one was up: it has restarted');
      } else if (other.state === 'OpenConfirm') {
        const loser = this.#keepsOutgoing(connection) === (connection.direction === 'outgoing') ? other : connection;
        this.#end(loser, cease(Cease.COLLISION_RESOLUTION), false);
        if (loser.id === connection.id) return false;
      }
    }
    return true;
  }

  #keepsOutgoing({ negotiated }: ConnectionState): boolean {
    const { routerId, localAs } = this.#config;
    if (!negotiated) return true;
    return routerId === negotiated.peerId ? localAs > negotiated.peerAs : routerId > negotiated.peerId;
  }

  #establish(connection: ConnectionState): void {
    const { negotiated } = connection;
    if (!negotiated) return;
    this.#restartHold({ ...connection, state: 'Established', establishedAt: this.#now });
    for (const other of this.state.connections) if (other.id !== connection.id) this.#end(other, cease(Cease.COLLISION_RESOLUTION), false);
    this.#cancelDial();
    this.#set({ restarting: false, idle: undefined });
    this.#do({ type: 'established', connection: connection.id, negotiated });
  }

  #restartHold(connection: ConnectionState): void {
    const holdTime = connection.negotiated?.holdTime ?? 0;
    this.#update({ ...connection, holdAt: holdTime === 0 ? undefined : this.#now + holdTime * 1000 });
  }

  #notified(connection: ConnectionState, notification: Notification): void {
    const { code, subcode } = notification;
    const collision = code === ErrorCode.CEASE && subcode === Cease.COLLISION_RESOLUTION;
    this.#remove(connection);
    this.#do({ type: 'close', connection: connection.id });
    // Half of every collision ends like this: nothing to report while the other half goes on.
    if (collision && this.state.connections.length > 0) return;
    this.#report(`the peer sent ${describeNotification(notification)}`, { notification, direction: 'received' });
    this.#credit(connection);
    if (code === ErrorCode.OPEN_MESSAGE && subcode === 4 && !connection.plain) this.#set({ plain: true });
    else if (code === ErrorCode.CEASE || code === ErrorCode.HOLD_TIMER_EXPIRED || code === ErrorCode.SEND_HOLD_TIMER_EXPIRED)
      this.#after('retry');
    else this.#after('damp');
  }

  /** Answers what breaks the protocol. */
  #refuse(connection: ConnectionState, error: MessageError): void {
    this.#fail(connection, error.notification, error.message, 'damp');
  }

  // --- ends

  /** Sends a NOTIFICATION, closes, reports and plans what follows. */
  #fail(connection: ConnectionState, notification: Notification, reason: string, aftermath: Aftermath, hard = false): void {
    this.#end(connection, notification, hard);
    this.#report(`${reason}; sent ${describeNotification(notification)}`, { notification, direction: 'sent' });
    this.#credit(connection);
    if (aftermath !== 'retry' || this.state.connections.length === 0) this.#after(aftermath);
  }

  #after(aftermath: Aftermath): void {
    if (!this.state.started) return;
    if (aftermath === 'retry') {
      if (this.#config.passive || this.state.dial.phase === 'connecting') return;
      const { delay, backoff } = connectDelay(this.state.backoff, this.#config.connectRetryTime, this.#random());
      this.#set({ backoff, dial: { phase: 'waiting', at: this.#now + delay } });
      return;
    }
    this.#cancelDial();
    if (aftermath === 'bfd') {
      this.#set({ idle: { until: this.#now + jitter(BFD_WAIT, this.#random()), waitsFor: 'bfd' } });
      return;
    }
    const { delay, backoff } = idleHold(this.state.backoff, this.#now, this.#random());
    this.#set({ backoff, idle: { until: this.#now + delay, waitsFor: 'damping' } });
  }

  /** A session that lived long enough clears the record of failures before it. */
  #credit(connection: ConnectionState): void {
    if (connection.establishedAt === undefined || this.#now - connection.establishedAt < GOOD_SESSION) return;
    this.#set({ backoff: { ...this.state.backoff, connectFailures: 0 } });
  }

  #end(connection: ConnectionState, notification: Notification | undefined, hard: boolean): void {
    if (notification) {
      const wrapped = hard && connection.negotiated?.notificationSurvives ? hardReset(notification) : notification;
      this.#send(connection, { kind: 'notification', notification: wrapped });
    }
    this.#remove(connection);
    this.#do({ type: 'close', connection: connection.id });
  }

  #remove(connection: ConnectionState): void {
    const current = this.#find(connection.id);
    this.#set({ connections: this.state.connections.filter(({ id }) => id !== connection.id) });
    if (current?.state === 'Established') this.#do({ type: 'down', connection: connection.id });
  }

  // --- small things

  #withConnection(id: number, handle: (connection: ConnectionState) => void): void {
    const connection = this.#find(id);
    if (connection) handle(connection);
  }

  #find(id: number): ConnectionState | undefined {
    return this.state.connections.find(connection => connection.id === id);
  }

  #update(connection: ConnectionState): void {
    this.#set({ connections: this.state.connections.map(other => (other.id === connection.id ? connection : other)) });
  }

  #set(change: Partial<PeerState>): void {
    this.state = { ...this.state, ...change };
  }

  #send(connection: { readonly id: number }, message: Message): void {
    this.#do({ type: 'send', connection: connection.id, message });
  }

  #report(text: string, more: Omit<Failure, 'text'> = {}): void {
    this.#do({ type: 'failed', failure: { text, ...more } });
  }

  #do(action: FsmAction): void {
    this.actions.push(action);
  }
}
