import { isObject } from '../schema/json.ts';
import type { Strategy } from '../strategies/strategy.ts';

/** Holds a CRD until its objects are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** CustomResourceDefinitions. */
export const crdStrategy: Partial<Strategy> = {
  unconditionalUpdate: false,
  prepareCreate(crd) {
    const versions = isObject(crd['spec']) && Array.isArray(crd['spec']['versions']) ? crd['spec']['versions'] : [];
    const stored = versions.filter(isObject).filter(version => version['storage'] === true);
    crd['status'] = {
      conditions: null,
      acceptedNames: { plural: '', kind: '' },
      storedVersions: stored.map(version => version['name'] ?? ''),
    };
  },
};
