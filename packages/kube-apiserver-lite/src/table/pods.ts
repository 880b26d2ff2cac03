import { isObject, type JsonObject } from '../schema/json.ts';
import { age, at, type Column, list, name, number, text, wide } from './column.ts';
import { humanDuration } from './duration.ts';

/** Pods: what their containers are up to, in one word. */

const waiting = (c: JsonObject) => (isObject(at(c, 'state.waiting')) ? (at(c, 'state.waiting') as JsonObject) : undefined);
const terminated = (c: JsonObject) => (isObject(at(c, 'state.terminated')) ? (at(c, 'state.terminated') as JsonObject) : undefined);
const condition = (pod: JsonObject, type: string) => list(pod, 'status.conditions').find(c => c.type === type);

const exitText = (end: JsonObject) =>
  text(end, 'reason') || (number(end, 'signal') ? `Signal:${number(end, 'signal')}` : `ExitCode:${number(end, 'exitCode')}`);

function isSidecar(pod: JsonObject, containerName: unknown): boolean {
  return list(pod, 'spec.initContainers').some(c => c.name === containerName && c.restartPolicy === 'Always');
}

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  readonly lastRestart: number;
}

const ended = (c: JsonObject): number => Date.parse(text(c, 'lastState.terminated.finishedAt')) || 0;

function summarize(pod: JsonObject): Summary {
  let reason = text(pod, 'status.reason') || text(pod, 'status.phase');
  if (condition(pod, 'PodScheduled')?.reason === 'SchedulingGated') reason = 'SchedulingGated';
  let total = list(pod, 'spec.containers').length;
  let ready = 0;
  let restarts = 0;
  let lastRestart = 0;
  const inits = list(pod, 'status.initContainerStatuses');
  let sidecarRestarts = 0;
  let initializing = false;
  for (const [i, c] of inits.entries()) {
    const sidecar = isSidecar(pod, c.name);
    restarts += number(c, 'restartCount');
    lastRestart = Math.max(lastRestart, ended(c));
    if (sidecar) {
      sidecarRestarts += number(c, 'restartCount');
      total++;
    }
    const end = terminated(c);
    if (end && number(end, 'exitCode') === 0) continue;
    if (sidecar && c.started === true) {
      if (c.ready === true) ready++;
      continue;
    }
    if (end) reason = `Init:${exitText(end)}`;
    else if (waiting(c) && text(waiting(c), 'reason') && text(waiting(c), 'reason') !== 'PodInitializing')
      reason = `Init:${text(waiting(c), 'reason')}`;
    else reason = `Init:${i}/${list(pod, 'spec.initContainers').length}`;
    initializing = true;
    break;
  }
  if (!initializing || condition(pod, 'Initialized')?.status === 'True') {
    restarts = sidecarRestarts;
    let running = false;
    for (const c of list(pod, 'status.containerStatuses').toReversed()) {
      restarts += number(c, 'restartCount');
      lastRestart = Math.max(lastRestart, ended(c));
      const end = terminated(c);
      if (text(waiting(c), 'reason')) reason = text(waiting(c), 'reason');
      else if (end) reason = exitText(end);
      else if (c.ready === true && isObject(at(c, 'state.running'))) {
        running = true;
        ready++;
      }
    }
    // A finished container beside a running one does not end the pod.
    if (reason === 'Completed' && running) reason = condition(pod, 'Ready')?.status === 'True' ? 'Running' : 'NotReady';
  }
  if (at(pod, 'metadata.deletionTimestamp')) {
    if (text(pod, 'status.reason') === 'NodeLost') reason = 'Unknown';
    else if (text(pod, 'status.phase') !== 'Failed' && text(pod, 'status.phase') !== 'Succeeded') reason = 'Terminating';
  }
  return { ready, total, reason, restarts, lastRestart };
}

function gates(pod: JsonObject): string {
  const wanted = list(pod, 'spec.readinessGates');
  if (wanted.length === 0) return '<none>';
  return `${wanted.filter(g => condition(pod, text(g, 'conditionType'))?.status === 'True').length}/${wanted.length}`;
}

export const pod: Column[] = [
  name,
  {
    name: 'Ready',
    description: 'The aggregate readiness state of this pod for accepting traffic.',
    cell: o => `${summarize(o).ready}/${summarize(o).total}`,
  },
  { name: 'Status', description: 'The aggregate status of the containers in this pod.', cell: o => summarize(o).reason },
  {
    name: 'Restarts',
    description:
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    cell: (o, now) => {
      const { restarts, lastRestart } = summarize(o);
      return restarts > 0 && lastRestart > 0 ? `${restarts} (${humanDuration(now.getTime() - lastRestart)} ago)` : String(restarts);
    },
  },
  age,
  wide({ name: 'IP', description: 'core.v1.PodStatus#podIP', cell: o => text(list(o, 'status.podIPs')[0], 'ip') || '<none>' }),
  wide({ name: 'Node', description: 'core.v1.PodSpec#nodeName', cell: o => text(o, 'spec.nodeName') || '<none>' }),
  wide({
    name: 'Nominated Node',
    description: 'core.v1.PodStatus#nominatedNodeName',
    cell: o => text(o, 'status.nominatedNodeName') || '<none>',
  }),
  wide({ name: 'Readiness Gates', description: 'core.v1.PodSpec#readinessGates', cell: gates }),
];

/** Row conditions: kubectl can hide pods that are done. */
export function podConditions(o: JsonObject): JsonObject[] | undefined {
  const phase = text(o, 'status.phase');
  if (phase === 'Succeeded')
    return [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }];
  if (phase === 'Failed') return [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }];
  return undefined;
}
