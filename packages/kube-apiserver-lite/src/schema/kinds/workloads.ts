import { type Cause, forbidden, invalid, notSupported, required } from '../../errors.ts';
import { labelValue, qualifiedName } from '../../names.ts';
import { templateCauses } from '../../validation/pods.ts';
import { equal, isObject, type Json, type JsonObject } from '../json.ts';
import { at, number, object, objects, text, texts } from './access.ts';

/** Strategies of workloads, Jobs, CronJobs, disruption budgets. */

/** A metav1.LabelSelector. */
export function labelSelector(value: Json | undefined, path: string): Cause[] {
  const causes: Cause[] = [];
  const selector = object(value);
  for (const [key, v] of Object.entries(object(selector.matchLabels))) {
    for (const wrong of qualifiedName(key)) causes.push(invalid(`${path}.matchLabels`, key, wrong));
    for (const wrong of labelValue(text(v))) causes.push(invalid(`${path}.matchLabels`, v, wrong));
  }
  objects(selector.matchExpressions).forEach((e, i) => {
    const here = `${path}.matchExpressions[${i}]`;
    const values = texts(e.values);
    if (e.operator === 'In' || e.operator === 'NotIn') {
      if (values.length === 0) causes.push(required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (e.operator === 'Exists' || e.operator === 'DoesNotExist') {
      if (values.length > 0) causes.push(forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else causes.push(invalid(`${here}.operator`, e.operator ?? '', 'not a valid selector operator'));
    for (const wrong of qualifiedName(text(e.key))) causes.push(invalid(`${here}.key`, text(e.key), wrong));
  });
  return causes;
}

const negative = (path: string, value: Json | undefined): Cause[] =>
  value !== undefined && number(value) < 0 ? [invalid(path, value, 'must be greater than or equal to 0')] : [];

/** A number or a percentage; `path` for errors. */
function share(value: Json | undefined, path: string): Cause[] {
  if (typeof value === 'string')
    return /^[0-9]+%$/.test(value)
      ? []
      : [
          invalid(
            path,
            value,
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
          ),
        ];
  return negative(path, value);
}
/** What is no percentage counts as zero here, as it does for the real server. */
const isZero = (value: Json | undefined) => (typeof value === 'string' ? !(Number.parseInt(value, 10) > 0) : number(value) === 0);
const beyondAll = (value: Json | undefined, path: string): Cause[] =>
  typeof value === 'string' && /^[0-9]+%$/.test(value) && Number.parseInt(value, 10) > 100
    ? [invalid(path, value, 'must not be greater than 100%')]
    : [];

/** What Deployments check beyond selector and template. */
export function deployment(o: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes: Cause[] = [];
  const strategy = object(spec.strategy);
  const rolling = strategy.rollingUpdate;
  if (strategy.type === 'Recreate') {
    if (isObject(rolling)) causes.push(forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"));
  } else if (strategy.type !== 'RollingUpdate')
    causes.push(notSupported('spec.strategy.type', text(strategy.type), ['Recreate', 'RollingUpdate']));
  else if (isObject(rolling)) causes.push(...rollingUpdate(rolling, 'spec.strategy.rollingUpdate'));
  if (spec.progressDeadlineSeconds !== undefined) {
    if (number(spec.progressDeadlineSeconds) <= number(spec.minReadySeconds))
      causes.push(invalid('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  }
  return causes;
}

function rollingUpdate(rolling: JsonObject, path: string): Cause[] {
  const causes = [...share(rolling.maxUnavailable, `${path}.maxUnavailable`), ...share(rolling.maxSurge, `${path}.maxSurge`)];
  if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge))
    causes.push(invalid(`${path}.maxUnavailable`, rolling.maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'));
  return [...causes, ...beyondAll(rolling.maxUnavailable, `${path}.maxUnavailable`)];
}

/** A DaemonSet either takes a pod away first or puts the new one beside it, never both. */
function rollingDaemons({ maxUnavailable, maxSurge }: JsonObject, path: string): Cause[] {
  const causes = [
    ...share(maxUnavailable, `${path}.maxUnavailable`),
    ...share(maxSurge, `${path}.maxSurge`),
    ...beyondAll(maxUnavailable, `${path}.maxUnavailable`),
    ...beyondAll(maxSurge, `${path}.maxSurge`),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) causes.push(required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  if (!isZero(maxUnavailable) && !isZero(maxSurge))
    causes.push(invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  return causes;
}

export function daemonSet(o: JsonObject): Cause[] {
  const causes: Cause[] = [];
  const strategy = object(object(o.spec).updateStrategy);
  if (strategy.type !== 'OnDelete' && strategy.type !== 'RollingUpdate')
    causes.push(notSupported('spec.updateStrategy.type', text(strategy.type), ['RollingUpdate', 'OnDelete']));
  else if (strategy.type === 'RollingUpdate' && isObject(strategy.rollingUpdate))
    causes.push(...rollingDaemons(strategy.rollingUpdate, 'spec.updateStrategy.rollingUpdate'));
  return causes;
}

const statefulSetMutable = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

export function statefulSet(o: JsonObject, old?: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes: Cause[] = [];
  if (spec.podManagementPolicy !== 'OrderedReady' && spec.podManagementPolicy !== 'Parallel')
    causes.push(invalid('spec.podManagementPolicy', text(spec.podManagementPolicy), "must be 'OrderedReady' or 'Parallel'"));
  const { type, rollingUpdate } = object(spec.updateStrategy);
  if (type === 'OnDelete') {
    if (isObject(rollingUpdate))
      causes.push(invalid('spec.updateStrategy.rollingUpdate', rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"));
  } else if (type !== 'RollingUpdate')
    causes.push(invalid('spec.updateStrategy', spec.updateStrategy ?? {}, "must be 'RollingUpdate' or 'OnDelete'"));
  else if (isObject(rollingUpdate)) {
    causes.push(...negative('spec.updateStrategy.rollingUpdate.partition', rollingUpdate.partition));
    causes.push(...share(rollingUpdate.maxUnavailable, 'spec.updateStrategy.rollingUpdate.maxUnavailable'));
  }
  if (old) {
    const fixed = (s: JsonObject) => Object.fromEntries(Object.entries(s).filter(([k]) => !statefulSetMutable.has(k)));
    if (!equal(fixed(object(o.spec)), fixed(object(old.spec)))) {
      causes.push(
        forbidden(
          'spec',
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
      );
    }
  }
  return causes;
}

export function job(o: JsonObject, old?: JsonObject): Cause[] {
  const causes = jobSpec(object(o.spec), 'spec');
  if (!old) return causes;
  for (const field of ['completions', 'selector', 'template', 'completionMode'] as const) {
    if (!equal(object(o.spec)[field] ?? null, object(old.spec)[field] ?? null))
      causes.push(invalid(`spec.${field}`, object(o.spec)[field] ?? null, 'field is immutable'));
  }
  return causes;
}

function jobSpec(spec: JsonObject, path: string): Cause[] {
  const causes = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'].flatMap(f =>
    negative(`${path}.${f}`, spec[f]),
  );
  causes.push(...templateCauses(object(spec.template), `${path}.template`, false));
  const policy = at(spec, 'template.spec.restartPolicy');
  if (policy !== 'OnFailure' && policy !== 'Never')
    causes.push(required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  return causes;
}

export function cronJob(o: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes: Cause[] = [];
  const schedule = text(spec.schedule);
  if (schedule === '') causes.push(required('spec.schedule'));
  else if (schedule.includes('TZ'))
    causes.push(invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  else if (
    !/^@(?:yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/.test(schedule) &&
    schedule.trim().split(/\s+/).length !== 5
  ) {
    causes.push(
      invalid(
        'spec.schedule',
        schedule,
        `expected exactly 5 fields, found ${schedule.trim().split(/\s+/).length}: [${schedule.trim().split(/\s+/).join(' ')}]`,
      ),
    );
  }
  if (!['Allow', 'Forbid', 'Replace'].includes(text(spec.concurrencyPolicy)))
    causes.push(notSupported('spec.concurrencyPolicy', text(spec.concurrencyPolicy), ['Allow', 'Forbid', 'Replace']));
  return [
    ...causes,
    ...negative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds),
    ...jobSpec(object(at(spec, 'jobTemplate.spec')), 'spec.jobTemplate.spec'),
  ];
}

export function podDisruptionBudget(o: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes: Cause[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
    causes.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  return [
    ...causes,
    ...share(spec.minAvailable, 'spec.minAvailable'),
    ...share(spec.maxUnavailable, 'spec.maxUnavailable'),
    ...labelSelector(spec.selector, 'spec.selector'),
  ];
}

/** A ReplicationController's selector is a plain map of labels. */
export function replicationController(o: JsonObject): Cause[] {
  const spec = object(o.spec);
  const causes = negative('spec.minReadySeconds', spec.minReadySeconds);
  const selector = object(spec.selector);
  if (Object.keys(selector).length === 0) causes.push(required('spec.selector'));
  causes.push(...negative('spec.replicas', spec.replicas));
  if (!isObject(spec.template)) return [...causes, required('spec.template')];
  const labels = object(at(spec.template, 'metadata.labels'));
  if (Object.entries(selector).some(([key, value]) => labels[key] !== value))
    causes.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  return causes;
}

export function horizontalPodAutoscaler(o: JsonObject): Cause[] {
  const { minReplicas, maxReplicas, scaleTargetRef } = object(o.spec);
  const causes: Cause[] = [];
  if (minReplicas !== undefined && number(minReplicas) < 1)
    causes.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (number(maxReplicas) < 1) causes.push(invalid('spec.maxReplicas', number(maxReplicas), 'must be greater than 0'));
  if (minReplicas !== undefined && number(maxReplicas) < number(minReplicas))
    causes.push(invalid('spec.maxReplicas', number(maxReplicas), 'must be greater than or equal to `minReplicas`'));
  for (const field of ['kind', 'name'])
    if (text(object(scaleTargetRef)[field]) === '') causes.push(required(`spec.scaleTargetRef.${field}`));
  return causes;
}
