import { isObject } from '../schema/json.ts';
import type { Strategy } from './strategy.ts';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** Nodes: a new one is tainted until it is Ready (the TaintNodesByCondition admission). */
export const nodeStrategy: Partial<Strategy> = {
  admitCreate(object) {
    const spec = isObject(object['spec']) ? object['spec'] : {};
    const taints = Array.isArray(spec['taints']) ? spec['taints'] : [];
    const known = taints.some(taint => isObject(taint) && taint['key'] === NOT_READY.key && taint['effect'] === NOT_READY.effect);
    object['spec'] = { ...spec, taints: known ? taints : [...taints, { ...NOT_READY }] };
  },
};
