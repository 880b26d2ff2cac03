import type { ApiObject, Json, JsonObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import { type Family, familyOf } from '../services/ip.ts';
import { type ServicePort, specOf } from '../services/service.ts';

/** What a Service's endpoints are, computed from its selector and the pods: shared by slices and the legacy kind. */

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** Which Service a slice belongs to. */
export const SERVICE_NAME = 'kubernetes.io/service-name';
/** Which controller keeps a slice. */
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
/** Which controller keeps an Endpoints object, and the name of the one that does. */
export const LEGACY_MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
export const LEGACY_CONTROLLER = 'endpoint-controller';

export interface EndpointPort {
  name: string;
  port: number;
  protocol: string;
  appProtocol?: string;
}

/** One pod as an endpoint. */
export interface PodEndpoint {
  address: string;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  nodeName: string;
  hostname: string;
  target: { kind: 'Pod'; namespace: string; name: string; uid: string };
  ports: EndpointPort[];
}

/** True when a Service's endpoints are made by a controller. */
export function selects(service: ApiObject): boolean {
  const spec = specOf(service);
  return spec.type !== 'ExternalName' && spec.selector !== undefined;
}

export function matchesSelector(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>> | undefined): boolean {
  return Object.entries(selector).every(([key, value]) => labels?.[key] === value);
}

/** The pod as an endpoint of one family; undefined when it has no address, has ended, or its node is not known. */
export function podEndpoint(
  service: ApiObject,
  pod: ApiObject,
  family: Family,
  nodeExists: (name: string) => boolean,
): PodEndpoint | undefined {
  const [spec, status] = [objectOf(pod['spec']), objectOf(pod['status'])];
  const address = addressOf(status, family);
  const nodeName = text(spec['nodeName']);
  if (address === undefined || ['Succeeded', 'Failed'].includes(text(status['phase'])) || !nodeExists(nodeName)) return undefined;
  const serving = objects(status['conditions']).some(condition => condition['type'] === 'Ready' && condition['status'] === 'True');
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const publish = objectOf(service['spec'])['publishNotReadyAddresses'] === true;
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  return {
    address,
    ready: publish || (serving && !terminating),
    serving: publish || serving,
    terminating,
    nodeName,
    hostname: text(spec['subdomain']) === service.metadata.name ? text(spec['hostname']) : '',
    target: { kind: 'Pod', namespace, name, uid },
    ports: portsFor(specOf(service).ports ?? [], spec),
  };
}

function addressOf(status: JsonObject, family: Family): string | undefined {
  const all = [...objects(status['podIPs']).map(item => text(item['ip'])), text(status['podIP'])];
  return all.find(address => familyOf(address) === family);
}

/** A named target port is looked up in the pod; a port that it does not have is left out. */
function portsFor(ports: readonly ServicePort[], pod: JsonObject): EndpointPort[] {
  return ports.flatMap(({ name = '', port = 0, targetPort = port, protocol = 'TCP', appProtocol }) => {
    const number = typeof targetPort === 'number' ? targetPort : namedPort(pod, targetPort, protocol);
    if (number === undefined) return [];
    return [{ name, port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function namedPort(pod: JsonObject, name: string, protocol: string): number | undefined {
  for (const container of objects(pod['containers'])) {
    for (const port of objects(container['ports'])) {
      if (port['name'] === name && (text(port['protocol']) || 'TCP') === protocol)
        return typeof port['containerPort'] === 'number' ? port['containerPort'] : undefined;
    }
  }
  return undefined;
}
