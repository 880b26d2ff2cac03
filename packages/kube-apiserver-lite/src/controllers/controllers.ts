import type { Cluster } from '../cluster.ts';
import { type KubeletOptions, SimulatedKubelet } from '../workloads/kubelet.ts';
import { WorkloadController } from '../workloads/workloads.ts';
import type { Controller } from './controller.ts';
import { EndpointMirror } from './endpoint-mirror.ts';
import { EndpointController } from './endpoint-slices.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { NamespaceController } from './namespaces.ts';
import { NodeController, type NodeOptions } from './nodes.ts';

/** Which controllers run. All do unless they are turned off. */
export interface ControllerOptions {
  /** False turns off all that are not turned on by name. */
  all?: boolean;
  /** What has lost its owners is deleted; foreground and orphaning deletions. */
  garbageCollector?: boolean;
  /** Namespaces that are deleted are emptied; every one has a `default` ServiceAccount. */
  namespaces?: boolean;
  /** EndpointSlices of Services with a selector. */
  endpointSlices?: boolean;
  /** Endpoints besides them, and slices of Endpoints that are made by hand. */
  endpoints?: boolean;
  /** Ready conditions from Leases, taints from conditions. */
  nodes?: boolean | NodeOptions;
  /** Pods of Deployments, DaemonSets and StatefulSets, and their status. */
  workloads?: boolean;
  /** Their pods turn Running and Ready and end, without containers. False where something else runs pods. */
  kubelet?: boolean | KubeletOptions;
}

/** The settings of a controller that is merely turned on are empty. */
const detail = <T>(value: boolean | T): T | Record<string, never> => (typeof value === 'object' && value !== null ? value : {});

/** Starts the controllers; each stops by itself. */
export function startControllers(
  cluster: Cluster,
  options: ControllerOptions,
  onError: (error: unknown, where: string) => void,
): Controller[] {
  const failed = (where: string) => (error: unknown, key: string) => onError(error, `${where} ${key}`);
  const settingOf = (name: keyof ControllerOptions): boolean | object => options[name] ?? options.all ?? true;
  const controllers: Controller[] = [];
  if (settingOf('namespaces') !== false) controllers.push(new NamespaceController(cluster, failed('namespace controller')));
  if (settingOf('garbageCollector') !== false) controllers.push(new GarbageCollector(cluster, failed('garbage collector')));
  if (settingOf('endpointSlices') !== false) {
    if (settingOf('endpoints') !== false) controllers.push(new EndpointMirror(cluster, failed('endpoint mirror')));
    controllers.push(new EndpointController(cluster, settingOf('endpoints') !== false, failed('endpoint controller')));
  }
  if (settingOf('nodes') !== false) controllers.push(new NodeController(cluster, detail(options.nodes ?? true), failed('node controller')));
  if (settingOf('workloads') !== false) controllers.push(new WorkloadController(cluster, failed('workload controller')));
  if (settingOf('kubelet') !== false) {
    controllers.push(new SimulatedKubelet(cluster, detail(options.kubelet ?? true), failed('simulated kubelet')));
  }
  for (const controller of controllers) controller.start();
  return controllers;
}
