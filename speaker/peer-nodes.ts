import { type Client, Informer, type KubeObject, nodes } from '@herald/kube';
import type { Logger } from '@herald/process';

interface NodeAddresses extends KubeObject {
  spec?: { unschedulable?: boolean };
  status?: { addresses?: { type: string; address: string }[] };
}

/** On a Node: no load balancer may send traffic to it (KEP-1143). */
const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** The Node objects: addresses of the others, asked by unicast where multicast is filtered, and whether the own one is being left. */
export class PeerNodes {
  readonly #informer: Informer<NodeAddresses>;
  readonly #node: string;
  #told = '';

  constructor(client: Client, node: string, logger: Logger, onChange: (addresses: string[]) => void) {
    this.#node = node;
    this.#informer = new Informer<NodeAddresses>(client, nodes, {
      // Of a Node, only its name and addresses are kept: on big clusters the rest is most of the memory.
      transform: ({ metadata: { name, resourceVersion, uid, labels }, spec, status }) => ({
        metadata: {
          name,
          ...(resourceVersion !== undefined && { resourceVersion }),
          ...(uid !== undefined && { uid }),
          ...(labels?.[EXCLUDE_LABEL] !== undefined && { labels: { [EXCLUDE_LABEL]: labels[EXCLUDE_LABEL] } }),
        },
        spec: { unschedulable: spec?.unschedulable === true },
        status: { addresses: status?.addresses ?? [] },
      }),
      onError: error => logger.warn({ error: String(error) }, 'cannot watch Nodes'),
    });
    this.#informer.on(() => {
      if (!this.#informer.hasSynced) return;
      const addresses = this.addresses();
      if (addresses.join() === this.#told) return;
      this.#told = addresses.join();
      onChange(addresses);
    });
  }

  get hasSynced(): boolean {
    return this.#informer.hasSynced;
  }

  /** The own node is cordoned, excluded or gone: what runs on it will not come back soon. */
  get leaving(): boolean {
    if (!this.#informer.hasSynced) return false;
    const own = this.#informer.get(this.#node);
    return own === undefined || own.spec?.unschedulable === true || own.metadata.labels?.[EXCLUDE_LABEL] !== undefined;
  }

  start(signal: AbortSignal): void {
    this.#informer.start(signal);
  }

  addresses(): string[] {
    const others = this.#informer.list().filter(node => node.metadata.name !== this.#node);
    return others
      .flatMap(node => (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address))
      .sort();
  }
}
