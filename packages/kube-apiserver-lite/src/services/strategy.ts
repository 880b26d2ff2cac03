import type { ApiObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import type { Strategy } from '../strategies/strategy.ts';
import { allocate } from './allocate.ts';
import { defaultService } from './defaults.ts';
import { addressText, addressValue, familyOf } from './ip.ts';
import type { ServiceNetwork } from './network.ts';
import {
  externallyAccessible,
  mayHaveNodePort,
  needsClusterIP,
  needsHealthCheckPort,
  type ServiceSpec,
  sameList,
  specOf,
} from './service.ts';
import { validateService } from './validate.ts';
import { validateServiceStatus, validateServiceUpdate } from './validate-update.ts';

/** Services as the API server keeps them. */
export const serviceStrategy = (network: ServiceNetwork): Partial<Strategy> => ({
  createOnUpdate: true,
  returnsDeleted: true,
  defaults: defaultService,
  begin: (service, old, context) => allocate(network, service, old, context),
  prepareCreate(service) {
    service['status'] = { loadBalancer: {} };
  },
  validateCreate: service => validateService(service, undefined),
  prepareUpdate(service, old) {
    dropTypeDependent(specOf(service), specOf(old));
    if (specOf(old).type === 'LoadBalancer' && specOf(service).type !== 'LoadBalancer') {
      service['status'] = { ...(isObject(service['status']) ? service['status'] : {}), loadBalancer: {} };
    }
  },
  validateUpdate: validateServiceUpdate,
  validateStatusUpdate: validateServiceStatus,
  warnings: serviceWarnings,
});

/** What a change of type leaves without a meaning goes, unless the client changed it in the same write (`dropTypeDependentFields`). */
function dropTypeDependent(spec: ServiceSpec, before: ServiceSpec): void {
  const keep = (field: keyof ServiceSpec): boolean => !same(spec[field], before[field]);
  const drop = (...fields: (keyof ServiceSpec)[]): void => {
    for (const field of fields) delete spec[field];
  };
  if (needsClusterIP(before) && !needsClusterIP(spec)) {
    if (sameList(spec.clusterIPs, before.clusterIPs) && !keep('clusterIP')) drop('clusterIP', 'clusterIPs');
    if (!keep('ipFamilies')) drop('ipFamilies');
    if (!keep('ipFamilyPolicy')) drop('ipFamilyPolicy');
    if (!keep('internalTrafficPolicy')) drop('internalTrafficPolicy');
  }
  if (mayHaveNodePort(before) && !mayHaveNodePort(spec) && sameNodePorts(spec, before)) {
    for (const port of spec.ports ?? []) delete port.nodePort;
  }
  if (needsHealthCheckPort(before) && !needsHealthCheckPort(spec) && !keep('healthCheckNodePort')) drop('healthCheckNodePort');
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (!keep('allocateLoadBalancerNodePorts')) drop('allocateLoadBalancerNodePorts');
    if (!keep('loadBalancerClass')) drop('loadBalancerClass');
  }
  if (externallyAccessible(before) && !externallyAccessible(spec) && !keep('externalTrafficPolicy')) drop('externalTrafficPolicy');
}

const same = (a: unknown, b: unknown): boolean => (Array.isArray(a) && Array.isArray(b) ? sameList(a, b) : a === b);

/** The client changed no node port: each is as it was, or new by allocation. */
function sameNodePorts(spec: ServiceSpec, before: ServiceSpec): boolean {
  const known = new Set((before.ports ?? []).map(port => port.nodePort ?? 0));
  return (spec.ports ?? []).every(port => (port.nodePort ?? 0) === 0 || known.has(port.nodePort ?? 0));
}

/** `GetWarningsForService` (pkg/api/service). */
function serviceWarnings(service: ApiObject): string[] {
  const spec = specOf(service);
  const warnings: string[] = [];
  if ((spec.externalIPs?.length ?? 0) > 0) {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (spec.sessionAffinity === 'ClientIP' && spec.clusterIPs?.[0] === 'None') {
    warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  const addresses: [string, string | undefined][] = [
    ...(spec.clusterIPs ?? []).map((address, i): [string, string] => [`spec.clusterIPs[${i}]`, address]),
    ...(spec.externalIPs ?? []).map((address, i): [string, string] => [`spec.externalIPs[${i}]`, address]),
    ['spec.loadBalancerIP', spec.loadBalancerIP],
  ];
  for (const [field, address = ''] of addresses) {
    const family = familyOf(address);
    if (family !== 'IPv6') continue;
    const canonical = addressText(addressValue(address), family);
    if (canonical !== address)
      warnings.push(
        `${field}: IPv6 address ${JSON.stringify(address)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
      );
  }
  if (spec.type !== 'ExternalName' && (spec.externalName ?? '') !== '') {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  return warnings;
}
