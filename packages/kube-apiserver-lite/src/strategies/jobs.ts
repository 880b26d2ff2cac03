import type { Json, JsonObject } from '../object.ts';
import { isObject } from '../schema/json.ts';
import type { Strategy } from './strategy.ts';
import { workloadStrategy } from './workloads.ts';

/** Jobs, ReplicationControllers and autoscalers: what the server adds to them. */

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

/** A Job selects its pods by its own uid (`generateSelector`, pkg/registry/batch/job). */
export const jobStrategy: Partial<Strategy> = {
  defaults: job => workloadStrategy.defaults?.(job),
  prepareCreate(job) {
    job['status'] = {};
    const spec = objectOf(job['spec']);
    if (spec['manualSelector'] === true) return;
    const { uid = '', name = '' } = job.metadata;
    const template = objectOf(spec['template']);
    const metadata = objectOf(template['metadata']);
    const own = {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    };
    template['metadata'] = { ...metadata, labels: { ...objectOf(metadata['labels']), ...own } };
    const selector = objectOf(spec['selector']);
    spec['selector'] = { ...selector, matchLabels: { ...objectOf(selector['matchLabels']), 'batch.kubernetes.io/controller-uid': uid } };
    spec['template'] = template;
  },
};

/** A ReplicationController without selector or labels takes those of its template. */
export const replicationControllerStrategy: Partial<Strategy> = {
  defaults(controller) {
    workloadStrategy.defaults?.(controller);
    const spec = objectOf(controller['spec']);
    spec['replicas'] ??= 1;
    const labels = objectOf(objectOf(objectOf(spec['template'])['metadata'])['labels']);
    if (Object.keys(labels).length === 0) return;
    if (Object.keys(objectOf(spec['selector'])).length === 0) spec['selector'] = { ...labels };
    if (Object.keys(controller.metadata.labels ?? {}).length === 0) controller.metadata.labels = { ...labels } as Record<string, string>;
  },
  prepareCreate(controller) {
    controller['status'] = { replicas: 0 };
  },
};

const CPU_80 = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };

/** An autoscaler without metrics goes by processor use. */
export const autoscalerStrategy: Partial<Strategy> = {
  defaults(autoscaler) {
    const spec = objectOf(autoscaler['spec']);
    spec['minReplicas'] ??= 1;
    if (!Array.isArray(spec['metrics']) || spec['metrics'].length === 0) spec['metrics'] = [structuredClone(CPU_80)];
  },
};
