import type { Cluster } from '../cluster.ts';
import type { Controller } from './controller.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { NamespaceController } from './namespaces.ts';

/** Which controllers run. All do unless they are turned off. */
export interface ControllerOptions {
  /** False turns off all that are not turned on by name. */
  all?: boolean;
  garbageCollector?: boolean;
  namespaces?: boolean;
}

/** Starts the controllers; each stops by itself. */
export function startControllers(
  cluster: Cluster,
  options: ControllerOptions,
  onError: (error: unknown, where: string) => void,
): Controller[] {
  const runs = (name: keyof ControllerOptions): boolean => options[name] ?? options.all ?? true;
  const failed = (where: string) => (error: unknown, key: string) => onError(error, `${where} ${key}`);
  const controllers: Controller[] = [];
  if (runs('namespaces')) controllers.push(new NamespaceController(cluster, failed('namespace controller')));
  if (runs('garbageCollector')) controllers.push(new GarbageCollector(cluster, failed('garbage collector')));
  for (const controller of controllers) controller.start();
  return controllers;
}
