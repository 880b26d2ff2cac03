import type { Announcement } from '@herald/crds';
import type { EventRecorder, KubeObject } from '@herald/kube';
import type { WireEvent } from './wire/messages.ts';

/** Why an address came here from another owner; undefined: it did not. */
const CAUSES: Record<(WireEvent & { kind: 'acquired' })['cause'], string | undefined> = {
  unclaimed: undefined,
  'peer-lost': 'the node that had it fell silent',
  'peer-left': 'the speaker that had it stopped',
  'peer-restarted': 'the speaker that had it was restarted',
  yielded: 'the node that had it gave it up',
  handover: 'it was handed over',
  restored: undefined,
  'interface-changed': 'its interface has another MAC address',
};

/** The Service that an Announcement belongs to, as events name it. */
function serviceOf(announcement: Announcement): KubeObject {
  const { name, namespace, ownerReferences } = announcement.metadata;
  const uid = ownerReferences?.find(reference => reference.kind === 'Service')?.uid;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) },
  };
}

/** Says on the Service what became of its address: one event per change of owner, told by the new one. */
export function recordEvent(recorder: EventRecorder, node: string, announcement: Announcement, event: WireEvent): void {
  const service = serviceOf(announcement);
  const cause = event.kind === 'acquired' ? CAUSES[event.cause] : undefined;
  if (event.kind === 'acquired' && cause !== undefined) {
    const message = `${event.ip} is announced by node ${node} on interface ${event.interface} (${event.mac}): ${cause}`;
    recorder.record(service, { type: 'Normal', reason: 'OwnerChanged', action: 'Announce', message });
  } else if (event.kind === 'conflict') {
    const what = event.phase === 'probe' ? 'is in use by' : 'is also claimed by';
    const remedy = event.phase === 'probe' ? 'It is not announced while that lasts' : 'Both are answering';
    const message = `${event.ip} ${what} ${event.mac} on interface ${event.interface} of node ${node}. ${remedy}: take the address away from that host, or out of the pool`;
    recorder.record(service, { type: 'Warning', reason: 'AddressConflict', action: 'Announce', message });
  }
}
