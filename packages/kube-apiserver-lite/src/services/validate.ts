import { type Cause, duplicate, forbidden, invalid, notSupported, quoteValue, required } from '../errors.ts';
import { dns1123Label, dns1123Subdomain, labelValue, portName, portNumber, qualifiedName } from '../names.ts';
import type { ApiObject } from '../object.ts';
import { nonSpecialIp, validCidr, validIp } from './addresses.ts';
import { clusterIPCauses } from './families.ts';
import { externallyAccessible, isHeadless, needsHealthCheckPort, type ServicePort, type ServiceSpec, specOf } from './service.ts';

/** What the API server says to a Service (`ValidateService`, pkg/apis/core/validation), in its order. */

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const KUBELET_PORT = 10250;
const MAX_AFFINITY_SECONDS = 86400;
export const SOURCE_RANGES_ANNOTATION = 'service.beta.kubernetes.io/load-balancer-source-ranges';

const each = (field: string, value: unknown, wrong: readonly string[]): Cause[] => wrong.map(text => invalid(field, value, text));

export function validateService(service: ApiObject, old: ApiObject | undefined): Cause[] {
  const spec = specOf(service);
  const before = old === undefined ? undefined : specOf(old);
  const headless = isHeadless(spec);
  return [
    ...((spec.ports?.length ?? 0) === 0 && !headless && spec.type !== 'ExternalName' ? [required('spec.ports')] : []),
    ...typeCauses(spec, headless),
    ...portCauses(spec),
    ...selectorCauses(spec),
    ...affinityCauses(spec),
    ...clusterIPCauses(spec, before),
    ...externalIPCauses(spec, before),
    ...knownType(spec),
    ...nodePortCauses(spec),
    ...duplicatePorts(spec),
    ...sourceRangeCauses(spec, service),
    ...loadBalancerCauses(spec),
    ...classCauses(undefined, spec),
    ...trafficCauses(spec),
  ];
}

function typeCauses(spec: ServiceSpec, headless: boolean): Cause[] {
  const causes: Cause[] = [];
  if (spec.type === 'LoadBalancer') {
    for (const [i, { port }] of (spec.ports ?? []).entries()) {
      if (port !== KUBELET_PORT) continue;
      causes.push(invalid(`spec.ports[${i}]`, port, `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`));
    }
  }
  if (headless && (spec.type === 'LoadBalancer' || spec.type === 'NodePort')) {
    causes.push(invalid('spec.clusterIPs[0]', spec.clusterIPs?.[0], `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type !== 'ExternalName') return causes;
  const why = 'may not be set for ExternalName services';
  if ((spec.clusterIPs?.length ?? 0) > 0) causes.push(forbidden('spec.clusterIPs', why));
  if ((spec.ipFamilies?.length ?? 0) > 0) causes.push(forbidden('spec.ipFamilies', why));
  if (spec.ipFamilyPolicy !== undefined) causes.push(forbidden('spec.ipFamilyPolicy', why));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  causes.push(...(name === '' ? [required('spec.externalName')] : each('spec.externalName', name, dns1123Subdomain(name))));
  return causes;
}

function portCauses(spec: ServiceSpec): Cause[] {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const path = `spec.ports[${i}]`;
    const causes: Cause[] = [];
    const { name = '', protocol = '' } = port;
    if (name === '') {
      if (ports.length > 1) causes.push(required(`${path}.name`));
    } else {
      causes.push(...each(`${path}.name`, name, dns1123Label(name)));
      if (names.has(name)) causes.push(duplicate(`${path}.name`, name));
      names.add(name);
    }
    causes.push(...each(`${path}.port`, port.port ?? 0, portNumber(port.port ?? 0)));
    if (protocol === '') causes.push(required(`${path}.protocol`));
    else if (!PROTOCOLS.includes(protocol)) causes.push(notSupported(`${path}.protocol`, protocol, PROTOCOLS));
    const target = port.targetPort ?? 0;
    causes.push(...each(`${path}.targetPort`, target, typeof target === 'number' ? portNumber(target) : portName(target)));
    if (port.appProtocol !== undefined) causes.push(...each(`${path}.appProtocol`, port.appProtocol, qualifiedName(port.appProtocol)));
    return causes;
  });
}

function selectorCauses(spec: ServiceSpec): Cause[] {
  return Object.entries(spec.selector ?? {}).flatMap(([key, value]) => [
    ...each('spec.selector', key, qualifiedName(key)),
    ...each('spec.selector', value, labelValue(value)),
  ]);
}

function affinityCauses(spec: ServiceSpec): Cause[] {
  const { sessionAffinity = '', sessionAffinityConfig: config } = spec;
  if (sessionAffinity === '') return [required('spec.sessionAffinity')];
  if (sessionAffinity === 'None') {
    return config === undefined ? [] : [forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None')];
  }
  if (sessionAffinity !== 'ClientIP') return [notSupported('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None'])];
  const seconds = config?.clientIP?.timeoutSeconds;
  if (seconds === undefined) return [required('spec.sessionAffinityConfig', 'when session affinity type is ClientIP')];
  if (seconds > 0 && seconds <= MAX_AFFINITY_SECONDS) return [];
  return [
    invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`),
  ];
}

function externalIPCauses(spec: ServiceSpec, before: ServiceSpec | undefined): Cause[] {
  return (spec.externalIPs ?? []).flatMap((address, i) => {
    const field = `spec.externalIPs[${i}]`;
    if ((before?.externalIPs ?? []).includes(address)) return [];
    const wrong = validIp(field, address);
    return wrong.length > 0 ? wrong : nonSpecialIp(field, address);
  });
}

const knownType = ({ type = '' }: ServiceSpec): Cause[] =>
  type === '' ? [required('spec.type')] : TYPES.includes(type) ? [] : [notSupported('spec.type', type, TYPES)];

function nodePortCauses(spec: ServiceSpec): Cause[] {
  const seen = new Set<string>();
  const twice: Cause[] = [];
  const misplaced: Cause[] = [];
  for (const [i, { nodePort = 0, protocol }] of (spec.ports ?? []).entries()) {
    if (nodePort === 0) continue;
    const field = `spec.ports[${i}].nodePort`;
    if (spec.type === 'ClusterIP') misplaced.push(forbidden(field, "may not be used when `type` is 'ClusterIP'"));
    if (seen.has(`${protocol}/${nodePort}`)) twice.push(duplicate(field, nodePort));
    seen.add(`${protocol}/${nodePort}`);
  }
  return [...misplaced, ...twice];
}

/** The value is shown as the internal Go struct of the key: protocol and port, the rest empty. */
function duplicatePorts(spec: ServiceSpec): Cause[] {
  const seen = new Set<string>();
  return (spec.ports ?? []).flatMap((port: ServicePort, i) => {
    const key = `${port.protocol}/${port.port}`;
    const known = seen.has(key);
    seen.add(key);
    if (!known) return [];
    return [
      duplicate(`spec.ports[${i}]`, { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 }),
    ];
  });
}

function sourceRangeCauses(spec: ServiceSpec, service: ApiObject): Cause[] {
  const only = "may only be used when `type` is 'LoadBalancer'";
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0) {
    // The field's name is written so by the real server.
    const field = 'spec.LoadBalancerSourceRanges';
    const misplaced = spec.type === 'LoadBalancer' ? [] : [forbidden(field, only)];
    return [...misplaced, ...ranges.flatMap((range, i) => validCidr(`${field}[${i}]`, range.trim()))];
  }
  const annotation = service.metadata.annotations?.[SOURCE_RANGES_ANNOTATION];
  if (annotation === undefined) return [];
  const field = `metadata.annotations[${SOURCE_RANGES_ANNOTATION}]`;
  const misplaced = spec.type === 'LoadBalancer' ? [] : [forbidden(field, only)];
  const value = annotation.trim();
  const bad = value === '' ? [] : value.split(',').filter(range => validCidr(field, range.trim()).length > 0);
  return [
    ...misplaced,
    ...(bad.length === 0 ? [] : [invalid(field, value, 'must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24 ')]),
  ];
}

function loadBalancerCauses(spec: ServiceSpec): Cause[] {
  const { allocateLoadBalancerNodePorts: allocates, type } = spec;
  if (allocates !== undefined && type !== 'LoadBalancer') {
    return [forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'")];
  }
  return allocates === undefined && type === 'LoadBalancer' ? [required('allocateLoadBalancerNodePorts')] : [];
}

/** A class is fixed while the Service is a LoadBalancer, and has no meaning otherwise. */
export function classCauses(before: ServiceSpec | undefined, spec: ServiceSpec): Cause[] {
  const field = 'spec.loadBalancerClass';
  const causes: Cause[] = [];
  if (before?.type === 'LoadBalancer' && spec.type === 'LoadBalancer' && before.loadBalancerClass !== spec.loadBalancerClass) {
    causes.push(invalid(field, spec.loadBalancerClass, 'may not change once set'));
  }
  if (spec.loadBalancerClass === undefined) return causes;
  if (spec.type !== 'LoadBalancer') return [...causes, forbidden(field, "may only be used when `type` is 'LoadBalancer'")];
  return [...causes, ...each(field, spec.loadBalancerClass, qualifiedName(spec.loadBalancerClass))];
}

function trafficCauses(spec: ServiceSpec): Cause[] {
  const causes: Cause[] = [];
  const { externalTrafficPolicy: external = '', internalTrafficPolicy: internal = '', trafficDistribution: distribution } = spec;
  if (!externallyAccessible(spec)) {
    if (external !== '') causes.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'));
  } else if (external === '') causes.push(required('spec.externalTrafficPolicy'));
  else if (!POLICIES.includes(external)) causes.push(notSupported('spec.externalTrafficPolicy', external, POLICIES));
  const checkPort = spec.healthCheckNodePort ?? 0;
  if (!needsHealthCheckPort(spec)) {
    if (checkPort !== 0) {
      causes.push(
        invalid(
          'spec.healthCheckNodePort',
          checkPort,
          "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        ),
      );
    }
  } else if (checkPort === 0) causes.push(required('spec.healthCheckNodePort'));
  else causes.push(...each('spec.healthCheckNodePort', checkPort, portNumber(checkPort)));
  if (internal === '') {
    if (['ClusterIP', 'LoadBalancer', 'NodePort'].includes(spec.type ?? '')) causes.push(required('spec.internalTrafficPolicy'));
  } else if (!POLICIES.includes(internal)) causes.push(notSupported('spec.internalTrafficPolicy', internal, POLICIES));
  if (distribution !== undefined && !DISTRIBUTIONS.includes(distribution)) {
    causes.push({
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${quoteValue(distribution)}: supported values: ${DISTRIBUTIONS.map(quoteValue).join(', ')}`,
      field: 'spec.trafficDistribution',
    });
  }
  return causes;
}
