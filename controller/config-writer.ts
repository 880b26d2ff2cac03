import type {
  Condition,
  ConditionOutcome,
  Config,
  IPAddressPoolStatus,
  IPReservationStatus,
  ObjectOutcome,
  ObjectRef,
  PeerConfig,
  Reservation,
} from '@herald/crds';
import { conditionTypes, groupOf, objectKey, reasonEntry } from '@herald/crds';
import { formatAddress, formatRange } from '@herald/ip';
import { type Client, type Clock, type EventRecorder, type Informer, isApiError, keyOf, refOf, setCondition, time } from '@herald/kube';
import type { PoolUsage } from './allocator/index.ts';
import type { PeerSummary } from './bgp/peer-status.ts';
import { canonical } from './canonical.ts';
import type { ConfigObject } from './resources.ts';
import { fieldManager } from './service-writer.ts';

export interface ConfigWriterOptions {
  client: Client;
  clock: Clock;
  recorder: EventRecorder;
  informers: readonly Informer<ConfigObject>[];
  usage: () => readonly PoolUsage[];
  /** Addresses a Service holds, as text. */
  addresses: (serviceKey: string) => readonly string[];
  /** What the nodes make of a peer; undefined: no version of it is in force. */
  peer: (peer: PeerConfig | undefined, ready: ConditionOutcome | undefined) => PeerSummary;
  /** Told of each object of another project's that cannot be used as it is, once per reason. */
  onRefused?: ((outcome: ObjectOutcome, condition: ConditionOutcome) => void) | undefined;
}

/**
 * Writes into the objects that users write what became of them: conditions, how full a pool is, whether a reservation is bound. MetalLB's objects
 * are MetalLB's: nothing is written into them, and what cannot be used as it is is told by an event and in the log.
 */
export class ConfigWriter {
  readonly #options: ConfigWriterOptions;
  #outcomes = new Map<string, ObjectOutcome>();
  #config: Config | undefined;
  /** What was told last of each object that is not written to. */
  readonly #told = new Map<string, readonly ConditionOutcome[]>();

  constructor(options: ConfigWriterOptions) {
    this.#options = options;
  }

  /** Takes over the result of `resolve`; returns the keys whose status may have to change. */
  resolved(config: Config, outcomes: readonly ObjectOutcome[]): string[] {
    this.#config = config;
    this.#outcomes = new Map(outcomes.map(outcome => [configKey(outcome.ref), outcome]));
    for (const key of this.#told.keys()) if (!this.#outcomes.has(key)) this.#told.delete(key);
    return [...this.#outcomes.keys()];
  }

  /** Keys of pools and reservations: their status depends on what Services hold. */
  countedKeys(): string[] {
    return [...this.#outcomes.values()]
      .filter(({ ref }) => isOwn(ref) && (ref.kind === 'IPAddressPool' || ref.kind === 'IPReservation'))
      .map(({ ref }) => configKey(ref));
  }

  /** Keys of peers: their status depends on nodes and speakers. */
  peerKeys(): string[] {
    return [...this.#outcomes.values()].flatMap(({ ref }) => (ref.kind === 'BGPPeer' && isOwn(ref) ? [configKey(ref)] : []));
  }

  async write(key: string, signal: AbortSignal): Promise<void> {
    const { client, clock, informers } = this.#options;
    const outcome = this.#outcomes.get(key);
    if (outcome === undefined) return;
    const informer = informers.find(({ resource }) => resource.kind === outcome.ref.kind && resource.group === groupOf(outcome.ref));
    const name = keyOf({ metadata: outcome.ref });
    const object = informer?.get(name);
    if (informer === undefined || object === undefined) return;
    if (!isOwn(outcome.ref)) {
      this.#tell(object, this.#told.get(key) ?? [], outcome);
      this.#told.set(key, outcome.conditions);
      return;
    }
    const before = object.status?.conditions ?? [];
    const peer = outcome.ref.kind === 'BGPPeer' ? this.#peer(outcome) : undefined;
    const more = peer === undefined ? [] : [{ type: conditionTypes.established, ...peer.condition }];
    let conditions = before;
    for (const { type, status, reason, message } of [...outcome.conditions, ...more]) {
      const generation = outcome.generation === undefined ? {} : { observedGeneration: outcome.generation };
      conditions = setCondition(conditions, { type, status, reason, message, ...generation }, time(clock.wall())).conditions as Condition[];
    }
    const wanted: Record<string, unknown> = { ...this.#figures(outcome), ...peer?.status, conditions };
    // In a merge patch null takes a field away; one that is not there is as it shall be.
    const changed = Object.fromEntries(
      Object.entries(wanted).filter(([name, value]) => canonical(value ?? null) !== canonical(object.status?.[name] ?? null)),
    );
    if (Object.keys(changed).length === 0) return;
    try {
      await client.patch(
        informer.resource,
        refOf(name),
        { status: changed },
        { type: 'merge', subresource: 'status', fieldManager, signal },
      );
    } catch (error) {
      if (isApiError(error, 'not-found')) return;
      throw error;
    }
    this.#tell(object, before, outcome);
  }

  #peer({ ref, conditions }: ObjectOutcome): PeerSummary {
    const ready = conditions.find(({ type }) => type === conditionTypes.ready);
    return this.#options.peer(this.#config?.peers.find(isOf(ref)), ready);
  }

  #figures(outcome: ObjectOutcome): IPAddressPoolStatus | IPReservationStatus {
    const { ref } = outcome;
    const same = isOf(ref);
    if (ref.kind === 'IPAddressPool') {
      const pool = this.#config?.pools.find(same);
      if (pool === undefined) return {};
      const usage = this.#options.usage().filter(use => use.pool === pool.name);
      const [v4, v6] = [usage.find(use => use.family === 4), usage.find(use => use.family === 6)];
      const assigned = (v4?.assigned ?? 0n) + (v6?.assigned ?? 0n);
      const available = (v4?.available ?? 0n) + (v6?.available ?? 0n);
      return {
        assigned: Number(assigned),
        available: String(available),
        assignedIPv4: Number(v4?.assigned ?? 0n),
        assignedIPv6: Number(v6?.assigned ?? 0n),
        availableIPv4: Number(v4?.available ?? 0n),
        availableIPv6: String(v6?.available ?? 0n),
        addresses: pool.ranges.ranges.slice(0, 512).map(formatRange),
      };
    }
    if (ref.kind === 'IPReservation') {
      const reservation = this.#config?.reservations.find(same);
      return reservation === undefined ? { phase: 'Refused' } : this.#binding(reservation);
    }
    return {};
  }

  #binding({ service, addresses }: Reservation): IPReservationStatus {
    const held = this.#options.addresses(`${service.namespace}/${service.name}`);
    const kept = addresses.map(formatAddress);
    const bound = kept.length > 0 ? kept.every(text => held.includes(text)) : held.length > 0;
    return { phase: bound ? 'Bound' : 'Waiting', addresses: (kept.length > 0 ? kept : [...held]).slice(0, 16) };
  }

  /** An event for each object that became invalid, or valid again; the same state is told once. */
  #tell(object: ConfigObject, before: readonly Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[], outcome: ObjectOutcome): void {
    for (const condition of outcome.conditions) {
      const { type, status, reason, message } = condition;
      if (type !== 'Ready') continue;
      const old = before.find(each => each.type === type);
      if (old?.status === status && old.reason === reason && old.message === message) continue;
      if (old === undefined && status === 'True') continue;
      this.#options.recorder.record(object, {
        type: reasonEntry(reason).severity,
        reason: status === 'False' ? 'ConfigurationRejected' : reason,
        message,
      });
      if (!isOwn(outcome.ref) && reasonEntry(reason).severity === 'Warning') this.#options.onRefused?.(outcome, condition);
    }
  }
}

function isOf(ref: ObjectRef): (item: { readonly ref: ObjectRef }) => boolean {
  return item => item.ref.name === ref.name && item.ref.namespace === ref.namespace && item.ref.apiVersion === ref.apiVersion;
}

/** Key of an object of the configuration in the work queue. */
function configKey(ref: ObjectRef): string {
  return `configuration:${objectKey(ref)}`;
}

function isOwn(ref: ObjectRef): boolean {
  return groupOf(ref) === 'heraldlb.io';
}
