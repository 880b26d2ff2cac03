/** Which built-in kinds are served, as discovery shows them. */

/** One line of the table below. */
export interface BuiltinKind {
  group: string;
  version: string;
  plural: string;
  kind: string;
  singular?: string;
  listKind?: string;
  namespaced: boolean;
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** `status`, `scale`, or what else lies below an object. */
  subresources?: readonly string[];
  /** `metadata.generation` counts. */
  generation?: boolean;
  /** Verbs other than all. */
  verbs?: readonly string[];
  /** Stored as this other kind: events. */
  storage?: string;
}

const core = (plural: string, kind: string, rest: Partial<BuiltinKind> = {}): BuiltinKind => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
  ...rest,
});

const inGroup =
  (group: string, version: string) =>
  (plural: string, kind: string, rest: Partial<BuiltinKind> = {}): BuiltinKind => ({ ...core(plural, kind, rest), group, version });

const apps = inGroup('apps', 'v1');
const batch = inGroup('batch', 'v1');
const networking = inGroup('networking.k8s.io', 'v1');
const rbac = inGroup('rbac.authorization.k8s.io', 'v1');
const storage = inGroup('storage.k8s.io', 'v1');
const admission = inGroup('admissionregistration.k8s.io', 'v1');
const all = { categories: ['all'] };
const cluster = { namespaced: false };
const status = { subresources: ['status'] };
const scalable = { subresources: ['scale', 'status'], generation: true };
const createOnly = { verbs: ['create'], ...cluster };

export const BUILTIN_KINDS: readonly BuiltinKind[] = [
  core('bindings', 'Binding', { verbs: ['create'] }),
  core('configmaps', 'ConfigMap', { shortNames: ['cm'] }),
  core('endpoints', 'Endpoints', { singular: 'endpoints', listKind: 'EndpointsList', shortNames: ['ep'] }),
  core('events', 'Event', { shortNames: ['ev'] }),
  core('limitranges', 'LimitRange', { shortNames: ['limits'] }),
  core('namespaces', 'Namespace', {
    ...cluster,
    shortNames: ['ns'],
    subresources: ['finalize', 'status'],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  }),
  core('nodes', 'Node', { ...cluster, ...status, shortNames: ['no'] }),
  core('persistentvolumeclaims', 'PersistentVolumeClaim', { ...status, shortNames: ['pvc'] }),
  core('persistentvolumes', 'PersistentVolume', { ...cluster, ...status, shortNames: ['pv'] }),
  core('pods', 'Pod', { ...all, shortNames: ['po'], subresources: ['binding', 'eviction', 'status'], generation: true }),
  core('podtemplates', 'PodTemplate', { generation: true }),
  core('replicationcontrollers', 'ReplicationController', { ...all, ...scalable, shortNames: ['rc'] }),
  core('resourcequotas', 'ResourceQuota', { ...status, shortNames: ['quota'] }),
  core('secrets', 'Secret'),
  core('serviceaccounts', 'ServiceAccount', { shortNames: ['sa'], subresources: ['token'] }),
  core('services', 'Service', { ...all, ...status, shortNames: ['svc'] }),
  admission('mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', {
    ...cluster,
    categories: ['api-extensions'],
    generation: true,
  }),
  admission('validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', {
    ...cluster,
    categories: ['api-extensions'],
    generation: true,
  }),
  inGroup('apiextensions.k8s.io', 'v1')('customresourcedefinitions', 'CustomResourceDefinition', {
    ...cluster,
    ...status,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    generation: true,
  }),
  apps('controllerrevisions', 'ControllerRevision'),
  apps('daemonsets', 'DaemonSet', { ...all, ...status, shortNames: ['ds'], generation: true }),
  apps('deployments', 'Deployment', { ...all, ...scalable, shortNames: ['deploy'] }),
  apps('replicasets', 'ReplicaSet', { ...all, ...scalable, shortNames: ['rs'] }),
  apps('statefulsets', 'StatefulSet', { ...all, ...scalable, shortNames: ['sts'] }),
  inGroup('authentication.k8s.io', 'v1')('selfsubjectreviews', 'SelfSubjectReview', createOnly),
  inGroup('authentication.k8s.io', 'v1')('tokenreviews', 'TokenReview', createOnly),
  inGroup('authorization.k8s.io', 'v1')('localsubjectaccessreviews', 'LocalSubjectAccessReview', { verbs: ['create'] }),
  inGroup('authorization.k8s.io', 'v1')('selfsubjectaccessreviews', 'SelfSubjectAccessReview', createOnly),
  inGroup('authorization.k8s.io', 'v1')('selfsubjectrulesreviews', 'SelfSubjectRulesReview', createOnly),
  inGroup('authorization.k8s.io', 'v1')('subjectaccessreviews', 'SubjectAccessReview', createOnly),
  inGroup('autoscaling', 'v2')('horizontalpodautoscalers', 'HorizontalPodAutoscaler', { ...all, ...status, shortNames: ['hpa'] }),
  batch('cronjobs', 'CronJob', { ...all, ...status, shortNames: ['cj'], generation: true }),
  batch('jobs', 'Job', { ...all, ...status, generation: true }),
  inGroup('coordination.k8s.io', 'v1')('leases', 'Lease'),
  inGroup('discovery.k8s.io', 'v1')('endpointslices', 'EndpointSlice', { generation: true }),
  inGroup('events.k8s.io', 'v1')('events', 'Event', { shortNames: ['ev'], storage: 'events' }),
  networking('ingressclasses', 'IngressClass', { ...cluster, generation: true }),
  networking('ingresses', 'Ingress', { ...status, shortNames: ['ing'], generation: true }),
  networking('networkpolicies', 'NetworkPolicy', { shortNames: ['netpol'], generation: true }),
  inGroup('policy', 'v1')('poddisruptionbudgets', 'PodDisruptionBudget', { ...status, shortNames: ['pdb'], generation: true }),
  rbac('clusterrolebindings', 'ClusterRoleBinding', cluster),
  rbac('clusterroles', 'ClusterRole', cluster),
  rbac('rolebindings', 'RoleBinding'),
  rbac('roles', 'Role'),
  inGroup('scheduling.k8s.io', 'v1')('priorityclasses', 'PriorityClass', { ...cluster, shortNames: ['pc'], generation: true }),
  storage('storageclasses', 'StorageClass', { ...cluster, shortNames: ['sc'] }),
];
