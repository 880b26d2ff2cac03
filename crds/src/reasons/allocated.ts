import type { ReasonTable } from './entry.ts';
import { sharingReasons } from './sharing.ts';

/** Reasons of the condition `heraldlb.io/Allocated` of a Service whose addresses come from pools. */
export const allocatedReasons = {
  AddressAssigned: {
    status: 'True',
    severity: 'Normal',
    summary: 'The Service has every address it asked for',
    meaning: 'All addresses that the Service asks for, or one per address family it has, are assigned and written to status.loadBalancer.',
    remedy: 'Nothing to do. Whether they are announced is told by the condition heraldlb.io/Announced.',
  },
  SecondFamilyPending: {
    status: 'True',
    severity: 'Normal',
    summary: 'A PreferDualStack Service has an address of one family so far',
    meaning:
      'The Service has ipFamilyPolicy PreferDualStack and two cluster IPs, but no eligible pool has a free address of the other family. It keeps the first address whatever happens and gains the second one when a pool offers it.',
    remedy:
      'To have both families, add an IPAddressPool with addresses of the missing family that admits the Service. If one family is enough, nothing to do.',
  },
  NoPool: {
    status: 'False',
    severity: 'Warning',
    summary: 'There is no IPAddressPool',
    meaning: 'Herald runs, but it was given no addresses: no valid IPAddressPool exists in its namespace.',
    remedy: 'Create an IPAddressPool with addresses that are free in your network, and an L2Advertisement or BGPAdvertisement for it.',
  },
  NoEligiblePool: {
    status: 'False',
    severity: 'Warning',
    summary: 'No pool admits the Service',
    meaning:
      'Pools exist, but each of them is ruled out for a Service that does not name a pool: autoAssign is false, or serviceAllocation selects other namespaces or Services. The message names each pool with its reason.',
    remedy:
      'Name a pool with the annotation heraldlb.io/address-pool, change the labels of the Service or of its namespace, or change serviceAllocation of a pool.',
  },
  NoPoolForFamily: {
    status: 'False',
    severity: 'Warning',
    summary: 'No eligible pool has addresses of the address family',
    meaning: 'The Service needs an IPv4 or IPv6 address, and the pools that admit it contain only addresses of the other family.',
    remedy: 'Add addresses of the family to a pool that admits the Service, or change ipFamilies of the Service.',
  },
  DualStackUnavailable: {
    status: 'False',
    severity: 'Warning',
    summary: 'A RequireDualStack Service cannot get addresses of both families',
    meaning:
      'The Service has ipFamilyPolicy RequireDualStack, and an address of at least one family is missing: no eligible pool offers it, or the Service has one cluster IP only. The two addresses may come from two pools.',
    remedy: 'Add addresses of the missing family to a pool that admits the Service, or use PreferDualStack.',
  },
  PoolExhausted: {
    status: 'False',
    severity: 'Warning',
    summary: 'Every address of the eligible pools is in use',
    meaning:
      'The pools that admit the Service have no free address of the family left. Excluded, reserved and resting addresses (reuseDelay) are not free.',
    remedy:
      'Add addresses to a pool, delete Services that are not needed, or let Services share addresses. The Service is tried again as soon as an address comes free.',
  },
  UnknownPool: {
    status: 'False',
    severity: 'Warning',
    summary: 'The pool that the Service names does not exist',
    meaning: 'The annotation address-pool of the Service names an IPAddressPool that does not exist or never had a valid specification.',
    remedy: 'Correct the annotation (`kubectl get ipaddresspools.heraldlb.io -A` lists the pools) or create the pool.',
  },
  PoolNotReady: {
    status: 'False',
    severity: 'Warning',
    summary: 'The pool that the Service names is not in use',
    meaning:
      'The named IPAddressPool exists, but it is invalid or overlaps another pool and was never valid before, so nothing is given out of it.',
    remedy: 'See the conditions of the pool (`kubectl describe ipaddresspools.heraldlb.io`) and correct it.',
  },
  PoolDraining: {
    status: 'False',
    severity: 'Warning',
    summary: 'The pool gives out nothing new',
    meaning: 'Every pool that could serve the Service has spec.drain set: what is held is kept, nothing new is given out.',
    remedy: 'Use another pool, or end the drain of this one.',
  },
  NamespaceNotAllowed: {
    status: 'False',
    severity: 'Warning',
    summary: 'The pool does not admit the namespace of the Service',
    meaning:
      'The Service asks for a pool, or for an address of a pool, whose serviceAllocation selects other namespaces. Asking by name does not open a pool.',
    remedy: 'Use another pool, or add the namespace to serviceAllocation.namespaces or label it to match a namespaceSelector of the pool.',
  },
  ServiceNotSelected: {
    status: 'False',
    severity: 'Warning',
    summary: 'The pool does not admit Services with these labels',
    meaning: 'The Service asks for a pool, or for an address of a pool, none of whose serviceSelectors matches the labels of the Service.',
    remedy: 'Use another pool, or change the labels of the Service or the serviceSelectors of the pool.',
  },
  QuotaExceeded: {
    status: 'False',
    severity: 'Warning',
    summary: 'The namespace holds as many addresses of the pool as it may',
    meaning: 'A quota of the pool limits how many addresses the namespace of the Service may hold, and they are used up.',
    remedy: 'Delete Services of the namespace that are not needed, share addresses, use another pool, or raise the quota.',
  },
  InvalidRequest: {
    status: 'False',
    severity: 'Warning',
    summary: 'The request for an address cannot be read',
    meaning:
      'spec.loadBalancerIP or an annotation of the Service holds something that is not an IP address, or an annotation has a value it does not know. An address the Service already has is kept.',
    remedy: 'Correct the field that the message names.',
  },
  ContradictoryRequest: {
    status: 'False',
    severity: 'Warning',
    summary: 'The Service asks for two things that exclude each other',
    meaning:
      'spec.loadBalancerIP and the annotation loadBalancerIPs ask for different addresses, annotations of two prefixes differ, or an address asked for is not in the pool asked for. An address the Service already has is kept.',
    remedy: 'Remove one of the two; the message names both.',
  },
  FamilyMismatch: {
    status: 'False',
    severity: 'Warning',
    summary: 'The addresses asked for do not fit the address families of the Service',
    meaning:
      'The Service asks for an address of a family it has no cluster IP of, or a RequireDualStack Service asks for addresses of one family only.',
    remedy: 'Ask for addresses of the families in spec.ipFamilies, or change ipFamilies and ipFamilyPolicy.',
  },
  AddressOutsidePools: {
    status: 'False',
    severity: 'Warning',
    summary: 'The address asked for is in no pool',
    meaning: 'No IPAddressPool contains the address that the Service asks for. Herald never gives out an address outside its pools.',
    remedy: 'Ask for an address of a pool, or add the address to one.',
  },
  AddressExcluded: {
    status: 'False',
    severity: 'Warning',
    summary: 'The address asked for is excluded by its pool',
    meaning: 'The address is listed in excludedAddresses of its pool.',
    remedy: 'Ask for another address, or remove it from excludedAddresses.',
  },
  AddressBuggy: {
    status: 'False',
    severity: 'Warning',
    summary: 'The address asked for ends in .0 or .255 and the pool avoids those',
    meaning: 'The pool has avoidBuggyIPs set: IPv4 addresses ending in .0 and .255 are not given out, not even on request.',
    remedy: 'Ask for another address, or unset avoidBuggyIPs of the pool.',
  },
  AddressReserved: {
    status: 'False',
    severity: 'Warning',
    summary: 'The address asked for is reserved for another Service',
    meaning: 'An IPReservation keeps the address for the Service that it names.',
    remedy: 'Ask for another address, or delete the IPReservation that the message names.',
  },
  AddressResting: {
    status: 'False',
    severity: 'Normal',
    summary: 'The address asked for was released a moment ago',
    meaning: 'The pool has a reuseDelay: an address that one Service released rests that long before another one gets it.',
    remedy: 'Wait; the Service is tried again when the time is over. The message says when.',
  },
  AddressQuarantined: {
    status: 'False',
    severity: 'Warning',
    summary: 'Somebody else in the network uses the address asked for',
    meaning:
      'Before or while announcing the address a foreign machine answered for it. Herald does not give it out again for a while, unless nobody answers any more.',
    remedy: 'Find the machine by the MAC address in the message and give it another address, or ask for another address for the Service.',
  },
  AddressUsedAsExternalIP: {
    status: 'False',
    severity: 'Warning',
    summary: 'The address asked for is in externalIPs of a Service',
    meaning: 'spec.externalIPs of a Service names the address: kube-proxy takes its traffic for that Service on every node.',
    remedy: 'Ask for another address, or remove it from externalIPs (see the guide on moving from externalIPs).',
  },
  HeadlessService: {
    status: 'False',
    severity: 'Warning',
    summary: 'The Service has no cluster IP',
    meaning: 'A Service without a cluster IP (clusterIP: None) has nothing that kube-proxy could forward an address to.',
    remedy: 'Recreate the Service with a cluster IP.',
  },
  ...sharingReasons,
} as const satisfies ReasonTable;
