import * as cel from '../cel/index.ts';
import type { Cluster } from '../cluster.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { ALL_VERBS, type Resource, type ScalePaths, STATUS_VERBS, type Subresource } from '../registry/resource.ts';
import { compileCrdSchema, isObject } from '../schema/index.ts';
import { plainStrategy } from '../strategies/strategy.ts';
import * as tables from '../table/index.ts';
import { finalizerWarnings } from '../validation/index.ts';

/** The storage key of CustomResourceDefinitions. */
export const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';

/** Keeps the registry in step with the stored CustomResourceDefinitions. */
export class CustomResources {
  readonly #cluster: Cluster;
  readonly #served = new Map<string, Resource[]>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  start(): void {
    const { store } = this.#cluster;
    for (const stored of store.table(CRDS).list()) this.#sync(stored.object);
    store.table(CRDS).listen(change => {
      if (change.type === 'DELETED') this.#withdraw(change.current.name);
      else this.#sync(change.current.object);
    });
  }

  #sync(crd: ApiObject): void {
    this.#withdraw(crd.metadata.name ?? '');
    if (!isEstablished(crd)) return;
    const resources = resourcesOf(crd);
    for (const resource of resources) this.#cluster.registry.add(resource);
    this.#served.set(crd.metadata.name ?? '', resources);
  }

  #withdraw(name: string): void {
    for (const { group, version, plural } of this.#served.get(name) ?? []) this.#cluster.registry.remove(group, version, plural);
    this.#served.delete(name);
  }
}

/** Whether a condition of a CRD is True. */
export function hasCondition(crd: ApiObject, type: string): boolean {
  const status = objectOf(crd['status']);
  return listOf(status['conditions']).some(
    condition => isObject(condition) && condition['type'] === type && condition['status'] === 'True',
  );
}

const isEstablished = (crd: ApiObject): boolean => hasCondition(crd, 'Established');

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const textsOf = (value: Json | undefined): string[] => listOf(value).filter(item => typeof item === 'string');

/** The kinds that a CRD serves: one per served version. */
export function resourcesOf(crd: ApiObject): Resource[] {
  const spec = objectOf(crd['spec']);
  return listOf(spec['versions'])
    .filter(isObject)
    .filter(version => version['served'] === true)
    .map(version => customResource(crd, spec, version));
}

function customResource(crd: ApiObject, spec: JsonObject, version: JsonObject): Resource {
  const names = objectOf(objectOf(crd['status'])['acceptedNames']);
  const group = textOf(spec['group']);
  const name = textOf(version['name']);
  const apiVersion = `${group}/${name}`;
  const storageVersion = `${group}/${textOf(storageVersionOf(spec))}`;
  const openApi = objectOf(objectOf(version['schema'])['openAPIV3Schema']);
  const subresources = customSubresources(objectOf(version['subresources']));
  const schema = once(() => compileCrdSchema(openApi));
  const columns =
    version['additionalPrinterColumns'] === undefined ? undefined : listOf(version['additionalPrinterColumns']).filter(isObject);
  return {
    group,
    version: name,
    plural: textOf(names['plural']),
    singular: textOf(names['singular']),
    kind: textOf(names['kind']),
    listKind: textOf(names['listKind']),
    namespaced: spec['scope'] === 'Namespaced',
    verbs: ALL_VERBS,
    shortNames: textsOf(names['shortNames']),
    categories: textsOf(names['categories']),
    subresources,
    storage: `${textOf(names['plural'])}.${group}`,
    strategy: {
      ...plainStrategy,
      generation: true,
      unconditionalUpdate: false,
      status: subresources.some(sub => sub.name === 'status'),
      statusResetFields: [['spec'], ['metadata']],
      warnings: (object, old) => finalizerWarnings(object.metadata, old?.metadata),
    },
    schema,
    table: once(() => tables.customTable(columns)),
    ...(version['deprecated'] === true
      ? { deprecation: textOf(version['deprecationWarning']) || `${apiVersion} ${textOf(names['kind'])} is deprecated` }
      : {}),
    custom: {
      openApi,
      rules: once(() => cel.compileRules(schema())),
      selectable: listOf(version['selectableFields']).map(field => textOf(objectOf(field)['jsonPath'])),
    },
    ...(apiVersion === storageVersion ? {} : { fromStorage: reversion(apiVersion), toStorage: reversion(storageVersion) }),
  };
}

const storageVersionOf = (spec: JsonObject): Json | undefined =>
  listOf(spec['versions'])
    .filter(isObject)
    .find(version => version['storage'] === true)?.['name'];

/** Conversion strategy None: only `apiVersion` changes. */
const reversion =
  (apiVersion: string) =>
  (object: ApiObject): ApiObject => ({ ...object, apiVersion });

function customSubresources(subresources: JsonObject): Subresource[] {
  const found: Subresource[] = [];
  if (isObject(subresources['status'])) found.push({ name: 'status', verbs: STATUS_VERBS });
  if (isObject(subresources['scale'])) {
    const { scale } = subresources;
    found.push({
      name: 'scale',
      verbs: STATUS_VERBS,
      speaks: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      scale: scalePaths(scale),
    });
  }
  return found;
}

/** A simple JSON path as its members. */
const path = (value: Json | undefined): string[] =>
  textOf(value)
    .split('.')
    .filter(part => part !== '');

function scalePaths(scale: JsonObject): ScalePaths {
  const selector = path(scale['labelSelectorPath']);
  return {
    specReplicas: path(scale['specReplicasPath']),
    statusReplicas: path(scale['statusReplicasPath']),
    labelSelector: selector.length === 0 ? undefined : selector,
  };
}

function once<T>(make: () => T): () => T {
  let value: { made: T } | undefined;
  return () => (value ??= { made: make() }).made;
}
