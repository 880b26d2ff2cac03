import { setMaxListeners } from 'node:events';
import { type Config, emptyConfig, type MetalLBSource, resolve, type Speaker } from '@herald/crds';
import { formatAddress } from '@herald/ip';
import { type Client, EventRecorder, type Informer, keyOf, leaseLost, type Timer } from '@herald/kube';
import type { Logger, QueueMetrics } from '@herald/process';
import { buildRequest, type Outcome, type ServiceClasses } from './allocator/index.ts';
import { announcedCondition, silentReasons } from './announced.ts';
import { AnnouncementWriter } from './announcement-writer.ts';
import { Answers } from './answers.ts';
import { Assigner } from './assigner.ts';
import { BGPView, sessionNodeOf } from './bgp/bgp-view.ts';
import { Caches, serviceOfSlice } from './caches.ts';
import { canonical } from './canonical.ts';
import { ConfigWriter } from './config-writer.ts';
import { Conflicts } from './conflicts.ts';
import type { ControllerMetrics } from './metrics.ts';
import { defaultProtectedPorts, NodeMode, type NodeModeOptions, parseProtectedPorts } from './node-mode/index.ts';
import type { PlannerOptions } from './planner/index.ts';
import { Planning, relevantOfSpeaker } from './planning.ts';
import { Queues } from './queues.ts';
import type { ConfigObject } from './resources.ts';
import { makeReservation, retainKey } from './retain.ts';
import type { ConditionText, Service } from './service-status.ts';
import { type Answer, ServiceWriter, type ToldChange } from './service-writer.ts';

export interface TermOptions {
  client: Client;
  namespace: string;
  metallb?: MetalLBSource | undefined;
  identity: string;
  classes: ServiceClasses;
  logger: Logger;
  metrics: ControllerMetrics;
  queueMetrics: (name: string) => QueueMetrics;
  /** Whether the lease is held for certain. */
  holds: () => boolean;
  planner?: PlannerOptions | undefined;
  nodeMode?: Partial<NodeModeOptions> | undefined;
  /** How long an address is shunned after another machine was found on it (ms); 0: never. */
  conflictQuarantineMs?: number | undefined;
}

/** Status of pools is written at most so often: what counts there is the sum, not each step. */
const countDelayMs = 500;
/** How long calls in flight may take to finish when asked to stop. */
const finishMs = 3000;
const defaultQuarantineMs = 600_000;

/**
 * One term of leadership. Everything in it is made anew: caches are listed after the lease was won, so that they hold what the last
 * leader wrote; every address held is confirmed before the first new one is given. When the term ends, nothing of it goes on.
 */
export class Term {
  readonly #options: TermOptions;
  readonly #caches: Caches;
  readonly #assigner: Assigner;
  readonly #planning: Planning;
  readonly #services: ServiceWriter;
  readonly #announcements: AnnouncementWriter;
  readonly #config: ConfigWriter;
  readonly #conflicts: Conflicts;
  readonly #bgp: BGPView;
  readonly #nodeMode: NodeMode;
  readonly #recorder: EventRecorder;
  readonly #queues: Queues;
  readonly #answers: Answers;
  /** Addresses given out in this term, and not announced by layer 2 since. */
  readonly #given = new Set<string>();
  #resolved: Config = emptyConfig;
  #configPending: NodeJS.Immediate | undefined;
  #begun = false;
  #finishing: Timer | undefined;

  constructor(options: TermOptions) {
    this.#options = options;
    const { client, namespace, identity, classes, logger, metrics } = options;
    const { clock } = client;
    this.#caches = new Caches(client, { namespace, metallb: options.metallb, logger });
    const caches = this.#caches;
    this.#bgp = new BGPView(caches);
    this.#recorder = new EventRecorder(client, {
      component: 'heraldlb.io/controller',
      instance: identity,
      clusterNamespace: namespace,
      capacity: 20_000,
      onDrop: reason => {
        metrics.eventDropped();
        logger.debug({ reason }, 'event dropped');
      },
    });
    this.#services = new ServiceWriter({
      client,
      clock,
      recorder: this.#recorder,
      metrics,
      holds: options.holds,
      cached: key => caches.services.get(key),
      cachedHolders: address => caches.services.byIndex('address', address).map(keyOf),
      isOurs: service => this.#isOurs(service),
      outcome: key => this.#answers.of(key),
      deprecated: service => buildRequest(service).deprecated,
      announced: key => (this.#answers.isNodeMode(key) ? this.#nodeMode.announced(key) : this.#announced(key)),
      onNoIPMode: () => this.#nodeMode.withoutIPMode(),
    });
    this.#nodeMode = new NodeMode({
      caches,
      clock,
      options: {
        classless: false,
        maxNodes: 0,
        ignoreExcludeLabel: false,
        protectedPorts: parseProtectedPorts(defaultProtectedPorts),
        ...options.nodeMode,
      },
      latest: key => this.#services.latest(key),
      onSettled: news => this.#listed(news),
    });
    this.#assigner = new Assigner({
      caches,
      clock,
      classes,
      latest: key => this.#services.latest(key),
      onSettled: (touched, outcomes) => this.#settled(touched, outcomes),
    });
    this.#answers = new Answers({
      service: key => this.#services.latest(key),
      nodeMode: this.#nodeMode,
      outcome: key => this.#assigner.allocator.outcome(key),
    });
    this.#planning = new Planning({
      caches,
      planner: options.planner ?? {},
      service: key => this.#services.latest(key),
      outcome: key => this.#assigner.allocator.outcome(key),
      onPlanned: keys => {
        this.#conflicts.touched();
        this.#queues.add(keys);
      },
    });
    this.#conflicts = new Conflicts({
      clock,
      quarantineMs: options.conflictQuarantineMs ?? defaultQuarantineMs,
      speakers: () => caches.speakers.list(),
      holders: address => this.#assigner.allocator.holdersOf(address),
      planned: key => this.#planning.desired(key)?.spec ?? null,
      announcement: key => caches.announcements.get(key),
      isNew: address => this.#given.has(formatAddress(address)),
      shun: (address, until, stranger) => this.#assigner.shun(address, until, stranger),
      onFound: ({ ip, mac, interface: name, node, phase }) => {
        metrics.conflictFound(phase);
        logger.warn({ ip, mac, interface: name, node, phase }, 'another machine uses an address of a Service');
      },
    });
    this.#announcements = new AnnouncementWriter({
      client,
      holds: options.holds,
      service: key => this.#services.latest(key),
      cached: key => caches.announcements.get(key),
      desired: key => this.#planning.desired(key) ?? this.#nodeMode.announcement(key),
      undecided: key => {
        const service = this.#services.latest(key);
        return service !== undefined && this.#isOurs(service) && this.#answers.of(key) === undefined;
      },
      silent: key => {
        const spec = this.#planning.desired(key)?.spec;
        return spec === undefined ? [] : silentReasons(spec, caches.announcements.get(key), caches.speakers.list(), this.#bgp.sessions);
      },
    });
    this.#config = new ConfigWriter({
      client,
      clock,
      recorder: this.#recorder,
      informers: caches.config,
      onRefused: ({ ref }, { reason, message }) =>
        logger.warn({ object: `${ref.kind} ${ref.namespace}/${ref.name}`, apiVersion: ref.apiVersion, reason }, message),
      usage: () => this.#assigner.allocator.usage(),
      addresses: key => this.#assigner.addresses(key),
      peer: (peer, ready) => this.#bgp.peer(peer, ready),
    });
    this.#queues = new Queues(options);
  }

  /** Why it cannot work yet; null once it does. */
  get problem(): string | null {
    return this.#begun ? null : (this.#caches.missing ?? 'confirming the addresses in use');
  }

  /** Works until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    // Every call in flight listens to it.
    setMaxListeners(0, signal);
    const calls = this.#callsUntil(signal);
    this.#subscribe();
    this.#caches.start(signal);
    try {
      if (!(await this.#caches.synced(signal))) return;
      this.#begin();
      await this.#queues.run(
        {
          services: (key, signal) => this.#services.write(key, signal),
          announcements: (key, signal) => this.#announcements.write(key, signal),
          configuration: (key, signal) => this.#configure(key, signal),
        },
        signal,
        calls,
      );
    } finally {
      this.#begun = false;
      this.#finishing?.cancel();
      clearImmediate(this.#configPending);
      this.#assigner.stop();
      this.#planning.stop();
      this.#conflicts.stop();
      this.#nodeMode.stop();
      await this.#caches.stop();
      await this.#recorder.stop();
    }
  }

  /**
   * Ends the calls in flight: at once when the lease is lost; when asked to stop they may finish first, so that nothing of ours
   * reaches the API server after the next leader has read it.
   */
  #callsUntil(signal: AbortSignal): AbortSignal {
    const calls = new AbortController();
    setMaxListeners(0, calls.signal);
    const end = () => {
      if (signal.reason === leaseLost) calls.abort();
      else this.#finishing = this.#options.client.clock.after(finishMs, () => calls.abort());
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    return calls.signal;
  }

  /** All caches are complete: tell allocator and planner everything, then settle for the first time. */
  #begin(): void {
    this.#begun = true;
    const { namespaces, services, announcements } = this.#caches;
    for (const name of namespaces.keys()) this.#assigner.namespace(name);
    this.#resolve();
    for (const key of services.keys()) {
      this.#nodeMode.service(key);
      this.#assigner.service(key);
    }
    this.#planning.begin();
    this.#nodeMode.begin();
    this.#assigner.begin();
    // Also those of Services that went while nobody watched.
    for (const key of announcements.keys()) this.#queues.announcements.add(key);
    this.#options.logger.info({ services: services.size }, 'ready');
  }

  #subscribe(): void {
    const { services, namespaces, slices, nodes, speakers, announcements, config } = this.#caches;
    services.on(event => {
      if (event.type === 'synced' || !this.#begun) return;
      const key = keyOf(event.object);
      this.#services.seen(key);
      this.#nodeMode.service(key);
      this.#assigner.service(key);
    });
    namespaces.on(event => {
      if (event.type !== 'synced' && this.#begun) this.#assigner.namespace(event.object.metadata.name);
    });
    slices.on(event => {
      if (event.type === 'synced' || !this.#begun) return;
      const keys = [serviceOfSlice(event.object), event.type === 'updated' ? serviceOfSlice(event.old) : undefined];
      for (const key of new Set(keys)) {
        if (key === undefined) continue;
        this.#planning.endpoints(key);
        this.#nodeMode.endpoints(key);
        if (this.#nodeMode.answer(key) !== undefined) this.#queues.announcements.add(key);
      }
    });
    nodes.on(event => {
      if (event.type === 'synced' || !this.#begun) return;
      this.#planning.node(event.object.metadata.name);
      this.#nodeMode.node(event);
      // Most of what comes is a kubelet's heartbeat.
      if (event.type === 'updated' && canonical(sessionNodeOf(event.old)) === canonical(sessionNodeOf(event.object))) return;
      this.#bgp.changed();
      this.#recountPeers();
      if (this.#resolved.peers.length > 0) this.#reviewServices();
    });
    speakers.on(event => {
      if (event.type === 'synced' || !this.#begun) return;
      this.#planning.speaker(event.object.metadata.name);
      this.#nodeMode.speaker(event);
      if (event.type !== 'updated' || canonical(bgpOf(event.old)) !== canonical(bgpOf(event.object))) {
        this.#bgp.changed();
        this.#recountPeers();
      }
      if (event.type !== 'updated' || canonical(event.old.status?.conflicts ?? []) !== canonical(event.object.status?.conflicts ?? []))
        this.#conflicts.changed();
      if (event.type === 'updated' && relevantOfSpeaker(event.old) === relevantOfSpeaker(event.object)) return;
      this.#reviewServices();
    });
    announcements.on(event => {
      if (event.type === 'synced' || !this.#begun) return;
      const key = keyOf(event.object);
      // Once announced, clients know it: a stranger found later takes it from nobody.
      for (const { ip } of event.object.status?.owners ?? []) this.#given.delete(ip);
      this.#announcements.observed(key);
      this.#conflicts.touched();
      this.#queues.announcements.add(key);
      this.#queues.services.add(key);
    });
    for (const informer of config) this.#subscribeConfig(informer);
  }

  /** Whether planned addresses are announced may have changed. */
  #reviewServices(): void {
    for (const key of this.#caches.announcements.keys()) {
      this.#queues.services.add(key);
      // Those that nobody announces tell which nodes judge themselves unfit.
      if ((this.#caches.announcements.get(key)?.status?.owners ?? []).length === 0) this.#queues.announcements.add(key);
    }
  }

  #isOurs(service: Service): boolean {
    return this.#nodeMode.isOurs(service) || this.#assigner.isOurs(service);
  }

  /** The condition of a Service; its Announcement tells the same reason. */
  #announced(key: string): ConditionText {
    const { announcements, speakers } = this.#caches;
    const announcement = announcements.get(key);
    const spec = this.#planning.desired(key)?.spec ?? null;
    if (spec !== null && announcement !== undefined) {
      // Mostly there is nothing to tell and nothing told.
      const silent = [...(spec.reasons ?? []), ...silentReasons(spec, announcement, speakers.list(), this.#bgp.sessions)];
      if (canonical(silent) !== canonical(announcement.spec.reasons ?? [])) this.#queues.announcements.add(key);
    }
    return announcedCondition(spec, announcement, speakers.list(), this.#bgp.sessions);
  }

  /** What the BGPPeers sum up may have changed. */
  #recountPeers(): void {
    for (const key of this.#config.peerKeys()) this.#queues.configuration.addAfter(key, countDelayMs);
  }

  #subscribeConfig(informer: Informer<ConfigObject>): void {
    informer.on(event => {
      if (event.type === 'synced' || !this.#begun) return;
      // A write to the status alone (our own, mostly) changes no configuration.
      const { generation, labels } = event.object.metadata;
      if (
        event.type === 'updated' &&
        generation !== undefined &&
        generation === event.old.metadata.generation &&
        sameLabels(labels, event.old.metadata.labels)
      )
        return;
      this.#configPending ??= setImmediate(() => this.#resolve());
    });
  }

  #resolve(): void {
    this.#configPending = undefined;
    const objects = this.#caches.config.flatMap(informer => informer.list());
    const { config, objects: outcomes } = resolve(objects, this.#resolved);
    this.#resolved = config;
    this.#assigner.configure(config);
    this.#bgp.configure(config);
    for (const key of this.#config.resolved(config, outcomes)) this.#queues.configuration.add(key);
    const rejected = outcomes.filter(({ conditions }) => conditions.some(({ type, status }) => type === 'Ready' && status === 'False'));
    this.#options.metrics.rejected(rejected.map(({ ref }) => ref.kind));
    this.#planning.configure(config);
  }

  #settled(touched: ReadonlySet<string>, outcomes: readonly Outcome[]): void {
    const { metrics } = this.#options;
    for (const { key, changes, ...answer } of outcomes) {
      this.#tell(key, answer, changes);
      for (const { event, to } of changes) {
        // An address that several share is as old as its first holder.
        if (event !== 'AddressReleased' && to !== null && this.#assigner.allocator.holdersOf(to).length === 1)
          this.#given.add(formatAddress(to));
      }
    }
    // Planned before anything is written, so that the status need not be written twice.
    const keys = new Set([...touched, ...outcomes.map(({ key }) => key)]);
    for (const key of keys) {
      this.#planning.service(key);
      this.#answers.count(key);
    }
    this.#planning.settle();
    this.#conflicts.touched();
    this.#queues.add(keys);
    for (const retained of this.#assigner.allocator.retained()) this.#queues.configuration.add(retainKey(retained));
    if (outcomes.length > 0 || touched.size > 0) {
      for (const key of this.#config.countedKeys()) this.#queues.configuration.addAfter(key, countDelayMs);
      metrics.pools(this.#assigner.allocator.usage());
      metrics.services(this.#answers.allocated, this.#answers.pending);
    }
  }

  /** Lists of node addresses changed. */
  #listed(news: Parameters<ConstructorParameters<typeof NodeMode>[0]['onSettled']>[0]): void {
    const { metrics } = this.#options;
    for (const { answer, changes } of news) {
      this.#tell(answer.key, answer, changes);
      this.#answers.count(answer.key);
    }
    metrics.services(this.#answers.allocated, this.#answers.pending);
    this.#queues.add(news.map(({ answer }) => answer.key));
  }

  /** Metrics, events and logs of a new answer. */
  #tell(key: string, { satisfied, reason, message }: Omit<Answer, 'addresses'>, changes: readonly ToldChange[]): void {
    const { metrics, logger } = this.#options;
    metrics.answered(satisfied, reason);
    this.#services.changed(key, changes);
    for (const change of changes) logger.info({ service: key, event: change.event }, change.message);
    if (!satisfied) logger.info({ service: key, reason }, message);
  }

  async #configure(key: string, signal: AbortSignal): Promise<void> {
    const retained = this.#assigner.allocator.retained().find(each => retainKey(each) === key);
    if (retained === undefined) return this.#config.write(key, signal);
    const { client, namespace } = this.#options;
    const made = await makeReservation(client, namespace, retained, signal);
    const message = `keeps ${made.spec.addresses?.join(', ') ?? ''} for Service ${retained.namespace}/${retained.name} after its deletion (heraldlb.io/keep-ip)`;
    this.#recorder.record(made, { type: 'Normal', reason: 'ReservationMade', message });
  }
}

function bgpOf({ status }: Speaker): unknown[] {
  return [status?.sessions ?? [], status?.routeConflicts ?? []];
}

function sameLabels(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key]);
}
