import { EMPTY } from '../codec/bytes.ts';
import { BfdState, type ControlPacket, Diagnostic } from './packet.ts';

/** What a session is asked to do. Intervals in microseconds, as on the wire. */
export interface SessionConfig {
  readonly localDiscriminator: number;
  readonly desiredMinTx: number;
  readonly requiredMinRx: number;
  readonly detectMultiplier: number;
  readonly passive: boolean;
  /** Least time between the peer's echo packets that come back through us; 0: none do (RFC 5880 §6.8.1). */
  readonly requiredMinEchoRx: number;
}

/** What the machine asks of its caller. */
export interface SessionEffects {
  send(packet: ControlPacket): void;
  changed(): void;
}

/** RFC 5880 §6.8.3: while a session is not up, it must not send more often than once a second. */
const SLOW = 1_000_000;
const US_PER_MS = 1000;

/**
 * One BFD session in asynchronous mode (RFC 5880 §6.8). The caller hands in packets and the time, in milliseconds of a clock that
 * never goes back, and calls {@link BfdSession.tick} when {@link BfdSession.deadline} is reached. It must first hand in whatever its
 * socket holds: a packet that arrived in time counts although the thread was late to read it.
 */
export class BfdSession {
  #config: SessionConfig;
  readonly #effects: SessionEffects;
  readonly #random: () => number;
  #state: number = BfdState.DOWN;
  #remoteState: number = BfdState.DOWN;
  #remoteDiscriminator = 0;
  #diagnostic: number = Diagnostic.NONE;
  /** As announced, and as used: they differ while a poll sequence runs. */
  #desiredMinTx = SLOW;
  #txInUse = SLOW;
  #requiredMinRx: number;
  #rxInUse: number;
  #remoteMinRx = 1;
  #remoteMinTx = 0;
  #remoteMultiplier = 0;
  #remoteMinEchoRx = 0;
  #remoteDemand = false;
  #polling = false;
  #lastSent: number | undefined;
  #sendAt: number | undefined;
  #detectAt: number | undefined;

  constructor(config: SessionConfig, effects: SessionEffects, random: () => number, now: number) {
    this.#config = config;
    this.#effects = effects;
    this.#random = random;
    this.#requiredMinRx = config.requiredMinRx;
    this.#rxInUse = config.requiredMinRx;
    this.#desiredMinTx = Math.max(SLOW, config.desiredMinTx);
    this.#txInUse = this.#desiredMinTx;
    this.#schedule(now, true);
  }

  get state(): number {
    return this.#state;
  }

  get remoteState(): number {
    return this.#remoteState;
  }

  get remoteDiscriminator(): number {
    return this.#remoteDiscriminator;
  }

  get diagnostic(): number {
    return this.#diagnostic;
  }

  /** Milliseconds between our packets, before jitter. */
  get transmitInterval(): number {
    return Math.max(this.#txInUse, this.#remoteMinRx) / US_PER_MS;
  }

  /** Milliseconds without a packet after which the session goes down (RFC 5880 §6.8.4). */
  get detectionTime(): number {
    return (this.#remoteMultiplier * Math.max(this.#rxInUse, this.#remoteMinTx)) / US_PER_MS;
  }

  /** Least microseconds between the peer's echo packets, as announced; 0: none are sent back. */
  get echoOffered(): number {
    return this.#config.requiredMinEchoRx;
  }

  /** Least milliseconds between echo packets that we may send now (RFC 5880 §6.8.9); undefined: none may be sent. */
  get echoAllowedEvery(): number | undefined {
    return this.#state === BfdState.UP && this.#remoteMinEchoRx > 0 ? this.#remoteMinEchoRx / US_PER_MS : undefined;
  }

  /** When to call `tick`; undefined: not before a packet comes. */
  get deadline(): number | undefined {
    const times = [this.#sendAt, this.#detectAt].filter(time => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Does what is due. A packet that is due goes out before anything else: lateness here is loss at the peer. */
  tick(now: number): void {
    if (this.#sendAt !== undefined && this.#sendAt <= now) this.#transmit(now, false);
    if (this.#detectAt !== undefined && this.#detectAt <= now) this.#expire(now);
  }

  /** A packet that has passed the checks of `decodeControlPacket`, of the TTL and of authentication (RFC 5880 §6.8.6). */
  receive(packet: ControlPacket, now: number): void {
    this.#remoteDiscriminator = packet.myDiscriminator;
    const before = { state: this.#state, remote: this.#remoteState, detection: this.detectionTime, interval: this.transmitInterval };
    this.#remoteState = packet.state;
    this.#remoteDemand = packet.demand;
    this.#remoteMinRx = packet.requiredMinRx;
    this.#remoteMinTx = packet.desiredMinTx;
    this.#remoteMultiplier = packet.detectMultiplier;
    this.#remoteMinEchoRx = packet.requiredMinEchoRx;
    if (this.#polling && packet.final) this.#endPoll();
    if (this.#state === BfdState.ADMIN_DOWN) return;
    this.#detectAt = now + this.detectionTime;
    this.#advance(packet.state, now);
    if (packet.poll) this.#transmit(now, true);
    this.#schedule(now, false);
    const timers = this.detectionTime !== before.detection || this.transmitInterval !== before.interval;
    if (timers || this.#state !== before.state || this.#remoteState !== before.remote) this.#effects.changed();
  }

  /** Other timers for a session that goes on: agreed with the peer by a poll sequence (RFC 5880 §6.8.3). */
  reconfigure(config: SessionConfig, now: number): void {
    this.#config = { ...config, localDiscriminator: this.#config.localDiscriminator };
    this.#setTimers(this.#state === BfdState.UP ? config.desiredMinTx : Math.max(SLOW, config.desiredMinTx), config.requiredMinRx);
    this.#schedule(now, false);
    this.#effects.changed();
  }

  /** Our echo packets have stopped coming back: the session goes down although control packets arrive (RFC 5880 §6.8.5). */
  echoFailed(now: number): void {
    if (this.#state !== BfdState.UP) return;
    this.#enter(BfdState.DOWN, Diagnostic.ECHO_FAILED, now);
    this.#effects.changed();
  }

  /** Tells the peer that the session ends on purpose (RFC 5880 §6.8.16): no failure for whoever depends on it. May be repeated. */
  farewell(now: number): void {
    this.#detectAt = undefined;
    if (this.#state === BfdState.ADMIN_DOWN) this.#transmit(now, false);
    else this.#enter(BfdState.ADMIN_DOWN, Diagnostic.ADMINISTRATIVELY_DOWN, now);
  }

  #advance(received: number, now: number): void {
    if (received === BfdState.ADMIN_DOWN) {
      if (this.#state !== BfdState.DOWN) this.#enter(BfdState.DOWN, Diagnostic.NEIGHBOR_SIGNALED_DOWN, now);
    } else if (this.#state === BfdState.DOWN) {
      if (received === BfdState.DOWN) this.#enter(BfdState.INIT, this.#diagnostic, now);
      else if (received === BfdState.INIT) this.#enter(BfdState.UP, Diagnostic.NONE, now);
    } else if (this.#state === BfdState.INIT) {
      if (received === BfdState.INIT || received === BfdState.UP) this.#enter(BfdState.UP, Diagnostic.NONE, now);
    } else if (received === BfdState.DOWN) this.#enter(BfdState.DOWN, Diagnostic.NEIGHBOR_SIGNALED_DOWN, now);
  }

  #enter(state: number, diagnostic: number, now: number): void {
    this.#state = state;
    this.#diagnostic = diagnostic;
    if (state === BfdState.UP) this.#setTimers(this.#config.desiredMinTx, this.#config.requiredMinRx, true);
    else {
      this.#polling = false;
      this.#setTimers(Math.max(SLOW, this.#config.desiredMinTx), this.#config.requiredMinRx);
    }
    // RFC 5880 §6.8.7: a change of state is told at once.
    this.#transmit(now, false);
  }

  #expire(now: number): void {
    this.#detectAt = undefined;
    this.#remoteDiscriminator = 0;
    this.#remoteMinRx = 1;
    this.#remoteDemand = false;
    if (this.#state === BfdState.INIT || this.#state === BfdState.UP) {
      this.#remoteState = BfdState.DOWN;
      this.#enter(BfdState.DOWN, Diagnostic.DETECTION_TIME_EXPIRED, now);
      this.#effects.changed();
    }
  }

  #setTimers(desiredMinTx: number, requiredMinRx: number, poll = this.#state === BfdState.UP): void {
    const up = this.#state === BfdState.UP;
    const different = desiredMinTx !== this.#desiredMinTx || requiredMinRx !== this.#requiredMinRx;
    this.#desiredMinTx = desiredMinTx;
    this.#requiredMinRx = requiredMinRx;
    // Slower sending and quicker expecting wait for the peer's Final.
    if (!up || desiredMinTx < this.#txInUse) this.#txInUse = desiredMinTx;
    if (!up || requiredMinRx > this.#rxInUse) this.#rxInUse = requiredMinRx;
    if (different && poll) this.#polling = true;
  }

  #endPoll(): void {
    this.#polling = false;
    this.#txInUse = this.#desiredMinTx;
    this.#rxInUse = this.#requiredMinRx;
  }

  /** RFC 5880 §6.8.7: who must not send. */
  #silent(): boolean {
    if (this.#config.passive && this.#remoteDiscriminator === 0) return true;
    if (this.#remoteMinRx === 0) return true;
    return this.#remoteDemand && this.#state === BfdState.UP && this.#remoteState === BfdState.UP && !this.#polling;
  }

  #transmit(now: number, final: boolean): void {
    if (!final && this.#silent()) {
      this.#sendAt = undefined;
      return;
    }
    this.#effects.send({
      version: 1,
      diagnostic: this.#diagnostic,
      state: this.#state,
      poll: this.#polling && !final,
      final,
      controlPlaneIndependent: false,
      authenticationPresent: false,
      demand: false,
      multipoint: false,
      detectMultiplier: this.#config.detectMultiplier,
      myDiscriminator: this.#config.localDiscriminator,
      yourDiscriminator: this.#remoteDiscriminator,
      desiredMinTx: this.#desiredMinTx,
      requiredMinRx: this.#requiredMinRx,
      requiredMinEchoRx: this.#config.requiredMinEchoRx,
      authentication: EMPTY,
    });
    if (final) return;
    this.#lastSent = now;
    this.#sendAt = now + this.#jittered();
  }

  /** RFC 5880 §6.8.7: 75 to 100 % of the interval, at most 90 % when a single lost packet counts. */
  #jittered(): number {
    const most = this.#config.detectMultiplier === 1 ? 0.9 : 1;
    return this.transmitInterval * (0.75 + (most - 0.75) * this.#random());
  }

  /** Brings the next packet forward when the interval has become shorter, and starts or stops sending when that has changed. */
  #schedule(now: number, first: boolean): void {
    if (this.#silent()) {
      this.#sendAt = undefined;
      return;
    }
    if (this.#lastSent === undefined) {
      if (this.#sendAt === undefined) this.#sendAt = first ? now : now + this.#jittered();
      return;
    }
    const latest = this.#lastSent + this.transmitInterval;
    if (this.#sendAt === undefined || this.#sendAt > latest) this.#sendAt = Math.max(now, this.#lastSent + this.#jittered());
  }
}
