import { z } from 'zod';
import { type StructuralSchema, toStructuralSchema, type ValidationRule } from './structural.ts';

/** The API group of Herald's own kinds. */
export const group = 'heraldlb.io';
export const version = 'v1beta1';
export const apiVersion = `${group}/${version}`;

/** A column of `kubectl get` (`additionalPrinterColumns`). */
export interface Column {
  name: string;
  type: 'string' | 'integer' | 'boolean' | 'date';
  jsonPath: string;
  description?: string;
  /** 1: only with `-o wide`. */
  priority?: 0 | 1;
}

export interface ResourceDefinition<K extends string, S extends z.ZodObject | undefined, T extends z.ZodObject> {
  readonly kind: K;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** What the kind is for, as `kubectl explain` shows it. */
  readonly description: string;
  readonly spec: S;
  readonly status: T;
  /** CEL rules on the whole object; rules on fields lie in their schemas. */
  readonly rules?: readonly ValidationRule[];
  readonly columns: readonly Column[];
}

/** A kind: its coordinates (as `@herald/kube` takes them), its schemas and its CRD. */
export interface CustomResourceKind<K extends string, S extends z.ZodObject | undefined, T extends z.ZodObject>
  extends ResourceDefinition<K, S, T> {
  readonly group: typeof group;
  readonly version: typeof version;
  readonly apiVersion: string;
}

export type AnyKind = CustomResourceKind<string, z.ZodObject | undefined, z.ZodObject>;

export function defineCustomResource<const K extends string, S extends z.ZodObject | undefined, T extends z.ZodObject>(
  definition: ResourceDefinition<K, S, T>,
): CustomResourceKind<K, S, T> {
  return { ...definition, group, version, apiVersion };
}

/** A `CustomResourceDefinition` (apiextensions.k8s.io/v1) with exactly one version. */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    group: string;
    names: { kind: string; listKind: string; plural: string; singular: string; shortNames: string[]; categories: string[] };
    scope: 'Namespaced' | 'Cluster';
    versions: {
      name: string;
      served: true;
      storage: true;
      subresources: { status: Record<string, never> };
      additionalPrinterColumns: Column[];
      schema: { openAPIV3Schema: Record<string, unknown> };
    }[];
  };
}

/** The schema of a part of a kind. `io: 'input'` because a user writes what the defaults have not filled in yet. */
export function schemaOf(part: z.ZodObject, path: string): StructuralSchema {
  return toStructuralSchema(z.toJSONSchema(part, { target: 'openapi-3.0', io: 'input' }), path);
}

export function toCustomResourceDefinition(kind: AnyKind): CustomResourceDefinition {
  const { plural, singular } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${kind.group}`, labels: { 'app.kubernetes.io/name': 'herald' } },
    spec: {
      group: kind.group,
      names: { kind: kind.kind, listKind: `${kind.kind}List`, plural, singular, shortNames: [...kind.shortNames], categories: ['herald'] },
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [...kind.columns],
          schema: { openAPIV3Schema: objectSchema(kind) },
        },
      ],
    },
  };
}

function objectSchema(kind: AnyKind): Record<string, unknown> {
  return {
    type: 'object',
    description: kind.description,
    ...(kind.spec === undefined ? {} : { required: ['spec'] }),
    properties: {
      apiVersion: { type: 'string', description: 'The version of the schema of this object.' },
      kind: { type: 'string', description: 'The kind of this object.' },
      metadata: { type: 'object' },
      ...(kind.spec === undefined ? {} : { spec: schemaOf(kind.spec, `${kind.kind}.spec`) }),
      status: schemaOf(kind.status, `${kind.kind}.status`),
    },
    ...(kind.rules === undefined ? {} : { 'x-kubernetes-validations': kind.rules }),
  };
}
