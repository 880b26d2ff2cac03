import { DEFAULT_CLUSTER_ROLE_BINDINGS, DEFAULT_CLUSTER_ROLES } from './access/default-roles.ts';
import { newTokenKey } from './access/tokens.ts';
import { MASTERS } from './access/user.ts';
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
import { FileJournal } from './storage/journal.ts';
import { Store } from './storage/store.ts';
import { strategyFor } from './strategies/strategies.ts';

export interface ClusterOptions {
  environment?: Environment;
  /** Changes remembered per kind, for watches that start from a version; the default is 10,000. */
  historySize?: number;
  /** A file to keep the state in; without one it is in memory only. */
  data?: string;
  /** Service addresses and node ports. */
  network?: Partial<ServiceNetworkOptions>;
  /** CustomResourceDefinitions that are there from the start. */
  crds?: readonly object[];
}

const SYSTEM: Write = {
  dryRun: false,
  fieldManager: 'kube-apiserver',
  user: { name: 'system:apiserver', groups: [MASTERS] },
  warn: () => {},
};
const SYSTEM_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
const DEFAULT_HISTORY = 10_000;
const RBAC = 'rbac.authorization.k8s.io';

/** A cluster with its built-in kinds and system objects, and the key that signs its tokens. */
export function createCluster(options: ClusterOptions): { cluster: Cluster; tokenKey: string } {
  const environment = options.environment ?? systemEnvironment;
  const journal = options.data === undefined ? undefined : new FileJournal(options.data, { tokenKey: newTokenKey() });
  const store = new Store({ historySize: options.historySize ?? DEFAULT_HISTORY, ...(journal === undefined ? {} : { journal }) });
  if (journal !== undefined) store.load(journal.recovered.entries, journal.recovered.revision);
  const registry = new Registry();
  const cluster: Cluster = { store, registry, environment };
  const controller = new CrdController(cluster);
  cluster.stop = () => controller.stop();
  const network = new ServiceNetwork(options.network ?? {}, environment);
  keepBooks(store, network);
  for (const resource of builtinResources(kind => strategyFor(kind, { cluster, network }))) registry.add(resource);
  new CustomResources(cluster).start();
  controller.start();
  bootstrap(cluster, network, options.crds ?? []);
  // Nobody can have seen what was before this moment.
  if (journal === undefined || journal.recovered.entries.length === 0) store.forgetHistory();
  return { cluster, tokenKey: journal?.recovered.values['tokenKey'] ?? newTokenKey() };
}

const named = (kind: string, names: readonly string[]): ApiObject[] => names.map(name => ({ apiVersion: 'v1', kind, metadata: { name } }));

/** Creates what every cluster has, and the CRDs asked for, as far as they are not there yet. */
function bootstrap(cluster: Cluster, network: ServiceNetwork, crds: readonly object[]): void {
  ensure(cluster, '', 'v1', 'namespaces', '', named('Namespace', SYSTEM_NAMESPACES));
  ensure(cluster, RBAC, 'v1', 'clusterroles', '', DEFAULT_CLUSTER_ROLES);
  ensure(cluster, RBAC, 'v1', 'clusterrolebindings', '', DEFAULT_CLUSTER_ROLE_BINDINGS);
  const metadata = { name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } };
  const ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }];
  const spec = { clusterIP: network.first(), ports, sessionAffinity: 'None', type: 'ClusterIP' };
  ensure(cluster, '', 'v1', 'services', 'default', [{ apiVersion: 'v1', kind: 'Service', metadata, spec }]);
  ensure(cluster, 'apiextensions.k8s.io', 'v1', 'customresourcedefinitions', '', crds as readonly ApiObject[]);
}

function ensure(cluster: Cluster, group: string, version: string, plural: string, namespace: string, objects: readonly ApiObject[]): void {
  const resource = cluster.registry.get(group, version, plural);
  if (resource === undefined) throw new Error(`${plural} are not served`);
  for (const object of objects) {
    if (cluster.store.get(resource.storage, namespace, object.metadata.name ?? '') !== undefined) continue;
    create(cluster, resource, namespace, clone(object), SYSTEM);
  }
}

/** Addresses and ports follow the Services that hold them. */
function keepBooks(store: Store, network: ServiceNetwork): void {
  const services = store.table('services');
  for (const stored of services.list()) reserve(network, specOf(stored.object));
  services.listen(({ type, current, previous }) => {
    if (type === 'DELETED') releaseUnused(network, undefined, specOf(current.object));
    else if (previous !== undefined) releaseUnused(network, specOf(current.object), specOf(previous.object));
  });
}
