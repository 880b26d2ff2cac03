import type { Sandbox } from './sandbox.ts';
import type { LanHost, PlaygroundNode, Topology } from './topology.ts';

/** Forwarding on, reverse-path filter and duplicate address detection off: what a node of a cluster has, without a second's wait per address. */
const FORWARDING = [
  'net.ipv4.ip_forward=1',
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv6.conf.all.accept_dad=0',
  'net.ipv6.conf.default.accept_dad=0',
];
const HOST = ['net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0'];

/** Lays out bridge, nodes, their pod networks and the client. */
export async function layOut(sandbox: Sandbox, net: Topology): Promise<void> {
  await batch(sandbox, [
    `link add ${net.bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set ${net.bridge} up`,
    ...[...net.nodes.flatMap(node => [node.name, node.podNamespace]), net.client.name].map(name => `netns add ${name}`),
  ]);
  await addHost(sandbox, net, net.client, HOST);
  await Promise.all(net.nodes.map(node => addNode(sandbox, net, node)));
}

async function addNode(sandbox: Sandbox, net: Topology, node: PlaygroundNode): Promise<void> {
  await addHost(sandbox, net, node, FORWARDING);
  await batch(sandbox, [`link add pods netns ${node.name} type veth peer name eth0 netns ${node.podNamespace}`]);
  await sandbox.must(node.podNamespace, ['sysctl', '-qw', ...HOST]);
  await batchIn(sandbox, node.podNamespace, ['link set lo up', 'link set eth0 up']);
  await batchIn(sandbox, node.name, [
    'link set pods up',
    `addr add ${node.podGateway4}/24 dev pods`,
    `addr add ${node.podGateway6}/64 dev pods nodad`,
    ...net.nodes.flatMap(other =>
      other === node ? [] : [`route add ${other.podCidr4} via ${other.ipv4}`, `-6 route add ${other.podCidr6} via ${other.ipv6}`],
    ),
  ]);
}

async function addHost(sandbox: Sandbox, net: Topology, host: LanHost, sysctls: readonly string[]): Promise<void> {
  await batch(sandbox, [
    `link add ${port(host.name)} type veth peer name ${net.interface} address ${host.mac} netns ${host.name}`,
    `link set ${port(host.name)} master ${net.bridge} up`,
  ]);
  await sandbox.must(host.name, ['sysctl', '-qw', ...sysctls]);
  await batchIn(sandbox, host.name, [
    'link set lo up',
    `link set ${net.interface} up`,
    `addr add ${host.ipv4}/24 dev ${net.interface}`,
    `addr add ${host.ipv6}/64 dev ${net.interface} nodad`,
  ]);
}

/** Pulls a host's cable, or puts it back: its port on the switch goes down, its own interface loses the carrier. */
export function cable(sandbox: Sandbox, host: string, state: 'up' | 'down'): Promise<string> {
  return sandbox.must(undefined, ['ip', 'link', 'set', port(host), state]);
}

/** Gives a node's pod network another pod address. */
export async function addPodAddress(sandbox: Sandbox, node: PlaygroundNode, ipv4: string, ipv6: string): Promise<void> {
  await batchIn(sandbox, node.podNamespace, [
    `addr add ${ipv4}/24 dev eth0`,
    `addr add ${ipv6}/64 dev eth0 nodad`,
    `route replace default via ${node.podGateway4}`,
    `-6 route replace default via ${node.podGateway6}`,
  ]);
}

/** Name of a host's port on the switch. */
function port(host: string): string {
  return `p-${host}`;
}

function batch(sandbox: Sandbox, lines: readonly string[]): Promise<string> {
  return batchIn(sandbox, undefined, lines);
}

/** `ip -batch` takes one command a line: one process for many changes. `-6` lines go through a batch of their own, since the flag is the process's. */
async function batchIn(sandbox: Sandbox, namespace: string | undefined, lines: readonly string[]): Promise<string> {
  const v6 = lines.filter(line => line.startsWith('-6 ')).map(line => line.slice(3));
  const rest = lines.filter(line => !line.startsWith('-6 '));
  let out = '';
  if (rest.length > 0) out += await sandbox.must(namespace, ['ip', '-batch', '-'], { input: `${rest.join('\n')}\n` });
  if (v6.length > 0) out += await sandbox.must(namespace, ['ip', '-6', '-batch', '-'], { input: `${v6.join('\n')}\n` });
  return out;
}
