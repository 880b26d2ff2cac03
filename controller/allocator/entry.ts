import type { AllocatedReason, EventReason } from '@herald/crds';
import type { Address, Family } from '@herald/ip';
import type { Waiter } from './waiting.ts';

/** `spec.ipFamilyPolicy` of a Service. */
export type FamilyPolicy = 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';

export interface PortNumber {
  readonly protocol: string;
  readonly port: number;
}

/** Why a request is not (or not wholly) met: a reason of the catalogue, and the objects and the remedy in words. */
export interface Cause {
  readonly reason: AllocatedReason;
  readonly message: string;
}

/** What one Service asks for. Made by `buildRequest`; nothing in it is a Kubernetes object. */
export interface AllocationRequest extends Waiter {
  readonly namespace: string;
  readonly name: string;
  /** Tells a Service from a later one of the same name. */
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In the order of `spec.ipFamilies`. */
  readonly families: readonly Family[];
  readonly policy: FamilyPolicy;
  /** Asked for by name, in this order, without duplicates; may hold several of one family. */
  readonly addresses: readonly Address[];
  /** The only pool to allocate from. */
  readonly pool: string | null;
  /** Services with the same key may share an address. */
  readonly sharingKey: string | null;
  readonly ports: readonly PortNumber[];
  readonly trafficPolicy: 'Cluster' | 'Local';
  /** The selector in a canonical text; empty when there is none. */
  readonly selector: string;
  /** Keep the addresses for a Service of this name when this one goes. */
  readonly keepAddress: boolean;
  /** Being deleted: keeps what it has, gets nothing new. */
  readonly terminating: boolean;
  /** A contradiction or mistake in the request itself: nothing changes until it is mended. */
  readonly problem: Cause | null;
}

/** An address given to a Service. */
export interface Assignment {
  readonly address: Address;
  /** Name of the pool it came from. */
  readonly pool: string;
  /** `onRemoval: Keep` of that pool, remembered for the time when the pool is gone. */
  readonly keep: boolean;
  /** No pool gives it out to this Service any more; it is kept because its pool said so. */
  readonly kept: boolean;
}

/** An address that a Service is known to hold, from its status or other evidence. */
export interface Claim {
  readonly address: Address;
  /** The pool it was given from, where that is recorded. Without it an address outside every pool is never adopted. */
  readonly pool?: string;
  /** `onRemoval: Keep` held when it was given. */
  readonly keep?: boolean;
}

/** One difference between what a Service held and what it holds now. */
export interface AddressChange {
  /** Reason of the event. */
  readonly event: Extract<EventReason, 'AddressAdded' | 'AddressReleased' | 'AddressChanged' | 'AddressLost'> | 'AddressAssigned';
  readonly from: Address | null;
  readonly to: Address | null;
  /** Names the old and the new address and why. */
  readonly message: string;
}

/** The answer to one Service. */
export interface Outcome {
  readonly key: string;
  /** In the order of the Service's status. */
  readonly addresses: readonly Assignment[];
  /** Whether the request is met (`heraldlb.io/Allocated`). Addresses that were held are listed even when it is not. */
  readonly satisfied: boolean;
  readonly reason: AllocatedReason;
  readonly message: string;
  /** What changed since the previous outcome; each deserves an event. */
  readonly changes: readonly AddressChange[];
}

/** A Service as the allocator keeps it. Mutable, and private to this folder. */
export interface Entry extends Waiter {
  request: AllocationRequest;
  held: readonly Assignment[];
  /** False while a settling has not looked at what it holds. */
  confirmed: boolean;
  /** Claims not yet looked at (first sight). */
  claims: readonly Claim[] | null;
  satisfied: boolean;
  /** The latest answer; null before the first. */
  cause: Cause | null;
  /** Why addresses were taken from it in this settling, by address text. */
  losses: ReadonlyMap<string, string>;
  /** Topics through which this settling woke it, see `Allocator`. */
  wokenBy: readonly string[];
}

const nothing: readonly string[] = [];
export const noLosses: ReadonlyMap<string, string> = new Map();

export function newEntry(request: AllocationRequest, claims: readonly Claim[]): Entry {
  return {
    key: request.key,
    createdAt: request.createdAt,
    request,
    held: [],
    confirmed: false,
    claims,
    satisfied: false,
    cause: null,
    losses: noLosses,
    wokenBy: nothing,
  };
}
