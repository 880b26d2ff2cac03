import { defaultCrd } from '../crd/defaults.ts';
import { isObject, type JsonObject } from '../json.ts';
import { at, object, objects, text } from './access.ts';

/** Defaults that depend on other fields (`SetDefaults_…` of the real server); the others stand in the schemas. Mutate. */

const set = (target: JsonObject, key: string, value: JsonObject[string]) => {
  target[key] ??= value;
};

/** `latest`, or no tag and no digest: always pulled. */
function pullPolicy(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function podSpec(spec: JsonObject): void {
  for (const list of [spec.containers, spec.initContainers, spec.ephemeralContainers]) {
    for (const container of objects(list)) {
      if (!container.imagePullPolicy) container.imagePullPolicy = pullPolicy(text(container.image));
      const resources = object(container.resources);
      if (isObject(resources.limits)) {
        const requests: JsonObject = isObject(resources.requests) ? resources.requests : {};
        for (const [name, limit] of Object.entries(resources.limits)) set(requests, name, limit);
        resources.requests = requests;
      }
      if (spec.hostNetwork === true) for (const port of objects(container.ports)) set(port, 'hostPort', port.containerPort);
    }
  }
  if (text(spec.serviceAccountName) && !spec.serviceAccount) spec.serviceAccount = spec.serviceAccountName;
  if (text(spec.serviceAccount) && !spec.serviceAccountName) spec.serviceAccountName = spec.serviceAccount;
  for (const volume of objects(spec.volumes)) {
    if (Object.keys(volume).every(k => k === 'name')) volume.emptyDir = {};
  }
}

const template = (owner: JsonObject, path = 'spec.template.spec') => {
  const spec = at(owner, path);
  if (isObject(spec)) podSpec(spec);
};

const rbacGroup = 'rbac.authorization.k8s.io';
function binding(b: JsonObject): void {
  const ref = object(b.roleRef);
  if (!ref.apiGroup) ref.apiGroup = rbacGroup;
  for (const subject of objects(b.subjects))
    if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = rbacGroup;
}

function webhooks(configuration: JsonObject): void {
  for (const hook of objects(configuration.webhooks)) {
    set(hook, 'failurePolicy', 'Fail');
    set(hook, 'matchPolicy', 'Equivalent');
    set(hook, 'namespaceSelector', {});
    set(hook, 'objectSelector', {});
    set(hook, 'timeoutSeconds', 10);
    for (const rule of objects(hook.rules)) set(rule, 'scope', '*');
    const service = at(hook, 'clientConfig.service');
    if (isObject(service)) set(service, 'port', 443);
  }
}

/** By Go type of the kind. */
export const builtinDefaults: Record<string, (o: JsonObject) => void> = {
  'v1.CustomResourceDefinition': defaultCrd,
  'v1.Pod': o => {
    const spec = object(o.spec);
    podSpec(spec);
    set(spec, 'enableServiceLinks', true); // of Pods alone: templates stay without
  },
  'v1.PodTemplate': o => template(o, 'template.spec'),
  'v1.ReplicaSet': o => template(o),
  'v1.ReplicationController': o => template(o),
  'v1.Deployment': o => {
    template(o);
    const strategy = object(object(o.spec).strategy);
    if (!strategy.type || strategy.type === 'RollingUpdate') set(strategy, 'rollingUpdate', {});
  },
  'v1.DaemonSet': o => {
    template(o);
    const strategy = object(object(o.spec).updateStrategy);
    if (!strategy.type || strategy.type === 'RollingUpdate') set(strategy, 'rollingUpdate', {});
  },
  'v1.StatefulSet': o => {
    template(o);
    const strategy = object(object(o.spec).updateStrategy);
    if (!strategy.type || strategy.type === 'RollingUpdate') set(strategy, 'rollingUpdate', {});
  },
  'v1.Job': o => {
    template(o);
    const spec = object(o.spec);
    if (spec.completions === undefined && spec.parallelism === undefined) {
      spec.completions = 1;
      spec.parallelism = 1;
    } else set(spec, 'parallelism', 1);
  },
  'v1.CronJob': o => template(o, 'spec.jobTemplate.spec.template.spec'),
  'v1.RoleBinding': binding,
  'v1.ClusterRoleBinding': binding,
  'v1.ValidatingWebhookConfiguration': webhooks,
  'v1.MutatingWebhookConfiguration': o => {
    webhooks(o);
    for (const hook of objects(o.webhooks)) set(hook, 'reinvocationPolicy', 'Never');
  },
  'v1.NetworkPolicy': o => {
    const spec = object(o.spec);
    if (!Array.isArray(spec.policyTypes))
      spec.policyTypes = ['Ingress', ...(Array.isArray(spec.egress) && spec.egress.length ? ['Egress'] : [])];
  },
  'v1.PersistentVolumeClaim': o => {
    const spec = object(o.spec);
    if (isObject(spec.dataSource) && spec.dataSourceRef === undefined) spec.dataSourceRef = { ...spec.dataSource };
  },
};
