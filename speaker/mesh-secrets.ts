import { type Client, Informer, secrets } from '@herald/kube';
import type { Logger } from '@herald/process';
import { derivedSecret, secretsOf } from './mesh-key.ts';

/** A replaced key is still accepted for so long, for peers that have not seen the new one yet (ms). */
const KEEP_OLD = 600_000;

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
  #current: readonly Uint8Array[];
  #settled = false;
  #forget: { cancel(): void } | undefined;

  constructor(options: MeshSecretsOptions) {
    const { client, namespace, name, clusterUid, logger } = options;
    this.#options = options;
    this.#current = [derivedSecret(clusterUid)];
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
    return this.#current;
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
    const { namespace, name, clusterUid, logger, client, onChange } = this.#options;
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
    const old = this.#current[0];
    const replaced = this.#settled && old !== undefined && !next.some(secret => Buffer.from(secret).equals(old));
    this.#settled = true;
    this.#set(replaced ? [...next.slice(0, 1), old] : next);
    this.#forget?.cancel();
    if (replaced) this.#forget = client.clock.after(KEEP_OLD, () => this.#set(next));
    onChange(this.#current);
  }

  #set(secrets: readonly Uint8Array[]): void {
    const changed = secrets.length !== this.#current.length;
    this.#current = secrets;
    if (changed) this.#options.onChange(secrets);
  }
}
