import type { TokenAuthority } from '../access/tokens.ts';
import { DEFAULT_AUDIENCE } from '../access/tokens.ts';
import { type Cluster, render, view } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import { ApiStatusError, badRequest, type Cause, invalid, invalidObject, notFound } from '../errors.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { remove } from '../operations/remove.ts';
import { update } from '../operations/update.ts';
import { applyPatch } from '../patch/index.ts';
import { errorTarget, type Resource, type ScalePaths, subresourceOf } from '../registry/resource.ts';
import { clone, isObject } from '../schema/json.ts';
import type { Stored } from '../storage/stored.ts';
import { parseOptions, readBody } from './body.ts';
import { copyOf } from './decode.ts';
import type { Exchange } from './exchange.ts';
import { writeOf } from './mutate.ts';
import { deleteOptions, writeOptions } from './options.ts';
import { parseConfiguration, parsePatch, patchTypeOf } from './patch.ts';
import { sendObject } from './read.ts';
import { decodeBody, receiveObject } from './receive.ts';
import type { SpecialHandler } from './router.ts';

/** The endpoints below objects that speak a kind of their own: `scale`, `token`, `eviction`, `binding`, `finalize`. */
export function subresourceHandlers(tokens: TokenAuthority): [string, SpecialHandler][] {
  return [
    ['/serviceaccounts/token create', (cluster, exchange, resource) => issueToken(tokens, cluster, exchange, resource)],
    ['/pods/eviction create', evict],
    ['/pods/binding create', bind],
    ['/namespaces/finalize update', finalizeNamespace],
  ];
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const storedOf = (cluster: Cluster, exchange: Exchange, resource: Resource): Stored => {
  const { namespace, name } = exchange.info;
  const stored = cluster.store.get(resource.storage, namespace, name);
  if (stored === undefined) throw notFound(errorTarget(resource), name);
  return stored;
};

const numberAt = (object: ApiObject, path: readonly string[]): number | undefined => {
  let value: Json | undefined = object;
  for (const step of path) value = isObject(value) ? value[step] : undefined;
  return typeof value === 'number' ? value : undefined;
};

function scaleOf(object: ApiObject, paths: ScalePaths): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = selectorText(object, paths.labelSelector);
  const replicas = numberAt(object, paths.specReplicas) ?? 0;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: JSON.parse(JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp })) as ApiObject['metadata'],
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: numberAt(object, paths.statusReplicas) ?? 0, ...(selector === '' ? {} : { selector }) },
  };
}

/** A selector as text: custom resources keep it so, built-in kinds as an object. */
function selectorText(object: ApiObject, path: readonly string[] | undefined): string {
  let value: Json | undefined = object;
  for (const step of path ?? ['']) value = isObject(value) ? value[step] : undefined;
  if (typeof value === 'string') return value;
  if (!isObject(value)) return '';
  const labels = isObject(value['matchLabels']) ? value['matchLabels'] : Array.isArray(value['matchExpressions']) ? {} : value;
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : ''}`)
    .sort()
    .join(',');
}

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

/** GET, PUT and PATCH of `/scale`: only the number of replicas is written. */
export async function scale(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const paths = subresourceOf(resource, 'scale')?.scale;
  if (paths === undefined) throw new Error(`${resource.plural} has no scale subresource`);
  const shape = exchange.shape();
  const stored = storedOf(cluster, exchange, resource);
  const { verb, namespace, name } = exchange.info;
  if (verb === 'get') {
    exchange.send(200, JSON.stringify(scaleOf(view(resource, stored), paths)), shape);
    return;
  }
  const body = await readBody(exchange.request);
  const options = writeOptions(verb === 'patch' ? 'PatchOptions' : 'UpdateOptions', exchange.query, exchange.agent);
  const next = (live: ApiObject | undefined): ApiObject => {
    if (live === undefined) throw new Error('a scale needs an object');
    const current = scaleOf(live, paths);
    const wanted =
      verb === 'patch'
        ? patchedScale(exchange, resource, current, body)
        : decodeBody(cluster, exchange, resource, body, options.fieldValidation, SCALE);
    return withReplicas(live, wanted, paths);
  };
  const request = { resource, namespace, name, subresource: 'scale', next, replace: false, managed: false };
  const result = update(cluster, request, writeOf(exchange, options));
  exchange.send(200, JSON.stringify(scaleOf(view(resource, result.stored), paths)), shape);
}

function patchedScale(exchange: Exchange, resource: Resource, current: ApiObject, body: Buffer): JsonObject {
  const type = patchTypeOf(exchange, resource);
  const patch = type === 'apply' ? parseConfiguration(body) : parsePatch(body).value;
  const result = applyPatch(type === 'apply' || type === 'strategic' ? 'merge' : type, current, patch);
  if (!result.ok) throw new ApiStatusError(result.code, result.reason as 'Invalid', result.message);
  return result.object;
}

function withReplicas(live: ApiObject, wanted: JsonObject, paths: ScalePaths): ApiObject {
  const spec = isObject(wanted['spec']) ? wanted['spec'] : {};
  const replicas = spec['replicas'] ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) {
    throw badRequest(
      'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32',
    );
  }
  if (replicas < 0) {
    const causes: Cause[] = [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')];
    throw invalidObject({ group: 'autoscaling', kind: 'Scale' }, live.metadata.name ?? '', causes);
  }
  const next = copyOf(live);
  const version = isObject(wanted['metadata']) ? wanted['metadata']['resourceVersion'] : undefined;
  if (typeof version === 'string' && version !== '') next.metadata.resourceVersion = version;
  let target: JsonObject = next;
  for (const step of paths.specReplicas.slice(0, -1)) {
    const child = target[step];
    target = isObject(child) ? child : (target[step] = {});
  }
  target[paths.specReplicas.at(-1) ?? 'replicas'] = replicas;
  return next;
}

/** POST of a TokenRequest. */
async function issueToken(tokens: TokenAuthority, cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const shape = exchange.shape();
  const speaks = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
  const { object: request } = await receiveObject(cluster, exchange, resource, 'CreateOptions', speaks);
  const { namespace, name } = exchange.info;
  const { object } = storedOf(cluster, exchange, resource);
  const spec = isObject(request['spec']) ? request['spec'] : {};
  const seconds = typeof spec['expirationSeconds'] === 'number' ? spec['expirationSeconds'] : 3600;
  const target = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
  if (seconds < 600)
    throw invalidObject(target, '', [invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes')]);
  if (seconds > 2 ** 32)
    throw invalidObject(target, '', [invalid('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds')]);
  const audiences = Array.isArray(spec['audiences']) && spec['audiences'].length > 0 ? spec['audiences'].map(String) : [DEFAULT_AUDIENCE];
  const now = cluster.environment.now();
  const expires = new Date(now.getTime() + seconds * 1000);
  const bound = isObject(spec['boundObjectRef']) ? spec['boundObjectRef'] : undefined;
  const token = tokens.issue({
    namespace,
    name,
    uid: object.metadata.uid ?? '',
    audiences,
    issuedAt: Math.floor(now.getTime() / 1000),
    expires: Math.floor(expires.getTime() / 1000),
    ...(bound === undefined ? {} : { bound: { kind: text(bound['kind']), name: text(bound['name']), uid: text(bound['uid']) } }),
  });
  const answer = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(now) },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: bound ?? null },
    status: { token, expirationTimestamp: timestamp(expires) },
  };
  exchange.send(201, JSON.stringify(answer), shape);
}

/** POST of an Eviction: the pod is deleted; disruption budgets are not counted. */
async function evict(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const shape = exchange.shape();
  const body = parseOptions(await readBody(exchange.request));
  storedOf(cluster, exchange, resource);
  const wanted = isObject(body['deleteOptions']) ? body['deleteOptions'] : {};
  const { namespace, name } = exchange.info;
  remove(cluster, resource, namespace, name, deleteOptions(exchange.query, wanted));
  exchange.send(201, JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }), shape);
}

/** POST of a Binding: what a scheduler does. */
async function bind(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const shape = exchange.shape();
  const body = parseOptions(await readBody(exchange.request));
  const target = isObject(body['target']) ? body['target'] : {};
  const node = target['name'];
  if (typeof node !== 'string' || node === '') throw badRequest('a Binding needs target.name, the name of the node');
  const { object } = storedOf(cluster, exchange, resource);
  const spec = isObject(object['spec']) ? object['spec'] : {};
  if (typeof spec['nodeName'] === 'string' && spec['nodeName'] !== '') {
    const why = `pod ${object.metadata.name} is already assigned to node ${JSON.stringify(spec['nodeName'])}`;
    throw new ApiStatusError(
      409,
      'Conflict',
      `Operation cannot be fulfilled on pods/binding ${JSON.stringify(object.metadata.name)}: ${why}`,
      {
        name: object.metadata.name ?? '',
        kind: 'pods/binding',
      },
    );
  }
  cluster.store.put(resource.storage, { ...object, metadata: { ...object.metadata }, spec: { ...spec, nodeName: node } });
  exchange.send(201, JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }), shape);
}

/** PUT of `namespaces/<name>/finalize`: only `spec.finalizers` is taken. */
async function finalizeNamespace(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const shape = exchange.shape();
  const { object: wanted } = await receiveObject(cluster, exchange, resource, 'UpdateOptions');
  const current = storedOf(cluster, exchange, resource);
  const finalizers = isObject(wanted['spec']) && Array.isArray(wanted['spec']['finalizers']) ? wanted['spec']['finalizers'] : [];
  const next: ApiObject = { ...clone(current.object), spec: finalizers.length === 0 ? {} : { finalizers } };
  if (finalizers.length === 0 && next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0) {
    exchange.send(200, render(resource, cluster.store.remove(resource.storage, current)), shape);
    return;
  }
  sendObject(cluster, exchange, resource, cluster.store.put(resource.storage, next), 200, shape);
}
