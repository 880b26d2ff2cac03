import { type ApiStatusError, badRequest, invalid, invalidObject, unsupportedMediaType } from '../errors.ts';
import { cannotBeHandled, decodeFields } from '../machinery.ts';
import { type ApiObject, type Json, type JsonObject, parseGroupVersion } from '../object.ts';
import * as protobuf from '../protobuf/index.ts';
import type { Registry } from '../registry/registry.ts';
import { apiVersionOf, type Resource } from '../registry/resource.ts';
import { clone, isObject } from '../schema/json.ts';
import { BodySyntaxError, type Parsed, parseJsonBody, parseYamlBody } from './body.ts';
import type { FieldValidation } from './options.ts';

/** How much of an unreadable body an error shows. */
const SUMMARY_BYTES = 30;

/** How Go names the anonymous struct that it reads `apiVersion` and `kind` with. */
const GO_TYPE_META = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** The media type of a request body, without parameters. */
export const mediaType = (header: string | undefined): string => (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** What is decoded, and how strict about it. */
export interface DecodeRequest {
  resource: Resource;
  registry: Registry;
  contentType: string | undefined;
  fieldValidation: FieldValidation;
  warn: (text: string) => void;
  /** The kind that the body must have, where it is not the resource's: `Scale`, `TokenRequest`, … */
  speaks?: { group: string; version: string; kind: string };
}

/** Decodes the body of a create or update into an object of the kind; every failure is the answer the real server gives. */
export function decodeObject(body: Buffer, request: DecodeRequest): ApiObject {
  const { value, duplicates } = parse(body, request);
  if (!isObject(value))
    throw unrecognized(
      request,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(value)} into Go value of type ${GO_TYPE_META}`,
      body,
    );
  const object = value;
  checkKind(object, request);
  normaliseMetadata(object, request);
  const decoded = object as ApiObject;
  const unknown = request.speaks === undefined ? decodeFields(request.resource, decoded) : [];
  reportStrict(request, [...duplicates.map(path => `duplicate field ${JSON.stringify(path)}`), ...unknown.map(unknownField)], problems =>
    cannotBeHandled(request.resource, `strict decoding error: ${problems.join(', ')}`),
  );
  return decoded;
}

export const unknownField = (path: string): string => `unknown field ${JSON.stringify(path)}`;

/** Refuses, warns, or says nothing, as `fieldValidation` asks. */
export function reportStrict(
  { fieldValidation, warn }: Pick<DecodeRequest, 'fieldValidation' | 'warn'>,
  problems: readonly string[],
  refuse: (problems: readonly string[]) => Error,
): void {
  if (problems.length === 0 || fieldValidation === 'Ignore') return;
  if (fieldValidation === 'Strict') throw refuse(problems);
  for (const problem of problems) warn(problem);
}

function parse(body: Buffer, request: DecodeRequest): Parsed {
  const type = mediaType(request.contentType);
  try {
    if (type === '' || type === 'application/json') return parseJsonBody(body);
    if (type === 'application/yaml') return parseYamlBody(body);
  } catch (error) {
    if (error instanceof BodySyntaxError)
      throw unrecognized(request, `couldn't get version/kind; json parse error: ${error.message}`, body);
    throw error;
  }
  if (type === 'application/vnd.kubernetes.protobuf') {
    const decoded = protobuf.decodeProtobuf(body);
    if (decoded.ok) return { value: decoded.object, duplicates: [] };
    throw decoded.code === 415 ? unsupportedMediaType(decoded.message) : badRequest(decoded.message);
  }
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${accepted(request.resource).join(', ')}`,
  );
}

const accepted = (resource: Resource): string[] =>
  resource.custom === undefined
    ? ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
    : ['application/json', 'application/yaml'];

function unrecognized({ resource, speaks }: DecodeRequest, why: string, body: Buffer): ApiStatusError {
  const kind = speaks?.kind ?? resource.kind;
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(body)})`);
}

function summary(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const head = body.subarray(0, SUMMARY_BYTES);
  const shown = body[0] === 0x7b ? head.toString('utf8') : head.toString('hex');
  return body.length > SUMMARY_BYTES ? `${shown} ...` : shown;
}

/** `apiVersion` and `kind` may be missing (typed clients leave them out), but not be another's. */
function checkKind(object: { [key: string]: Json | undefined }, request: DecodeRequest): void {
  const { resource, registry } = request;
  const wanted = request.speaks ?? resource;
  const expected = apiVersionOf({ ...resource, ...wanted });
  for (const field of ['apiVersion', 'kind'] as const) {
    const value = object[field];
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw badRequest(
        `the object provided is unrecognized (must be of type ${wanted.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(value)} into Go struct field .${field} of type string`,
      );
    }
    if (value === undefined || value === null || value === '') object[field] = field === 'kind' ? wanted.kind : expected;
  }
  const apiVersion = object['apiVersion'] as string;
  const kind = object['kind'] as string;
  if (apiVersion === expected && kind === wanted.kind) return;
  const { group, version } = parseGroupVersion(apiVersion);
  if (resource.custom !== undefined) throw customMismatch(object, request, { group, version, kind, apiVersion });
  const handled = (why: string): ApiStatusError =>
    badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${wanted.kind}: ${why}`);
  const known = registry.byKind(group, version, kind);
  if (known === undefined || known.custom !== undefined) {
    throw handled(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  }
  throw handled(`converting (${version}.${kind}) to (${internalPackage(wanted.group)}.${wanted.kind}): unknown conversion`);
}

/** A custom resource of another kind or version: an unknown version's schema knows no field at all. */
function customMismatch(
  object: JsonObject,
  request: DecodeRequest,
  gvk: { group: string; version: string; kind: string; apiVersion: string },
): ApiStatusError {
  const { resource } = request;
  if (gvk.kind === resource.kind && gvk.group === resource.group) {
    const fields = Object.keys(object).filter(field => !['apiVersion', 'kind', 'metadata'].includes(field));
    reportStrict(request, fields.map(unknownField), problems => cannotBeHandled(resource, `strict decoding error: ${problems.join(', ')}`));
    return badRequest(
      `the API version in the data (${gvk.apiVersion}) does not match the expected API version (${apiVersionOf(resource)})`,
    );
  }
  const cause =
    gvk.kind === resource.kind
      ? invalid('apiVersion', object['apiVersion'], `must be ${apiVersionOf(resource)}`)
      : invalid('kind', gvk.kind, `must be ${resource.kind}`);
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  return invalidObject({ group: resource.group, kind: gvk.kind }, typeof metadata['name'] === 'string' ? metadata['name'] : '', [cause]);
}

/** The Go package of a group's internal types, as conversion errors show it. */
const internalPackage = (group: string): string => (group === '' ? 'core' : (group.split('.', 1)[0] ?? group));

const goType = (value: Json): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value;

/** Leaves `metadata` an object whatever was sent, so that nothing after this has to ask. */
function normaliseMetadata(object: { [key: string]: Json | undefined }, request: DecodeRequest): void {
  const { metadata } = object;
  if (metadata === undefined || metadata === null) object['metadata'] = {};
  else if (!isObject(metadata)) {
    throw cannotBeHandled(
      request.resource,
      `json: cannot unmarshal ${goType(metadata)} into Go struct field ${request.resource.kind}.metadata of type v1.ObjectMeta`,
    );
  }
}

/** A deep copy for a client's change; what is stored must not be touched. */
export const copyOf = (object: ApiObject): ApiObject => clone(object);
