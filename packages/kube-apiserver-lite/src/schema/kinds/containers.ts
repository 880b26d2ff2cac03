import { type Cause, forbidden, invalid, notSupported, required } from '../../errors.ts';
import { qualifiedName } from '../../names.ts';
import { isObject, type Json, type JsonObject, show } from '../json.ts';
import { parseQuantity } from '../quantity.ts';
import { at, number, object, objects, text } from './access.ts';

/** What containers and tolerations of a pod spec check beyond names, ports, variables and mounts. */

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

/** `path`: where the pod's spec lies, `spec` or `spec.template.spec`. */
export function containers(owner: JsonObject, path: string): Cause[] {
  const spec = object(at(owner, path));
  const causes: Cause[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    objects(spec[list]).forEach((c, i) => causes.push(...container(c, `${path}.${list}[${i}]`)));
  }
  objects(spec.tolerations).forEach((t, i) => causes.push(...toleration(t, `${path}.tolerations[${i}]`)));
  return causes;
}

function container(c: JsonObject, path: string): Cause[] {
  const causes: Cause[] = [];
  const policy = text(c.imagePullPolicy);
  if (policy !== '' && !pullPolicies.includes(policy)) causes.push(notSupported(`${path}.imagePullPolicy`, policy, pullPolicies));
  for (const name of probes) causes.push(...probe(c[name], `${path}.${name}`, name));
  return [...causes, ...resources(object(c.resources), `${path}.resources`)];
}

function probe(value: Json | undefined, path: string, name: string): Cause[] {
  if (!isObject(value)) return [];
  const causes: Cause[] = [];
  const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc'].filter(h => isObject(value[h]));
  if (handlers.length === 0) causes.push(required(path, 'must specify a handler type'));
  for (const extra of handlers.slice(1)) causes.push(forbidden(`${path}.${extra}`, 'may not specify more than 1 handler type'));
  for (const field of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    if (number(value[field]) < 0) causes.push(invalid(`${path}.${field}`, value[field], 'must be greater than or equal to 0'));
  }
  if (name !== 'readinessProbe' && number(value.successThreshold) !== 1) {
    causes.push(invalid(`${path}.successThreshold`, value.successThreshold ?? 0, 'must be 1'));
  }
  return causes;
}

const amount = (quantity: Json | undefined): bigint => parseQuantity(show(quantity))?.nanos ?? 0n;

function resources(r: JsonObject, path: string): Cause[] {
  const causes: Cause[] = [];
  const limits = object(r.limits);
  for (const [list, map] of [
    ['limits', limits],
    ['requests', object(r.requests)],
  ] as const) {
    for (const [name, q] of Object.entries(map)) {
      if (amount(q) < 0n) causes.push(invalid(`${path}.${list}[${name}]`, q, 'must be greater than or equal to 0'));
    }
  }
  for (const [name, q] of Object.entries(object(r.requests))) {
    if (limits[name] === undefined || amount(q) <= amount(limits[name])) continue;
    causes.push(invalid(`${path}.requests`, q, `must be less than or equal to ${name} limit of ${show(limits[name])}`));
  }
  return causes;
}

function toleration(t: JsonObject, path: string): Cause[] {
  const causes: Cause[] = [];
  const exists = text(t.operator) === 'Exists';
  if (text(t.key) !== '') for (const wrong of qualifiedName(text(t.key))) causes.push(invalid(`${path}.key`, t.key, wrong));
  else if (!exists) {
    causes.push(
      invalid(
        `${path}.operator`,
        text(t.operator),
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (t.tolerationSeconds !== undefined && t.effect !== 'NoExecute') {
    causes.push(invalid(`${path}.effect`, text(t.effect), "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (exists && text(t.value) !== '') causes.push(invalid(`${path}.operator`, t, "value must be empty when `operator` is 'Exists'"));
  return causes;
}
