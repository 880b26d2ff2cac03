import type { Announcement } from '@herald/crds';
import { formatAddress, tryParseAddress } from '@herald/ip';
import type { Claim, ServiceClasses } from './allocator/index.ts';
import { ingressAddresses, type Service } from './service-status.ts';

/** Class that asks for an address of a pool, whatever class is the default. */
export const poolClass = 'heraldlb.io/pool';

/** Annotation of an Announcement: addresses whose pool says `onRemoval: Keep`; what keeps them when the pool is gone after a restart. */
export const keepAnnotation = 'heraldlb.io/keep-on-removal';

/**
 * The classes served from pools when `--load-balancer-class` is `served`; null: Services without a class, unless node mode is the default
 * for them.
 */
export function servedClasses(served: string | null, nodeModeDefault = false): ServiceClasses {
  return { classless: served === null && !nodeModeDefault, classes: new Set(served === null ? [poolClass] : [poolClass, served]) };
}

/**
 * What a Service is known to hold: its status, or, where that is empty, its own Announcement (the status may not have been written
 * yet when the last leader died, or somebody wiped it). The Announcement also records the pool.
 */
export function claimsOf(service: Service, announcement: Announcement | undefined): Claim[] {
  const recorded = isOf(announcement, service) ? announcement : undefined;
  const pools = new Map(recorded?.spec.addresses.map(({ ip, pool }) => [ip, pool]));
  const keeps = new Set(recorded?.metadata.annotations?.[keepAnnotation]?.split(',') ?? []);
  const inStatus = ingressAddresses(service);
  return (inStatus.length > 0 ? inStatus : [...pools.keys()]).flatMap(text => {
    const address = tryParseAddress(text);
    if (address === undefined) return [];
    const canonical = formatAddress(address);
    const pool = pools.get(canonical);
    return [pool === undefined ? { address } : { address, pool, keep: keeps.has(canonical) }];
  });
}

/** Whether the Announcement is of this Service, and not of an earlier one of its name. */
export function isOf(announcement: Announcement | undefined, service: Service): announcement is Announcement {
  return announcement?.metadata.ownerReferences?.some(owner => owner.uid === service.metadata.uid) === true;
}
