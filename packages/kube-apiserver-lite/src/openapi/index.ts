import { createHash } from 'node:crypto';
import type { JsonObject } from '../schema/json.ts';
import { resourcePaths } from './paths.ts';
import { Components } from './schemas.ts';

/** What is served, for the documents. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly subresources: readonly string[];
  /** A CRD version's schema; absent for built-in kinds. */
  readonly schema?: JsonObject;
}

/** The documents under /openapi. Each is made when first asked for; those of built-in groups are made once. */
export interface OpenApiDocuments {
  /** GET /openapi/v3 */
  index(): JsonObject;
  /** GET /openapi/v3/<path>, path = `api/v1` or `apis/<group>/<version>`; undefined = 404. `hash` is for the ETag. */
  v3(path: string): OpenApiDocument | undefined;
  /** GET /openapi/v2 as JSON. */
  v2(): string;
}
export interface OpenApiDocument {
  readonly body: string;
  readonly hash: string;
}

/** Documents of groups without custom resources, by what they hold: they outlive a change of CRDs. */
const kept = new Map<string, OpenApiDocument>();
const keptMax = 64;

/** `version`: the server's version for `info.version` (`v1.36.2`). */
export function openApiDocuments(resources: readonly ServedResource[], version: string): OpenApiDocuments {
  const groups = new Map<string, ServedResource[]>();
  for (const r of resources) {
    const path = r.group === '' ? `api/${r.version}` : `apis/${r.group}/${r.version}`;
    groups.set(path, [...(groups.get(path) ?? []), r]);
  }
  const made = new Map<string, OpenApiDocument>();

  function v3(path: string): OpenApiDocument | undefined {
    const group = groups.get(path);
    if (!group) return undefined;
    const custom = group.some(r => r.schema !== undefined);
    const key = custom ? path : `${version} ${JSON.stringify(group)}`;
    const cache = custom ? made : kept;
    let document = cache.get(key);
    if (!document) {
      document = build(path, group, version);
      if (!custom && kept.size >= keptMax) kept.clear();
      cache.set(key, document);
    }
    return document;
  }

  return {
    v3,
    index: () => ({
      paths: Object.fromEntries(
        [...groups.keys()]
          .toSorted((a, b) => (a < b ? -1 : 1))
          .map(path => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${v3(path)?.hash ?? ''}` }]),
      ),
    }),
    v2: () => buildV2(resources, version),
  };
}

function build(path: string, resources: readonly ServedResource[], version: string): OpenApiDocument {
  const components = new Components('#/components/schemas/');
  const paths: JsonObject = {};
  for (const r of resources) Object.assign(paths, resourcePaths(r, `/${path}`, components));
  const body = JSON.stringify({
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version },
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: { BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } },
    },
  });
  return { body, hash: createHash('sha512').update(body).digest('hex').toUpperCase() };
}

/** Swagger 2.0: definitions, and paths with what clients look for in them. */
function buildV2(resources: readonly ServedResource[], version: string): string {
  const components = new Components('#/definitions/');
  const paths: JsonObject = {};
  for (const r of resources) {
    const base = r.group === '' ? `/api/${r.version}` : `/apis/${r.group}/${r.version}`;
    for (const [path, item] of Object.entries(resourcePaths(r, base, components))) {
      paths[path] = Object.fromEntries(
        Object.entries(item as JsonObject)
          .filter(([verb]) => verb !== 'parameters')
          .map(([verb, op]) => {
            const { tags, 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': gvk, parameters } = op as JsonObject;
            const flat = (parameters as JsonObject[]).map(({ schema, ...p }) => ({ ...p, ...(schema as JsonObject) }));
            return [
              verb,
              {
                tags,
                parameters: flat,
                responses: { 200: { description: 'OK' } },
                'x-kubernetes-action': action,
                'x-kubernetes-group-version-kind': gvk,
              },
            ];
          }),
      );
    }
  }
  return JSON.stringify({ swagger: '2.0', info: { title: 'Kubernetes', version }, paths, definitions: components.schemas });
}

/** GET /openapi/v2 as protobuf: an empty document (`swagger: "2.0"`), which kubectl 1.27/1.28 and Helm accept. */
export const openApiV2Protobuf: { readonly body: Uint8Array; readonly contentType: string } = {
  body: Uint8Array.of(0x0a, 0x03, 0x32, 0x2e, 0x30),
  contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
};
