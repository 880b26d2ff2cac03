import { type JsonObject, show } from '../schema/json.ts';
import { age, at, type Column, count, createdAt, labelsText, list, name, number, selectorText, strings, text, wide } from './column.ts';
import { humanDuration, since } from './duration.ts';

/** Columns of apps, batch, networking, policy, rbac, scheduling, storage, autoscaling and admission. */

const containers = (template: string): Column[] => [
  wide({
    name: 'Containers',
    description: 'Names of each container in the template.',
    cell: o =>
      list(o, `${template}.spec.containers`)
        .map(c => text(c, 'name'))
        .join(','),
  }),
  wide({
    name: 'Images',
    description: 'Images referenced by each container in the template.',
    cell: o =>
      list(o, `${template}.spec.containers`)
        .map(c => text(c, 'image'))
        .join(','),
  }),
];
const integer = (title: string, description: string, path: string): Column => ({
  name: title,
  type: 'integer',
  description,
  cell: o => number(o, path),
});
const selector = (description: string): Column => wide({ name: 'Selector', description, cell: o => selectorText(at(o, 'spec.selector')) });

export const deployment: Column[] = [
  name,
  {
    name: 'Ready',
    description: 'Number of the pod with ready state',
    cell: o => `${number(o, 'status.readyReplicas')}/${number(o, 'spec.replicas')}`,
  },
  { ...integer('Up-to-date', 'apps.v1.DeploymentStatus#updatedReplicas', 'status.updatedReplicas'), type: 'string' },
  { ...integer('Available', 'apps.v1.DeploymentStatus#availableReplicas', 'status.availableReplicas'), type: 'string' },
  age,
  ...containers('spec.template'),
  selector('apps.v1.DeploymentSpec#selector'),
];
export const daemonSet: Column[] = [
  name,
  integer('Desired', 'apps.v1.DaemonSetStatus#desiredNumberScheduled', 'status.desiredNumberScheduled'),
  integer('Current', 'apps.v1.DaemonSetStatus#currentNumberScheduled', 'status.currentNumberScheduled'),
  integer('Ready', 'apps.v1.DaemonSetStatus#numberReady', 'status.numberReady'),
  integer('Up-to-date', 'apps.v1.DaemonSetStatus#updatedNumberScheduled', 'status.updatedNumberScheduled'),
  integer('Available', 'apps.v1.DaemonSetStatus#numberAvailable', 'status.numberAvailable'),
  { name: 'Node Selector', description: 'core.v1.PodSpec#nodeSelector', cell: o => labelsText(at(o, 'spec.template.spec.nodeSelector')) },
  age,
  ...containers('spec.template'),
  selector('apps.v1.DaemonSetSpec#selector'),
];
export const replicaSet: Column[] = [
  name,
  integer('Desired', 'apps.v1.ReplicaSetSpec#replicas', 'spec.replicas'),
  integer('Current', 'apps.v1.ReplicaSetStatus#replicas', 'status.replicas'),
  integer('Ready', 'apps.v1.ReplicaSetStatus#readyReplicas', 'status.readyReplicas'),
  age,
  ...containers('spec.template'),
  selector('apps.v1.ReplicaSetSpec#selector'),
];
export const replicationController: Column[] = [
  ...replicaSet.slice(0, -1),
  wide({ name: 'Selector', description: 'core.v1.ReplicationControllerSpec#selector', cell: o => labelsText(at(o, 'spec.selector')) }),
];
export const statefulSet: Column[] = [
  name,
  {
    name: 'Ready',
    description: 'Number of the pod with ready state',
    cell: o => `${number(o, 'status.readyReplicas')}/${number(o, 'spec.replicas')}`,
  },
  age,
  ...containers('spec.template'),
];
export const controllerRevision: Column[] = [
  name,
  {
    name: 'Controller',
    description: 'Controller of the object',
    cell: o => {
      const owner = list(o, 'metadata.ownerReferences').find(r => r.controller === true);
      if (!owner) return '<none>';
      const group = text(owner, 'apiVersion').split('/');
      return `${text(owner, 'kind').toLowerCase()}${group.length > 1 ? `.${group[0]}` : ''}/${text(owner, 'name')}`;
    },
  },
  { name: 'Revision', description: 'apps.v1.ControllerRevision#revision', cell: o => number(o, 'revision') },
  age,
];

function jobStatus(o: JsonObject): string {
  const is = (type: string) => list(o, 'status.conditions').some(c => c.type === type && c.status === 'True');
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (at(o, 'metadata.deletionTimestamp')) return 'Terminating';
  if (is('Suspended')) return 'Suspended';
  if (is('FailureTarget')) return 'FailureTarget';
  return is('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}
function jobDuration(o: JsonObject, now: Date): string {
  const start = Date.parse(text(o, 'status.startTime'));
  if (Number.isNaN(start)) return '';
  const end = Date.parse(text(o, 'status.completionTime'));
  return humanDuration((Number.isNaN(end) ? now.getTime() : end) - start);
}
function jobCompletions(o: JsonObject): string {
  const succeeded = number(o, 'status.succeeded');
  if (at(o, 'spec.completions') !== undefined) return `${succeeded}/${number(o, 'spec.completions')}`;
  const parallelism = number(o, 'spec.parallelism');
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}
export const job: Column[] = [
  name,
  { name: 'Status', description: 'Status of the job.', cell: jobStatus },
  { name: 'Completions', description: 'batch.v1.JobStatus#succeeded', cell: jobCompletions },
  { name: 'Duration', description: 'Time required to complete the job.', cell: jobDuration },
  age,
  ...containers('spec.template'),
  selector('batch.v1.JobSpec#selector'),
];
export const cronJob: Column[] = [
  name,
  { name: 'Schedule', description: 'batch.v1.CronJobSpec#schedule', cell: o => text(o, 'spec.schedule') },
  { name: 'Timezone', description: 'batch.v1.CronJobSpec#timeZone', cell: o => text(o, 'spec.timeZone') || '<none>' },
  {
    name: 'Suspend',
    type: 'boolean',
    description: 'batch.v1.CronJobSpec#suspend',
    cell: o => (at(o, 'spec.suspend') === true ? 'True' : at(o, 'spec.suspend') === false ? 'False' : '<unset>'),
  },
  integerCount('Active', 'batch.v1.CronJobStatus#active', 'status.active'),
  {
    name: 'Last Schedule',
    description: 'batch.v1.CronJobStatus#lastScheduleTime',
    cell: (o, now) => (at(o, 'status.lastScheduleTime') ? since(at(o, 'status.lastScheduleTime'), now) : '<none>'),
  },
  age,
  ...containers('spec.jobTemplate.spec.template'),
  wide({ name: 'Selector', description: 'batch.v1.JobSpec#selector', cell: o => selectorText(at(o, 'spec.jobTemplate.spec.selector')) }),
];
function integerCount(title: string, description: string, path: string): Column {
  return { name: title, type: 'integer', description, cell: o => count(o, path) };
}

const ingressAddress = (o: JsonObject) =>
  list(o, 'status.loadBalancer.ingress')
    .map(i => text(i, 'ip') || text(i, 'hostname'))
    .filter(Boolean)
    .join(',');
function ingressHosts(o: JsonObject): string {
  const hosts = list(o, 'spec.rules')
    .map(r => text(r, 'host'))
    .filter(Boolean);
  if (hosts.length === 0) return '*';
  return hosts.length > 3 ? `${hosts.slice(0, 3).join(',')} + ${hosts.length - 3} more...` : hosts.join(',');
}
export const ingress: Column[] = [
  name,
  {
    name: 'Class',
    description: 'The name of the IngressClass resource that should be used for additional configuration',
    cell: o => text(o, 'spec.ingressClassName') || '<none>',
  },
  { name: 'Hosts', description: 'Hosts that incoming requests are matched against before the ingress rule', cell: ingressHosts },
  { name: 'Address', description: 'Address is a list containing ingress points for the load-balancer', cell: ingressAddress },
  { name: 'Ports', description: 'Ports of TLS configurations that open', cell: o => (count(o, 'spec.tls') > 0 ? '80, 443' : '80') },
  age,
];
export const ingressClass: Column[] = [
  name,
  { name: 'Controller', description: 'Controller that is responsible for handling this class', cell: o => text(o, 'spec.controller') },
  {
    name: 'Parameters',
    description: 'A reference to a resource with additional parameters',
    cell: o => {
      const p = at(o, 'spec.parameters') as JsonObject | undefined;
      if (!p) return '<none>';
      return `${text(p, 'kind')}${text(p, 'apiGroup') ? `.${text(p, 'apiGroup')}` : ''}/${text(p, 'name')}`;
    },
  },
  age,
];
export const networkPolicy: Column[] = [
  name,
  { name: 'Pod-Selector', description: 'networking.v1.NetworkPolicySpec#podSelector', cell: o => selectorText(at(o, 'spec.podSelector')) },
  age,
];
const either = (o: JsonObject, path: string) => (at(o, path) === undefined ? 'N/A' : show(at(o, path)));
export const podDisruptionBudget: Column[] = [
  name,
  { name: 'Min Available', description: 'The minimum number of pods that must be available.', cell: o => either(o, 'spec.minAvailable') },
  {
    name: 'Max Unavailable',
    description: 'The maximum number of pods that may be unavailable.',
    cell: o => either(o, 'spec.maxUnavailable'),
  },
  { ...integer('Allowed Disruptions', 'Calculated number of pods that may be disrupted at this time.', 'status.disruptionsAllowed') },
  age,
];
export const priorityClass: Column[] = [
  name,
  integer('Value', 'scheduling.v1.PriorityClass#value', 'value'),
  {
    name: 'Global-Default',
    type: 'boolean',
    description: 'scheduling.v1.PriorityClass#globalDefault',
    cell: o => at(o, 'globalDefault') === true,
  },
  age,
  { name: 'PreemptionPolicy', description: 'scheduling.v1.PriorityClass#preemptionPolicy', cell: o => text(o, 'preemptionPolicy') },
];
const subjects = (kind: string) => (o: JsonObject) =>
  list(o, 'subjects')
    .filter(s => s.kind === kind)
    .map(s => (kind === 'ServiceAccount' ? `${text(s, 'namespace')}/${text(s, 'name')}` : text(s, 'name')))
    .join(', ');
export const binding: Column[] = [
  name,
  { name: 'Role', description: 'rbac.v1.RoleBinding#roleRef', cell: o => `${text(o, 'roleRef.kind')}/${text(o, 'roleRef.name')}` },
  age,
  wide({ name: 'Users', description: 'Users in the roleBinding', cell: subjects('User') }),
  wide({ name: 'Groups', description: 'Groups in the roleBinding', cell: subjects('Group') }),
  wide({ name: 'ServiceAccounts', description: 'ServiceAccounts in the roleBinding', cell: subjects('ServiceAccount') }),
];
export const role: Column[] = [name, createdAt];
export const storageClass: Column[] = [
  {
    ...name,
    cell: o => {
      const byDefault = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'].some(
        a => ((at(o, 'metadata.annotations') ?? {}) as JsonObject)[a] === 'true',
      );
      return `${text(o, 'metadata.name')}${byDefault ? ' (default)' : ''}`;
    },
  },
  { name: 'Provisioner', description: 'storage.v1.StorageClass#provisioner', cell: o => text(o, 'provisioner') },
  { name: 'ReclaimPolicy', description: 'storage.v1.StorageClass#reclaimPolicy', cell: o => text(o, 'reclaimPolicy') || 'Delete' },
  {
    name: 'VolumeBindingMode',
    description: 'storage.v1.StorageClass#volumeBindingMode',
    cell: o => text(o, 'volumeBindingMode') || 'Immediate',
  },
  {
    name: 'AllowVolumeExpansion',
    description: 'storage.v1.StorageClass#allowVolumeExpansion',
    cell: o => at(o, 'allowVolumeExpansion') === true,
  },
  age,
];
export const webhookConfiguration: Column[] = [
  name,
  {
    name: 'Webhooks',
    description: 'Webhooks indicates the number of webhooks registered in this configuration',
    cell: o => count(o, 'webhooks'),
  },
  age,
];
export const runtimeClass: Column[] = [
  name,
  { name: 'Handler', description: 'node.v1.RuntimeClass#handler', cell: o => text(o, 'handler') },
  age,
];
export const apiService: Column[] = [
  name,
  {
    name: 'Service',
    description: 'The reference to the service that hosts this API endpoint.',
    cell: o => (at(o, 'spec.service') ? `${text(o, 'spec.service.namespace')}/${text(o, 'spec.service.name')}` : 'Local'),
  },
  {
    name: 'Available',
    description: 'Whether this service is available.',
    cell: o => {
      const c = list(o, 'status.conditions').find(e => e.type === 'Available');
      return c?.status === 'True' ? 'True' : `${text(c, 'status') || 'Unknown'}${c?.reason ? ` (${text(c, 'reason')})` : ''}`;
    },
  },
  age,
];
export const horizontalPodAutoscaler: Column[] = [
  name,
  {
    name: 'Reference',
    description: 'autoscaling.v2.HorizontalPodAutoscalerSpec#scaleTargetRef',
    cell: o => `${text(o, 'spec.scaleTargetRef.kind')}/${text(o, 'spec.scaleTargetRef.name')}`,
  },
  { name: 'Targets', description: 'autoscaling.v2.HorizontalPodAutoscalerSpec#metrics', cell: hpaTargets },
  {
    name: 'MinPods',
    description: 'autoscaling.v2.HorizontalPodAutoscalerSpec#minReplicas',
    cell: o => (at(o, 'spec.minReplicas') === undefined ? '<unset>' : String(number(o, 'spec.minReplicas'))),
  },
  { name: 'MaxPods', description: 'autoscaling.v2.HorizontalPodAutoscalerSpec#maxReplicas', cell: o => number(o, 'spec.maxReplicas') },
  {
    name: 'Replicas',
    description: 'autoscaling.v2.HorizontalPodAutoscalerStatus#currentReplicas',
    cell: o => number(o, 'status.currentReplicas'),
  },
  age,
];
function hpaTargets(o: JsonObject): string {
  const target = at(o, 'spec.targetCPUUtilizationPercentage');
  if (target !== undefined)
    return `cpu: ${at(o, 'status.currentCPUUtilizationPercentage') === undefined ? '<unknown>' : `${number(o, 'status.currentCPUUtilizationPercentage')}%`}/${show(target)}%`;
  const metrics = list(o, 'spec.metrics');
  if (metrics.length === 0) return '<none>';
  const current = list(o, 'status.currentMetrics');
  return metrics
    .map((m, i) => {
      const kind = text(m, 'type');
      const key = kind ? (kind[0] ?? '').toLowerCase() + kind.slice(1) : '';
      const value = (base: JsonObject | undefined, part: string) => {
        const utilization = at(base, `${key}.${part}.averageUtilization`);
        return utilization === undefined
          ? text(base, `${key}.${part}.averageValue`) || text(base, `${key}.${part}.value`)
          : `${show(utilization)}%`;
      };
      return `${text(m, `${key}.name`) ? `${text(m, `${key}.name`)}: ` : ''}${value(current[i], 'current') || '<unknown>'}/${value(m, 'target') || '<auto>'}`;
    })
    .join(', ');
}
export const certificateSigningRequest: Column[] = [
  name,
  age,
  {
    name: 'SignerName',
    description: 'certificates.v1.CertificateSigningRequestSpec#signerName',
    cell: o => text(o, 'spec.signerName') || '<none>',
  },
  { name: 'Requestor', description: 'certificates.v1.CertificateSigningRequestSpec#request', cell: o => text(o, 'spec.username') },
  {
    name: 'RequestedDuration',
    description: 'certificates.v1.CertificateSigningRequestSpec#expirationSeconds',
    cell: o => (at(o, 'spec.expirationSeconds') === undefined ? '<none>' : humanDuration(number(o, 'spec.expirationSeconds') * 1000)),
  },
  {
    name: 'Condition',
    description: 'certificates.v1.CertificateSigningRequestStatus#conditions',
    cell: o => {
      const types = new Set(list(o, 'status.conditions').map(c => text(c, 'type')));
      const state = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
      return [state, ...(types.has('Failed') ? ['Failed'] : []), ...(text(o, 'status.certificate') ? ['Issued'] : [])].join(',');
    },
  },
];
export const serviceCidr: Column[] = [
  name,
  { name: 'CIDRs', description: 'networking.v1.ServiceCIDRSpec#cidrs', cell: o => strings(o, 'spec.cidrs').join(',') },
  age,
];
export const ipAddress: Column[] = [
  name,
  {
    name: 'ParentRef',
    description: 'networking.v1.IPAddressSpec#parentRef',
    cell: o =>
      ['group', 'resource', 'namespace', 'name']
        .map(f => text(o, `spec.parentRef.${f}`))
        .filter(Boolean)
        .join('/'),
  },
  age,
];
export const podTemplate: Column[] = [
  name,
  ...containers('template').map(c => ({ ...c, priority: 0 })),
  { name: 'Pod Labels', description: 'The labels for the pod template.', cell: o => labelsText(at(o, 'template.metadata.labels')) },
];
export const csiNode: Column[] = [
  name,
  {
    name: 'Drivers',
    type: 'integer',
    description: 'Drivers indicates the number of CSI drivers registered on the node',
    cell: o => count(o, 'spec.drivers'),
  },
  age,
];
export const volumeAttachment: Column[] = [
  name,
  { name: 'Attacher', format: 'name', description: 'storage.v1.VolumeAttachmentSpec#attacher', cell: o => text(o, 'spec.attacher') },
  {
    name: 'PV',
    description: 'storage.v1.VolumeAttachmentSource#persistentVolumeName',
    cell: o => text(o, 'spec.source.persistentVolumeName'),
  },
  { name: 'Node', description: 'storage.v1.VolumeAttachmentSpec#nodeName', cell: o => text(o, 'spec.nodeName') },
  {
    name: 'Attached',
    type: 'boolean',
    description: 'storage.v1.VolumeAttachmentStatus#attached',
    cell: o => at(o, 'status.attached') === true,
  },
  age,
];
