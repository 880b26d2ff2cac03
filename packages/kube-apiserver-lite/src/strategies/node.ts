import type { ApiObject, JsonObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import type { Strategy } from './strategy.ts';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const ZERO_INFO = [
  'architecture',
  'bootID',
  'containerRuntimeVersion',
  'kernelVersion',
  'kubeProxyVersion',
  'kubeletVersion',
  'machineID',
  'operatingSystem',
  'osImage',
  'systemUUID',
];

const specOf = (node: ApiObject): JsonObject => (isObject(node['spec']) ? node['spec'] : {});

/** Nodes: a new one is tainted until it is Ready (the TaintNodesByCondition admission). */
export const nodeStrategy: Partial<Strategy> = {
  defaults(node) {
    const spec = specOf(node);
    const cidrs = Array.isArray(spec['podCIDRs']) ? spec['podCIDRs'] : [];
    // One is the first of the other; whichever a client knows counts.
    if (typeof spec['podCIDR'] === 'string' && spec['podCIDR'] !== '') {
      if (cidrs[0] !== spec['podCIDR']) spec['podCIDRs'] = [spec['podCIDR']];
    } else if (cidrs.length > 0 && cidrs[0] !== undefined) spec['podCIDR'] = cidrs[0];
  },
  admitCreate(node) {
    const spec = specOf(node);
    const taints = Array.isArray(spec['taints']) ? spec['taints'] : [];
    const known = taints.some(taint => isObject(taint) && taint['key'] === NOT_READY.key && taint['effect'] === NOT_READY.effect);
    node['spec'] = { ...spec, taints: known ? taints : [...taints, { ...NOT_READY }] };
    const status = isObject(node['status']) ? node['status'] : {};
    node['status'] = {
      ...status,
      daemonEndpoints: status['daemonEndpoints'] ?? { kubeletEndpoint: { Port: 0 } },
      nodeInfo: status['nodeInfo'] ?? Object.fromEntries(ZERO_INFO.map(field => [field, ''])),
    };
  },
};
