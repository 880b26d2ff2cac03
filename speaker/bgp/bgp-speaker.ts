import type { SpeakerSession } from '@herald/crds';
import * as crds from '@herald/crds';
import { type Client, Informer, type KubeObject, nodes, secrets, sleep, time, type Wire } from '@herald/kube';
import type { Logger } from '@herald/process';
import type { V1Node, V1Secret } from '@kubernetes/client-node';
import { resourceOf } from '../resources.ts';
import { announcedPrefixes, type BGPSession, NodeBGP } from './bgp.ts';
import type { Passwords } from './peers.ts';

/** Label by which operators keep a node out of load balancing. */
const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers';
const BASIC_AUTH = 'kubernetes.io/basic-auth';

/** What a session and a route are made of. */
const CONFIG_KINDS = [crds.ipAddressPool, crds.bgpAdvertisement, crds.bgpPeer, crds.bfdProfile, crds.community] as const;

export interface BGPSpeakerOptions {
  readonly client: Client;
  readonly node: string;
  /** Where pools, peers and password Secrets live. */
  readonly namespace: string;
  readonly logger: Logger;
  /** Shared with the layer 2 part. */
  readonly announcements: Informer<crds.Announcement>;
  /** How long routes stay, marked with GRACEFUL_SHUTDOWN (RFC 8326), before they are withdrawn on leaving; milliseconds. */
  readonly drainTime: number;
  readonly bgp: NodeBGP;
}

/** Joins the Kubernetes objects to this node's BGP: watches, resolves, and lets {@link NodeBGP} do what follows. */
export class BGPSpeaker {
  readonly #options: BGPSpeakerOptions;
  readonly #config: readonly Informer<KubeObject>[];
  readonly #secrets: Informer<Wire<V1Secret>>;
  readonly #node: Informer<Wire<V1Node>>;
  #resolved: crds.Config = crds.emptyConfig;
  #pending: NodeJS.Immediate | undefined;
  #updating: Promise<void> = Promise.resolve();
  #excludedSince: number | undefined;
  #stopped = false;

  constructor(options: BGPSpeakerOptions) {
    this.#options = options;
    const { client, namespace, node, logger } = options;
    const onError = (error: Error): void => logger.warn({ error: error.message }, 'cannot watch the BGP configuration');
    this.#config = CONFIG_KINDS.map(kind => new Informer(client, resourceOf<KubeObject>(kind), { namespace, onError }));
    this.#secrets = new Informer(client, secrets, { namespace, fieldSelector: `type=${BASIC_AUTH}`, onError });
    this.#node = new Informer(client, nodes, { fieldSelector: `metadata.name=${node}`, onError });
    for (const informer of [...this.#config, this.#secrets, this.#node]) informer.on(() => this.changed());
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

  /** For `Speaker.status.sessions`. */
  sessions(): SpeakerSession[] {
    return this.#options.bgp.sessions().map(sessionOf);
  }

  /**
   * Leaves. Where every established peer keeps routes over a restart (RFC 4724) and the node is not being taken out of service, they are left in
   * place; otherwise routes are first marked with GRACEFUL_SHUTDOWN, so that routers move the traffic away, and then the sessions end with a Cease.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearImmediate(this.#pending);
    await this.#updating;
    const { bgp, client, drainTime, logger } = this.#options;
    const up = bgp.sessions().filter(({ status }) => status?.state === 'Established');
    const restart = up.length > 0 && up.every(({ status }) => status?.gracefulRestart) && !this.#leaving();
    if (restart) {
      logger.info({ peers: up.map(({ peer }) => peer) }, 'bgp: closing for a restart; the peers keep the routes');
      await bgp.stop('graceful-restart');
    } else {
      if (up.some(({ status }) => announcedPrefixes(status) > 0)) {
        logger.info(
          { peers: up.map(({ peer }) => peer), drainTime },
          'bgp: leaving; routes are marked for graceful shutdown, then withdrawn',
        );
        bgp.setDraining(true);
        await sleep(client.clock, drainTime);
      }
      await bgp.stop('cease');
    }
    await Promise.all(this.#informers().map(informer => informer.stop()));
  }

  async #update(): Promise<void> {
    const { announcements, bgp, client, drainTime } = this.#options;
    // Half a configuration would withdraw what is only not listed yet.
    if (this.#stopped || ![announcements, ...this.#informers()].every(informer => informer.hasSynced)) return;
    const { config } = crds.resolve(
      this.#config.flatMap(informer => informer.list() as crds.RawObject[]),
      this.#resolved,
    );
    this.#resolved = config;
    const node = this.#node.list()[0];
    const excluded = this.#isExcluded(node);
    const now = client.clock.now();
    this.#excludedSince = excluded ? (this.#excludedSince ?? now) : undefined;
    const left = this.#excludedSince === undefined ? 0 : Math.max(0, this.#excludedSince + drainTime - now);
    if (left > 0) client.clock.after(left, () => this.changed());
    await bgp.update({
      config,
      announcements: announcements.list(),
      labels: node?.metadata.labels ?? {},
      addresses: (node?.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : [])),
      passwords: this.#passwords(),
      draining: excluded,
      excluded: excluded && left === 0,
    });
  }

  #isExcluded(node: Wire<V1Node> | undefined): boolean {
    if (node === undefined) return false;
    const unavailable = node.status?.conditions?.some(({ type, status }) => type === 'NetworkUnavailable' && status === 'True') ?? false;
    return unavailable || EXCLUDE in (node.metadata.labels ?? {});
  }

  /** Whether the node is being taken out of service, so that nobody comes back to the routes. */
  #leaving(): boolean {
    const node = this.#node.list()[0];
    return this.#isExcluded(node) || node?.spec?.unschedulable === true;
  }

  #passwords(): Passwords {
    const { namespace } = this.#options;
    return name => {
      const secret = this.#secrets.get(`${namespace}/${name}`);
      const remedy = `create it with: kubectl create secret generic ${name} -n ${namespace} --type ${BASIC_AUTH} --from-literal password=…`;
      if (!secret) return { missing: `Secret ${namespace}/${name} of type ${BASIC_AUTH} does not exist; ${remedy}` };
      const encoded = secret.data?.['password'];
      if (encoded === undefined || encoded === '') return { missing: `Secret ${namespace}/${name} has no key "password"; ${remedy}` };
      return { password: Buffer.from(encoded, 'base64').toString('utf8') };
    };
  }

  #informers(): Informer<never>[] {
    return [...this.#config, this.#secrets, this.#node] as unknown as Informer<never>[];
  }
}

function sessionOf({ peer, status, problems }: BGPSession): SpeakerSession {
  const lastError = problems.length > 0 ? problems.join('; ') : status?.state === 'Established' ? undefined : status?.lastError?.text;
  if (!status) return { peer, state: 'Idle', ...(lastError === undefined ? {} : { lastError: lastError.slice(0, 512) }) };
  return {
    peer,
    state: status.state,
    ...(status.address === undefined ? {} : { address: status.address }),
    since: time(status.since),
    ...(lastError === undefined ? {} : { lastError: lastError.slice(0, 512) }),
    routesAnnounced: announcedPrefixes(status),
    bfd: status.bfd?.state ?? 'None',
  };
}
