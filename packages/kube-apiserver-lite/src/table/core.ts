import { type JsonObject, show } from '../schema/json.ts';
import { age, at, type Column, count, labelsText, list, name, number, strings, text, wide } from './column.ts';
import { since } from './duration.ts';

/** Columns of core/v1, discovery, coordination and events. */

function externalIp(service: JsonObject): string {
  const external = strings(service, 'spec.externalIPs');
  switch (text(service, 'spec.type')) {
    case 'ClusterIP':
    case 'NodePort':
      return external.length ? external.join(',') : '<none>';
    case 'LoadBalancer': {
      const ingress = [...new Set(list(service, 'status.loadBalancer.ingress').map(i => text(i, 'ip') || text(i, 'hostname')))]
        .filter(Boolean)
        .toSorted((a, b) => (a < b ? -1 : 1));
      if (external.length === 0) return ingress.length ? ingress.join(',') : '<pending>';
      return [...ingress, ...external].join(',');
    }
    case 'ExternalName':
      return text(service, 'spec.externalName');
    default:
      return '<unknown>';
  }
}

const servicePorts = (service: JsonObject) =>
  list(service, 'spec.ports')
    .map(p => `${number(p, 'port')}${number(p, 'nodePort') > 0 ? `:${number(p, 'nodePort')}` : ''}/${text(p, 'protocol')}`)
    .join(',') || '<none>';

export const service: Column[] = [
  name,
  { name: 'Type', description: 'core.v1.ServiceSpec#type', cell: o => text(o, 'spec.type') },
  { name: 'Cluster-IP', description: 'core.v1.ServiceSpec#clusterIP', cell: o => strings(o, 'spec.clusterIPs')[0] ?? '<none>' },
  { name: 'External-IP', description: 'core.v1.ServiceSpec#externalIPs', cell: externalIp },
  { name: 'Port(s)', description: 'core.v1.ServiceSpec#ports', cell: servicePorts },
  age,
  wide({ name: 'Selector', description: 'core.v1.ServiceSpec#selector', cell: o => labelsText(at(o, 'spec.selector')) }),
];

function nodeStatus(node: JsonObject): string {
  const ready = list(node, 'status.conditions').find(c => c.type === 'Ready');
  const status = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return at(node, 'spec.unschedulable') === true ? `${status},SchedulingDisabled` : status;
}

function nodeRoles(node: JsonObject): string {
  const roles = new Set<string>();
  const labels = (at(node, 'metadata.labels') ?? {}) as JsonObject;
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith('node-role.kubernetes.io/')) {
      const role = key.slice('node-role.kubernetes.io/'.length);
      if (role) roles.add(role);
    } else if (key === 'kubernetes.io/role' && typeof value === 'string' && value) roles.add(value);
  }
  return [...roles].toSorted((a, b) => (a < b ? -1 : 1)).join(',') || '<none>';
}

const nodeAddress = (node: JsonObject, type: string) =>
  text(
    list(node, 'status.addresses').find(a => a.type === type),
    'address',
  ) || '<none>';
const unknown = (value: string) => value || '<unknown>';

export const node: Column[] = [
  name,
  { name: 'Status', description: 'The status of the node', cell: nodeStatus },
  { name: 'Roles', description: 'The roles of the node', cell: nodeRoles },
  age,
  { name: 'Version', description: 'core.v1.NodeSystemInfo#kubeletVersion', cell: o => text(o, 'status.nodeInfo.kubeletVersion') },
  wide({ name: 'Internal-IP', description: 'core.v1.NodeStatus#addresses', cell: o => nodeAddress(o, 'InternalIP') }),
  wide({ name: 'External-IP', description: 'core.v1.NodeStatus#addresses', cell: o => nodeAddress(o, 'ExternalIP') }),
  wide({ name: 'OS-Image', description: 'core.v1.NodeSystemInfo#osImage', cell: o => unknown(text(o, 'status.nodeInfo.osImage')) }),
  wide({
    name: 'Kernel-Version',
    description: 'core.v1.NodeSystemInfo#kernelVersion',
    cell: o => unknown(text(o, 'status.nodeInfo.kernelVersion')),
  }),
  wide({
    name: 'Container-Runtime',
    description: 'core.v1.NodeSystemInfo#containerRuntimeVersion',
    cell: o => unknown(text(o, 'status.nodeInfo.containerRuntimeVersion')),
  }),
];

const shorten = (items: readonly string[], max: number) =>
  items.length > max ? `${items.slice(0, max).join(',')} + ${items.length - max} more...` : items.join(',');

const slicePorts = (o: JsonObject) => {
  const ports = list(o, 'ports');
  if (ports.length === 0) return '<unset>';
  return shorten(
    ports.map(p => (at(p, 'port') === undefined ? '*' : show(p.port))),
    3,
  );
};
const sliceEndpoints = (o: JsonObject) => {
  const addresses = list(o, 'endpoints').flatMap(e => strings(e, 'addresses'));
  return addresses.length === 0 ? '<unset>' : shorten(addresses, 3);
};

export const endpointSlice: Column[] = [
  name,
  { name: 'AddressType', description: 'discovery.v1.EndpointSlice#addressType', cell: o => text(o, 'addressType') },
  { name: 'Ports', description: 'discovery.v1.EndpointSlice#ports', cell: slicePorts },
  { name: 'Endpoints', description: 'discovery.v1.EndpointSlice#endpoints', cell: sliceEndpoints },
  age,
];

function endpointsText(o: JsonObject): string {
  const subsets = list(o, 'subsets');
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap(s => {
    const ports = list(s, 'ports');
    const addresses = list(s, 'addresses').map(a => text(a, 'ip'));
    if (ports.length === 0) return addresses;
    return ports.flatMap(p => addresses.map(a => (a.includes(':') ? `[${a}]:${show(p.port)}` : `${a}:${show(p.port)}`)));
  });
  return shorten(all, 3) || '<none>';
}
export const endpoints: Column[] = [name, { name: 'Endpoints', description: 'core.v1.Endpoints#subsets', cell: endpointsText }, age];

export const namespace: Column[] = [
  name,
  { name: 'Status', description: 'The status of the namespace', cell: o => text(o, 'status.phase') },
  age,
];
export const lease: Column[] = [
  name,
  { name: 'Holder', description: 'coordination.v1.LeaseSpec#holderIdentity', cell: o => text(o, 'spec.holderIdentity') },
  age,
];
export const secret: Column[] = [
  name,
  { name: 'Type', description: 'core.v1.Secret#type', cell: o => text(o, 'type') },
  { name: 'Data', description: 'core.v1.Secret#data', cell: o => count(o, 'data') },
  age,
];
export const configMap: Column[] = [
  name,
  { name: 'Data', description: 'core.v1.ConfigMap#data', cell: o => count(o, 'data') + count(o, 'binaryData') },
  age,
];
export const serviceAccount: Column[] = [
  name,
  { name: 'Secrets', description: 'core.v1.ServiceAccount#secrets', cell: o => count(o, 'secrets') },
  age,
];

const eventObject = (o: JsonObject) => (at(o, 'involvedObject') ?? at(o, 'regarding')) as JsonObject | undefined;
const firstSeen = (o: JsonObject) => at(o, 'firstTimestamp') ?? at(o, 'deprecatedFirstTimestamp') ?? at(o, 'eventTime');
const lastSeen = (o: JsonObject) =>
  at(o, 'series.lastObservedTime') ?? at(o, 'lastTimestamp') ?? at(o, 'deprecatedLastTimestamp') ?? firstSeen(o);
const eventCount = (o: JsonObject) => number(o, 'series.count') || number(o, 'count') || number(o, 'deprecatedCount') || 1;

function eventSource(o: JsonObject): string {
  const source = (at(o, 'source') ?? at(o, 'deprecatedSource')) as JsonObject | undefined;
  const component = text(source, 'component') || text(o, 'reportingComponent') || text(o, 'reportingController');
  const instance = text(source, 'host') || text(o, 'reportingInstance');
  return [component, instance].filter(Boolean).join(', ');
}

export const event: Column[] = [
  { name: 'Last Seen', description: 'core.v1.Event#lastTimestamp', cell: (o, now) => since(lastSeen(o), now) },
  { name: 'Type', description: 'core.v1.Event#type', cell: o => text(o, 'type') },
  { name: 'Reason', description: 'core.v1.Event#reason', cell: o => text(o, 'reason') },
  {
    name: 'Object',
    description: 'core.v1.Event#involvedObject',
    cell: o => {
      const of = eventObject(o);
      const kind = text(of, 'kind').toLowerCase();
      return text(of, 'name') ? `${kind}/${text(of, 'name')}` : kind;
    },
  },
  wide({ name: 'Subobject', description: 'core.v1.ObjectReference#fieldPath', cell: o => text(eventObject(o), 'fieldPath') }),
  wide({ name: 'Source', description: 'core.v1.Event#source', cell: eventSource }),
  { name: 'Message', description: 'core.v1.Event#message', cell: o => (text(o, 'message') || text(o, 'note')).trim() },
  wide({ name: 'First Seen', description: 'core.v1.Event#firstTimestamp', cell: (o, now) => since(firstSeen(o), now) }),
  wide({ name: 'Count', description: 'core.v1.Event#count', cell: o => eventCount(o) }),
  wide(name),
];

export const accessModes = (modes: readonly string[]): string =>
  [
    ['ReadWriteOnce', 'RWO'],
    ['ReadOnlyMany', 'ROX'],
    ['ReadWriteMany', 'RWX'],
    ['ReadWriteOncePod', 'RWOP'],
  ]
    .filter(([mode = '']) => modes.includes(mode))
    .map(([, short]) => short)
    .join(',');

export const persistentVolume: Column[] = [
  name,
  { name: 'Capacity', description: 'core.v1.PersistentVolumeSpec#capacity', cell: o => text(o, 'spec.capacity.storage') },
  { name: 'Access Modes', description: 'core.v1.PersistentVolumeSpec#accessModes', cell: o => accessModes(strings(o, 'spec.accessModes')) },
  {
    name: 'Reclaim Policy',
    description: 'core.v1.PersistentVolumeSpec#persistentVolumeReclaimPolicy',
    cell: o => text(o, 'spec.persistentVolumeReclaimPolicy'),
  },
  {
    name: 'Status',
    description: 'core.v1.PersistentVolumeStatus#phase',
    cell: o => (at(o, 'metadata.deletionTimestamp') ? 'Terminating' : text(o, 'status.phase')),
  },
  {
    name: 'Claim',
    description: 'core.v1.PersistentVolumeSpec#claimRef',
    cell: o => (at(o, 'spec.claimRef') ? `${text(o, 'spec.claimRef.namespace')}/${text(o, 'spec.claimRef.name')}` : ''),
  },
  { name: 'StorageClass', description: 'core.v1.PersistentVolumeSpec#storageClassName', cell: o => text(o, 'spec.storageClassName') },
  {
    name: 'VolumeAttributesClass',
    description: 'core.v1.PersistentVolumeSpec#volumeAttributesClassName',
    cell: o => text(o, 'spec.volumeAttributesClassName') || '<unset>',
  },
  { name: 'Reason', description: 'core.v1.PersistentVolumeStatus#reason', cell: o => text(o, 'status.reason') },
  age,
  wide({ name: 'VolumeMode', description: 'core.v1.PersistentVolumeSpec#volumeMode', cell: o => text(o, 'spec.volumeMode') || '<unset>' }),
];

export const persistentVolumeClaim: Column[] = [
  name,
  {
    name: 'Status',
    description: 'core.v1.PersistentVolumeClaimStatus#phase',
    cell: o => (at(o, 'metadata.deletionTimestamp') ? 'Terminating' : text(o, 'status.phase')),
  },
  { name: 'Volume', description: 'core.v1.PersistentVolumeClaimSpec#volumeName', cell: o => text(o, 'spec.volumeName') },
  {
    name: 'Capacity',
    description: 'core.v1.PersistentVolumeClaimStatus#capacity',
    cell: o => (text(o, 'spec.volumeName') ? text(o, 'status.capacity.storage') : ''),
  },
  {
    name: 'Access Modes',
    description: 'core.v1.PersistentVolumeClaimStatus#accessModes',
    cell: o => (text(o, 'spec.volumeName') ? accessModes(strings(o, 'status.accessModes')) : ''),
  },
  { name: 'StorageClass', description: 'core.v1.PersistentVolumeClaimSpec#storageClassName', cell: o => text(o, 'spec.storageClassName') },
  {
    name: 'VolumeAttributesClass',
    description: 'core.v1.PersistentVolumeClaimSpec#volumeAttributesClassName',
    cell: o => text(o, 'spec.volumeAttributesClassName') || '<unset>',
  },
  age,
  wide({
    name: 'VolumeMode',
    description: 'core.v1.PersistentVolumeClaimSpec#volumeMode',
    cell: o => text(o, 'spec.volumeMode') || '<unset>',
  }),
];

const quotaPairs = (o: JsonObject, want: (resource: string) => boolean) => {
  const hard = (at(o, 'status.hard') ?? {}) as JsonObject;
  return Object.keys(hard)
    .filter(want)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map(r => `${r}: ${show(((at(o, 'status.used') ?? {}) as JsonObject)[r]) || '0'}/${show(hard[r])}`)
    .join(', ');
};
export const resourceQuota: Column[] = [
  name,
  {
    name: 'Request',
    description: 'Request represents a minimum amount of cpu/memory that a container may consume.',
    cell: o => quotaPairs(o, r => !r.startsWith('limits.')),
  },
  {
    name: 'Limit',
    description: 'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
    cell: o => quotaPairs(o, r => r.startsWith('limits.')),
  },
  age,
];
