import { type Cause, forbidden } from '../errors.ts';
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

/** Nobody calls webhooks here; where there is but one version, there is nothing to call them for. */
function conversionCauses(crd: ApiObject): Cause[] {
  const spec = isObject(crd['spec']) ? crd['spec'] : {};
  const conversion = isObject(spec['conversion']) ? spec['conversion'] : {};
  const versions = Array.isArray(spec['versions']) ? spec['versions'].length : 0;
  if (conversion['strategy'] !== 'Webhook' || versions < 2) return [];
  return [forbidden('spec.conversion.strategy', 'kube-apiserver-lite does not call conversion webhooks: use None')];
}

/** CustomResourceDefinitions: what they serve is in {@link CustomResources}, what becomes of them in {@link CrdController}. */
export const crdStrategy: Partial<Strategy> = {
  unconditionalUpdate: false,
  defaults: defaultCrd,
  prepareCreate(crd) {
    crd['status'] = withStoredVersion({ conditions: null, acceptedNames: { plural: '', kind: '' } }, storageVersion(crd));
  },
  validateCreate: crd => [...validateCrd(crd), ...conversionCauses(crd)],
  prepareUpdate(crd) {
    crd['status'] = withStoredVersion(isObject(crd['status']) ? crd['status'] : {}, storageVersion(crd));
  },
  validateUpdate: (crd, old) => [...validateCrd(crd, old), ...conversionCauses(crd)],
};
