import { type Client, Informer, type KubeObject, nodes } from '@herald/kube';
import { type Logger, parseDuration } from '@herald/process';

interface NodeAddresses extends KubeObject {
  spec?: { unschedulable?: boolean };
  status?: { addresses?: { type: string; address: string }[]; conditions?: { type: string; status: string; message?: string }[] };
}

/** On a Node: no load balancer may send traffic to it (KEP-1143). */
const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** On a Node: its announcements are to go elsewhere. A time, such as `120s` or `120`, says within how long. */
const DRAIN_ANNOTATION = 'heraldlb.io/drain';
/** What the kubelet says of its node while it shuts down (graceful node shutdown). */
const SHUTTING_DOWN = 'node is shutting down';

export interface PeerNodesListener {
  onAddresses: (addresses: string[]) => void;
  /** The own node is to be drained within that time (ms); undefined: nobody said so. */
  onDrainTime: (ms: number | undefined) => void;
  /** The own Node changed. */
  onOwn: () => void;
}

/** The Node objects: addresses of the others, asked by unicast where multicast is filtered, and whether the own one is being left. */
export class PeerNodes {
  readonly #informer: Informer<NodeAddresses>;
  readonly #node: string;
  #told = '';
  #drainTime: number | undefined;

  constructor(client: Client, node: string, logger: Logger, listener: PeerNodesListener) {
    this.#node = node;
    this.#informer = new Informer<NodeAddresses>(client, nodes, {
      // Of a Node, only its name and addresses are kept: on big clusters the rest is most of the memory.
      transform: ({ metadata: { name, resourceVersion, uid, labels, annotations }, spec, status }) => ({
        metadata: {
          name,
          ...(resourceVersion !== undefined && { resourceVersion }),
          ...(uid !== undefined && { uid }),
          ...(labels?.[EXCLUDE_LABEL] !== undefined && { labels: { [EXCLUDE_LABEL]: labels[EXCLUDE_LABEL] } }),
          ...(annotations?.[DRAIN_ANNOTATION] !== undefined && { annotations: { [DRAIN_ANNOTATION]: annotations[DRAIN_ANNOTATION] } }),
        },
        spec: { unschedulable: spec?.unschedulable === true },
        status: {
          addresses: status?.addresses ?? [],
          conditions: (status?.conditions ?? []).filter(({ message }) => message === SHUTTING_DOWN),
        },
      }),
      onError: error => logger.warn({ error: String(error) }, 'cannot watch Nodes'),
    });
    this.#informer.on(event => {
      if (!this.#informer.hasSynced) return;
      if (event.type === 'synced' || event.object.metadata.name === node) listener.onOwn();
      const drainTime = drainTimeOf(this.#drain);
      if (drainTime !== this.#drainTime) listener.onDrainTime(drainTime);
      this.#drainTime = drainTime;
      const addresses = this.addresses();
      if (addresses.join() === this.#told) return;
      this.#told = addresses.join();
      listener.onAddresses(addresses);
    });
  }

  get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }

  get #drain(): string | undefined {
    return this.#informer.get(this.#node)?.metadata.annotations?.[DRAIN_ANNOTATION];
  }

  /** There is no other node. */
  get alone(): boolean {
    return this.#informer.hasSynced && this.#informer.list().every(({ metadata }) => metadata.name === this.#node);
  }

  /** The own node is cordoned, excluded, drained by name, being shut down or gone: what runs on it will not come back soon. */
  get leaving(): boolean {
    if (!this.#informer.hasSynced) return false;
    const own = this.#informer.get(this.#node);
    if (own === undefined || own.spec?.unschedulable === true || own.metadata.labels?.[EXCLUDE_LABEL] !== undefined) return true;
    return (this.#drain !== undefined && this.#drain !== 'false') || (own.status?.conditions ?? []).length > 0;
  }

  start(signal: AbortSignal): void {
    this.#informer.start(signal);
  }

  /** The addresses of the own node that Services of node mode may list; undefined: not known yet. */
  own(): string[] | undefined {
    if (!this.#informer.hasSynced) return undefined;
    const addresses = this.#informer.get(this.#node)?.status?.addresses ?? [];
    return addresses.flatMap(({ type, address }) => (type === 'InternalIP' || type === 'ExternalIP' ? [address] : [])).sort();
  }

  addresses(): string[] {
    const others = this.#informer.list().filter(node => node.metadata.name !== this.#node);
    return others
      .flatMap(node => (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address))
      .sort();
  }
}

/** The time that the annotation sets, in ms: a number of seconds or a duration. Anything else drains in the usual time. */
export function drainTimeOf(annotation: string | undefined): number | undefined {
  if (annotation === undefined) return undefined;
  const text = annotation.trim();
  if (/^\d{1,5}$/.test(text)) return Number(text) * 1_000;
  try {
    return Math.min(parseDuration(DRAIN_ANNOTATION, text), 86_400_000);
  } catch {
    return undefined;
  }
}
