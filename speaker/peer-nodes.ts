import { drainAnnotation, drainOf } from '@herald/crds';
import { type Client, Informer, type KubeObject, nodes } from '@herald/kube';
import type { Logger } from '@herald/process';
import { EXCLUDE_LABEL, isBeingLeft, isJudged, type NodeCondition } from './departure.ts';
import type { KnownNode } from './missing-peers.ts';
import type { NodeHint } from './wire/messages.ts';

interface NodeAddresses extends KubeObject {
  spec?: { unschedulable?: boolean };
  status?: {
    addresses?: { type: string; address: string }[];
    conditions?: NodeCondition[];
    /** Not of the API: what is kept of the condition Ready. */
    isReady?: boolean;
  };
}

export interface PeerNodesOptions {
  readonly client: Client;
  /** Name of the own Node. */
  readonly node: string;
  readonly logger: Logger;
  /** Nodes with the exclude label announce, too. */
  readonly ignoreExcludeLabel: boolean;
}

export interface PeerNodesListener {
  /** Another node, or an address of one, came or went. */
  onOthers: (nodes: NodeHint[]) => void;
  /** The own node is to be drained within that time (ms); undefined: nobody said so. */
  onDrainTime: (ms: number | undefined) => void;
  /** The own Node changed. */
  onOwn: () => void;
}

/** The Node objects: addresses of the others, asked by unicast where multicast is filtered, and whether the own one is being left. */
export class PeerNodes {
  readonly #informer: Informer<NodeAddresses>;
  readonly #node: string;
  readonly #ignoreExcludeLabel: boolean;
  #told = '';
  #drainTime: number | undefined;

  constructor({ client, node, logger, ignoreExcludeLabel }: PeerNodesOptions, listener: PeerNodesListener) {
    this.#node = node;
    this.#ignoreExcludeLabel = ignoreExcludeLabel;
    this.#informer = new Informer<NodeAddresses>(client, nodes, {
      // Of a Node, only its name and addresses are kept: on big clusters the rest is most of the memory.
      transform: ({ metadata: { name, resourceVersion, uid, labels, annotations }, spec, status }) => ({
        metadata: {
          name,
          ...(resourceVersion !== undefined && { resourceVersion }),
          ...(uid !== undefined && { uid }),
          ...(labels?.[EXCLUDE_LABEL] !== undefined && { labels: { [EXCLUDE_LABEL]: labels[EXCLUDE_LABEL] } }),
          ...(annotations?.[drainAnnotation] !== undefined && { annotations: { [drainAnnotation]: annotations[drainAnnotation] } }),
        },
        spec: { unschedulable: spec?.unschedulable === true },
        status: {
          addresses: status?.addresses ?? [],
          isReady: status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
          conditions: (status?.conditions ?? []).filter(isJudged),
        },
      }),
      onError: error => logger.warn({ error: String(error) }, 'cannot watch Nodes'),
    });
    this.#informer.on(event => {
      if (!this.#informer.hasSynced) return;
      if (event.type === 'synced' || event.object.metadata.name === node) listener.onOwn();
      const drainTime = drainOf(this.#informer.get(node)?.metadata.annotations)?.within;
      if (drainTime !== this.#drainTime) listener.onDrainTime(drainTime);
      this.#drainTime = drainTime;
      const hints = this.hints();
      const told = JSON.stringify(hints);
      if (told === this.#told) return;
      this.#told = told;
      listener.onOthers(hints);
    });
  }

  get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }

  /** There is no other node. */
  get alone(): boolean {
    return this.#informer.hasSynced && this.#informer.list().every(({ metadata }) => metadata.name === this.#node);
  }

  /** The own node is being left, as far as is known: what runs on it will not come back soon. */
  get leaving(): boolean {
    return this.#informer.hasSynced && isBeingLeft(this.#informer.get(this.#node), this.#ignoreExcludeLabel);
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

  /** The other nodes; empty as long as they are not known. */
  others(): KnownNode[] {
    const others = this.#informer.list().filter(({ metadata }) => metadata.name !== this.#node);
    return others.map(({ metadata: { name }, status }) => ({
      name,
      ready: status?.isReady === true,
      addresses: (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    }));
  }

  /** The other nodes as far as they have addresses, in a fixed order. */
  hints(): NodeHint[] {
    return this.others()
      .filter(({ addresses }) => addresses.length > 0)
      .map(({ name, addresses }) => ({ name, addresses: [...addresses].sort() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
