import type { ApiObject } from '../object.ts';

/**
 * One version of an object. It never changes: a write makes a new one. Its JSON is made at most once, whoever asks for it
 * (get, list, every watcher), and without `kind` and `apiVersion`, which depend on the API version it is read through.
 */
export class Stored {
  readonly object: ApiObject;
  /** The store's revision of the write that made this version; equals `metadata.resourceVersion`. */
  readonly revision: number;
  #body: string | undefined;

  constructor(object: ApiObject, revision: number) {
    this.object = object;
    this.revision = revision;
  }

  get namespace(): string {
    return this.object.metadata.namespace ?? '';
  }

  get name(): string {
    return this.object.metadata.name ?? '';
  }

  /** The JSON text of everything but `kind` and `apiVersion`. */
  get body(): string {
    if (this.#body === undefined) {
      const { apiVersion: _apiVersion, kind: _kind, ...rest } = this.object;
      this.#body = JSON.stringify(rest);
    }
    return this.#body;
  }

  /** The JSON text as an object of the given type. */
  as(apiVersion: string, kind: string): string {
    return `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},${this.body.slice(1)}`;
  }
}

/** A committed change. A DELETED event carries the last state with the revision of the deletion. */
export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  revision: number;
  /** The storage key of the kind, e.g. `services` or `pools.example.com`. */
  resource: string;
  current: Stored;
  previous: Stored | undefined;
}
