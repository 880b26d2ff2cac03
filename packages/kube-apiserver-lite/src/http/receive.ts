import type { Cluster } from '../cluster.ts';
import type { ApiObject } from '../object.ts';
import type { Resource } from '../registry/resource.ts';
import { readBody } from './body.ts';
import { type DecodeRequest, decodeObject } from './decode.ts';
import type { Exchange } from './exchange.ts';
import { type FieldValidation, type WriteOptions, writeOptions } from './options.ts';

/** The object in a request's body, read as strictly as `fieldValidation` says. `speaks`: its kind, where it is not the resource's. */
export function decodeBody(
  cluster: Cluster,
  exchange: Exchange,
  resource: Resource,
  body: Buffer,
  fieldValidation: FieldValidation,
  speaks?: DecodeRequest['speaks'],
): ApiObject {
  return decodeObject(body, {
    resource,
    registry: cluster.registry,
    contentType: exchange.request.headers['content-type'],
    fieldValidation,
    warn: exchange.warn,
    ...(speaks && { speaks }),
  });
}

/** The object that a create or update carries, and its options. */
export async function receiveObject(
  cluster: Cluster,
  exchange: Exchange,
  resource: Resource,
  kind: 'CreateOptions' | 'UpdateOptions',
  speaks?: DecodeRequest['speaks'],
): Promise<{ readonly object: ApiObject; readonly options: WriteOptions }> {
  const body = await readBody(exchange.request);
  const options = writeOptions(kind, exchange.query, exchange.agent);
  return { object: decodeBody(cluster, exchange, resource, body, options.fieldValidation, speaks), options };
}
