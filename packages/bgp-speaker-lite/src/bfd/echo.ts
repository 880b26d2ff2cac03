/** Our side of the echo function. Milliseconds. */
export interface EchoConfig {
  /** Time between echo packets, unless the peer asks for more. */
  readonly interval: number;
  readonly detectMultiplier: number;
}

export interface EchoEffects {
  /** Sends one; false when it could not be sent, and so need not come back. */
  send(sequence: number, anyMissing: boolean): boolean;
  /** As many as the multiplier says have not come back, though some had before. */
  failed(): void;
  /** None has ever come back: the peer offers what its network does not do. */
  unanswered(): void;
}

/** How often a peer is tried again that has never sent an echo back. */
const TRY_EVERY = 1000;
/** RFC 5880 §6.8.9: 75 to 100 % of the interval. */
const LEAST_JITTER = 0.75;

/**
 * The echo packets of one session (RFC 5880 §6.8.9): when to send one and when too many are missing. Only what was really sent can be
 * missing, so that a thread that stood still does not take the path for broken. Until the first has come back none is relied on: a
 * peer that offers echo behind a packet filter is to be told of, not taken down.
 */
export class EchoFunction {
  #config: EchoConfig;
  readonly #effects: EchoEffects;
  readonly #random: () => number;
  /** As the session allows it; undefined: not active. */
  #allowedEvery: number | undefined;
  #sent = 0;
  #returned = 0;
  /** When each of those that are under way was sent, oldest first. */
  readonly #underWay = new Map<number, number>();
  #proven = false;
  #told = false;
  #sendAt: number | undefined;

  constructor(config: EchoConfig, effects: EchoEffects, random: () => number) {
    this.#config = config;
    this.#effects = effects;
    this.#random = random;
  }

  /** Whether the path is judged by echo packets now. */
  get active(): boolean {
    return this.#allowedEvery !== undefined && this.#proven;
  }

  /** Milliseconds between echo packets, before jitter. */
  get interval(): number {
    const least = this.#told && !this.#proven ? TRY_EVERY : 0;
    return Math.max(this.#config.interval, this.#allowedEvery ?? 0, least);
  }

  get detectionTime(): number {
    return this.#config.detectMultiplier * this.interval;
  }

  /** When to call `tick`; undefined: not before something changes. */
  get deadline(): number | undefined {
    const times = [this.#sendAt, this.#failAt()].filter(time => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  reconfigure(config: EchoConfig): void {
    this.#config = config;
  }

  /** How often the session allows echo packets now: see `BfdSession.echoAllowedEvery`. */
  allow(every: number | undefined, now: number): void {
    if (every === this.#allowedEvery) return;
    const began = this.#allowedEvery === undefined;
    this.#allowedEvery = every;
    if (every === undefined) {
      this.#sendAt = undefined;
      this.#forget();
    } else if (began) this.#sendAt = now + this.#jittered();
  }

  /** One has come back. True when it counts: each does once, and none from before the last. */
  returned(sequence: number): boolean {
    if (this.#allowedEvery === undefined || sequence <= this.#returned || sequence > this.#sent) return false;
    this.#returned = sequence;
    for (const older of this.#underWay.keys()) {
      if (older > sequence) break;
      this.#underWay.delete(older);
    }
    this.#proven = true;
    return true;
  }

  /** Does what is due. Whatever has arrived must have been handed in before. */
  tick(now: number): void {
    const failAt = this.#failAt();
    if (failAt !== undefined && failAt <= now) {
      this.#forget();
      if (this.#proven) return this.#effects.failed();
      if (!this.#told) this.#effects.unanswered();
      this.#told = true;
    }
    if (this.#sendAt === undefined || this.#sendAt > now) return;
    const missing = this.#underWay.size > 0;
    if (this.#effects.send(this.#sent + 1, missing)) this.#underWay.set(++this.#sent, now);
    this.#sendAt = now + this.#jittered();
  }

  #failAt(): number | undefined {
    if (this.#underWay.size < this.#config.detectMultiplier) return undefined;
    const [oldest] = this.#underWay.values();
    return oldest === undefined ? undefined : oldest + this.detectionTime;
  }

  /** What is under way does not count any more. */
  #forget(): void {
    this.#underWay.clear();
    this.#returned = this.#sent;
  }

  #jittered(): number {
    return this.interval * (LEAST_JITTER + (1 - LEAST_JITTER) * this.#random());
  }
}
