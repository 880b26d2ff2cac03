import type { Cluster } from '../cluster.ts';
import { forbiddenError, notFound } from '../errors.ts';
import { errorTarget, type Resource } from '../registry/resource.ts';

/** NamespaceLifecycle admission: nothing is made in a namespace that is not there, or on its way out. */
export function checkNamespace(cluster: Cluster, resource: Resource, namespace: string, name: string): void {
  if (!resource.namespaced) return;
  const stored = cluster.store.get('namespaces', '', namespace);
  if (stored === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  if (stored.object.metadata.deletionTimestamp === undefined) return;
  throw forbiddenError(
    errorTarget(resource),
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
  );
}
