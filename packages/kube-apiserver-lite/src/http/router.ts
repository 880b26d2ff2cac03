import type { Cluster } from '../cluster.ts';
import { ApiStatusError, methodNotAllowed, noSuchResource, notFound } from '../errors.ts';
import { type Resource, subresourceOf } from '../registry/resource.ts';
import type { Exchange } from './exchange.ts';
import { destroy, destroyMany, post, put } from './mutate.ts';
import { patch } from './patch.ts';
import { get, list } from './read.ts';
import { scale } from './subresources.ts';
import { watch } from './watch.ts';
import type { WatchHub } from './watch-hub.ts';

/** An endpoint that is not plain CRUD, e.g. `pods/eviction`, `selfsubjectaccessreviews`. */
export type SpecialHandler = (cluster: Cluster, exchange: Exchange, resource: Resource) => Promise<void> | void;

/** Handlers by `group/plural` or `group/plural/subresource`, and verb: `authorization.k8s.io/selfsubjectaccessreviews create`. */
export type SpecialHandlers = ReadonlyMap<string, SpecialHandler>;

/** Answers a request for resources. */
export async function route(cluster: Cluster, exchange: Exchange, hub: WatchHub, special: SpecialHandlers): Promise<void> {
  const { info, request } = exchange;
  const resource = cluster.registry.get(info.group, info.version, info.resource);
  if (resource === undefined) {
    if (cluster.registry.serves(info.group, info.version)) throw noSuchResource();
    throw pathNotFound();
  }
  if (info.rest.length > 0) throw noSuchResource();
  // The real server has no HEAD on resources.
  if (request.method === 'HEAD' || request.method === 'OPTIONS') throw methodNotAllowed();
  if (!resource.namespaced && info.namespace !== '') throw noSuchResource();
  const path = `${info.group}/${info.resource}${info.subresource === '' ? '' : `/${info.subresource}`}`;
  const handler = special.get(`${path} ${info.verb}`);
  if (info.subresource !== '') {
    const subresource = subresourceOf(resource, info.subresource);
    if (subresource === undefined) {
      throw resource.custom === undefined ? noSuchResource() : notFound({ group: resource.group, resource: resource.plural }, info.name);
    }
    if (!subresource.verbs.includes(info.verb)) throw methodNotAllowed();
  } else if (!resource.verbs.includes(info.verb)) {
    throw methodNotAllowed();
  }
  if (resource.deprecation !== undefined) exchange.warn(resource.deprecation);
  if (handler !== undefined) await handler(cluster, exchange, resource);
  else await standard(cluster, exchange, resource, hub);
}

async function standard(cluster: Cluster, exchange: Exchange, resource: Resource, hub: WatchHub): Promise<void> {
  const { info } = exchange;
  if (subresourceOf(resource, info.subresource)?.scale !== undefined) return scale(cluster, exchange, resource);
  if (resource.namespaced && info.namespace === '' && !['list', 'watch', 'deletecollection'].includes(info.verb)) throw methodNotAllowed();
  switch (info.verb) {
    case 'get':
      return get(cluster, exchange, resource);
    case 'list':
      return list(cluster, exchange, resource);
    case 'watch':
      return watch(cluster, exchange, resource, hub);
    case 'create':
      if (info.name !== '' && info.subresource === '') throw methodNotAllowed();
      return post(cluster, exchange, resource);
    case 'update':
      if (info.name === '') throw methodNotAllowed();
      return put(cluster, exchange, resource);
    case 'patch':
      if (info.name === '') throw methodNotAllowed();
      return patch(cluster, exchange, resource);
    case 'delete':
      return destroy(cluster, exchange, resource);
    case 'deletecollection':
      return destroyMany(cluster, exchange, resource);
    default:
      throw methodNotAllowed();
  }
}

/** A path that nothing is mounted at: the one error that is no Status. */
export class PathNotFound extends Error {
  override readonly name = 'PathNotFound';
}

const pathNotFound = (): PathNotFound => new PathNotFound('404 page not found');

/** Any failure as an answer; what is no API error is a bug here and says so without its stack. */
export function asStatusError(error: unknown): ApiStatusError {
  if (error instanceof ApiStatusError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiStatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}
