import { type Client, Informer, type KubeObject, nodes } from '@herald/kube';
import type { Logger } from '@herald/process';

interface NodeAddresses extends KubeObject {
  status?: { addresses?: { type: string; address: string }[] };
}

/** The addresses of the other nodes, as the Node objects tell them: asked by unicast where multicast is filtered. */
export class PeerNodes {
  readonly #informer: Informer<NodeAddresses>;
  readonly #node: string;
  #told = '';

  constructor(client: Client, node: string, logger: Logger, onChange: (addresses: string[]) => void) {
    this.#node = node;
    this.#informer = new Informer<NodeAddresses>(client, nodes, {
      // Of a Node, only its name and addresses are kept: on big clusters the rest is most of the memory.
      transform: ({ metadata: { name, resourceVersion, uid }, status }) => ({
        metadata: { name, ...(resourceVersion !== undefined && { resourceVersion }), ...(uid !== undefined && { uid }) },
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
