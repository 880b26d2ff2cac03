import type { V1ObjectMeta } from '@kubernetes/client-node';

/** A client-node type as it travels: every `Date` is its RFC 3339 text. */
type WireValue<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? WireValue<U>[]
    : T extends object
      ? { [K in keyof T]: WireValue<T[K]> }
      : T;

/** Metadata of an object that has a name. */
export type ObjectMeta = Omit<WireValue<V1ObjectMeta>, 'name'> & { name: string };

/**
 * The JSON of a Kubernetes object: client-node's type with timestamps as text and metadata present.
 * Unknown fields of a newer API server survive, because nothing converts the object.
 */
export type Wire<T> = T extends { metadata?: V1ObjectMeta } ? Omit<WireValue<T>, 'metadata'> & { metadata: ObjectMeta } : WireValue<T>;

/** What every object has. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** Names an object within its resource. */
export interface Ref {
  name: string;
  namespace?: string | undefined;
}

/** `namespace/name`, or `name` for a cluster-scoped object. */
export function keyOf(object: KubeObject): string {
  const { name, namespace } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The reverse of `keyOf`. */
export function refOf(key: string): Ref {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
