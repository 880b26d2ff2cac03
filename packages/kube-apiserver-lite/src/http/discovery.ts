import { createHash } from 'node:crypto';
import { groupVersion } from '../object.ts';
import type { Registry } from '../registry/registry.ts';
import type { Resource, Subresource } from '../registry/resource.ts';

/** The discovery documents: the legacy ones per version, and the aggregated ones that hold everything. */

/** `GET /api`. */
export const apiVersions = (serverAddress: string): object => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
});

/** `GET /apis`. */
export const apiGroupList = (registry: Registry): object => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: registry.groups().map(({ name, versions }) => groupBody(name, versions)),
});

/** `GET /apis/<group>`; undefined when there is no such group. */
export function apiGroup(registry: Registry, name: string): object | undefined {
  const group = registry.groups().find(candidate => candidate.name === name);
  return group === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(name, group.versions) };
}

function groupBody(name: string, versions: readonly string[]): object {
  const list = versions.map(version => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions: list, preferredVersion: list[0] };
}

/** `GET /api/v1` and `GET /apis/<group>/<version>`. */
export function apiResourceList(registry: Registry, group: string, version: string): object {
  const resources = registry.resources(group, version).flatMap(resource => [
    {
      name: resource.plural,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: legacyVerbs(resource),
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
      ...(resource.verbs.includes('list') ? { storageVersionHash: storageVersionHash(resource) } : {}),
    },
    ...resource.subresources.map(sub => ({
      name: `${resource.plural}/${sub.name}`,
      singularName: '',
      namespaced: resource.namespaced,
      ...(sub.speaks === undefined ? {} : { group: sub.speaks.group, version: sub.speaks.version }),
      kind: sub.speaks?.kind ?? resource.kind,
      verbs: sub.verbs,
    })),
  ]);
  return { kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }), groupVersion: groupVersion(group, version), resources };
}

/** The real server lists the verbs of built-in kinds by the alphabet and those of custom resources in this order. */
const CUSTOM_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const legacyVerbs = (resource: Resource): readonly string[] => (resource.custom === undefined ? resource.verbs : CUSTOM_VERBS);

/** Tells clients whether two groups share one storage. */
const storageVersionHash = (resource: Resource): string =>
  createHash('sha256').update(resource.storage).digest().subarray(0, 8).toString('base64');

/** `as=APIGroupDiscoveryList`: `v2` and `v2beta1` have the same form. `core`: only the groups below `/api`. */
export function aggregatedDiscovery(registry: Registry, version: string, core: boolean): object {
  const groups = core ? [{ name: '', versions: ['v1'] }] : registry.groups();
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions: versions.map(v => ({
        version: v,
        resources: registry.resources(name, v).map(discoveredResource),
        freshness: 'Current',
      })),
    })),
  };
}

function discoveredResource(resource: Resource): object {
  const { group, version, kind } = resource;
  return {
    resource: resource.plural,
    responseKind: { group, version, kind },
    scope: scopeOf(resource),
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(resource.subresources.length === 0 ? {} : { subresources: resource.subresources.map(sub => discoveredSubresource(resource, sub)) }),
  };
}

function discoveredSubresource(resource: Resource, sub: Subresource): object {
  const { group, version, kind } = sub.speaks ?? resource;
  return { subresource: sub.name, responseKind: { group, version, kind }, verbs: sub.verbs };
}

const scopeOf = (resource: Resource): string => (resource.namespaced ? 'Namespaced' : 'Cluster');
