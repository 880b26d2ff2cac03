import type { ReasonTable } from './entry.ts';

/** Reasons of the condition `heraldlb.io/Announced` of a Service, also used in `Announcement.spec.reasons`. */
export const announcedReasons = {
  Announced: {
    status: 'True',
    severity: 'Normal',
    summary: 'Every address of the Service is announced',
    meaning:
      'For each address a node answers ARP or NDP, or at least one BGP session carries its route. The message names the nodes, and the peers that get a route.',
    remedy:
      'Nothing to do. `kubectl get announcements.heraldlb.io` shows who announces since when, `kubectl get bgppeers.heraldlb.io -A` the sessions.',
  },
  ServedByNodes: {
    status: 'True',
    severity: 'Normal',
    summary: 'The addresses are those of nodes and need no announcement',
    meaning: 'The Service is of class heraldlb.io/node: the nodes own their addresses themselves.',
    remedy: 'Nothing to do.',
  },
  NotAllocated: {
    status: 'False',
    severity: 'Normal',
    summary: 'The Service has no address to announce',
    meaning: 'An address has to be assigned first.',
    remedy: 'See the condition heraldlb.io/Allocated.',
  },
  PartiallyAnnounced: {
    status: 'False',
    severity: 'Warning',
    summary: 'Some addresses of the Service are announced, others are not',
    meaning: 'The message names the addresses that are not announced, each with its own reason.',
    remedy: 'See the reasons in the message and in the Announcement of the Service.',
  },
  NoAdvertisement: {
    status: 'False',
    severity: 'Warning',
    summary: 'No advertisement selects the pool of the address',
    meaning:
      'Neither an L2Advertisement nor a BGPAdvertisement selects the IPAddressPool the address came from: it is assigned, but nobody announces it.',
    remedy: 'Create an L2Advertisement or BGPAdvertisement for the pool. One without ipAddressPools selects every pool.',
  },
  ServiceNotAdvertised: {
    status: 'False',
    severity: 'Warning',
    summary: 'The advertisements of the pool do not select the Service',
    meaning: 'Advertisements select the pool, but none of their serviceSelectors matches the labels of the Service.',
    remedy: 'Change the labels of the Service or the serviceSelectors of an advertisement.',
  },
  NoEligibleNode: {
    status: 'False',
    severity: 'Warning',
    summary: 'No node is selected by the advertisements',
    meaning: 'The nodeSelectors of the advertisements match no node.',
    remedy: 'Label nodes or change the nodeSelectors.',
  },
  AllNodesExcluded: {
    status: 'False',
    severity: 'Warning',
    summary: 'Every selected node is excluded from announcing',
    meaning:
      'Each node that the advertisements select carries the label node.kubernetes.io/exclude-from-external-load-balancers, has the condition NetworkUnavailable, or is being drained. Single-node clusters made by kubeadm carry that label.',
    remedy:
      'Remove the label (`kubectl label node NAME node.kubernetes.io/exclude-from-external-load-balancers-`), or end the drain. The message names each node with its reason.',
  },
  NoReadyEndpoints: {
    status: 'False',
    severity: 'Warning',
    summary: 'The Service has no endpoint that serves',
    meaning: 'No endpoint is ready or terminating but still serving. An address behind which nothing answers is not announced.',
    remedy: 'See the pods of the Service and its selector (`kubectl get endpointslices`).',
  },
  NoLocalEndpoints: {
    status: 'False',
    severity: 'Warning',
    summary: 'No eligible node has an endpoint that serves',
    meaning:
      'externalTrafficPolicy is Local: only nodes with a serving endpoint may announce, and none of them is selected by the advertisements.',
    remedy: 'Let pods run on selected nodes, widen the nodeSelectors, or use externalTrafficPolicy Cluster.',
  },
  InterfaceMissing: {
    status: 'False',
    severity: 'Warning',
    summary: 'No eligible node has an interface of the advertisement',
    meaning: 'The L2Advertisement names interfaces, and no node that may announce has one of them, up and usable.',
    remedy: 'Correct the names of the interfaces. `kubectl get speakers.heraldlb.io -o yaml` lists those of each node.',
  },
  AllNodesUnfit: {
    status: 'False',
    severity: 'Warning',
    summary: 'No eligible node can serve the segment at the moment',
    meaning: 'Each eligible node has judged itself unfit: no link, no uplink, or its packet thread stands still.',
    remedy: 'See `kubectl get speakers.heraldlb.io` and the unfitReason of their segments.',
  },
  AddressConflict: {
    status: 'False',
    severity: 'Warning',
    summary: 'Another machine in the network uses the address',
    meaning:
      'A foreign MAC address answered for the address before its first use, or claims it while it is announced. The message names the MAC address and the interface. Before its first use the Service gets another address of its pool, if there is one and it did not ask for this one by name, and nobody gets this one for the time of `--conflict-quarantine` of the controller. An address that is announced stays, and is defended.',
    remedy: 'Find that machine and give it another address, or exclude the address from the pool.',
  },
  SharedAddressNoCommonNode: {
    status: 'False',
    severity: 'Warning',
    summary: 'No node may announce for all Services that share the address',
    meaning: 'Services that share an address have one owner, and there is no node that is eligible for each of them.',
    remedy: 'Use separate addresses, externalTrafficPolicy Cluster, or the same advertisements for all of them.',
  },
  WaitingForSpeakers: {
    status: 'Unknown',
    severity: 'Normal',
    summary: 'No speaker has reported yet',
    meaning: 'The announcement is planned, and the speakers of the eligible nodes have not yet reported who announces it.',
    remedy: 'Wait a moment. If it stays, see whether the speakers run on the eligible nodes.',
  },
  NoSpeaker: {
    status: 'False',
    severity: 'Warning',
    summary: 'No speaker runs on an eligible node',
    meaning: 'Nodes are eligible, but none of them has a live speaker.',
    remedy: 'See the pods of the speaker DaemonSet: tolerations, image, permissions.',
  },
  NoPeer: {
    status: 'False',
    severity: 'Warning',
    summary: 'No BGPPeer is selected for the address on any node',
    meaning: 'A BGPAdvertisement selects the pool, but there is no BGPPeer, or its peers and the nodeSelectors leave none.',
    remedy: 'Create a BGPPeer, or correct peers of the advertisement and the nodeSelectors of both.',
  },
  NoSession: {
    status: 'False',
    severity: 'Warning',
    summary: 'No BGP session that should carry the address is established',
    meaning: 'Peers are configured, but none of the sessions to them is up on a node that should announce the address and is Ready.',
    remedy: 'See `kubectl get bgppeers.heraldlb.io -A`: each lists the nodes without a session and why.',
  },
  FamilyNotNegotiated: {
    status: 'False',
    severity: 'Warning',
    summary: 'No BGP session carries the address family',
    meaning:
      'Sessions are established, but none of them exchanges routes of the family of the address, or no node has an address of that family to be the next hop.',
    remedy:
      'Activate the family on the router, list it in addressFamilies of the BGPPeer, and give the nodes an address of the family on the interface of the session.',
  },
  ConflictingAdvertisements: {
    status: 'False',
    severity: 'Warning',
    summary: 'Two BGPAdvertisements give one route different attributes',
    meaning:
      'Two BGPAdvertisements announce the same prefix to the same peer from the same node with different localPref, med, nextHop or asPathPrepend. Herald does not guess: that peer does not get the route. It is reported also while other peers or layer 2 carry the address.',
    remedy: 'Give both the same values, or separate them by nodeSelectors, serviceSelectors or peers. The message names both.',
  },
} as const satisfies ReasonTable;
