import * as apply from '../apply/index.ts';
import type { Cluster } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import { ApiStatusError, badRequest, invalid, invalidObject, unsupportedMediaType } from '../errors.ts';
import { decodeFields, resetFields } from '../machinery.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { update } from '../operations/update.ts';
import * as patches from '../patch/index.ts';
import { apiVersionOf, type Resource } from '../registry/resource.ts';
import { isObject } from '../schema/json.ts';
import { BodySyntaxError, type Parsed, parseJsonBody, parseYamlBody, readBody } from './body.ts';
import { copyOf, mediaType, reportStrict, unknownField } from './decode.ts';
import type { Exchange } from './exchange.ts';
import { writeOf } from './mutate.ts';
import { type WriteOptions, writeOptions } from './options.ts';
import { sendObject } from './read.ts';

const PATCH_TYPES = new Map<string, patches.PatchType>([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
]);
const APPLY = 'application/apply-patch+yaml';

/** PATCH of an object or of its status, in any of the four kinds of patches. */
export async function patch(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const shape = exchange.shape();
  const type = patchTypeOf(exchange, resource);
  const body = await readBody(exchange.request);
  const options = writeOptions('PatchOptions', exchange.query, exchange.agent, type === 'apply');
  const { namespace, name, subresource } = exchange.info;
  const next = type === 'apply' ? applied(cluster, exchange, resource, body, options) : patched(exchange, resource, type, body, options);
  const request = { resource, namespace, name, subresource, next, replace: false, managed: type === 'apply' };
  const { stored, created } = update(cluster, request, writeOf(exchange, options));
  sendObject(cluster, exchange, resource, stored, created ? 201 : 200, shape);
}

/** The kind of patch that the Content-Type names; 415 lists what the resource takes. */
export function patchTypeOf(exchange: Exchange, resource: Resource): patches.PatchType | 'apply' {
  const type = mediaType(exchange.request.headers['content-type']);
  const accepted = [...PATCH_TYPES.keys(), APPLY].filter(known => resource.custom === undefined || PATCH_TYPES.get(known) !== 'strategic');
  if (!accepted.includes(type)) {
    if (PATCH_TYPES.has(type)) {
      throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`);
    }
    throw new ApiStatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
  return PATCH_TYPES.get(type) ?? 'apply';
}

/** Parses the body of a JSON, merge or strategic patch; 400 for what is no JSON. */
export function parsePatch(body: Buffer): Parsed {
  try {
    return parseJsonBody(body);
  } catch (error) {
    if (error instanceof BodySyntaxError) throw badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

/** The function that changes the stored object as a JSON, merge or strategic patch says. */
export function patched(
  exchange: Exchange,
  resource: Resource,
  type: patches.PatchType,
  body: Buffer,
  options: WriteOptions,
): (live: ApiObject | undefined) => ApiObject {
  const { value: change, duplicates } = parsePatch(body);
  return live => {
    if (live === undefined) throw new Error('a patch needs an object');
    const result = patches.applyPatch(type, live, change, resource.schema());
    if (!result.ok) {
      const details = result.code === 422 ? {} : undefined;
      throw new ApiStatusError(result.code, result.reason as 'Invalid', result.message, details);
    }
    const next = result.object as ApiObject;
    const shown = JSON.stringify(next);
    const unknown = decodePatched(resource, next, type === 'strategic' ? goMap(change) : shown);
    reportStrict(
      { fieldValidation: options.fieldValidation, warn: exchange.warn },
      [...duplicates.map(path => `duplicate field ${JSON.stringify(path)}`), ...unknown.map(unknownField)],
      problems =>
        invalidObject({ group: '', kind: '' }, '', [
          invalid('patch', type === 'strategic' ? goMap(change) : shown, `strict decoding error: ${problems.join(', ')}`),
        ]),
    );
    return next;
  };
}

/** A patch that leads to values of the wrong type is 422, where the same in a create is 400. */
function decodePatched(resource: Resource, next: ApiObject, shown: string): string[] {
  if (!isObject(next.metadata)) throw invalidPatch(shown, 'json: cannot unmarshal into Go struct field metadata');
  try {
    return decodeFields(resource, next);
  } catch (error) {
    if (!(error instanceof ApiStatusError) || error.code !== 400) throw error;
    throw invalidPatch(shown, error.message.replace(/^.*? cannot be handled as a [^:]*: /, ''));
  }
}

const invalidPatch = (shown: string, why: string): ApiStatusError =>
  invalidObject({ group: '', kind: '' }, '', [invalid('patch', shown, why)]);

/** A JSON value as Go's `%+v` shows a `map[string]interface{}`. */
function goMap(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`;
  if (isObject(value)) {
    const members = Object.keys(value).sort();
    return `map[${members.map(key => `${key}:${goMap(value[key])}`).join(' ')}]`;
  }
  return value === null || value === undefined ? '<nil>' : String(value);
}

/** The function that applies a configuration by server-side apply. */
function applied(
  cluster: Cluster,
  exchange: Exchange,
  resource: Resource,
  body: Buffer,
  options: WriteOptions,
): (live: ApiObject | undefined) => ApiObject {
  const { name, subresource } = exchange.info;
  const configuration = parseConfiguration(body);
  const metadata = isObject(configuration['metadata']) ? configuration['metadata'] : {};
  if (metadata['managedFields'] !== undefined) throw badRequest('metadata.managedFields must be nil');
  if (typeof metadata['name'] === 'string' && metadata['name'] !== '' && metadata['name'] !== name) {
    throw badRequest(`the name of the object (${metadata['name']}) does not match the name on the URL (${name})`);
  }
  configuration['metadata'] = { ...metadata, name, ...(resource.namespaced ? { namespace: exchange.info.namespace } : {}) };
  return live => {
    const schema = resource.schema();
    if (schema === undefined)
      throw new ApiStatusError(415, 'UnsupportedMediaType', `server-side apply is not served for ${resource.plural}`);
    const result = apply.serverSideApply(live, configuration, {
      schema,
      manager: options.fieldManager,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      subresource,
      now: timestamp(cluster.environment.now()),
      resetFields: resetFields(resource, subresource),
      force: options.force,
    });
    if (result.ok) return copyOf(result.object as ApiObject);
    throw new ApiStatusError(
      result.code,
      result.reason as 'Conflict',
      result.message,
      result.causes.length > 0 ? { causes: [...result.causes] } : undefined,
    );
  };
}

/** Parses the body of a server-side apply; 400 for what is no YAML object. */
export function parseConfiguration(body: Buffer): JsonObject {
  let value: Json;
  try {
    ({ value } = parseYamlBody(body));
  } catch (error) {
    if (error instanceof BodySyntaxError) throw badRequest(`error decoding YAML: ${error.message}`);
    throw error;
  }
  if (!isObject(value))
    throw badRequest('error decoding YAML: error unmarshaling JSON: json: cannot unmarshal into Go value of type map[string]interface {}');
  return value;
}
