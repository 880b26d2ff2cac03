import type { Json, JsonObject } from '../schema/json.ts';
import type { ServedResource } from './index.ts';
import type { Components } from './schemas.ts';

const query = (name: string, type: string, description: string): JsonObject => ({
  name,
  in: 'query',
  description,
  schema: { type, uniqueItems: true },
});
const common = [
  query('pretty', 'string', "If 'true', then the output is pretty printed."),
  query('dryRun', 'string', 'When present, indicates that modifications should not be persisted. Valid values are: - All'),
];
/** kubectl looks for `fieldValidation` on the patch operation to know that the server validates. */
const write = [
  ...common,
  query('fieldManager', 'string', 'fieldManager is a name associated with the actor or entity that is making these changes.'),
  query(
    'fieldValidation',
    'string',
    'fieldValidation instructs the server on how to handle objects in the request (POST/PUT/PATCH) containing unknown or duplicate fields. Valid values are: Ignore, Warn, Strict',
  ),
];
const patch = [...write, query('force', 'boolean', 'Force is going to "force" Apply requests.')];
const list = [
  ['allowWatchBookmarks', 'boolean'],
  ['continue', 'string'],
  ['fieldSelector', 'string'],
  ['labelSelector', 'string'],
  ['limit', 'integer'],
  ['resourceVersion', 'string'],
  ['resourceVersionMatch', 'string'],
  ['sendInitialEvents', 'boolean'],
  ['timeoutSeconds', 'integer'],
  ['watch', 'boolean'],
].map(([name = '', type = '']) => query(name, type, `${name} of a list or watch request.`));
const remove = [
  ...common,
  query('gracePeriodSeconds', 'integer', 'The duration in seconds before the object should be deleted.'),
  query('propagationPolicy', 'string', 'Whether and how garbage collection will be performed.'),
];
const pathParameter = (name: string): JsonObject => ({
  name,
  in: 'path',
  required: true,
  description: name,
  schema: { type: 'string', uniqueItems: true },
});
const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
const status = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';

const answer = (schema: JsonObject): JsonObject => ({
  200: { description: 'OK', content: { 'application/json': { schema } } },
  401: { description: 'Unauthorized' },
});

const body = (schema: JsonObject, types = ['*/*']): JsonObject => ({
  content: Object.fromEntries(types.map(t => [t, { schema }])),
  required: true,
});

/** The paths of one resource, with its subresources. */
export function resourcePaths(resource: ServedResource, base: string, components: Components): JsonObject {
  const names = components.kind(resource);
  const gvk = { group: resource.group, kind: resource.kind, version: resource.version };
  const one = components.ref(names.name);
  const many = components.ref(names.list);
  const operation = (action: string, parameters: Json[], responses: JsonObject, requestBody?: JsonObject): JsonObject => ({
    tags: [`${resource.group.split('.')[0] || 'core'}_${resource.version}`],
    parameters,
    ...(requestBody ? { requestBody } : {}),
    responses,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
  });
  const [plural = '', posted] = resource.plural.split('/');
  const root = `${base}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  const scope: Json[] = resource.namespaced ? [pathParameter('namespace')] : [];
  const patchBody = body(
    components.ref('io.k8s.apimachinery.pkg.apis.meta.v1.Patch'),
    resource.schema ? patchTypes.slice(0, 3) : patchTypes,
  );
  const item = (named: Json[]): JsonObject => ({
    get: operation('get', common.slice(0, 1), answer(one)),
    put: operation('put', write, answer(one), body(one)),
    patch: operation('patch', patch, answer(one), patchBody),
    parameters: named,
  });
  if (posted)
    return {
      [`${root}/{name}/${posted}`]: {
        post: operation('post', write, answer(one), body(one)),
        parameters: [pathParameter('name'), ...scope],
      },
    };
  if (/reviews?$/.test(plural)) return { [root]: { post: operation('post', write, answer(one), body(one)), parameters: scope } };
  const paths: JsonObject = {
    [root]: {
      get: operation('list', list, answer(many)),
      post: operation('post', write, answer(one), body(one)),
      delete: operation('deletecollection', [...list, ...remove], answer(components.ref(status))),
      parameters: scope,
    },
    [`${root}/{name}`]: { ...item([pathParameter('name'), ...scope]), delete: operation('delete', remove, answer(components.ref(status))) },
  };
  if (resource.namespaced) paths[`${base}/${plural}`] = { get: operation('list', list, answer(many)), parameters: [] };
  for (const sub of resource.subresources)
    if (sub === 'status' || sub === 'scale') paths[`${root}/{name}/${sub}`] = item([pathParameter('name'), ...scope]);
  return paths;
}
