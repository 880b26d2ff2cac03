import { type Cause, invalid, required } from '../errors.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { equal, isObject } from '../schema/json.ts';
import { compileLabelSelector } from '../selectors/index.ts';
import { templateCauses } from './pods.ts';

/** Deployments, DaemonSets, ReplicaSets and StatefulSets: a selector that matches the template, and the template itself. */

const NOT_NEGATIVE = 'must be greater than or equal to 0';
const COUNTS = ['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'];

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

export function workloadCauses(workload: ApiObject): Cause[] {
  const spec = objectOf(workload['spec']);
  const template = objectOf(spec['template']);
  const labels = objectOf(objectOf(template['metadata'])['labels']);
  const causes: Cause[] = [];
  for (const field of COUNTS) {
    const value = spec[field];
    if (typeof value === 'number' && value < 0) causes.push(invalid(`spec.${field}`, value, NOT_NEGATIVE));
  }
  return [...causes, ...selectorCauses(workload.kind, spec['selector'], labels), ...templateCauses(template, 'spec.template', true)];
}

function selectorCauses(kind: string, value: Json | undefined, labels: JsonObject): Cause[] {
  if (!isObject(value)) return [required('spec.selector')];
  const empty =
    Object.keys(objectOf(value['matchLabels'])).length === 0 &&
    !(Array.isArray(value['matchExpressions']) && value['matchExpressions'].length > 0);
  if (empty) return [invalid('spec.selector', value, `empty selector is invalid for ${kind.toLowerCase()}`)];
  const selector = compileLabelSelector(value);
  if (!selector.ok) return [invalid('spec.selector', value, selector.message)];
  if (selector.value.matches(labels)) return [];
  return [invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')];
}

/** Selectors are fixed. */
export function workloadUpdateCauses(workload: ApiObject, old: ApiObject): Cause[] {
  const [spec, before] = [objectOf(workload['spec']), objectOf(old['spec'])];
  return equal(spec['selector'], before['selector']) ? [] : [invalid('spec.selector', spec['selector'], 'field is immutable')];
}
