import { MASTERS } from '../access/user.ts';
import type { Cluster } from '../cluster.ts';
import type { ApiObject } from '../object.ts';
import { create } from '../operations/create.ts';
import type { Write } from '../operations/write.ts';
import type { Resource } from '../registry/resource.ts';
import type { Stored } from '../storage/stored.ts';

/** Something that keeps the cluster's state in step, as kube-controller-manager's controllers do. */
export interface Controller {
  start: () => void;
  stop: () => void;
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
