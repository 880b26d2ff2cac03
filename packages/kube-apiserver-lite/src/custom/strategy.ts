import type { ApiObject, Json, JsonObject } from '../object.ts';
import { defaultCrd, isObject, validateCrd } from '../schema/index.ts';
import type { Strategy } from '../strategies/strategy.ts';

/** Holds a CRD until its objects are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** The name of the first version that is marked as the stored one. */
export function storageVersion(crd: ApiObject): Json | undefined {
  const versions = isObject(crd['spec']) && Array.isArray(crd['spec']['versions']) ? crd['spec']['versions'] : [];
  return versions.filter(isObject).find(version => version['storage'] === true)?.['name'];
}

function withStoredVersion(status: JsonObject, version: Json | undefined): JsonObject {
  const stored = Array.isArray(status['storedVersions']) ? status['storedVersions'] : [];
  return { ...status, storedVersions: version === undefined || stored.includes(version) ? stored : [...stored, version] };
}

/** CustomResourceDefinitions: what they serve is in {@link CustomResources}, what becomes of them in {@link CrdController}. */
export const crdStrategy: Partial<Strategy> = {
  unconditionalUpdate: false,
  defaults: defaultCrd,
  prepareCreate(crd) {
    crd['status'] = withStoredVersion({ conditions: null, acceptedNames: { plural: '', kind: '' } }, storageVersion(crd));
  },
  validateCreate: crd => validateCrd(crd),
  prepareUpdate(crd) {
    crd['status'] = withStoredVersion(isObject(crd['status']) ? crd['status'] : {}, storageVersion(crd));
  },
  validateUpdate: (crd, old) => validateCrd(crd, old),
};
