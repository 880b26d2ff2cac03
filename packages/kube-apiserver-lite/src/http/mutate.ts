import { type Cluster } from '../cluster.ts';
import { ApiStatusError, badRequest, methodNotAllowed } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import { create } from '../operations/create.ts';
import { deletedStatus, remove } from '../operations/remove.ts';
import { update } from '../operations/update.ts';
import type { Write } from '../operations/write.ts';
import { type Resource, subresourceOf } from '../registry/resource.ts';
import type { Stored } from '../storage/stored.ts';
import { parseOptions, readBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { deleteOptions, listOptions, type WriteOptions } from './options.ts';
import { listText, readPage, sendObject } from './read.ts';
import { receiveObject } from './receive.ts';
import { selection } from './select.ts';

/** What an operation needs to know of the request it serves. */
export const writeOf = (exchange: Exchange, options: Pick<WriteOptions, 'dryRun' | 'fieldManager'>): Write => ({
  dryRun: options.dryRun,
  fieldManager: options.fieldManager,
  user: exchange.user,
  warn: exchange.warn,
});

/** POST to a collection. */
export async function post(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const shape = exchange.shape();
  const { object, options } = await receiveObject(cluster, exchange, resource, 'CreateOptions');
  const namespace = namespaceFor(exchange, resource, object);
  const stored = create(cluster, resource, namespace, object, writeOf(exchange, options));
  sendObject(cluster, exchange, resource, stored, 201, shape);
}

/** The namespace of the path; the body may leave it out, but not name another. */
function namespaceFor(exchange: Exchange, resource: Resource, object: ApiObject): string {
  const { namespace } = exchange.info;
  if (!resource.namespaced) {
    if ((object.metadata.namespace ?? '') !== '') {
      throw badRequest('namespace is not allowed on this type');
    }
    return '';
  }
  if (namespace === '') throw methodNotAllowed();
  const own = object.metadata.namespace ?? '';
  if (own !== '' && own !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return namespace;
}

/** PUT of an object or of its status. */
export async function put(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const { name, namespace, subresource } = exchange.info;
  if (subresource !== '' && subresourceOf(resource, subresource) === undefined) throw methodNotAllowed();
  const shape = exchange.shape();
  const { object, options } = await receiveObject(cluster, exchange, resource, 'UpdateOptions');
  const request = { resource, namespace, name, subresource, next: () => object, replace: true, managed: false };
  const { stored, created } = update(cluster, request, writeOf(exchange, options));
  sendObject(cluster, exchange, resource, stored, created ? 201 : 200, shape);
}

/** DELETE of one object. */
export async function destroy(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const shape = exchange.shape();
  const options = deleteOptions(exchange.query, parseOptions(await readBody(exchange.request)));
  const { namespace, name } = exchange.info;
  const { stored, gone } = remove(cluster, resource, namespace, name, options);
  if (gone && resource.strategy.returnsDeleted !== true) {
    exchange.send(200, JSON.stringify(deletedStatus(resource, stored.object)), shape);
    return;
  }
  sendObject(cluster, exchange, resource, stored, 200, shape);
}

/** DELETE of a collection, as its selectors narrow it; answers with the list of what was deleted. */
export async function destroyMany(cluster: Cluster, exchange: Exchange, resource: Resource): Promise<void> {
  const shape = exchange.shape(['Table', 'PartialObjectMetadataList']);
  const options = deleteOptions(exchange.query, parseOptions(await readBody(exchange.request)));
  const wanted = listOptions(exchange.query, false);
  const selected = selection(resource, wanted.labelSelector, wanted.fieldSelector, '');
  const namespace = resource.namespaced && exchange.info.namespace !== '' ? exchange.info.namespace : undefined;
  const page = readPage(cluster, resource, namespace, wanted, selected);
  const deleted: Stored[] = [];
  for (const stored of page.items) {
    try {
      deleted.push(remove(cluster, resource, stored.namespace, stored.name, options).stored);
    } catch (error) {
      // Deleted by something that an earlier deletion set off.
      if (!(error instanceof ApiStatusError && error.code === 404)) throw error;
    }
  }
  const metadata = { resourceVersion: String(cluster.store.revision) };
  exchange.send(200, listText(cluster, exchange, resource, deleted, metadata, shape), shape);
}
