import type { Cluster } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import { ApiStatusError } from '../errors.ts';
import type { JsonObject } from '../object.ts';
import { remove } from '../operations/remove.ts';
import { isObject } from '../schema/json.ts';
import type { Change, Stored } from '../storage/stored.ts';
import { KUBERNETES_FINALIZER } from '../strategies/namespace.ts';
import { Actor, KeyedController } from './controller.ts';

/** Empties namespaces that are being deleted, then lets them go; gives new ones their `default` ServiceAccount. */
export class NamespaceController extends KeyedController {
  readonly #actor: Actor;

  constructor(cluster: Cluster, onError: (error: unknown, key: string) => void) {
    super(cluster, onError);
    this.#actor = new Actor(cluster, 'namespace-controller');
  }

  protected override enqueueAll(): void {
    for (const { name } of this.cluster.store.table('namespaces').list()) this.queue.add(name);
  }

  protected override observe({ type, resource, current }: Change): void {
    if (resource === 'namespaces') {
      if (type !== 'DELETED') this.queue.add(current.name);
      return;
    }
    // The last object of a namespace on its way out, or its ServiceAccount deleted by somebody.
    if (type === 'DELETED' && current.namespace !== '') this.queue.add(current.namespace);
  }

  protected override sync(name: string): void {
    const stored = this.cluster.store.get('namespaces', '', name);
    if (stored === undefined) return;
    if (stored.object.metadata.deletionTimestamp === undefined) this.#ensureServiceAccount(name);
    else this.#empty(stored);
  }

  #ensureServiceAccount(namespace: string): void {
    if (this.cluster.store.get('serviceaccounts', namespace, 'default') !== undefined) return;
    const resource = this.#actor.resource('', 'v1', 'serviceaccounts');
    this.#actor.create(resource, namespace, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
  }

  #empty(namespace: Stored): void {
    const remaining = new Map<string, number>();
    const finalizers = new Map<string, number>();
    for (const table of this.cluster.store.tables()) {
      const resource = this.cluster.registry.byStorage(table.resource);
      if (resource?.namespaced !== true) continue;
      for (const stored of table.list(namespace.name)) {
        this.#delete(stored, table.resource);
        const left = this.cluster.store.get(table.resource, stored.namespace, stored.name);
        if (left === undefined) continue;
        const kind = `${resource.plural}.${resource.group}`;
        remaining.set(kind, (remaining.get(kind) ?? 0) + 1);
        for (const finalizer of left.object.metadata.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
      }
    }
    const current = this.cluster.store.get('namespaces', '', namespace.name);
    if (current === undefined) return;
    if (remaining.size === 0) this.#finish(current);
    else this.#report(current, remaining, finalizers);
  }

  #delete(stored: Stored, storage: string): void {
    const resource = this.cluster.registry.byStorage(storage);
    if (resource === undefined || stored.object.metadata.deletionTimestamp !== undefined) return;
    try {
      remove(this.cluster, resource, stored.namespace, stored.name, { dryRun: false, propagationPolicy: 'Background' });
    } catch (error) {
      if (!(error instanceof ApiStatusError && error.code === 404)) throw error;
    }
  }

  #finish(namespace: Stored): void {
    const spec = isObject(namespace.object['spec']) ? namespace.object['spec'] : {};
    const others = (Array.isArray(spec['finalizers']) ? spec['finalizers'] : []).filter(name => name !== KUBERNETES_FINALIZER);
    if (others.length === 0 && (namespace.object.metadata.finalizers ?? []).length === 0) {
      this.cluster.store.remove('namespaces', namespace);
      return;
    }
    if (!Array.isArray(spec['finalizers']) || others.length === spec['finalizers'].length) return;
    const metadata = { ...namespace.object.metadata };
    this.cluster.store.put('namespaces', { ...namespace.object, metadata, spec: others.length === 0 ? {} : { finalizers: others } });
  }

  #report(namespace: Stored, remaining: ReadonlyMap<string, number>, finalizers: ReadonlyMap<string, number>): void {
    const now = timestamp(this.cluster.environment.now());
    const content = [...remaining].map(([kind, count]) => `${kind} has ${count} resource instances`).join(', ');
    const waiting = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).join(', ');
    const wanted: JsonObject[] = [
      condition('NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered', 'All resources successfully discovered', now),
      condition(
        'NamespaceDeletionGroupVersionParsingFailure',
        'False',
        'ParsedGroupVersions',
        'All legacy kube types successfully parsed',
        now,
      ),
      condition(
        'NamespaceDeletionContentFailure',
        'False',
        'ContentDeleted',
        'All content successfully deleted, may be waiting on finalization',
        now,
      ),
      condition('NamespaceContentRemaining', 'True', 'SomeResourcesRemain', `Some resources are remaining: ${content}`, now),
      finalizers.size === 0
        ? condition('NamespaceFinalizersRemaining', 'False', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished', now)
        : condition(
            'NamespaceFinalizersRemaining',
            'True',
            'SomeFinalizersRemain',
            `Some content in the namespace has finalizers remaining: ${waiting}`,
            now,
          ),
    ];
    const status = isObject(namespace.object['status']) ? namespace.object['status'] : {};
    const known = (Array.isArray(status['conditions']) ? status['conditions'] : []).filter(isObject);
    if (told(known) === told(wanted)) return;
    const metadata = { ...namespace.object.metadata };
    this.cluster.store.put('namespaces', { ...namespace.object, metadata, status: { ...status, conditions: wanted } });
  }
}

/** What conditions say, without when. */
const told = (conditions: readonly JsonObject[]): string =>
  JSON.stringify(conditions.map(({ type, status, message }) => [type, status, message]));

const condition = (type: string, status: string, reason: string, message: string, lastTransitionTime: string): JsonObject => ({
  type,
  status,
  lastTransitionTime,
  reason,
  message,
});
