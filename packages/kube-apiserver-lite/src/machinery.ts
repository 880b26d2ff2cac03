import * as apply from './apply/index.ts';
import * as cel from './cel/index.ts';
import { badRequest, type Cause } from './errors.ts';
import type { ApiObject } from './object.ts';
import { apiVersionOf, type Resource } from './registry/resource.ts';
import * as schemas from './schema/index.ts';
import { builtinCauses, customMetadataCauses } from './validation/index.ts';

/** What the schema of a kind does to its objects; built-in kinds and custom resources alike. */

/** Removes what the kind does not know and returns its paths; throws 400 for a value of the wrong JSON type in a built-in kind. */
export function decodeFields(resource: Resource, object: ApiObject): string[] {
  if (resource.custom === undefined) {
    const { error, unknown } = schemas.decodeBuiltin(object, resource);
    if (error !== undefined) throw cannotBeHandled(resource, error);
    return unknown;
  }
  const schema = resource.schema();
  if (schema === undefined) return [];
  // Metadata is a Go struct even in a custom resource.
  const metadata = schemas.decodeInto(object.metadata, schemas.objectMeta());
  if (metadata.error !== undefined) throw cannotBeHandled(resource, metadata.error);
  // What a manager owns is written in field names of its own.
  const { managedFields } = object.metadata;
  delete object.metadata.managedFields;
  const unknown = [...metadata.unknown.map(path => `metadata.${path}`), ...schemas.prune(object, schema)];
  if (managedFields !== undefined) object.metadata.managedFields = managedFields;
  return unknown;
}

export const cannotBeHandled = (resource: Resource, why: string, kind = resource.kind, version = resource.version): Error =>
  badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${resource.kind}: ${why}`);

/** Fills in what the kind's version defaults. */
export function setDefaults(resource: Resource, object: ApiObject): void {
  const schema = resource.schema();
  if (schema !== undefined) schemas.applyDefaults(object, schema);
  resource.strategy.defaults?.(object);
}

/** The kind's validation, apart from its strategy's. `subresource`: where the write came in. */
export function validate(resource: Resource, object: ApiObject, old: ApiObject | undefined, subresource = ''): Cause[] {
  const { custom, namespaced } = resource;
  if (custom === undefined) {
    const causes = builtinCauses(resource, object, old, subresource === 'status');
    return subresource === 'status' ? causes : [...causes, ...schemas.validateBuiltin(object, resource, old)];
  }
  const metadata = customMetadataCauses(object, old, namespaced);
  const schema = resource.schema();
  if (schema === undefined) return metadata;
  return [...metadata, ...cel.validateCustomResource(object, schema, custom.rules(), old)];
}

/** A copy of `object` whose managedFields tell of this write. */
export function trackFields(
  resource: Resource,
  live: ApiObject | undefined,
  object: ApiObject,
  write: { manager: string; subresource: string; now: string },
): ApiObject {
  const schema = resource.schema();
  if (schema === undefined) return object;
  return apply.trackUpdate(live, object, {
    schema,
    manager: write.manager,
    apiVersion: apiVersionOf(resource),
    subresource: write.subresource,
    now: write.now,
    resetFields: resetFields(resource, write.subresource),
  }) as ApiObject;
}

/** What an endpoint does not write, and so never owns. */
export function resetFields(resource: Resource, subresource: string): readonly (readonly string[])[] {
  const { strategy } = resource;
  if (subresource === 'status') return strategy.statusResetFields ?? [['spec']];
  const status = strategy.status ? [['status']] : [];
  return [...status, ...(strategy.resetFields ?? [])];
}

/** True when storing `next` over `live` would change nothing. */
export const isNoop = (live: ApiObject, next: ApiObject): boolean => apply.isNoop(live, next);
