import type { AllocationRequest, Cause } from './entry.ts';

/**
 * Whether two Services may hold one address (MetalLB `allow-shared-ip`): both name the same key, no port is in common, and both have
 * the same external traffic policy; under `Local` also the same selector, because the node that announces the address must have
 * endpoints of both. Beyond MetalLB: across namespaces only when the pool allows it, or anybody could sit on a foreign address.
 */
export function sharingRefusal(a: AllocationRequest, b: AllocationRequest, acrossNamespaces: boolean): Cause | null {
  if (a.sharingKey === null)
    return { reason: 'AddressInUse', message: `Service ${b.key} holds it, and this Service has no allow-shared-ip annotation` };
  if (b.sharingKey === null) return { reason: 'AddressInUse', message: `Service ${b.key} holds it and has no allow-shared-ip annotation` };
  if (a.sharingKey !== b.sharingKey) {
    return {
      reason: 'SharingKeyMismatch',
      message: `sharing key ${text(a.sharingKey)} differs from ${text(b.sharingKey)} of Service ${b.key}`,
    };
  }
  if (a.namespace !== b.namespace && !acrossNamespaces) {
    return {
      reason: 'SharingAcrossNamespaces',
      message: `Service ${b.key} is in another namespace and the pool does not set allowCrossNamespaceSharing`,
    };
  }
  const common = a.ports.find(p => b.ports.some(q => p.port === q.port && p.protocol === q.protocol));
  if (common !== undefined) {
    return { reason: 'SharingPortConflict', message: `port ${common.port}/${common.protocol} is already in use by Service ${b.key}` };
  }
  if (a.trafficPolicy !== b.trafficPolicy) {
    return {
      reason: 'SharingPolicyMismatch',
      message: `externalTrafficPolicy ${a.trafficPolicy} differs from ${b.trafficPolicy} of Service ${b.key}`,
    };
  }
  if (a.trafficPolicy === 'Local' && (a.selector === '' || a.selector !== b.selector)) {
    return {
      reason: 'SharingSelectorMismatch',
      message: `under externalTrafficPolicy Local both need the same selector; Service ${b.key} has ${text(b.selector)}, this one ${text(a.selector)}`,
    };
  }
  return null;
}

function text(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
