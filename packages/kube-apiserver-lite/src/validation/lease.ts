import { type Cause, invalid } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import { isObject } from '../schema/json.ts';

/** `ValidateLeaseSpec`. */
export function leaseCauses(lease: ApiObject): Cause[] {
  const spec = isObject(lease['spec']) ? lease['spec'] : {};
  const causes: Cause[] = [];
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec;
  if (typeof duration === 'number' && duration <= 0) causes.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
  if (typeof transitions === 'number' && transitions < 0) {
    causes.push(invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
  }
  return causes;
}
