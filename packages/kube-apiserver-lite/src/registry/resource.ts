import type { RuleSet } from '../cel/index.ts';
import { type ApiObject, groupVersion, type JsonObject } from '../object.ts';
import type { SchemaNode } from '../schema/index.ts';
import type { Strategy } from '../strategies/strategy.ts';
import type { TableConvertor } from '../table/index.ts';

/** Verbs in the order discovery lists them. */
export const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;
/** The verbs of `/status` and `/scale`. */
export const STATUS_VERBS = ['get', 'patch', 'update'] as const;

/** The JSON paths of a `scale` subresource, as segments. */
export interface ScalePaths {
  specReplicas: readonly string[];
  statusReplicas: readonly string[];
  labelSelector: readonly string[] | undefined;
}

/** A further endpoint below an object: `status`, `scale`, `token`, … */
export interface Subresource {
  name: string;
  verbs: readonly string[];
  /** The kind it speaks, when it is not the object's own: `Scale` of `autoscaling/v1`. */
  speaks?: { group: string; version: string; kind: string };
  scale?: ScalePaths;
}

/** A kind as it is served under one group and version. */
export interface Resource {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  listKind: string;
  namespaced: boolean;
  verbs: readonly string[];
  shortNames: readonly string[];
  categories: readonly string[];
  subresources: readonly Subresource[];
  /** Where its objects lie in the store; two versions of a kind share it. */
  storage: string;
  strategy: Strategy;
  /** The compiled schema, made when first needed. */
  schema: () => SchemaNode | undefined;
  table: () => TableConvertor;
  /** What only custom resources have. */
  custom?: CustomResource;
  /** The group that errors name, where it is not the kind's own: Events of either spelling are core's. */
  errorGroup?: string;
  /** Told to every client that uses the kind. */
  deprecation?: string;
  /** Reads a stored object as this version; absent where the stored form is this version's. */
  fromStorage?: (object: ApiObject) => ApiObject;
  /** The stored form of an object of this version. */
  toStorage?: (object: ApiObject) => ApiObject;
}

/** The parts of a CRD version that its objects depend on. */
export interface CustomResource {
  openApi: JsonObject;
  rules: () => RuleSet;
  selectable: readonly string[];
}

export const apiVersionOf = (resource: Resource): string => groupVersion(resource.group, resource.version);

export const subresourceOf = (resource: Resource, name: string): Subresource | undefined =>
  resource.subresources.find(sub => sub.name === name);

/** What errors about a request name. */
export const errorTarget = (resource: Resource): { group: string; resource: string } => ({
  group: resource.errorGroup ?? resource.group,
  resource: resource.plural,
});

/** What errors about an object name. */
export const errorKind = (resource: Resource): { group: string; kind: string } => ({
  group: resource.errorGroup ?? resource.group,
  kind: resource.kind,
});
