/** `metav1.Condition` as it travels. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown' | (string & {});
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

export function findCondition<C extends { type: string }>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find(condition => condition.type === type);
}

export function isTrue(conditions: readonly { type: string; status: string }[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/**
 * Sets one condition in a list by the API conventions: `lastTransitionTime` moves only when `status` does, and an equal condition
 * leaves the list as it was (`changed` false), so that nobody writes for nothing.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  wanted: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): { conditions: Condition[]; changed: boolean } {
  const list = conditions ?? [];
  const at = list.findIndex(condition => condition.type === wanted.type);
  const old = list[at];
  const same =
    old !== undefined &&
    old.status === wanted.status &&
    old.reason === wanted.reason &&
    old.message === wanted.message &&
    (wanted.observedGeneration === undefined || old.observedGeneration === wanted.observedGeneration);
  if (same) return { conditions: [...list], changed: false };
  const lastTransitionTime = old !== undefined && old.status === wanted.status ? old.lastTransitionTime : now;
  const next: Condition = { ...wanted, lastTransitionTime };
  return { conditions: old === undefined ? [...list, next] : list.with(at, next), changed: true };
}
