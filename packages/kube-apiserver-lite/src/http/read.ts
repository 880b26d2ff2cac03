import { type Cluster, render, view } from '../cluster.ts';
import { notFound } from '../errors.ts';
import { apiVersionOf, errorTarget, type Resource } from '../registry/resource.ts';
import type { Stored } from '../storage/stored.ts';
import * as tables from '../table/index.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import type { Exchange } from './exchange.ts';
import type { Shape } from './negotiate.ts';
import { type ListOptions, listOptions } from './options.ts';
import { continueExpired, listExpired, listRevision, tooNew, watchRevision } from './revision.ts';
import { type Selection, selection } from './select.ts';

/** GET of one object. */
export function get(cluster: Cluster, exchange: Exchange, resource: Resource): void {
  const shape = exchange.shape();
  const { name } = exchange.info;
  // Any state at least as new will do, and the present one is; only what lies ahead cannot be had.
  const asked = watchRevision(exchange.query.get('resourceVersion') ?? '');
  if (asked !== undefined && asked > cluster.store.revision) throw tooNew(asked, cluster.store.revision);
  // The path of a Namespace carries its own name as namespace, too.
  const namespace = resource.namespaced ? exchange.info.namespace : '';
  const stored = cluster.store.get(resource.storage, namespace, name);
  if (stored === undefined) throw notFound(errorTarget(resource), name);
  sendObject(cluster, exchange, resource, stored, 200, shape);
}

/** Answers with one object in the shape that was asked for. */
export function sendObject(
  cluster: Cluster,
  exchange: Exchange,
  resource: Resource,
  stored: Stored,
  status: number,
  shape: Shape = exchange.shape(),
): void {
  exchange.send(status, objectText(cluster, resource, stored, shape, exchange.query.get('includeObject') ?? ''), shape);
}

/** One object as JSON text in the shape that was asked for. */
export function objectText(
  cluster: Cluster,
  resource: Resource,
  stored: Stored,
  shape: Shape,
  includeObject: string,
  definitions = true,
): string {
  if (shape.as === '') return render(resource, stored);
  const object = view(resource, stored);
  if (shape.as === 'Table') {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    const options = { now: cluster.environment.now(), includeObject, definitions };
    return JSON.stringify(tables.toTable(resource.table(), [object], metadata, options));
  }
  return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata });
}

/** A page of a list. */
interface Page {
  items: Stored[];
  revision: number;
  continue: string;
  remaining: number | undefined;
}

/** GET of a collection. */
export function list(cluster: Cluster, exchange: Exchange, resource: Resource): void {
  const shape = exchange.shape(['Table', 'PartialObjectMetadataList']);
  const options = listOptions(exchange.query, false);
  const selected = selection(resource, options.labelSelector, options.fieldSelector, '');
  const namespace = resource.namespaced && exchange.info.namespace !== '' ? exchange.info.namespace : undefined;
  const page = readPage(cluster, resource, namespace, options, selected);
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continue === '' ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  exchange.send(200, listText(cluster, exchange, resource, page.items, metadata, shape), shape);
}

type ListMetadata = { resourceVersion: string; continue?: string; remainingItemCount?: number };

/** A list as JSON text: items of built-in kinds carry no `kind`, those of custom resources do. */
export function listText(
  cluster: Cluster,
  exchange: Exchange,
  resource: Resource,
  items: readonly Stored[],
  metadata: ListMetadata,
  shape: Shape,
): string {
  if (shape.as === 'Table') {
    const options = { now: cluster.environment.now(), includeObject: exchange.query.get('includeObject') ?? '' };
    return JSON.stringify(
      tables.toTable(
        resource.table(),
        items.map(stored => view(resource, stored)),
        metadata,
        options,
      ),
    );
  }
  if (shape.as !== '') {
    const partial = items.map(stored => ({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: view(resource, stored).metadata,
    }));
    return JSON.stringify({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: partial });
  }
  const texts = items.map(stored => itemText(resource, stored));
  const head = JSON.stringify({ kind: resource.listKind, apiVersion: apiVersionOf(resource), metadata });
  return `${head.slice(0, -1)},"items":[${texts.join(',')}]}`;
}

function itemText(resource: Resource, stored: Stored): string {
  if (resource.custom !== undefined) return render(resource, stored);
  if (resource.fromStorage === undefined) return stored.body;
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = view(resource, stored);
  return JSON.stringify(rest);
}

/** The objects that `options` ask for, out of the present or out of a version that history still reaches. */
export function readPage(
  cluster: Cluster,
  resource: Resource,
  namespace: string | undefined,
  options: ListOptions,
  selected: Selection,
): Page {
  const { store } = cluster;
  const table = store.table(resource.storage);
  const token = options.continue === '' ? undefined : decodeContinue(options.continue);
  const asked = token === undefined ? listRevision(options.resourceVersion) : undefined;
  if (asked !== undefined && asked > store.revision) throw tooNew(asked, store.revision);
  const exact =
    token?.revision ??
    (options.resourceVersionMatch === 'Exact' ||
    (options.limit > 0 && asked !== undefined && asked > 0 && options.resourceVersionMatch === '')
      ? asked
      : undefined);
  const revision = exact ?? (asked === 0 ? cluster.staleRevision?.(resource) : undefined) ?? store.revision;
  let source: Iterable<Stored>;
  if (revision === store.revision) source = candidates(cluster, resource, namespace, selected);
  else {
    const past = table.listAt(revision, namespace);
    if (past === undefined) throw token === undefined ? listExpired() : continueExpired();
    source = past;
  }
  const items: Stored[] = [];
  let remaining = 0;
  for (const stored of source) {
    if (token !== undefined && !isAfter(stored, token)) continue;
    if (!selected.all && !selected.matches(view(resource, stored))) continue;
    if (options.limit > 0 && items.length >= options.limit) remaining++;
    else items.push(stored);
  }
  const last = items.at(-1);
  if (remaining === 0 || last === undefined) return { items, revision, continue: '', remaining: undefined };
  const next = encodeContinue({ revision, namespace: last.namespace, name: last.name });
  // How many are left is only told of lists without selectors, as with the real server.
  return { items, revision, continue: next, remaining: selected.all ? remaining : undefined };
}

const isAfter = (stored: Stored, { namespace, name }: { namespace: string; name: string }): boolean =>
  stored.namespace > namespace || (stored.namespace === namespace && stored.name > name);

/** The objects a selection can be among: one when it names it. */
function candidates(cluster: Cluster, resource: Resource, namespace: string | undefined, selected: Selection): Iterable<Stored> {
  if (selected.name !== undefined && (namespace !== undefined || !resource.namespaced)) {
    const stored = cluster.store.get(resource.storage, namespace ?? '', selected.name);
    return stored === undefined ? [] : [stored];
  }
  return cluster.store.table(resource.storage).list(namespace);
}
