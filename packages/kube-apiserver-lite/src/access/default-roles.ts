import type { ApiObject, JsonObject } from '../object.ts';

/** The ClusterRoles and bindings that every cluster has (a selection of the real server's bootstrap policy). */

const VERBS_READ = ['get', 'list', 'watch'];
const VERBS_WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const API_VERSION = 'rbac.authorization.k8s.io/v1';
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };

const role = (name: string, rules: JsonObject[]): ApiObject => ({
  apiVersion: API_VERSION,
  kind: 'ClusterRole',
  metadata: { name, labels, annotations },
  rules,
});

const binding = (name: string, groups: string[]): ApiObject => ({
  apiVersion: API_VERSION,
  kind: 'ClusterRoleBinding',
  metadata: { name, labels, annotations },
  subjects: groups.map(group => ({ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: group })),
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
});

const health = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const discovery = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...health];
const namespaced: JsonObject[] = [
  {
    apiGroups: [''],
    resources: [
      'configmaps',
      'endpoints',
      'events',
      'persistentvolumeclaims',
      'pods',
      'pods/status',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'serviceaccounts',
      'services',
      'services/status',
    ],
  },
  {
    apiGroups: ['apps'],
    resources: [
      'controllerrevisions',
      'daemonsets',
      'deployments',
      'deployments/scale',
      'replicasets',
      'replicasets/scale',
      'statefulsets',
    ],
  },
  { apiGroups: ['batch'], resources: ['cronjobs', 'jobs'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'] },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'networkpolicies'] },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'] },
];
const withVerbs = (verbs: string[]): JsonObject[] => namespaced.map(rule => ({ ...rule, verbs }));
const namespacesRead = { apiGroups: [''], resources: ['namespaces', 'resourcequotas', 'limitranges'], verbs: VERBS_READ };
const secrets = { apiGroups: [''], resources: ['secrets'], verbs: [...VERBS_READ, ...VERBS_WRITE] };
const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: [...VERBS_READ, ...VERBS_WRITE] };
const edit = [...withVerbs([...VERBS_READ, ...VERBS_WRITE]), namespacesRead, secrets, leases];

export const DEFAULT_CLUSTER_ROLES: readonly ApiObject[] = [
  role('cluster-admin', [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ]),
  role('admin', [
    ...edit,
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings', 'roles'], verbs: [...VERBS_READ, ...VERBS_WRITE] },
    { apiGroups: ['authorization.k8s.io'], resources: ['localsubjectaccessreviews'], verbs: ['create'] },
  ]),
  role('edit', edit),
  role('view', [...withVerbs(VERBS_READ), namespacesRead]),
  role('system:discovery', [{ nonResourceURLs: discovery, verbs: ['get'] }]),
  role('system:public-info-viewer', [{ nonResourceURLs: health, verbs: ['get'] }]),
  role('system:basic-user', [
    { apiGroups: ['authorization.k8s.io'], resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], verbs: ['create'] },
    { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
  ]),
];

export const DEFAULT_CLUSTER_ROLE_BINDINGS: readonly ApiObject[] = [
  binding('cluster-admin', ['system:masters']),
  binding('system:discovery', ['system:authenticated']),
  binding('system:public-info-viewer', ['system:authenticated', 'system:unauthenticated']),
  binding('system:basic-user', ['system:authenticated']),
];
