import { hostname } from 'node:os';
import type { Announcement } from '@herald/crds';
import { type Client, EventRecorder, Informer, sleep, time } from '@herald/kube';
import type { Logger, Registry } from '@herald/process';
import { NodeBGP } from './bgp/bgp.ts';
import { BGPSpeaker } from './bgp/bgp-speaker.ts';
import { registerBGPMetrics } from './bgp/metrics.ts';
import { clusterUid } from './cluster.ts';
import { SpeakerError } from './error.ts';
import { HazardWatch } from './hazard-watch.ts';
import { Layer2Speaker } from './layer2-speaker.ts';
import { readKeyFile } from './mesh-key.ts';
import { MeshSecrets } from './mesh-secrets.ts';
import { SpeakerMetrics } from './metrics.ts';
import { MissingPeers } from './missing-peers.ts';
import { Forwarder } from './node-mode/forwarder.ts';
import { kubeProxyMode } from './node-mode/kube-proxy.ts';
import { MESH_PORT, MESH_SECRET, type SpeakerOptions } from './options.ts';
import { OwnDaemonSet } from './own-daemon-set.ts';
import { PeerNodes } from './peer-nodes.ts';
import { segmentsProblem } from './readiness.ts';
import { announcements, speakers } from './resources.ts';
import { loadSnapshot, removeSnapshot, type Snapshot } from './snapshot.ts';
import { SnapshotWriter } from './snapshot-writer.ts';
import { SpeakerObject } from './speaker-object.ts';
import type { SpeakerView } from './speaker-status.ts';
import type { SegmentReport, WireCommand, WireEvent } from './wire/messages.ts';
import type { WireThread } from './wire/thread.ts';
import { checkPatterns, wireOptionsOf } from './wire-options.ts';

/** How long the API server is waited for before a snapshot is used in its place, or each answer where there is none (ms). */
const API_PATIENCE = 2_000;
/** Without a report for so long the wire thread counts as hung (ms). */
const WIRE_SILENCE = 5_000;
const LEAVE_DEADLINE = 20_000;
const HOLD_TIME = 30_000;
const DRAIN_TIME = 60_000;
/** Routes stay for so long on leaving, marked for graceful shutdown (ms). */
const BGP_DRAIN_TIME = 2_000;
/** Time for the last writes after everything was handed over (ms). */
const FLUSH_DEADLINE = 2_000;

/** One node's speaker: connects the API on this thread with the wire on the other. */
export class Speaker {
  readonly #options: SpeakerOptions;
  readonly #client: Client;
  readonly #logger: Logger;
  readonly #metrics: SpeakerMetrics;
  readonly #informer: Informer<Announcement>;
  readonly #peers: PeerNodes;
  readonly #forwarder: Forwarder;
  readonly #recorder: EventRecorder;
  readonly #layer2: Layer2Speaker;
  readonly #bgp: BGPSpeaker;
  readonly #missing: MissingPeers;
  readonly #hazards: HazardWatch;
  readonly #object: SpeakerObject;
  readonly #daemonSet: OwnDaemonSet | undefined;
  readonly #snapshots: SnapshotWriter | undefined;
  readonly #startedAt: string;
  readonly #wire: WireThread;
  /** When the wire thread was told to begin. */
  #begunAt: number | undefined;
  #commands: WireCommand[] = [];
  #segments: readonly SegmentReport[] = [];
  #excludedInterfaces: readonly string[] = [];
  #reportedAt: number | undefined;
  /** The interfaces are known, and who else is there. */
  #isOriented = false;
  #onOriented: () => void = () => undefined;
  readonly #oriented = new Promise<void>(resolve => {
    this.#onOriented = resolve;
  });
  /** So long the API is waited for where there is a snapshot (ms, monotonic). */
  #waitsUntil = 0;
  #clusterUid: string | undefined;
  #secrets: readonly Uint8Array[] = [];
  #snapshot: Snapshot | undefined;
  /** What ends this process although nobody asked it to. */
  #failure: SpeakerError | undefined;
  #onFailure: ((error: SpeakerError) => void) | undefined;

  /** @param wire the thread for the wire; whoever made it ends it */
  constructor(options: SpeakerOptions, client: Client, registry: Registry, wire: WireThread) {
    const { logger, nodeName, snapshotDir } = options;
    this.#options = options;
    this.#client = client;
    this.#wire = wire;
    this.#logger = logger;
    this.#startedAt = time(client.clock.wall());
    this.#metrics = new SpeakerMetrics(registry);
    this.#informer = new Informer(client, announcements, {
      onError: error => logger.warn({ error: String(error) }, 'cannot watch Announcements'),
    });
    const ignoreExcludeLabel = options.ignoreExcludeLabel ?? false;
    this.#peers = new PeerNodes(
      { client, node: nodeName, logger, ignoreExcludeLabel },
      {
        onOthers: nodes => {
          this.#command({ kind: 'hints', nodes });
          this.#snapshots?.changed();
        },
        onDrainTime: ms => this.#command({ kind: 'drain-within', ms }),
        onOwn: () => this.#forwarder.changed(),
      },
    );
    this.#hazards = new HazardWatch(logger);
    this.#missing = new MissingPeers({
      speaker: name => client.find(speakers, { name }),
      now: () => client.clock.now(),
    });
    this.#forwarder = new Forwarder({
      node: nodeName,
      enabled: options.nodeForwarding === true,
      informer: this.#informer,
      addresses: () => this.#peers.own(),
      logger,
    });
    this.#recorder = new EventRecorder(client, { component: 'heraldlb.io/speaker', instance: hostname() });
    this.#layer2 = new Layer2Speaker({
      node: nodeName,
      client,
      informer: this.#informer,
      recorder: this.#recorder,
      metrics: this.#metrics,
      logger,
      hold: options.holdTimeMs ?? HOLD_TIME,
      drain: options.drainTimeMs ?? DRAIN_TIME,
      flowTable: options.countFlows === false ? 'off' : undefined,
      command: command => this.#command(command),
      onPlan: () => this.#snapshots?.changed(),
    });
    const bgp = new NodeBGP({
      node: nodeName,
      log: (level, event, fields) => logger[level](fields, event),
      listen: options.bgpListen,
    });
    registerBGPMetrics(registry, bgp);
    this.#bgp = new BGPSpeaker({
      client,
      node: nodeName,
      namespace: options.namespace,
      metallb: options.metallb,
      logger,
      announcements: this.#informer,
      drainTime: options.bgpDrainTimeMs ?? BGP_DRAIN_TIME,
      ignoreExcludeLabel,
      bgp,
    });
    const { daemonSet: name, namespace } = options;
    if (name !== undefined) this.#daemonSet = new OwnDaemonSet(client, { name, namespace }, logger);
    this.#object = new SpeakerObject(client, nodeName, logger, () => this.#view());
    if (snapshotDir !== undefined) this.#snapshots = new SnapshotWriter(snapshotDir, client.clock, logger, () => this.#takeSnapshot());
  }

  async run(signal: AbortSignal): Promise<void> {
    checkPatterns(this.#options.excludeInterfaces ?? []);
    // Work goes on after the signal, until everything is handed over and written.
    const stop = new AbortController();
    const background: Promise<void>[] = [];
    let secrets: MeshSecrets | undefined;
    let left = false;
    try {
      this.#snapshot = await this.#loadSnapshot();
      this.#waitsUntil = this.#client.clock.now() + API_PATIENCE;
      this.#informer.start(stop.signal);
      this.#peers.start(stop.signal);
      this.#bgp.start(stop.signal);
      secrets = await this.#identify(stop.signal, signal);
      if (this.#clusterUid === undefined) return;
      await this.#restore(signal);
      this.#beginWire(this.#clusterUid);
      if (this.#daemonSet !== undefined) background.push(this.#daemonSet.find(stop.signal));
      background.push(this.#layer2.run(stop.signal), this.#keepObject(stop.signal));
      this.#logger.info({ node: this.#options.nodeName }, 'speaker is running');
      await this.#untilEnd(signal);
      await this.#leave();
      left = true;
    } finally {
      // Open sessions would keep the process, whatever it ends of.
      if (!left)
        background.push(
          this.#bgp.stop(!this.#peers.leaving).then(() => undefined),
          this.#recorder.stop(FLUSH_DEADLINE),
        );
      stop.abort();
      this.#forwarder.stop();
      secrets?.stop();
      await Promise.all(background);
      await this.#wire.stop();
      await this.#snapshots?.stop();
      if (this.#failure?.code === 'other-cluster') await removeSnapshot(this.#options.snapshotDir ?? '', this.#options.nodeName);
    }
  }

  /** Why the process should be restarted. */
  hung(): string | undefined {
    const last = this.#reportedAt ?? this.#begunAt;
    const silent = last === undefined ? 0 : this.#client.clock.now() - last;
    return silent < WIRE_SILENCE ? undefined : `the wire thread has not reported for ${Math.round(silent / 1000)} s`;
  }

  /** Why the speaker cannot do its work (yet). */
  problem(): string | undefined {
    if (this.#clusterUid === undefined) return 'waiting for the API server: neither the cluster nor a snapshot of it is known';
    if (!this.#informer.hasSynced && this.#snapshot === undefined) return 'waiting for the Announcements';
    if (this.#reportedAt === undefined) return 'the wire thread has not started';
    // Without the API server there are no routes, and nothing that would become of waiting for them.
    const routes = this.#informer.hasSynced ? this.#bgp.problem() : undefined;
    return segmentsProblem(this.#segments, this.#peers.alone) ?? routes ?? this.hung();
  }

  /** Cluster and keys: from the API, or after a while from the snapshot. */
  async #identify(stop: AbortSignal, signal: AbortSignal): Promise<MeshSecrets | undefined> {
    const { meshKeyFile, namespace, meshSecret } = this.#options;
    const ended = AbortSignal.any([stop, signal]);
    const asked = clusterUid(this.#client, this.#logger, ended).then(uid => {
      if (uid === undefined) return;
      if (this.#clusterUid !== undefined && this.#clusterUid !== uid)
        this.#fail(new SpeakerError('other-cluster', 'the snapshot was of another cluster: this speaker ends, to begin without it'));
      this.#clusterUid = uid;
    });
    await this.#patience(asked, ended);
    if (this.#clusterUid === undefined && this.#snapshot !== undefined) this.#clusterUid = this.#snapshot.clusterUid;
    if (this.#clusterUid === undefined) await asked;
    if (this.#clusterUid === undefined) return undefined;
    if (this.#snapshot !== undefined) this.#useSnapshot(this.#snapshot);
    if (meshKeyFile !== undefined) {
      this.#secrets = [await readKeyFile(meshKeyFile)];
      return undefined;
    }
    const secrets = new MeshSecrets({
      client: this.#client,
      namespace,
      name: meshSecret ?? MESH_SECRET,
      clusterUid: this.#clusterUid,
      logger: this.#logger,
      onChange: current => {
        this.#secrets = current;
        this.#command({ kind: 'secrets', secrets: current });
        this.#snapshots?.changed();
      },
    });
    secrets.start(stop);
    await this.#patience(secrets.synced(ended), ended);
    if (this.#secrets.length === 0) this.#secrets = secrets.current;
    return secrets;
  }

  async #loadSnapshot(): Promise<Snapshot | undefined> {
    const { snapshotDir, nodeName } = this.#options;
    if (snapshotDir === undefined) return undefined;
    try {
      return await loadSnapshot(snapshotDir, nodeName);
    } catch (error) {
      this.#logger.warn({ error: String(error) }, 'starting without a snapshot');
      return undefined;
    }
  }

  /** Until the API tells them. */
  #useSnapshot({ clusterUid, secrets, nodes }: Snapshot): void {
    if (clusterUid !== this.#clusterUid) {
      this.#logger.warn('the snapshot is of another cluster, and is not used');
      this.#snapshot = undefined;
      return;
    }
    this.#secrets = secrets;
    if (!this.#peers.hasSynced) this.#command({ kind: 'hints', nodes });
  }

  #beginWire(uid: string): void {
    this.#wire.begin(wireOptionsOf(this.#options, uid, this.#secrets, this.#commands), event => this.#onWire(event));
    this.#begunAt = this.#client.clock.now();
    for (const command of this.#commands.splice(0)) if (command.kind !== 'addresses') this.#wire.command(command);
  }

  /** With the API server away, the last known plan is better than none; where it was away only, it does not know the latest. */
  async #restore(signal: AbortSignal): Promise<void> {
    const snapshot = this.#snapshot;
    // Who comes back without its claims has given them up: without any plan it is better to stay away for as long as they are held.
    const patience = snapshot === undefined ? Math.max(API_PATIENCE, this.#options.holdTimeMs ?? HOLD_TIME) : undefined;
    await this.#patience(this.#informer.synced(signal), signal, patience);
    if (snapshot === undefined || signal.aborted) return;
    if (this.#informer.hasSynced) {
      this.#layer2.recall(snapshot.addresses);
      return;
    }
    this.#logger.warn(
      { savedAt: time(snapshot.savedAt), addresses: snapshot.addresses.length },
      'the API server does not answer: working from the snapshot',
    );
    this.#layer2.restore(snapshot.addresses);
  }

  /** @param ms how long; by default for the API server, whose answers are waited for together where a snapshot can take their place */
  async #patience(wait: Promise<unknown>, signal: AbortSignal, ms?: number): Promise<void> {
    const done = new AbortController();
    const end = AbortSignal.any([signal, done.signal]);
    const { clock } = this.#client;
    const usual = this.#snapshot === undefined ? API_PATIENCE : this.#waitsUntil - clock.now();
    await Promise.race([wait, sleep(clock, ms ?? usual, end)]);
    done.abort();
  }

  /**
   * Not before it is known what to say: a node that seems to lack an interface that an advertisement names is planned for none of its addresses,
   * and the others are doubted by who does not hear them.
   */
  async #keepObject(signal: AbortSignal): Promise<void> {
    await this.#patience(this.#oriented, signal, WIRE_SILENCE);
    await this.#object.run(signal);
  }

  async #untilEnd(signal: AbortSignal): Promise<void> {
    const died = this.#wire.ended.then(error => {
      if (signal.aborted) return;
      throw new SpeakerError('wire-thread-ended', `the thread that answers ARP and NDP ended: ${error?.stack ?? 'without an error'}`);
    });
    const failed = new Promise<never>((_, reject) => {
      this.#onFailure = reject;
      if (this.#failure !== undefined) reject(this.#failure);
    });
    const aborted = new Promise<void>(resolve => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([died, aborted, failed]);
  }

  #fail(error: SpeakerError): void {
    this.#failure ??= error;
    this.#onFailure?.(error);
  }

  async #leave(): Promise<void> {
    // Connections live in this node's kernel: unless the node itself is being left, its addresses wait for the next process.
    const isUninstalled = (await this.#daemonSet?.isDeleted()) ?? false;
    if (isUninstalled) this.#logger.info('the DaemonSet is deleted: nobody will come back, and nothing stays behind on the node');
    const restart = !isUninstalled && !this.#peers.leaving;
    const addresses = this.#layer2.owners.size;
    this.#logger.info(
      { addresses },
      restart ? 'ending; addresses with a hold time are held for the next process' : 'handing addresses over',
    );
    const [, ended] = await Promise.all([
      this.#wire.leave(this.#options.leaveDeadlineMs ?? LEAVE_DEADLINE, restart),
      this.#bgp.stop(restart),
    ]);
    if (!restart) this.#layer2.settle();
    // Also where a next process is to come: until it does, the BGPPeers count one session less.
    // Owners also: what was taken over while the API server was away is the next process's to take up.
    const late = new AbortController();
    const writes = [
      this.#layer2.flush(late.signal),
      ...(ended && this.#isOriented ? [this.#object.write(late.signal).catch(() => undefined)] : []),
    ];
    await this.#patience(Promise.all(writes), late.signal, FLUSH_DEADLINE);
    late.abort();
    await this.#recorder.stop(FLUSH_DEADLINE);
  }

  #command(command: WireCommand): void {
    if (this.#begunAt !== undefined) this.#wire.command(command);
    else this.#commands.push(command);
  }

  #onWire(event: WireEvent): void {
    this.#metrics.event(event);
    this.#layer2.event(event);
    if (event.kind === 'report') {
      this.#segments = event.segments;
      this.#excludedInterfaces = event.excluded;
      this.#reportedAt = this.#client.clock.now();
      this.#isOriented ||= event.segments.every(({ listening }) => !listening);
      if (this.#isOriented) this.#onOriented();
      this.#hazards.look(
        event.segments.map(segment => segment.interface),
        () => ({ kubeProxy: kubeProxyMode() }),
        this.#reportedAt,
      );
      this.#metrics.snapshotAge(this.#snapshotAge ?? 0);
      void this.#missing.look(event.segments, this.#peers.others()).then(() => this.#metrics.missingPeers(this.#missing.byInterface));
    } else if (event.kind === 'problem') {
      this.#logger.error({ about: event.about }, event.message);
    } else if (event.kind === 'superseded') {
      this.#fail(new SpeakerError('superseded', 'another speaker of this node has taken over: this one ends'));
    } else if (event.kind === 'note') {
      this.#logger.info(event.message);
    } else if (event.kind === 'started' && !event.realtime) {
      this.#logger.info({ because: event.because }, 'the wire thread runs without real-time priority');
    } else if (event.kind === 'duplicate') {
      this.#logger.warn({ ip: event.ip, node: event.node }, 'two nodes owned the address; this one yielded');
    } else if (event.kind === 'stall') {
      this.#logger.debug({ segment: event.segment, ms: event.ms }, 'the wire thread stood still');
    }
  }

  /** Seconds; undefined while the configuration is live. */
  get #snapshotAge(): number | undefined {
    const snapshot = this.#snapshot;
    if (this.#informer.hasSynced || snapshot === undefined) return undefined;
    return Math.max(0, Math.round((this.#client.clock.wall() - snapshot.savedAt) / 1000));
  }

  #view(): SpeakerView {
    return {
      version: this.#options.version,
      startedAt: this.#startedAt,
      snapshotAge: this.#snapshotAge,
      kubeProxy: kubeProxyMode(),
      nodeForwarding: this.#forwarder.state,
      owners: this.#layer2.owners.all,
      owned: this.#layer2.owners.size,
      conflicts: this.#layer2.owners.conflicts,
      segments: this.#segments,
      meshPort: this.#options.meshPort ?? MESH_PORT,
      missingPeers: this.#missing.byInterface,
      hazards: this.#hazards.byInterface,
      excludedInterfaces: this.#excludedInterfaces,
      sessions: this.#bgp.sessions(),
      routeConflicts: this.#bgp.routeConflicts(),
      problem: this.problem(),
    };
  }

  #takeSnapshot(): Snapshot | undefined {
    if (this.#clusterUid === undefined || this.#secrets.length === 0 || !this.#informer.hasSynced || !this.#layer2.settled)
      return undefined;
    return {
      savedAt: this.#client.clock.wall(),
      node: this.#options.nodeName,
      clusterUid: this.#clusterUid,
      secrets: this.#secrets,
      nodes: this.#peers.hasSynced ? this.#peers.hints() : (this.#snapshot?.nodes ?? []),
      addresses: this.#layer2.snapshot(),
    };
  }
}
