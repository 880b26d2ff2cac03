import type { Cluster } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import type { Stored } from '../storage/stored.ts';
import { CRDS } from './custom-resources.ts';
import { CLEANUP_FINALIZER } from './strategy.ts';

/**
 * What kube-apiserver's own controllers do to a CRD: names are accepted and the CRD established; it is given a finalizer
 * that removes its objects before it goes.
 */
export class CrdController {
  readonly #cluster: Cluster;
  #stop: () => void = () => {};

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  start(): void {
    const table = this.#cluster.store.table(CRDS);
    for (const stored of table.list()) this.#sync(stored);
    this.#stop = table.listen(change => {
      if (change.type === 'DELETED') return;
      const { name } = change.current;
      setImmediate(() => {
        const stored = this.#cluster.store.get(CRDS, '', name);
        if (stored !== undefined) this.#sync(stored);
      });
    });
  }

  stop(): void {
    this.#stop();
  }

  #sync(stored: Stored): void {
    const crd = stored.object;
    if (crd.metadata.deletionTimestamp !== undefined) {
      this.#finalize(stored);
      return;
    }
    const status = isObject(crd['status']) ? crd['status'] : {};
    const now = timestamp(this.#cluster.environment.now());
    const names = isObject(crd['spec']) && isObject(crd['spec']['names']) ? crd['spec']['names'] : {};
    const accepted = JSON.stringify(status['acceptedNames']) === JSON.stringify(names);
    const finalizers = crd.metadata.finalizers ?? [];
    if (accepted && finalizers.includes(CLEANUP_FINALIZER)) return;
    const next: ApiObject = {
      ...crd,
      metadata: { ...crd.metadata, finalizers: finalizers.includes(CLEANUP_FINALIZER) ? finalizers : [...finalizers, CLEANUP_FINALIZER] },
      status: { ...status, acceptedNames: names, conditions: conditions(status['conditions'], now) },
    };
    this.#cluster.store.put(CRDS, next);
  }

  #finalize({ object: crd, name }: Stored): void {
    const finalizers = crd.metadata.finalizers ?? [];
    if (!finalizers.includes(CLEANUP_FINALIZER)) return;
    const { store } = this.#cluster;
    const table = store.table(name);
    let waiting = false;
    for (const stored of table.list()) {
      if ((stored.object.metadata.finalizers ?? []).length === 0) {
        store.remove(name, stored);
        continue;
      }
      waiting = true;
      if (stored.object.metadata.deletionTimestamp === undefined) {
        const now = timestamp(this.#cluster.environment.now());
        const metadata = { ...stored.object.metadata, deletionTimestamp: now, deletionGracePeriodSeconds: 0 };
        store.put(name, { ...stored.object, metadata });
      }
    }
    const current = store.get(CRDS, '', name);
    if (waiting || current === undefined) return;
    const left = finalizers.filter(finalizer => finalizer !== CLEANUP_FINALIZER);
    if (left.length === 0) store.remove(CRDS, current);
    else store.put(CRDS, { ...crd, metadata: { ...crd.metadata, finalizers: left } });
  }
}

function conditions(known: Json | undefined, now: string): Json[] {
  const list = Array.isArray(known) ? known.filter(isObject) : [];
  const set = (type: string, reason: string, message: string): JsonObject =>
    list.find(condition => condition['type'] === type && condition['status'] === 'True') ?? {
      type,
      status: 'True',
      lastTransitionTime: now,
      reason,
      message,
    };
  const others = list.filter(condition => condition['type'] !== 'NamesAccepted' && condition['type'] !== 'Established');
  return [
    set('NamesAccepted', 'NoConflicts', 'no conflicts found'),
    set('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ...others,
  ];
}
