import { conditionTypes } from '@herald/crds';
import { type Condition, findCondition, setCondition, type Wire } from '@herald/kube';
import type { V1Service } from '@kubernetes/client-node';

export type Service = Wire<V1Service>;

/** A condition without its times. */
export interface ConditionText {
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

/** What the status of a Service of ours shall say. */
export interface DesiredStatus {
  /** Addresses in the order of `status.loadBalancer.ingress`. */
  addresses: readonly string[];
  /** `ipMode` of every entry; undefined: as it is, and the API server's default for a new one. */
  ipMode?: 'VIP' | 'Proxy' | undefined;
  allocated: ConditionText;
  announced: ConditionText;
}

/** A strategic merge patch of `services/status`; conditions merge by type, so those of others survive. */
export interface StatusPatch {
  metadata: { uid?: string; resourceVersion?: string };
  status: { loadBalancer?: { ingress: unknown[] | null }; conditions?: (Condition | { $patch: 'delete'; type: string })[] };
}

const ours = [conditionTypes.allocated, conditionTypes.announced];

/** The addresses in the status, as they are written there. */
export function ingressAddresses(service: Service): string[] {
  return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined || ip === '' ? [] : [ip]));
}

/**
 * The difference between the status as it is and as it shall be, or null when there is none. It names the version it was made from:
 * if the Service has changed meanwhile the API server refuses it, and it is made anew.
 */
export function statusPatch(service: Service, desired: DesiredStatus, now: string): StatusPatch | null {
  const status: StatusPatch['status'] = {};
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const { addresses, ipMode } = desired;
  // An API server that does not know `ipMode` leaves it out, and without it an address is a VIP.
  const fits = (entry: { ipMode?: string }) => ipMode === undefined || (entry.ipMode ?? 'VIP') === ipMode;
  const same = ingress.length === addresses.length && ingress.every((entry, index) => entry.ip === addresses[index] && fits(entry));
  // An entry that stays keeps what others put there (ipMode, ports); ipMode of a new one is left to the API server.
  if (!same) {
    const entries = addresses.map(ip => {
      const entry = ingress.find(each => each.ip === ip) ?? { ip };
      return fits(entry) && (ipMode !== 'Proxy' || entry.ipMode !== undefined) ? entry : { ...entry, ipMode };
    });
    status.loadBalancer = { ingress: entries.length === 0 ? null : entries };
  }
  let conditions: readonly Condition[] | undefined = service.status?.conditions;
  const changed: Condition[] = [];
  for (const [type, text] of [
    [conditionTypes.allocated, desired.allocated],
    [conditionTypes.announced, desired.announced],
  ] as const) {
    const result = setCondition(conditions, { type, ...text }, now);
    conditions = result.conditions;
    const condition = findCondition(conditions, type);
    if (result.changed && condition !== undefined) changed.push(condition);
  }
  if (changed.length > 0) status.conditions = changed;
  return status.loadBalancer === undefined && status.conditions === undefined ? null : { metadata: precondition(service), status };
}

/** Takes back what we wrote when the Service is no longer ours. The API server itself empties `loadBalancer` when the type changes. */
export function releasePatch(service: Service): StatusPatch | null {
  const stale = ours.filter(type => findCondition(service.status?.conditions, type) !== undefined);
  if (stale.length === 0) return null;
  return { metadata: precondition(service), status: { conditions: stale.map(type => ({ $patch: 'delete', type })) } };
}

function precondition(service: Service): StatusPatch['metadata'] {
  const { uid, resourceVersion } = service.metadata;
  return { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}
