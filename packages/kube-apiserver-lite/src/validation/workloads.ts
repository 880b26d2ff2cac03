import { type Cause, invalid, required } from '../errors.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { equal, isObject } from '../schema/json.ts';
import { labelSelector } from '../schema/kinds/workloads.ts';
import { compileLabelSelector } from '../selectors/index.ts';
import { templateCauses } from './pods.ts';

/** Deployments, DaemonSets, ReplicaSets and StatefulSets: a selector that matches the template, and the template itself. */

const NOT_NEGATIVE = 'must be greater than or equal to 0';
const COUNTS = ['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'];

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

/** What a kind adds to the causes of a selector that cannot be used at all; DaemonSets add nothing. */
const UNREADABLE_SELECTOR: Readonly<Record<string, string>> = {
  Deployment: 'invalid label selector',
  ReplicaSet: 'invalid label selector',
  StatefulSet: '',
};

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
  const causes = labelSelector(value, 'spec.selector');
  const selector = compileLabelSelector(value);
  if (!selector.ok) {
    const text = UNREADABLE_SELECTOR[kind];
    return text === undefined ? causes : [...causes, invalid('spec.selector', value, text)];
  }
  if (causes.length > 0) return causes;
  if (selector.value.matches(labels)) return [];
  return [invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')];
}

/** Selectors are fixed. */
export function workloadUpdateCauses(workload: ApiObject, old: ApiObject): Cause[] {
  const [spec, before] = [objectOf(workload['spec']), objectOf(old['spec'])];
  return equal(spec['selector'], before['selector']) ? [] : [invalid('spec.selector', spec['selector'], 'field is immutable')];
}
