import type { ReasonTable } from './entry.ts';

/** Reasons of events that are not also reasons of conditions. */
export const eventReasons = {
  AddressAdded: {
    severity: 'Normal',
    summary: 'The Service gained a further address',
    meaning: 'A Service got an address in addition to those it has, such as the second family of PreferDualStack.',
    remedy: 'Nothing to do.',
  },
  AddressReleased: {
    severity: 'Normal',
    summary: 'The Service gave an address back',
    meaning: 'The Service is no longer of type LoadBalancer or of our class, or needs the address no more. The event names the address.',
    remedy: 'Nothing to do.',
  },
  AddressChanged: {
    severity: 'Warning',
    summary: 'The Service has another address than before',
    meaning:
      'The pool no longer contains the old address or no longer admits the Service, the address was in conflict, or the Service asked for another one. The event names the old address, the new one, and why.',
    remedy: 'Update what knows the old address (DNS, firewalls). spec.onRemoval: Keep on a pool keeps addresses instead.',
  },
  AddressLost: {
    severity: 'Warning',
    summary: 'The Service lost its address and there is no other',
    meaning: 'The pool no longer contains the address or no longer admits the Service, and no other pool can serve it.',
    remedy: 'See the condition heraldlb.io/Allocated.',
  },
  AddressReverted: {
    severity: 'Warning',
    summary: 'Somebody changed the addresses in the status by hand',
    meaning: 'status.loadBalancer held something Herald had not assigned; the assigned addresses were written again.',
    remedy: 'Ask for an address with the annotation heraldlb.io/loadBalancerIPs instead of editing the status.',
  },
  UpdatedLoadBalancer: {
    severity: 'Normal',
    summary: 'The node addresses of the Service are others than before',
    meaning:
      'The Service is of class heraldlb.io/node, and its nodes or their addresses changed. The event names the old list and the new one, as ServiceLB of k3s does.',
    remedy: 'Nothing to do, unless a node failed.',
  },
  UnAvailableLoadBalancer: {
    severity: 'Warning',
    summary: 'No node is left to serve the Service',
    meaning: 'The Service is of class heraldlb.io/node, and no node may serve it any more.',
    remedy: 'See the condition heraldlb.io/Allocated.',
  },
  OwnerChanged: {
    severity: 'Normal',
    summary: 'Another node announces the address now',
    meaning: 'The node that answered for the address failed, or gave it away. The event names the address, both nodes and why.',
    remedy: 'Nothing to do, unless the node failed.',
  },
  DeprecatedAnnotation: {
    severity: 'Warning',
    summary: 'The Service uses an annotation of an old prefix',
    meaning: 'Annotations with the prefix metallb.universe.tf/ are understood, but deprecated by their own project.',
    remedy: 'Use the prefix heraldlb.io/.',
  },
  ReservationMade: {
    severity: 'Normal',
    summary: 'The address is kept for the Service after its deletion',
    meaning: 'The Service carried heraldlb.io/keep-ip: "true" when it was deleted: an IPReservation keeps its addresses.',
    remedy: 'Delete the IPReservation when the address may go to others.',
  },
  ConfigurationRejected: {
    severity: 'Warning',
    summary: 'An object is not valid; its last valid version stays in force',
    meaning: 'The event lies on the object and names the field, the problem and the remedy.',
    remedy: 'Correct the object.',
  },
} as const satisfies ReasonTable;
