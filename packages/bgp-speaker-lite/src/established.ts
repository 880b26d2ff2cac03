import { type Family, familyOf } from './codec/family.ts';
import type { NamedPrefix } from './codec/prefix.ts';
import { RefreshSubtype, type RouteRefresh } from './codec/route-refresh.ts';
import type { DecodedUpdate } from './codec/update.ts';
import type { Negotiated } from './fsm/negotiate.ts';
import { familiesWithoutNextHop, nextHopProblems, type OwnNextHops, ownNextHops } from './next-hop.ts';
import type { PeerHost } from './peer.ts';
import type { PeerConfig } from './peer-config.ts';
import { ReceivedRoutes } from './received.ts';
import { AdjRibOut } from './rib/adj-rib-out.ts';
import type { ExportContext } from './rib/export.ts';
import type { Connection } from './session/connection.ts';
import type { PeerCounters } from './status.ts';

/** Octets waiting in the socket above which nothing more is worked out: a slow peer gets the newest state later, not a queue now. */
const IN_FLIGHT = 1 << 20;
/** Announcements that follow one another within this time, ms, share messages. Withdrawals and the first announcement never wait. */
const PACE = 10;

export interface EstablishedEvents {
  /** Everything has been said, End-of-RIB included. */
  synchronized(): void;
  /** Octets have been given to the connection. */
  written(): void;
}

/** A session that is Established: keeps what the peer knows in step with the routes that are to be announced to it. */
export class EstablishedSession {
  readonly connection: Connection;
  readonly negotiated: Negotiated;
  readonly #host: PeerHost;
  readonly #counters: PeerCounters;
  readonly #events: EstablishedEvents;
  readonly #rib: AdjRibOut;
  readonly #received: ReceivedRoutes;
  #config: PeerConfig;
  #nextHops: OwnNextHops;
  #synchronized = false;
  #flushQueued = false;
  #cancelFlush: (() => void) | undefined;
  #lastFlush = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(
    connection: Connection,
    negotiated: Negotiated,
    config: PeerConfig,
    host: PeerHost,
    counters: PeerCounters,
    events: EstablishedEvents,
  ) {
    this.connection = connection;
    this.negotiated = negotiated;
    this.#config = config;
    this.#host = host;
    this.#counters = counters;
    this.#events = events;
    this.#received = new ReceivedRoutes(counters);
    this.#nextHops = this.#ownNextHops();
    const { name } = config;
    this.#rib = new AdjRibOut(this.#exportContext(), negotiated.maxLength, text => host.routes.lookup(text, name));
    this.#rib.begin(host.routes.prefixesFor(name));
    this.scheduleFlush();
  }

  /** How many routes the peer has of us. */
  get announced(): Readonly<Partial<Record<Family, number>>> {
    return this.#rib.counts;
  }

  /** Nothing is worked out or sent from now on. */
  end(): void {
    this.#ended = true;
    this.#cancelFlush?.();
  }

  /** The route of a prefix may have changed. */
  mark(prefix: NamedPrefix): void {
    this.#rib.mark(prefix);
    this.scheduleFlush();
  }

  /** Options, next hops, or whether the speaker drains, may have changed. */
  refreshExport(config: PeerConfig): void {
    this.#config = config;
    this.#nextHops = this.#ownNextHops();
    this.#rib.update(this.#exportContext(), this.#host.routes.prefixesFor(config.name));
    this.scheduleFlush();
  }

  /** Counts the routes of an UPDATE; false when they are more than allowed. */
  received(update: DecodedUpdate): boolean {
    return this.#received.update(update, this.#config.receivedRouteLimit);
  }

  refresh(refresh: RouteRefresh): void {
    const family = familyOf(refresh);
    this.#counters.refreshesReceived++;
    // RFC 7313 §5: brackets of the peer's own refresh, and subtypes unknown, need no answer.
    if (!family || refresh.subtype !== RefreshSubtype.REQUEST) return;
    this.#rib.refresh(family, this.negotiated.enhancedRouteRefresh);
    this.scheduleFlush();
  }

  /** Families of which nothing can be announced: no next hop is known. */
  get withoutNextHop(): Family[] {
    return familiesWithoutNextHop(this.negotiated.families, this.#nextHops, this.negotiated.extendedNextHop);
  }

  /** What keeps some routes from the peer, in words. */
  problems(): string[] {
    const { families, extendedNextHop } = this.negotiated;
    const missing: Family[] = this.#config.fsm.families.filter(family => !families.includes(family));
    return [...missing.map(family => `the peer does not speak ${family}`), ...nextHopProblems(families, this.#nextHops, extendedNextHop)];
  }

  scheduleFlush(): void {
    if (this.#ended || !this.#rib.pending || this.#flushQueued) return;
    const wait = this.#rib.urgent ? 0 : this.#lastFlush + PACE - this.#host.clock.now();
    if (wait > 0) {
      this.#cancelFlush ??= this.#host.clock.at(this.#lastFlush + PACE, () => {
        this.#cancelFlush = undefined;
        this.#flush();
      });
      return;
    }
    // After the running code: a loop of ten thousand announcements is one burst.
    this.#flushQueued = true;
    queueMicrotask(() => {
      this.#flushQueued = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.#ended) return;
    const counters = this.#counters;
    while (this.#rib.pending && this.connection.pendingOctets < IN_FLIGHT) {
      const burst = this.#rib.next();
      if (!burst) break;
      if (burst.bytes.length > 0) this.connection.write(burst.bytes);
      counters.messagesSent += burst.messages;
      counters.updatesSent += burst.messages;
      counters.octetsSent += burst.bytes.length;
      counters.routesAnnounced += burst.announced;
      counters.routesWithdrawn += burst.withdrawn;
    }
    this.#lastFlush = this.#host.clock.now();
    this.#events.written();
    if (this.#synchronized || this.#rib.pending) return;
    this.#synchronized = true;
    this.#events.synchronized();
  }

  #ownNextHops(): OwnNextHops {
    return ownNextHops({
      localAddress: this.connection.localAddress,
      interfaces: this.#host.transport.interfaces(),
      configured4: this.#config.nextHop4,
      configured6: this.#config.nextHop6,
      extendedNextHop: this.negotiated.extendedNextHop,
    });
  }

  #exportContext(): ExportContext {
    const { negotiated } = this;
    return {
      internal: negotiated.internal,
      localAs: this.#config.fsm.localAs,
      fourOctetAs: negotiated.context.fourOctetAs,
      extendedNextHop: negotiated.extendedNextHop,
      families: negotiated.families,
      nextHop4: this.#nextHops.nextHop4,
      nextHop6: this.#nextHops.nextHop6,
      gracefulShutdown: this.#host.draining(this.#config.name),
    };
  }
}
