import { MASTERS } from '../access/user.ts';
import type { Cluster } from '../cluster.ts';
import type { ApiObject } from '../object.ts';
import { create } from '../operations/create.ts';
import type { Write } from '../operations/write.ts';
import type { Resource } from '../registry/resource.ts';
import type { Change, Stored } from '../storage/stored.ts';
import { KeyQueue } from './queue.ts';

/** Something that keeps the cluster's state in step, as kube-controller-manager's controllers do. */
export interface Controller {
  start: () => void;
  stop: () => void;
}

/** A controller that works on one key at a time: everything once at the start, and then what changes concern. */
export abstract class KeyedController implements Controller {
  protected readonly cluster: Cluster;
  protected readonly queue: KeyQueue;
  #unobserve: () => void = () => {};

  constructor(cluster: Cluster, onError: (error: unknown, key: string) => void) {
    this.cluster = cluster;
    this.queue = new KeyQueue(key => this.sync(key), onError);
  }

  start(): void {
    this.enqueueAll();
    this.#unobserve = this.cluster.store.observe(change => this.observe(change));
  }

  stop(): void {
    this.#unobserve();
    this.queue.stop();
  }

  /** Puts what is in the store at the start into the queue. */
  protected abstract enqueueAll(): void;
  /** Puts what a change concerns into the queue. */
  protected abstract observe(change: Change): void;
  /** Brings one key in step. */
  protected abstract sync(key: string): void;
}

/** What controllers do their writes with: straight to the store, as a client with all rights. */
export class Actor {
  readonly cluster: Cluster;
  readonly #write: Write;

  constructor(cluster: Cluster, name: string) {
    this.cluster = cluster;
    this.#write = {
      dryRun: false,
      fieldManager: 'kube-controller-manager',
      user: { name: `system:serviceaccount:kube-system:${name}`, groups: [MASTERS] },
      warn: () => {},
    };
  }

  resource(group: string, version: string, plural: string): Resource {
    const resource = this.cluster.registry.get(group, version, plural);
    if (resource === undefined) throw new Error(`${plural}.${group}/${version} is not served`);
    return resource;
  }

  create(resource: Resource, namespace: string, object: ApiObject): Stored {
    return create(this.cluster, resource, namespace, object, this.#write);
  }

  /** Stores a changed copy; `change` gets shallow copies of the object and its metadata. */
  change(resource: Resource, stored: Stored, change: (object: ApiObject) => void): Stored {
    const next: ApiObject = { ...stored.object, metadata: { ...stored.object.metadata } };
    change(next);
    return this.cluster.store.put(resource.storage, next);
  }
}
