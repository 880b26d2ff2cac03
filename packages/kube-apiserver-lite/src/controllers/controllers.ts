import type { Cluster } from '../cluster.ts';
import type { Controller } from './controller.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { NamespaceController } from './namespaces.ts';

/** Which controllers run. All do unless they are turned off. */
export interface ControllerOptions {
  garbageCollector?: boolean;
  namespaces?: boolean;
}

/** Starts the controllers; each stops by itself. */
export function startControllers(
  cluster: Cluster,
  options: ControllerOptions,
  onError: (error: unknown, where: string) => void,
): Controller[] {
  const failed = (where: string) => (error: unknown, key: string) => onError(error, `${where} ${key}`);
  const controllers: Controller[] = [];
  if (options.namespaces !== false) controllers.push(new NamespaceController(cluster, failed('namespace controller')));
  if (options.garbageCollector !== false) controllers.push(new GarbageCollector(cluster, failed('garbage collector')));
  for (const controller of controllers) controller.start();
  return controllers;
}
