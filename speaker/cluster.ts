import { Backoff, type Client, namespaces, sleep } from '@herald/kube';
import type { Logger } from '@herald/process';

/** The UID of kube-system: what tells this cluster from any other, also for the heartbeats. Asks until there is an answer. */
export async function clusterUid(client: Client, logger: Logger, signal: AbortSignal): Promise<string | undefined> {
  const backoff = new Backoff(client.random, { baseMs: 200, maxMs: 10_000 });
  while (!signal.aborted) {
    try {
      const { uid } = (await client.get(namespaces, { name: 'kube-system' }, { signal, timeoutMs: 5_000 })).metadata;
      if (uid !== undefined) return uid;
      logger.warn('the namespace kube-system has no UID');
    } catch (error) {
      if (signal.aborted) return undefined;
      logger.warn({ error: String(error) }, 'cannot read the namespace kube-system, whose UID names the cluster');
    }
    await sleep(client.clock, backoff.next(), signal);
  }
  return undefined;
}
