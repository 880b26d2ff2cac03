import { type Cause, duplicate, forbidden, invalid, notSupported, required } from '../errors.ts';
import { labelValue, qualifiedName } from '../names.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { equal, isObject } from '../schema/json.ts';
import { validCidr } from '../services/addresses.ts';
import { parseCidr } from '../services/ip.ts';

/** Nodes. */

const EFFECTS = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const each = (field: string, value: unknown, wrong: readonly string[]): Cause[] => wrong.map(why => invalid(field, value, why));
const specOf = (node: ApiObject): JsonObject => (isObject(node['spec']) ? node['spec'] : {});

export function nodeCauses(node: ApiObject): Cause[] {
  const spec = specOf(node);
  const causes = taintCauses(Array.isArray(spec['taints']) ? spec['taints'].filter(isObject) : []);
  const cidrs = (Array.isArray(spec['podCIDRs']) ? spec['podCIDRs'] : []).map(text);
  for (const [i, cidr] of cidrs.entries()) causes.push(...validCidr(`spec.podCIDRs[${i}]`, cidr));
  if (cidrs.length > 2 || (cidrs.length === 2 && new Set(cidrs.map(cidr => parseCidr(cidr)?.family)).size < 2)) {
    causes.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  }
  return causes;
}

function taintCauses(taints: readonly JsonObject[]): Cause[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, i) => {
    const path = `spec.taints[${i}]`;
    const [key, value, effect] = [text(taint['key']), text(taint['value']), text(taint['effect'])];
    const causes = each(`${path}.key`, key, qualifiedName(key));
    causes.push(...each(`${path}.value`, value, labelValue(value)));
    if (effect === '') causes.push(required(`${path}.effect`));
    else if (!EFFECTS.includes(effect)) {
      causes.push(notSupported(`${path}.effect`, effect, EFFECTS));
    }
    if (seen.has(`${key}:${effect}`)) causes.push({ ...duplicate(path, taint), message: 'taints must be unique by key and effect pair' });
    seen.add(`${key}:${effect}`);
    return causes;
  });
}

export function nodeUpdateCauses(node: ApiObject, old: ApiObject): Cause[] {
  const [spec, before] = [specOf(node), specOf(old)];
  const causes: Cause[] = [];
  const cidrs = Array.isArray(before['podCIDRs']) ? before['podCIDRs'] : [];
  if (cidrs.length > 0 && !equal(spec['podCIDRs'] ?? [], cidrs)) {
    causes.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (text(before['providerID']) !== '' && spec['providerID'] !== before['providerID']) {
    causes.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return causes;
}
