import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Announcement, Config, Labels } from '@herald/crds';
import { BgpError, type PeerOptions, type PeerStatus, Speaker, type SpeakerOptions } from 'bgp-speaker-lite';
import { lingeringRoutes } from './lingering.ts';
import { type Passwords, peersOf, type WaitingPeer } from './peers.ts';
import { type PeerRoute, RouteBook } from './route-book.ts';
import type { RouteConflict } from './routes.ts';

/** Everything that decides a node's sessions and routes. */
export interface BGPState {
  readonly config: Config;
  readonly announcements: readonly Announcement[];
  readonly labels: Labels;
  /** The node's addresses, for its BGP identifier. */
  readonly addresses: readonly string[];
  readonly passwords: Passwords;
  /** The node is being left: routes stay for a while, marked with GRACEFUL_SHUTDOWN (RFC 8326). */
  readonly draining: boolean;
  /** The node must announce nothing: it has been left. Sessions stay. */
  readonly excluded: boolean;
}

export interface BGPOptions {
  readonly node: string;
  /** One line per event that matters. */
  readonly log: (level: 'info' | 'warn', event: string, fields: Record<string, unknown>) => void;
  /** Makes the speaker; a test gives its own. */
  readonly createSpeaker?: (options: SpeakerOptions) => Speaker;
  /** Accept connections of peers on port 179, beside dialling them; a port in use is reported and dialling goes on. */
  readonly listen?: { readonly port: number; readonly addresses?: readonly string[] } | undefined;
}

/** A peer as this node sees it, also one that could not be configured. */
export interface BGPSession {
  readonly peer: string;
  readonly status: PeerStatus | undefined;
  /** Why it has no session, or why some routes are missing on it. */
  readonly problems: readonly string[];
}

/** The BGP part of a node: keeps peers and routes of one in-process speaker as the configuration wants them, touching only what differs. */
export class NodeBGP {
  readonly #options: BGPOptions;
  #speaker: Speaker | undefined;
  #configured = new Map<string, string>();
  #waiting: readonly WaitingPeer[] = [];
  #refused = new Map<string, string>();
  readonly #book = new RouteBook();
  /** The routes that the speaker was told, by peer and prefix. */
  readonly #told = new Map<string, PeerRoute & { readonly text: string }>();
  /** Routes that the speaker does not take. */
  readonly #badRoutes = new Map<string, { readonly peer: string; readonly message: string }>();
  /** The routes told are not those of the book. */
  #lingers = false;
  #listening = false;
  #passive: ReadonlySet<string> = new Set();

  constructor(options: BGPOptions) {
    this.#options = options;
  }

  /** Routes that are not announced because advertisements contradict each other. */
  get conflicts(): readonly RouteConflict[] {
    return this.#book.conflicts;
  }

  /** Brings sessions and routes in line with `state`. Bad input of one peer or route is reported on that peer; everything else goes on. */
  async update(state: BGPState): Promise<void> {
    const plan = peersOf(state.config, state.labels, state.passwords);
    this.#waiting = plan.waiting;
    // Without a peer there is nothing to speak for; the speaker starts with the first one and then stays.
    if (!this.#speaker && plan.peers.size === 0) return;
    const speaker = (this.#speaker ??= await this.#start(state, plan.peers));
    // Routes first: a new session is told End-of-RIB, upon which a router drops what it kept over a restart and was not told again (RFC 4724).
    this.#updateRoutes(speaker, state, new Set(plan.peers.keys()));
    this.#updatePeers(speaker, plan.peers);
    speaker.setGracefulShutdown(state.draining);
    this.#passive = new Set([...plan.peers].flatMap(([name, { passive }]) => (passive ? [name] : [])));
  }

  /** Every peer that selects this node, by name. */
  sessions(): BGPSession[] {
    const conflicts = (peer: string): string[] =>
      this.conflicts
        .filter(conflict => conflict.peer === peer)
        .map(
          ({ prefix, attribute, wants }) => `${prefix} is not announced: advertisements want different ${attribute} (${wants.join('; ')})`,
        );
    const live = (this.#speaker?.status() ?? []).map(status => ({
      peer: status.name,
      status,
      problems: [...status.problems, ...conflicts(status.name), ...this.#problemOf(status.name)],
    }));
    const known = new Set(live.map(session => session.peer));
    const others = [...this.#waiting.map(({ peer, message }): [string, string] => [peer, message]), ...this.#refused].filter(
      ([peer]) => !known.has(peer),
    );
    return [...live, ...others.map(([peer, message]) => ({ peer, status: undefined, problems: [message] }))].sort((a, b) =>
      a.peer < b.peer ? -1 : 1,
    );
  }

  /** Marks the routes of some peers with GRACEFUL_SHUTDOWN, so that these move the traffic away before the sessions end. */
  markLeaving(peers: readonly string[]): void {
    this.#speaker?.setGracefulShutdown(true, { peers });
  }

  /** An address of this machine came or went: next hops are worked out again. */
  refreshNextHops(): void {
    this.#speaker?.refreshNextHops();
  }

  /** Ends all sessions: with a Cease that names the node, or, for a restart, silently towards peers that keep the routes over it. */
  async stop(mode: 'cease' | 'graceful-restart'): Promise<void> {
    const speaker = this.#speaker;
    this.#speaker = undefined;
    const does = mode === 'cease' ? 'is leaving' : 'restarts';
    await speaker?.stop({ mode, message: `Herald speaker of ${this.#options.node} ${does}` });
  }

  async #start(state: BGPState, peers: ReadonlyMap<string, PeerOptions>): Promise<Speaker> {
    const first = peers.values().next().value as PeerOptions;
    const options: SpeakerOptions = {
      asn: first.localAs as number,
      routerId: state.addresses.find(address => isIPv4(address)) ?? routerIdOf(this.#options.node),
      hostname: this.#options.node,
    };
    const speaker = this.#options.createSpeaker?.(options) ?? new Speaker(options);
    const { log, listen } = this.#options;
    speaker.on('state', ({ peer, state: now, previous }) => {
      if (now === 'Established' || previous === 'Established') log('info', 'bgp session', { peer, state: now });
    });
    speaker.on('failure', ({ peer, text, notification, direction }) => {
      log('warn', 'bgp failure', { peer, text, ...(notification === undefined ? {} : { notification, direction }) });
    });
    if (listen) {
      try {
        await speaker.listen(listen);
        this.#listening = true;
      } catch (error) {
        // Another BGP daemon of the node (a CNI's) may hold the port; sessions that we open do not need it.
        log('warn', 'bgp listen', {
          error: error instanceof Error ? error.message : String(error),
          consequence: 'passive peers cannot connect',
        });
      }
    }
    return speaker;
  }

  #updatePeers(speaker: Speaker, wanted: ReadonlyMap<string, PeerOptions>): void {
    const refused = new Map<string, string>();
    for (const name of speaker.peers) {
      if (wanted.has(name)) continue;
      speaker.removePeer(name);
      this.#configured.delete(name);
    }
    for (const [name, options] of wanted) {
      const text = JSON.stringify(options);
      if (this.#configured.get(name) === text) continue;
      try {
        if (speaker.peers.includes(name)) speaker.updatePeer(options);
        else speaker.addPeer(options);
        this.#configured.set(name, text);
      } catch (error) {
        if (!(error instanceof BgpError)) throw error;
        refused.set(name, error.message);
      }
    }
    for (const [name, message] of refused)
      if (this.#refused.get(name) !== message) this.#options.log('warn', 'bgp peer refused', { peer: name, error: message });
    this.#refused = refused;
  }

  #updateRoutes(speaker: Speaker, state: BGPState, peers: ReadonlySet<string>): void {
    const node = { name: this.#options.node, labels: state.labels, peers };
    const { config, announcements, draining, excluded } = state;
    if (draining && !excluded) {
      const { routes } = lingeringRoutes(this.#book.plan, config, announcements, node);
      this.#lingers = true;
      this.#tellAll(
        speaker,
        [...routes].flatMap(([peer, list]) => list.map(route => ({ peer, prefix: route.prefix, route }))),
      );
      return;
    }
    const changes = this.#book.update(config, excluded ? [] : announcements, node);
    if (this.#lingers) this.#tellAll(speaker, this.#book.all());
    else for (const change of changes) this.#tell(speaker, change);
    this.#lingers = false;
  }

  /** Makes exactly these the routes. */
  #tellAll(speaker: Speaker, routes: Iterable<PeerRoute>): void {
    const wanted = new Set<string>();
    for (const each of routes) {
      wanted.add(`${each.peer} ${each.prefix}`);
      this.#tell(speaker, each);
    }
    for (const [id, { peer, prefix }] of this.#told) if (!wanted.has(id)) this.#tell(speaker, { peer, prefix, route: undefined });
  }

  #tell(speaker: Speaker, { peer, prefix, route }: PeerRoute): void {
    const id = `${peer} ${prefix}`;
    const told = this.#told.get(id);
    this.#badRoutes.delete(id);
    if (route !== undefined) {
      const text = JSON.stringify(route);
      if (told?.text === text) return;
      try {
        speaker.announce(route, { peers: [peer] });
        this.#told.set(id, { peer, prefix, route, text });
        return;
      } catch (error) {
        if (!(error instanceof BgpError)) throw error;
        this.#badRoutes.set(id, { peer, message: `${prefix} is not announced: ${error.message}` });
        this.#options.log('warn', 'bgp route refused', { peer, prefix, error: error.message });
      }
    }
    if (told === undefined) return;
    speaker.withdraw(prefix, { peers: [peer] });
    this.#told.delete(id);
  }

  #problemOf(peer: string): string[] {
    const refused = this.#refused.get(peer);
    const problems = refused === undefined ? [] : [`the last change of the BGPPeer is not in force: ${refused}`];
    for (const bad of this.#badRoutes.values()) if (bad.peer === peer) problems.push(bad.message);
    if (this.#passive.has(peer) && !this.#listening)
      problems.push(
        'the peer is passive and this speaker accepts no connections: set --bgp-listen-port (speaker.bgpListenPort of the chart)',
      );
    return problems;
  }
}

/** Families of routes that a session carries: agreed upon, and with a next hop of ours. */
export function carriedFamilies(status: PeerStatus | undefined): ('ipv4' | 'ipv6')[] {
  const without = status?.withoutNextHop ?? [];
  return (['ipv4', 'ipv6'] as const).filter(
    family => status?.families.includes(`${family}-unicast`) && !without.includes(`${family}-unicast`),
  );
}

/** Prefixes announced to a peer, of all families; none while it is not configured. */
export function announcedPrefixes(status: PeerStatus | undefined): number {
  return Object.values(status?.announced ?? {}).reduce((sum, count) => sum + count, 0);
}

/** A BGP identifier for a node without an IPv4 address: any number but 0, the same after a restart (RFC 6286). */
export function routerIdOf(node: string): string {
  const digest = createHash('sha256').update(node).digest();
  // The first octet keeps it out of 0/8 and of the multicast range, so that it reads like a host's address.
  return [1 + ((digest[0] as number) % 223), digest[1], digest[2], digest[3]].join('.');
}
