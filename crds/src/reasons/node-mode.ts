import type { ReasonTable } from './entry.ts';

/** Reasons of `heraldlb.io/Allocated` of a Service of class `heraldlb.io/node`, whose addresses are those of nodes. */
export const nodeModeReasons = {
  NodeAddressesListed: {
    status: 'True',
    severity: 'Normal',
    summary: 'The addresses of the eligible nodes are listed',
    meaning: 'The Service is of class heraldlb.io/node: its addresses are those of the nodes that may serve it.',
    remedy: 'Nothing to do.',
  },
  NoNodeAddress: {
    status: 'False',
    severity: 'Warning',
    summary: 'No node may serve the Service',
    meaning:
      'No node is eligible: by its labels (enablelb, lbpool, the exclude label), because its speaker has not reported, or because it has no address of the families of the Service.',
    remedy: 'See the message for the nodes and their reasons; label nodes, or remove the labels that restrict.',
  },
  NoNodeWithEndpoints: {
    status: 'False',
    severity: 'Warning',
    summary: 'No eligible node has a ready endpoint',
    meaning: 'externalTrafficPolicy is Local, and no node that may serve the Service runs a ready endpoint of it.',
    remedy: 'See why the pods are not ready or not on eligible nodes, or use externalTrafficPolicy Cluster.',
  },
  NodePortTaken: {
    status: 'False',
    severity: 'Warning',
    summary: 'An older Service has the port on every eligible node',
    meaning:
      'Two Services of class heraldlb.io/node want the same protocol and port on the same nodes. The older one has them; this one moves in when they come free.',
    remedy: 'Use another port, other nodes (lbpool), or an address of a pool.',
  },
  ProtectedPort: {
    status: 'False',
    severity: 'Warning',
    summary: 'The port belongs to the node itself',
    meaning:
      'The Service wants a port such as 22, 6443 or 10250, on which the nodes serve themselves. Taking it would cut them off. The list is --node-mode-protected-ports of the controller.',
    remedy: 'Use another port, or an address of a pool.',
  },
  KubeProxyIPVS: {
    status: 'False',
    severity: 'Warning',
    summary: 'kube-proxy runs in IPVS mode, where listing node addresses cuts nodes off',
    meaning:
      'kube-proxy in IPVS mode binds every load balancer address on every node; with a node address the other nodes would no longer reach that node.',
    remedy:
      'Allow the speakers to forward themselves (chart value speaker.nodeForwarding, needs NET_ADMIN and Kubernetes 1.30), use kube-proxy in nftables or iptables mode, or use an address of a pool.',
  },
} as const satisfies ReasonTable;
