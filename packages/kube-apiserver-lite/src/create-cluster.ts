import { DEFAULT_CLUSTER_ROLE_BINDINGS, DEFAULT_CLUSTER_ROLES } from './access/default-roles.ts';
import type { Cluster } from './cluster.ts';
import { CrdController } from './custom/controller.ts';
import { CustomResources } from './custom/custom-resources.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import type { ApiObject } from './object.ts';
import { create } from './operations/create.ts';
import type { Write } from './operations/write.ts';
import { builtinResources } from './registry/builtins.ts';
import { Registry } from './registry/registry.ts';
import { clone } from './schema/json.ts';
import { releaseUnused, reserve } from './services/allocate.ts';
import { ServiceNetwork, type ServiceNetworkOptions } from './services/network.ts';
import { specOf } from './services/service.ts';
import { type Journal, Store } from './storage/store.ts';
import { strategyFor } from './strategies/strategies.ts';

export interface ClusterOptions {
  environment?: Environment;
  /** Changes remembered per kind, for watches that start from a version. */
  historySize?: number;
  journal?: Journal;
  network?: Partial<ServiceNetworkOptions>;
}

const SYSTEM: Write = { dryRun: false, fieldManager: 'kube-apiserver', user: { name: 'system:apiserver' }, warn: () => {} };
const SYSTEM_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** A cluster with its built-in kinds and system namespaces. */
export function createCluster(options: ClusterOptions): Cluster {
  const environment = options.environment ?? systemEnvironment;
  const store = new Store({
    historySize: options.historySize ?? 10_000,
    ...(options.journal === undefined ? {} : { journal: options.journal }),
  });
  const registry = new Registry();
  const cluster: Cluster = { store, registry, environment };
  const network = new ServiceNetwork(options.network ?? {}, environment);
  for (const stored of store.table('services').list()) reserve(network, specOf(stored.object));
  store.table('services').listen(({ type, current, previous }) => {
    if (type === 'DELETED') releaseUnused(network, undefined, specOf(current.object));
    else if (previous !== undefined) releaseUnused(network, specOf(current.object), specOf(previous.object));
  });
  for (const resource of builtinResources(kind => strategyFor(kind, { cluster, network }))) registry.add(resource);
  const custom = new CustomResources(cluster);
  custom.start();
  new CrdController(cluster).start();
  ensure(
    cluster,
    'namespaces',
    '',
    SYSTEM_NAMESPACES.map(name => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  );
  ensure(cluster, 'clusterroles', '', DEFAULT_CLUSTER_ROLES);
  ensure(cluster, 'clusterrolebindings', '', DEFAULT_CLUSTER_ROLE_BINDINGS);
  const ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }];
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const spec = { clusterIP: network.first(), ports, sessionAffinity: 'None', type: 'ClusterIP' };
  ensure(cluster, 'services', 'default', [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'kubernetes', labels }, spec }]);
  store.forgetHistory();
  return cluster;
}

/** Creates those of the objects that are not there yet. */
function ensure(cluster: Cluster, plural: string, namespace: string, objects: readonly ApiObject[]): void {
  const resource = [...cluster.registry.all()].find(candidate => candidate.plural === plural);
  if (resource === undefined) throw new Error(`${plural} are not served`);
  for (const object of objects) {
    if (cluster.store.get(resource.storage, namespace, object.metadata.name ?? '') === undefined)
      create(cluster, resource, namespace, clone(object), SYSTEM);
  }
}
