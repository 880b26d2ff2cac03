import type { SpeakerRouteConflict, SpeakerSession } from '@herald/crds';
import * as crds from '@herald/crds';
import {
  type Client,
  Informer,
  type InformerEvent,
  type KubeObject,
  nodes,
  secrets,
  sleep,
  type Timer,
  time,
  type Wire,
} from '@herald/kube';
import type { Logger } from '@herald/process';
import type { V1Node, V1Secret } from '@kubernetes/client-node';
import { type Departure, departureOf } from '../departure.ts';
import { sessionsProblem } from '../readiness.ts';
import { metallbResource, resourceOf } from '../resources.ts';
import { announcedPrefixes, type BGPSession, carriedFamilies, type NodeBGP } from './bgp.ts';
import type { Passwords } from './peers.ts';

const BASIC_AUTH = 'kubernetes.io/basic-auth';

/** What a session and a route are made of. */
const CONFIG_KINDS: readonly crds.AnyKind[] = [crds.ipAddressPool, crds.bgpAdvertisement, crds.bgpPeer, crds.bfdProfile, crds.community];

export interface BGPSpeakerOptions {
  readonly client: Client;
  readonly node: string;
  /** Where pools, peers and password Secrets live. */
  readonly namespace: string;
  /** MetalLB's objects and the Secrets of its peers are read, too. */
  readonly metallb?: crds.MetalLBSource | undefined;
  readonly logger: Logger;
  /** Shared with the layer 2 part. */
  readonly announcements: Informer<crds.Announcement>;
  /** How long routes stay, marked with GRACEFUL_SHUTDOWN (RFC 8326), before they are withdrawn on leaving; milliseconds. */
  readonly drainTime: number;
  /** Nodes with the exclude label announce, too. */
  readonly ignoreExcludeLabel: boolean;
  readonly bgp: NodeBGP;
}

/** Joins the Kubernetes objects to this node's BGP: watches, resolves, and lets {@link NodeBGP} do what follows. */
export class BGPSpeaker {
  readonly #options: BGPSpeakerOptions;
  readonly #config: readonly Informer<KubeObject>[];
  /** One per namespace with peers. */
  readonly #secrets: readonly Informer<Wire<V1Secret>>[];
  readonly #node: Informer<Wire<V1Node>>;
  #resolved: crds.Config = crds.emptyConfig;
  #isStale = true;
  #pending: NodeJS.Immediate | undefined;
  #updating: Promise<void> = Promise.resolve();
  /** Since when the node is being left. */
  #departing: { readonly since: number; readonly because: Departure['because'] } | undefined;
  #wake: Timer | undefined;
  #stopped = false;
  /** When sessions and routes were first as configured. */
  #configuredAt: number | undefined;

  constructor(options: BGPSpeakerOptions) {
    this.#options = options;
    const { client, namespace, metallb, node, logger } = options;
    const onError = (error: Error): void => logger.warn({ error: error.message }, 'cannot watch the BGP configuration');
    const own = CONFIG_KINDS.map(kind => new Informer(client, resourceOf<KubeObject>(kind), { namespace, onError }));
    const foreign = crds.metallbKinds.filter(({ kind }) => CONFIG_KINDS.some(mine => mine.kind === kind));
    const more = { namespace: metallb?.namespace, absentRetryMs: metallb?.absentRetryMs ?? crds.METALLB_ABSENT_RETRY, onError };
    const theirs = foreign.map(kind => new Informer(client, metallbResource(kind), { ...more, versions: kind.versions }));
    this.#config = metallb === undefined ? own : [...own, ...theirs];
    const namespaces = new Set([namespace, metallb?.namespace ?? namespace]);
    this.#secrets = [...namespaces].map(name => {
      const selection = { namespace: name, fieldSelector: `type=${BASIC_AUTH}` };
      return new Informer(client, secrets, { ...selection, onError });
    });
    this.#node = new Informer(client, nodes, { fieldSelector: `metadata.name=${node}`, onError });
    for (const informer of this.#config) informer.on(event => this.#configured(event));
    for (const informer of [...this.#secrets, this.#node]) informer.on(() => this.changed());
    options.announcements.on(() => this.changed());
  }

  start(signal: AbortSignal): void {
    for (const informer of this.#informers()) informer.start(signal);
  }

  /** Something changed that sessions or routes may depend on. Many changes in a row are one update. */
  changed(): void {
    if (this.#stopped || this.#pending !== undefined) return;
    this.#pending = setImmediate(() => {
      this.#pending = undefined;
      this.#updating = this.#updating
        .then(() => this.#update())
        .catch((error: unknown) => this.#options.logger.error({ error: String(error) }, 'bgp update failed'));
    });
  }

  /** A write to the status alone, such as the count of a pool's addresses, is no change of the configuration. */
  #configured(event: InformerEvent<KubeObject>): void {
    if (event.type === 'updated') {
      const { generation, labels = {} } = event.object.metadata;
      const { generation: before, labels: old = {} } = event.old.metadata;
      if (generation !== undefined && generation === before && JSON.stringify(labels) === JSON.stringify(old)) return;
    }
    this.#isStale = true;
    this.changed();
  }

  /** Why the routes of this node may not be back after the start (yet). */
  problem(): string | undefined {
    const since = this.#configuredAt;
    return sessionsProblem(this.#options.bgp.sessions(), since === undefined ? undefined : this.#options.client.clock.now() - since);
  }

  /** For `Speaker.status.sessions`. */
  sessions(): SpeakerSession[] {
    return this.#options.bgp.sessions().map(sessionOf);
  }

  /** For `Speaker.status.routeConflicts`. */
  routeConflicts(): SpeakerRouteConflict[] {
    return this.#options.bgp.conflicts.map(({ peer, prefix, attribute, wants }) => ({
      peer,
      prefix,
      message: `advertisements want different ${attribute}: ${wants.join('; ')}`.slice(0, 512),
    }));
  }

  /**
   * Leaves. For a restart, peers that keep routes over it (RFC 4724) are left without a word. Elsewhere, and where the node is being left,
   * routes are first marked with GRACEFUL_SHUTDOWN, so that routers move the traffic away, and then the session ends with a Cease.
   * Resolves to whether sessions ended so, which the status has to tell: nobody else will.
   * @param restart a next process is to come soon
   */
  async stop(restart: boolean): Promise<boolean> {
    this.#stopped = true;
    clearImmediate(this.#pending);
    this.#wake?.cancel();
    await this.#updating;
    const { bgp, client, drainTime, logger } = this.#options;
    const up = bgp.sessions().filter(({ status }) => status?.state === 'Established');
    const kept = restart ? up.filter(({ status }) => status?.gracefulRestart) : [];
    const lost = up.filter(session => !kept.includes(session) && announcedPrefixes(session.status) > 0);
    if (lost.length > 0) {
      logger.info({ peers: namesOf(lost), drainTime }, 'bgp: leaving; routes are marked for graceful shutdown, then withdrawn');
      bgp.markLeaving(namesOf(lost));
      await sleep(client.clock, drainTime);
    }
    await bgp.stop(restart ? 'graceful-restart' : 'cease');
    await Promise.all(this.#informers().map(informer => informer.stop()));
    if (kept.length > 0) logger.info({ peers: namesOf(kept) }, 'bgp: closed for a restart; these peers keep the routes meanwhile');
    if (restart && lost.length > 0) {
      const routes = lost.reduce((sum, { status }) => sum + announcedPrefixes(status), 0);
      logger.warn(
        { peers: namesOf(lost), routes },
        'bgp: without graceful restart a restart costs the routes of this node until the speaker is back: connections that came in by it are spread anew. Set gracefulRestart on the BGPPeer, and on the router',
      );
    }
    return kept.length < up.length;
  }

  async #update(): Promise<void> {
    const { announcements, bgp } = this.#options;
    // Half a configuration would withdraw what is only not listed yet.
    if (this.#stopped || ![announcements, ...this.#informers()].every(informer => informer.hasSynced)) return;
    if (this.#isStale) {
      const objects = this.#config.flatMap(informer => informer.list() as crds.RawObject[]);
      this.#resolved = crds.resolve(objects, this.#resolved).config;
      this.#isStale = false;
    }
    const config = this.#resolved;
    const node = this.#node.list()[0];
    const left = this.#depart(departureOf(node, this.#options));
    await bgp.update({
      config,
      announcements: announcements.list(),
      labels: node?.metadata.labels ?? {},
      addresses: (node?.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : [])),
      passwords: this.#passwords(),
      draining: left !== undefined,
      excluded: left === 0,
    });
    this.#configuredAt ??= this.#options.client.clock.now();
  }

  /** How much longer the routes stay, milliseconds; undefined: the node is not being left. */
  #depart(departure: Departure | undefined): number | undefined {
    const { client, logger } = this.#options;
    const { clock } = client;
    this.#wake?.cancel();
    if (departure === undefined) {
      if (this.#departing !== undefined) logger.info('bgp: the node announces again');
      this.#departing = undefined;
      return undefined;
    }
    const { because, drainTime } = departure;
    if (this.#departing === undefined)
      logger.info({ because, drainTime }, 'bgp: the node is being left; its routes are marked, then withdrawn');
    this.#departing = { since: this.#departing?.since ?? clock.now(), because };
    const left = Math.max(0, this.#departing.since + drainTime - clock.now());
    if (left > 0) this.#wake = clock.after(left, () => this.changed());
    return left;
  }

  #passwords(): Passwords {
    return (name, namespace) => {
      const secret = this.#secrets.map(informer => informer.get(`${namespace}/${name}`)).find(found => found !== undefined);
      const remedy = `create it with: kubectl create secret generic ${name} -n ${namespace} --type ${BASIC_AUTH} --from-literal password=…`;
      if (!secret) return { missing: `Secret ${namespace}/${name} of type ${BASIC_AUTH} does not exist; ${remedy}` };
      const encoded = secret.data?.['password'];
      if (encoded === undefined || encoded === '') return { missing: `Secret ${namespace}/${name} has no key "password"; ${remedy}` };
      return { password: Buffer.from(encoded, 'base64').toString('utf8') };
    };
  }

  #informers(): Informer<never>[] {
    return [...this.#config, ...this.#secrets, this.#node] as unknown as Informer<never>[];
  }
}

function namesOf(sessions: readonly BGPSession[]): string[] {
  return sessions.map(({ peer }) => peer);
}

function sessionOf({ peer, status, problems }: BGPSession): SpeakerSession {
  const lastError = problems.length > 0 ? problems.join('; ') : status?.state === 'Established' ? undefined : status?.lastError?.text;
  if (!status) return { peer, state: 'Idle', ...(lastError === undefined ? {} : { lastError: lastError.slice(0, 512) }) };
  return {
    peer,
    state: status.state,
    ...(status.address === undefined ? {} : { address: status.address }),
    since: time(status.since),
    families: carriedFamilies(status),
    ...(lastError === undefined ? {} : { lastError: lastError.slice(0, 512) }),
    routesAnnounced: announcedPrefixes(status),
    bfd: status.bfd?.state ?? 'None',
  };
}
