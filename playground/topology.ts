/** A node of the playground: a network namespace with one leg on the LAN and one towards its pods. */
export interface PlaygroundNode {
  /** Node name and namespace name: dn0, dn1, … */
  name: string;
  ipv4: string;
  ipv6: string;
  /** MAC address of its LAN interface: readable in a client's neighbour table. */
  mac: string;
  podNamespace: string;
  podCidr4: string;
  podCidr6: string;
  /** Addresses of the node's leg in the pod network: the pods' gateway. */
  podGateway4: string;
  podGateway6: string;
}

/** A host on the LAN that knows nothing of Kubernetes. */
export interface LanHost {
  name: string;
  ipv4: string;
  ipv6: string;
  mac: string;
}

/** The LAN's way out, with a network behind it. */
export interface Router extends LanHost {
  /** Its addresses on the network behind it, and that network's only host. */
  outside: { name: string; gateway4: string; gateway6: string; ipv4: string; ipv6: string };
}

export interface Topology {
  bridge: string;
  interface: string;
  nodes: PlaygroundNode[];
  client: LanHost;
  router: Router;
}

/**
 * The LAN that the examples speak of: 192.168.150.0/24 and fd00:150::/64, nodes from .40 on, a client at .100; pod networks 10.42.N.0/24 and
 * fd00:42:N::/64, routed between the nodes as a host-gateway CNI does it; a router at .1 with 10.0.0.0/24 and fd00:10::/64 behind it.
 */
export function topology(nodes: number): Topology {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 50) throw new RangeError(`a playground has 1 to 50 nodes, not ${nodes}`);
  return {
    bridge: 'lan0',
    interface: 'eth0',
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `dn${index}`,
      ipv4: `192.168.150.${40 + index}`,
      ipv6: `fd00:150::${40 + index}`,
      mac: mac(40 + index),
      podNamespace: `dn${index}-pods`,
      podCidr4: `10.42.${index}.0/24`,
      podCidr6: `fd00:42:${index}::/64`,
      podGateway4: `10.42.${index}.1`,
      podGateway6: `fd00:42:${index}::1`,
    })),
    router: {
      name: 'router',
      ipv4: '192.168.150.1',
      ipv6: 'fd00:150::1',
      mac: mac(1),
      outside: { name: 'outside', gateway4: '10.0.0.1', gateway6: 'fd00:10::1', ipv4: '10.0.0.100', ipv6: 'fd00:10::100' },
    },
    client: { name: 'client', ipv4: '192.168.150.100', ipv6: 'fd00:150::100', mac: mac(100) },
  };
}

/** A locally administered MAC address whose last octet is the host's last octet. */
function mac(host: number): string {
  return `02:00:c0:a8:96:${host.toString(16).padStart(2, '0')}`;
}
