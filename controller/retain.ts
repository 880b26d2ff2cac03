import type { IPReservation } from '@herald/crds';
import { formatAddress } from '@herald/ip';
import type { Client } from '@herald/kube';
import type { Retained } from './allocator/index.ts';
import { reservations } from './resources.ts';
import { fieldManager } from './service-writer.ts';

/** Key in the work queue of what has to become a reservation. */
export function retainKey({ namespace, name }: Retained): string {
  return `retain:${namespace}/${name}`;
}

/** Makes the IPReservation that keeps the addresses of a deleted Service (annotation `heraldlb.io/keep-ip`). */
export async function makeReservation(client: Client, namespace: string, retained: Retained, signal: AbortSignal): Promise<IPReservation> {
  // Neither a namespace nor a Service name has a dot, so the pair is unique and a valid name.
  const metadata = { namespace, name: `${retained.namespace}.${retained.name}` };
  const service = { namespace: retained.namespace, name: retained.name };
  const spec = { service, addresses: retained.addresses.map(formatAddress) };
  return client.apply<IPReservation>(reservations, { metadata, spec }, { fieldManager, force: true, signal });
}
