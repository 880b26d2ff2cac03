import { isObject, type Json, type JsonObject, show } from '../schema/json.ts';
import { age, type Column, type ColumnDefinition, createdAt, documentation, name } from './column.ts';
import * as core from './core.ts';
import { since } from './duration.ts';
import { parseJsonPath } from './json-path.ts';
import { pod, podConditions } from './pods.ts';
import * as work from './workloads.ts';

export type { ColumnDefinition } from './column.ts';
export { humanDuration } from './duration.ts';
export { type JsonPath, parseJsonPath } from './json-path.ts';

/** How objects of a kind are shown as a meta.k8s.io/v1 Table. */
export interface TableConvertor {
  readonly columns: readonly ColumnDefinition[];
  cells(object: JsonObject, now: Date): Json[];
  /** Conditions of a row (`Completed` for pods that are done). */
  conditions?(object: JsonObject): JsonObject[] | undefined;
}

const columns: Record<string, Column[]> = {
  '/Service': core.service,
  '/Node': core.node,
  '/Pod': pod,
  '/Namespace': core.namespace,
  '/Secret': core.secret,
  '/ConfigMap': core.configMap,
  '/ServiceAccount': core.serviceAccount,
  '/Event': core.event,
  'events.k8s.io/Event': core.event,
  '/Endpoints': core.endpoints,
  '/PersistentVolume': core.persistentVolume,
  '/PersistentVolumeClaim': core.persistentVolumeClaim,
  '/ResourceQuota': core.resourceQuota,
  '/ReplicationController': work.replicationController,
  '/PodTemplate': work.podTemplate,
  'discovery.k8s.io/EndpointSlice': core.endpointSlice,
  'coordination.k8s.io/Lease': core.lease,
  'apps/Deployment': work.deployment,
  'apps/DaemonSet': work.daemonSet,
  'apps/ReplicaSet': work.replicaSet,
  'apps/StatefulSet': work.statefulSet,
  'apps/ControllerRevision': work.controllerRevision,
  'batch/Job': work.job,
  'batch/CronJob': work.cronJob,
  'networking.k8s.io/Ingress': work.ingress,
  'networking.k8s.io/IngressClass': work.ingressClass,
  'networking.k8s.io/NetworkPolicy': work.networkPolicy,
  'networking.k8s.io/ServiceCIDR': work.serviceCidr,
  'networking.k8s.io/IPAddress': work.ipAddress,
  'policy/PodDisruptionBudget': work.podDisruptionBudget,
  'scheduling.k8s.io/PriorityClass': work.priorityClass,
  'rbac.authorization.k8s.io/Role': work.role,
  'rbac.authorization.k8s.io/ClusterRole': work.role,
  'rbac.authorization.k8s.io/RoleBinding': work.binding,
  'rbac.authorization.k8s.io/ClusterRoleBinding': work.binding,
  'storage.k8s.io/StorageClass': work.storageClass,
  'storage.k8s.io/CSINode': work.csiNode,
  'storage.k8s.io/VolumeAttachment': work.volumeAttachment,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': work.webhookConfiguration,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': work.webhookConfiguration,
  'node.k8s.io/RuntimeClass': work.runtimeClass,
  'apiregistration.k8s.io/APIService': work.apiService,
  'autoscaling/HorizontalPodAutoscaler': work.horizontalPodAutoscaler,
  'certificates.k8s.io/CertificateSigningRequest': work.certificateSigningRequest,
};
const convertors = new Map<string, TableConvertor>();

/** The table of a built-in kind; a kind without printer shows its name and when it was made. */
export function builtinTable(gvk: { group: string; version: string; kind: string }): TableConvertor {
  const id = `${gvk.group}/${gvk.kind}`;
  let convertor = convertors.get(id);
  if (!convertor) {
    const own = columns[id] ?? [name, createdAt];
    convertor = {
      columns: own.map(define),
      cells: (object, now) => own.map(c => c.cell(object, now)),
      ...(id === '/Pod' ? { conditions: podConditions } : {}),
    };
    convertors.set(id, convertor);
  }
  return convertor;
}

const define = (c: Column): ColumnDefinition => ({
  name: c.name,
  type: c.type ?? 'string',
  format: c.format ?? '',
  description: documentation(c.description),
  priority: c.priority ?? 0,
});

/** For a CRD version: its `additionalPrinterColumns`, or Name and Age. */
export function customTable(additionalPrinterColumns: readonly JsonObject[] | undefined): TableConvertor {
  if (!additionalPrinterColumns?.length) {
    return { columns: [define(name), { ...define(age), type: 'date' }], cells: (o, now) => [name.cell(o, now), age.cell(o, now)] };
  }
  const own = additionalPrinterColumns.map(c => {
    const jsonPath = show(c.jsonPath);
    const type = show(c.type) || 'string';
    const definition: ColumnDefinition = {
      name: show(c.name),
      type,
      format: typeof c.format === 'string' ? c.format : '',
      description:
        typeof c.description === 'string' && c.description !== ''
          ? c.description
          : `Custom resource definition column (in JSONPath format): ${jsonPath}`,
      priority: typeof c.priority === 'number' ? c.priority : 0,
    };
    const path = parseJsonPath(jsonPath);
    return { definition, cell: (o: JsonObject, now: Date) => cellFor(type, path?.find(o) ?? [], now) };
  });
  return {
    columns: [define(name), ...own.map(c => c.definition)],
    cells: (o, now) => [name.cell(o, now), ...own.map(c => c.cell(o, now))],
  };
}

/** A value of the column's type, or null; more than one value is shown as a list. */
function cellFor(type: string, found: readonly Json[], now: Date): Json {
  const [value] = found;
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      if (typeof value === 'number') return Math.trunc(value);
      return typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : null;
    case 'number':
      if (typeof value === 'number') return value;
      return typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value)) ? Number(value) : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : value === 'true' ? true : value === 'false' ? false : null;
    case 'date':
      return typeof value === 'string' ? (Number.isNaN(Date.parse(value)) ? '<invalid>' : since(value, now)) : null;
    default:
      return found.map(v => (typeof v === 'string' ? v : JSON.stringify(v))).join(' ');
  }
}

export interface TableOptions {
  readonly now: Date;
  /** `includeObject` of the request: `None`, `Metadata` (the default), `Object`. */
  readonly includeObject?: string;
  /** false: column definitions are left out (second and later watch events). */
  readonly definitions?: boolean;
}

/** A Table for objects of one kind. `metadata` is the list's, or of a single object its resourceVersion. */
export function toTable(
  convertor: TableConvertor,
  objects: readonly JsonObject[],
  metadata: JsonObject,
  options: TableOptions,
): JsonObject {
  const rows = objects.map(object => {
    const conditions = convertor.conditions?.(object);
    return {
      cells: convertor.cells(object, options.now),
      ...(conditions ? { conditions } : {}),
      object: rowObject(object, options.includeObject),
    };
  });
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.definitions === false ? null : convertor.columns.map(c => ({ ...c })),
    rows,
  };
}

function rowObject(object: JsonObject, include: string | undefined): Json {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: isObject(object.metadata) ? object.metadata : {} };
}
