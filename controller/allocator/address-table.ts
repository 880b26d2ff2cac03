import type { Address } from '@herald/ip';
import type { Entry } from './entry.ts';

/** Everything that keeps one address from being free. */
export interface AddressRecord {
  readonly address: Address;
  holders: readonly Entry[];
  /** Key of the Service a reservation keeps it for. */
  reservedFor: string | null;
  /** Which reservation, for messages. */
  reservation: string;
  /** Keys of Services that list it in `spec.externalIPs`. */
  externalTo: ReadonlySet<string>;
  /** Until when it rests after its release, in milliseconds; 0: not. */
  restsUntil: number;
  /** Key of the Service that held it last. */
  lastHolder: string;
  /** Until when it is shunned because a stranger answers for it; 0: not. */
  conflictUntil: number;
  /** Which stranger, for messages. */
  stranger: string;
  /** Sharing keys its holders name. */
  keys: ReadonlySet<string>;
  /** Whether the free space of its pool counts it as taken. */
  taken: boolean;
}

// Shared by all records that have none: there may be a hundred thousand records.
const noKeys: ReadonlySet<string> = new Set();
const nobody: readonly Entry[] = [];

/** Records by address; only addresses that something is known about have one. */
export class AddressTable {
  readonly #byFamily = { 4: new Map<bigint, AddressRecord>(), 6: new Map<bigint, AddressRecord>() };

  get(address: Address): AddressRecord | undefined {
    return this.#byFamily[address.family].get(address.value);
  }

  ensure(address: Address): AddressRecord {
    const map = this.#byFamily[address.family];
    let record = map.get(address.value);
    if (record === undefined) {
      record = {
        address,
        holders: nobody,
        reservedFor: null,
        reservation: '',
        externalTo: noKeys,
        restsUntil: 0,
        lastHolder: '',
        conflictUntil: 0,
        stranger: '',
        keys: noKeys,
        taken: false,
      };
      map.set(address.value, record);
    }
    return record;
  }

  /** Forgets the record when nothing is known any more. */
  prune(record: AddressRecord): void {
    if (!isTaken(record)) this.#byFamily[record.address.family].delete(record.address.value);
  }

  *values(): Generator<AddressRecord> {
    yield* this.#byFamily[4].values();
    yield* this.#byFamily[6].values();
  }
}

export function isTaken(record: AddressRecord): boolean {
  return (
    record.holders.length > 0 ||
    record.reservedFor !== null ||
    record.externalTo.size > 0 ||
    record.restsUntil > 0 ||
    record.conflictUntil > 0
  );
}
