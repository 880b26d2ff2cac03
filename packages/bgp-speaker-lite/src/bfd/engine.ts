import { type PollLoop, RawSocketError, type Timer, type UdpInfo, UdpSocket } from 'raw-socket';
import { splitZone } from '../codec/address.ts';
import type { BfdStatus } from '../status.ts';
import { Authenticator } from './authentication.ts';
import { EchoFunction } from './echo.ts';
import { ECHO_PORT, type EchoId } from './echo-frame.ts';
import { EchoLinks, type EchoRoute } from './echo-links.ts';
import { FORWARDING, kernelForwards } from './forwarding.ts';
import { type ControlPacket, decodeControlPacket, diagnosticText, encodeControlPacket, stateName } from './packet.ts';
import { BoundDevice, familyOf, keyOf, pathKey, samePath } from './path.ts';
import { BfdSession, type SessionConfig } from './session.ts';
import type { BfdSessionSpec } from './spec.ts';

/** UDP ports of control packets: RFC 5881 §4 and RFC 5883 §5. */
const SINGLE_HOP_PORT = 3784;
const MULTIHOP_PORT = 4784;
/** RFC 5881 §4: the source port is from the dynamic range and stays the same. */
const FIRST_SOURCE_PORT = 49_152;
const SOURCE_PORTS = 16_384;
const PORT_ATTEMPTS = 64;
/** GTSM, RFC 5881 §5. */
const FULL_TTL = 255;
/** Network control. */
const CS6 = 0xc0;
/** An AdminDown is said several times: nobody repeats it once we are gone. */
const FAREWELLS = 3;

export interface EngineEvents {
  status(id: string, status: BfdStatus): void;
  problem(id: string, text: string): void;
}

interface Entry {
  spec: BfdSessionSpec;
  readonly key: string;
  readonly discriminator: number;
  readonly session: BfdSession;
  readonly authenticator: Authenticator | undefined;
  readonly sender: UdpSocket;
  readonly sendErrors: Set<string>;
  echo: EchoFunction | undefined;
  readonly device: BoundDevice;
  /** Where the peer's packets come in. */
  route: EchoRoute | undefined;
  timer: Timer | undefined;
}

/**
 * Runs BFD sessions on a poll loop: sockets, timers and the choice of the session a packet belongs to. Give it the loop of a
 * worker thread; whoever shares that thread must be brief.
 */
export class BfdEngine {
  readonly #loop: PollLoop;
  readonly #events: EngineEvents;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #byDiscriminator = new Map<number, Entry>();
  /** Several when the same address is on several devices. */
  readonly #byKey = new Map<string, Set<Entry>>();
  readonly #receivers = new Map<string, UdpSocket>();
  readonly #echoLinks: EchoLinks;
  readonly #forwards: (family: 4 | 6) => boolean;
  /** Packets dropped, by reason: for whoever wonders why a session does not come up. */
  readonly drops: Record<string, number> = {};

  constructor(loop: PollLoop, events: EngineEvents, random: () => number, forwards: (family: 4 | 6) => boolean = kernelForwards) {
    this.#loop = loop;
    this.#events = events;
    this.#random = random;
    this.#forwards = forwards;
    this.#echoLinks = new EchoLinks(loop, (id, interfaceIndex) => this.#echoReturned(id, interfaceIndex));
  }

  /** Starts a session, or changes the timers of the one with this id. A changed path or key is a new session. */
  set(spec: BfdSessionSpec): void {
    const existing = this.#entries.get(spec.id);
    if (existing && samePath(existing.spec, spec)) {
      existing.spec = spec;
      existing.session.reconfigure(this.#sessionConfig(spec, existing.discriminator), this.#loop.now());
      this.#setEcho(existing);
      this.#arm(existing);
      return;
    }
    if (existing) this.remove(spec.id);
    try {
      this.#listen(spec);
      this.#start(spec);
    } catch (error) {
      if (!(error instanceof RawSocketError)) throw error;
      this.#events.problem(spec.id, error.message);
    }
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.timer?.cancel();
    for (let i = 0; i < FAREWELLS; i++) entry.session.farewell(this.#loop.now());
    this.#entries.delete(id);
    this.#byDiscriminator.delete(entry.discriminator);
    this.#byKey.get(entry.key)?.delete(entry);
    if (this.#byKey.get(entry.key)?.size === 0) this.#byKey.delete(entry.key);
    entry.sender.close();
  }

  close(): void {
    for (const id of this.#entries.keys()) this.remove(id);
    for (const receiver of this.#receivers.values()) {
      this.#loop.remove(receiver.fd);
      receiver.close();
    }
    this.#receivers.clear();
    this.#echoLinks.close();
  }

  #listen(spec: BfdSessionSpec): void {
    const family = familyOf(spec);
    this.#receive(family, spec.multihop ? MULTIHOP_PORT : SINGLE_HOP_PORT, (data, info) => this.#datagram(data, info, spec.multihop));
    // Echo packets over IPv4 come back by the forwarding of the kernel alone.
    if (family === 6 && !spec.multihop && spec.options.echoInterval !== undefined)
      this.#receive(6, ECHO_PORT, (data, info) => this.#sendBack(data, info));
  }

  #receive(family: 4 | 6, port: number, onMessage: (data: Buffer, info: UdpInfo) => void): void {
    const key = `${family}/${port}`;
    if (this.#receivers.has(key)) return;
    const ttl = port === ECHO_PORT ? { ttl: FULL_TTL - 1, tos: CS6 } : {};
    const socket = UdpSocket.open({ family, port, ...ttl, onMessage, onError: () => {} });
    this.#receivers.set(key, socket);
    this.#loop.add(socket);
  }

  #start(spec: BfdSessionSpec): void {
    const discriminator = this.#newDiscriminator();
    const { authentication } = spec.options;
    const authenticator = authentication && new Authenticator(authentication, Math.floor(this.#random() * 2 ** 32));
    const sender = this.#openSender(spec);
    const sendErrors = new Set<string>();
    const session = new BfdSession(
      this.#sessionConfig(spec, discriminator),
      { send: packet => this.#send(entry, packet), changed: () => this.#report(entry) },
      this.#random,
      this.#loop.now(),
    );
    const key = pathKey(spec);
    const entry: Entry = {
      spec,
      key,
      discriminator,
      session,
      authenticator,
      sender,
      sendErrors,
      device: new BoundDevice(spec.device),
      echo: undefined,
      route: undefined,
      timer: undefined,
    };
    this.#entries.set(spec.id, entry);
    this.#byDiscriminator.set(discriminator, entry);
    this.#byKey.set(entry.key, (this.#byKey.get(entry.key) ?? new Set()).add(entry));
    this.#setEcho(entry);
    this.#report(entry);
    this.#arm(entry);
  }

  #sessionConfig(spec: BfdSessionSpec, localDiscriminator: number): SessionConfig {
    const { transmitInterval = 300, receiveInterval = 300, detectMultiplier = 3, passive = false } = spec.options;
    return {
      localDiscriminator,
      desiredMinTx: transmitInterval * 1000,
      requiredMinRx: receiveInterval * 1000,
      detectMultiplier,
      passive,
      requiredMinEchoRx: this.#echoInterval(spec) * 1000,
    };
  }

  /** A peer whose echo packets do not come back takes the session down: none are asked for where they cannot. */
  #echoInterval(spec: BfdSessionSpec): number {
    const { echoInterval } = spec.options;
    // Not over several hops (RFC 5883 §4.1).
    if (echoInterval === undefined || spec.multihop) return 0;
    const family = familyOf(spec);
    if (this.#forwards(family)) return echoInterval;
    this.#events.problem(
      spec.id,
      `BFD echo is off: the kernel does not forward IPv${family}; set ${FORWARDING[family].name} to 1, or leave bfd.echoInterval out`,
    );
    return 0;
  }

  /** Our own echo packets, as the session's options are now. */
  #setEcho(entry: Entry): void {
    const { echoTransmitInterval, detectMultiplier = 3 } = entry.spec.options;
    if (echoTransmitInterval === undefined || entry.spec.multihop) {
      entry.echo = undefined;
      return;
    }
    const config = { interval: echoTransmitInterval, detectMultiplier };
    if (entry.echo) return entry.echo.reconfigure(config);
    const { address } = entry.spec;
    const effects = {
      send: (sequence: number, missing: boolean) => this.#sendEcho(entry, sequence, missing),
      failed: () => entry.session.echoFailed(this.#loop.now()),
      unanswered: () =>
        this.#events.problem(
          entry.spec.id,
          `${address} offers BFD echo, but no echo packet comes back: does it forward, and does its packet filter let UDP port ${ECHO_PORT} through?`,
        ),
    };
    entry.echo = new EchoFunction(config, effects, this.#random);
    this.#allowEcho(entry);
  }

  #allowEcho(entry: Entry): void {
    const { echo, session } = entry;
    if (!echo) return;
    const before = JSON.stringify(echoStatus(echo));
    echo.allow(session.echoAllowedEvery, this.#loop.now());
    if (JSON.stringify(echoStatus(echo)) !== before) this.#report(entry);
  }

  #sendEcho(entry: Entry, sequence: number, missing: boolean): boolean {
    if (!entry.route) return false;
    const refused = this.#echoLinks.send(entry.route, { discriminator: entry.discriminator, sequence }, missing);
    if (refused !== undefined) this.#sayOnce(entry, refused, `cannot send BFD echo packets to ${entry.spec.address}: ${refused}`);
    return refused === undefined;
  }

  #echoReturned({ discriminator, sequence }: EchoId, interfaceIndex: number): void {
    const entry = this.#byDiscriminator.get(discriminator);
    if (!entry?.echo || entry.route?.interfaceIndex !== interfaceIndex) return this.#drop('echo of no session');
    const { active } = entry.echo;
    if (!entry.echo.returned(sequence)) return this.#drop('echo out of order');
    if (!active) this.#report(entry);
    this.#arm(entry);
  }

  /** A peer's echo packet that is addressed to us: FRR sends those of IPv6 so. Only what a neighbour has sent goes back, and only to a peer that was offered it. */
  #sendBack(data: Buffer, info: UdpInfo): void {
    const entry = this.#entryAt(info, false);
    if (!entry || entry.session.echoOffered === 0) return this.#drop('echo of a stranger');
    if (info.ttl !== FULL_TTL || info.truncated) return this.#drop('echo from further away');
    this.#receivers.get(`6/${ECHO_PORT}`)?.send(data, info.port, info.address);
  }

  #openSender(spec: BfdSessionSpec): UdpSocket {
    const family = familyOf(spec);
    const start = Math.floor(this.#random() * SOURCE_PORTS);
    for (let i = 0; ; i++) {
      const port = FIRST_SOURCE_PORT + ((start + i) % SOURCE_PORTS);
      try {
        return UdpSocket.open({ family, address: spec.sourceAddress, port, device: spec.device, ttl: FULL_TTL, tos: CS6 });
      } catch (error) {
        if (!(error instanceof RawSocketError) || error.code !== 'AddressInUse' || i >= PORT_ATTEMPTS) throw error;
      }
    }
  }

  #newDiscriminator(): number {
    for (;;) {
      const candidate = 1 + Math.floor(this.#random() * 0xffff_fffe);
      if (!this.#byDiscriminator.has(candidate)) return candidate;
    }
  }

  #send(entry: Entry, packet: ControlPacket): void {
    const datagram = entry.authenticator ? entry.authenticator.sign(packet) : encodeControlPacket(packet);
    const port = entry.spec.multihop ? MULTIHOP_PORT : SINGLE_HOP_PORT;
    const result = entry.sender.send(datagram, port, entry.spec.address);
    if (!result.ok) this.#sayOnce(entry, result.errno, `cannot send BFD packets to ${entry.spec.address}: ${result.errno}`);
  }

  /** A link that is down would say it with every packet. */
  #sayOnce(entry: Entry, kind: string, text: string): void {
    if (entry.sendErrors.has(kind)) return;
    entry.sendErrors.add(kind);
    this.#events.problem(entry.spec.id, text);
  }

  #report({ spec, session, echo }: Entry): void {
    this.#events.status(spec.id, statusOf(session, echo));
  }

  #datagram(buffer: Buffer, info: UdpInfo, multihop: boolean): void {
    // A plain array: a Buffer's `slice` shares its memory, and this memory is overwritten by the next datagram.
    const data = new Uint8Array(buffer);
    const decoded = decodeControlPacket(data);
    if ('drop' in decoded) return this.#drop(decoded.drop);
    const { packet } = decoded;
    const entry = packet.yourDiscriminator === 0 ? this.#entryAt(info, multihop) : this.#byDiscriminator.get(packet.yourDiscriminator);
    if (!entry) return this.#drop('no such session');
    // A discriminator is 32 bits of luck: the address must be the peer's as well.
    if (entry.spec.multihop !== multihop || keyOf(info, multihop) !== entry.key) return this.#drop('from another address');
    if (!entry.device.accepts(info.interfaceIndex)) return this.#drop('from another device');
    const least = multihop ? (entry.spec.options.minimumTtl ?? FULL_TTL - 1) : FULL_TTL;
    if ((info.ttl ?? 0) < least) return this.#drop('TTL too small');
    if (packet.authenticationPresent !== (entry.authenticator !== undefined)) return this.#drop('authentication on one side only');
    const forged = entry.authenticator?.check(data, packet);
    if (forged !== undefined) return this.#drop(forged);
    this.#noteRoute(entry, info);
    entry.session.receive(packet, this.#loop.now());
    this.#allowEcho(entry);
    this.#arm(entry);
  }

  /** The session of a packet that names none (RFC 5881 §3): by the address, and by the device where the session is bound to one. */
  #entryAt(info: UdpInfo, multihop: boolean): Entry | undefined {
    const candidates = [...(this.#byKey.get(keyOf(info, multihop)) ?? [])].filter(({ device }) => device.accepts(info.interfaceIndex));
    return candidates.find(({ device }) => device.name !== undefined) ?? candidates[0];
  }

  #noteRoute(entry: Entry, { interfaceIndex, destination, address }: UdpInfo): void {
    const { route } = entry;
    if (!entry.echo || interfaceIndex === undefined || destination === undefined) return;
    if (route?.interfaceIndex === interfaceIndex && route.ownAddress === destination) return;
    entry.route = { interfaceIndex, ownAddress: destination, peerAddress: splitZone(address).address };
  }

  #drop(reason: string): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1;
  }

  #arm(entry: Entry): void {
    const at = Math.min(entry.session.deadline ?? Number.POSITIVE_INFINITY, entry.echo?.deadline ?? Number.POSITIVE_INFINITY);
    if (entry.timer?.active && entry.timer.time === at) return;
    entry.timer?.cancel();
    entry.timer =
      at === Number.POSITIVE_INFINITY
        ? undefined
        : this.#loop.at(at, () => {
            entry.session.tick(this.#loop.now());
            entry.echo?.tick(this.#loop.now());
            this.#allowEcho(entry);
            if (entry.session.remoteDiscriminator === 0) entry.authenticator?.forgetSequence();
            if (this.#entries.get(entry.spec.id) === entry) this.#arm(entry);
          });
  }
}

function statusOf(session: BfdSession, echo: EchoFunction | undefined): BfdStatus {
  return {
    state: stateName(session.state),
    remoteState: stateName(session.remoteState),
    diagnostic: diagnosticText(session.diagnostic),
    transmitInterval: session.transmitInterval,
    detectionTime: session.detectionTime,
    ...echoStatus(echo),
  };
}

function echoStatus(echo: EchoFunction | undefined): Pick<BfdStatus, 'echo'> {
  return echo?.active ? { echo: { transmitInterval: echo.interval, detectionTime: echo.detectionTime } } : {};
}
