import { type Client, Informer, secrets } from '@herald/kube';
import type { Logger } from '@herald/process';
import { KeyRotation } from './key-rotation.ts';
import { derivedSecret, secretsOf } from './mesh-key.ts';

export interface MeshSecretsOptions {
  client: Client;
  namespace: string;
  name: string;
  clusterUid: string;
  logger: Logger;
  onChange: (secrets: readonly Uint8Array[]) => void;
}

/** Follows the Secret with the key of the heartbeats. Without one, a key derived from the cluster is used. */
export class MeshSecrets {
  readonly #options: MeshSecretsOptions;
  readonly #informer: Informer<{ metadata: { name: string }; data?: Record<string, string> }>;
  #rotation: KeyRotation;
  #told = '';
  #settled = false;
  #forget: { cancel(): void } | undefined;

  constructor(options: MeshSecretsOptions) {
    const { client, namespace, name, clusterUid, logger } = options;
    this.#options = options;
    this.#rotation = new KeyRotation([derivedSecret(clusterUid)]);
    this.#informer = new Informer(client, secrets, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      onError: error => logger.warn({ error: String(error) }, 'cannot read the Secret of the mesh key'),
    });
    this.#informer.on(event => {
      if (event.type === 'synced' || this.#informer.hasSynced) this.#read();
    });
  }

  get current(): readonly Uint8Array[] {
    return this.#rotation.at(this.#options.client.clock.now());
  }

  async synced(signal: AbortSignal): Promise<boolean> {
    return this.#informer.synced(signal);
  }

  start(signal: AbortSignal): void {
    this.#informer.start(signal);
  }

  stop(): void {
    this.#forget?.cancel();
  }

  #read(): void {
    const { namespace, name, clusterUid, logger, client } = this.#options;
    const data = this.#informer.get(`${namespace}/${name}`)?.data;
    const { secrets, problem } = data === undefined ? { secrets: [], problem: undefined } : secretsOf(data);
    if (problem !== undefined) {
      logger.warn(`the Secret ${namespace}/${name} is not used as mesh key: ${problem}`);
      if (this.#settled) return;
    }
    const next = secrets.length > 0 ? secrets : [derivedSecret(clusterUid)];
    if (secrets.length === 0 && !this.#settled) {
      logger.warn(
        `heartbeats are signed with a key derived from the cluster: create the Secret ${namespace}/${name} with 32 random octets under data.key to use one of your own`,
      );
    }
    // What was in force before the Secret was first read was never signed with.
    if (this.#settled) this.#rotation.list(next, client.clock.now());
    else this.#rotation = new KeyRotation(next);
    this.#settled = true;
    this.#tell();
  }

  #tell(): void {
    const { clock } = this.#options.client;
    const { current } = this;
    this.#forget?.cancel();
    const left = (this.#rotation.until ?? 0) - clock.now();
    if (left > 0) this.#forget = clock.after(left, () => this.#tell());
    const text = current.map(secret => Buffer.from(secret).toString('hex')).join();
    if (text === this.#told) return;
    this.#told = text;
    this.#options.onChange(current);
  }
}
