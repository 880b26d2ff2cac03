import type { ApiObject, JsonObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import type { Family } from './ip.ts';

/** The parts of a Service that the server looks at. Field types have been checked when the object was decoded. */

export type ServicePort = {
  name?: string;
  protocol?: string;
  appProtocol?: string;
  port?: number;
  targetPort?: number | string;
  nodePort?: number;
};

export type ServiceSpec = {
  type?: string;
  ports?: ServicePort[];
  selector?: Record<string, string>;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: Family[];
  ipFamilyPolicy?: string;
  externalIPs?: string[];
  externalName?: string;
  externalTrafficPolicy?: string;
  internalTrafficPolicy?: string;
  healthCheckNodePort?: number;
  allocateLoadBalancerNodePorts?: boolean;
  loadBalancerClass?: string;
  loadBalancerIP?: string;
  loadBalancerSourceRanges?: string[];
  sessionAffinity?: string;
  sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
  trafficDistribution?: string;
};

export type LoadBalancerIngress = {
  ip?: string;
  hostname?: string;
  ipMode?: string;
  ports?: { port?: number; protocol?: string; error?: string }[];
};

export type ServiceStatus = { loadBalancer?: { ingress?: LoadBalancerIngress[] } };

/** The spec, made if it is not there. */
export function specOf(service: ApiObject): ServiceSpec {
  const spec: JsonObject = isObject(service['spec']) ? service['spec'] : {};
  service['spec'] = spec;
  return spec;
}

export const statusOf = (service: ApiObject): ServiceStatus => (isObject(service['status']) ? service['status'] : {});

export const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';
export const needsClusterIP = (spec: ServiceSpec): boolean => ['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type ?? '');

/** The type has node ports at all; a LoadBalancer may do without. */
export const needsNodePort = (spec: ServiceSpec): boolean => spec.type === 'NodePort' || allocatesForLoadBalancer(spec);
const allocatesForLoadBalancer = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && (spec.allocateLoadBalancerNodePorts ?? true);

/** Ports asked for by number are kept even where none are allocated. */
export const mayHaveNodePort = (spec: ServiceSpec): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer';
export const needsHealthCheckPort = (spec: ServiceSpec): boolean => spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

/** Reachable from outside by the cluster's own means, so that the external traffic policy has a meaning. */
export const externallyAccessible = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);

export const sameList = (a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean =>
  (a?.length ?? 0) === (b?.length ?? 0) && (a ?? []).every((value, i) => value === b?.[i]);
