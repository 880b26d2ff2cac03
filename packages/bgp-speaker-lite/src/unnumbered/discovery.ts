import { ClassicAssembler, eventLoop, interfaces, PacketSocket, parseMac } from 'raw-socket';
import { isLinkLocal, tryParseAddress } from '../codec/address.ts';
import type { Clock } from '../session/clock.ts';
import { decodeRouterFrame, encodeRouterAdvertisement, encodeRouterSolicitation, type LinkIdentity } from './router-frames.ts';

/** Finds the router at the other end of a link, and lets it find us. */
export interface LinkDiscovery {
  /** Calls back with the router's link-local address whenever it is another; `problem` when the link cannot be used. Returns how to end it. */
  watch(link: string, found: (router: string) => void, problem: (text: string) => void): () => void;
}

const ETH_P_IPV6 = 0x86dd;
/** RFC 4861 §6.2.1 allows an advertisement every 3 s at most often; routers forget who is silent for three intervals. */
const ADVERTISE_EVERY = 4000;
const RETRY_EVERY = 2000;
/** A router that has been silent for so long may be replaced by another one on the link. */
const SILENT_AFTER = 35_000;
/** No more than one answer per so many milliseconds, however many ask. */
const ANSWER_EVERY = 500;

/** Only solicitations and advertisements of routers reach us. */
function filter(): ReturnType<ClassicAssembler['assemble']> {
  return new ClassicAssembler()
    .load(2, 12)
    .jump('eq', ETH_P_IPV6, undefined, 'drop')
    .load(1, 20)
    .jump('eq', 58, undefined, 'drop')
    .load(1, 54)
    .jump('eq', 133, 'keep', undefined)
    .jump('eq', 134, 'keep', 'drop')
    .label('keep')
    .ret(0x40000)
    .label('drop')
    .ret(0)
    .assemble();
}

function identityOf(link: string): LinkIdentity {
  const found = interfaces().find(({ name }) => name === link);
  if (!found) throw new Error(`there is no interface ${link}`);
  if (!found.up) throw new Error(`interface ${link} is down`);
  const linkLocal = found.addresses.map(({ address }) => tryParseAddress(address)).find(bytes => bytes && isLinkLocal(bytes));
  if (!linkLocal || found.mac === undefined)
    throw new Error(`interface ${link} has no link-local IPv6 address (is IPv6 switched off on it?)`);
  return { mac: parseMac(found.mac), linkLocal };
}

/** One link: its socket, its advertisements, and the router it has seen. */
class LinkWatch {
  readonly #link: string;
  readonly #clock: Clock;
  readonly #found: (router: string) => void;
  readonly #problem: (text: string) => void;
  #socket: PacketSocket | undefined;
  #cancel: (() => void) | undefined;
  #router: string | undefined;
  #heardAt = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #said: string | undefined;
  #ended = false;

  constructor(link: string, clock: Clock, found: (router: string) => void, problem: (text: string) => void) {
    this.#link = link;
    this.#clock = clock;
    this.#found = found;
    this.#problem = problem;
    // Later, so that whoever asked has finished what it was doing.
    this.#cancel = clock.at(clock.now(), () => this.#tick());
  }

  end(): void {
    this.#ended = true;
    this.#cancel?.();
    this.#close();
  }

  #tick(): void {
    if (this.#ended) return;
    let next = ADVERTISE_EVERY;
    try {
      const identity = identityOf(this.#link);
      this.#open();
      if (this.#router === undefined) this.#socket?.send(encodeRouterSolicitation(identity));
      this.#socket?.send(encodeRouterAdvertisement(identity));
      this.#said = undefined;
    } catch (error) {
      this.#close();
      next = RETRY_EVERY;
      const text = error instanceof Error ? error.message : String(error);
      // Said when it becomes true, not every two seconds.
      if (text !== this.#said) this.#problem(text);
      this.#said = text;
    }
    this.#cancel = this.#clock.at(this.#clock.now() + next, () => this.#tick());
  }

  #open(): void {
    if (this.#socket) return;
    const socket = PacketSocket.open({
      interface: this.#link,
      filter: filter(),
      protocol: ETH_P_IPV6,
      snapLength: 512,
      onFrame: (frame, info) => {
        if (info.packetType !== 'outgoing') this.#frame(frame);
      },
      onError: () => this.#close(),
    });
    // All nodes: what routers advertise to.
    socket.joinMulticast('33:33:00:00:00:01');
    socket.joinMulticast('33:33:00:00:00:02');
    this.#socket = socket;
    eventLoop.add(socket);
  }

  #close(): void {
    if (!this.#socket) return;
    eventLoop.remove(this.#socket.fd);
    this.#socket.close();
    this.#socket = undefined;
  }

  #frame(bytes: Uint8Array): void {
    const frame = decodeRouterFrame(bytes);
    const now = this.#clock.now();
    if (frame?.kind === 'advertisement') this.#heard(frame.router, now);
    else if (frame?.kind === 'solicitation' && now - this.#answeredAt >= ANSWER_EVERY) {
      this.#answeredAt = now;
      this.#cancel?.();
      this.#tick();
    }
  }

  #heard(router: string, now: number): void {
    const silent = now - this.#heardAt > SILENT_AFTER;
    if (router === this.#router) this.#heardAt = now;
    else if (this.#router === undefined || silent) {
      this.#router = router;
      this.#heardAt = now;
      this.#found(router);
    }
  }
}

/** Discovery by Router Advertisements on the links of this machine. Needs CAP_NET_RAW. */
export function systemDiscovery(clock: Clock): LinkDiscovery {
  return {
    watch: (link, found, problem) => {
      const watch = new LinkWatch(link, clock, found, problem);
      return () => watch.end();
    },
  };
}
