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
    ...hostNames(net).map(name => `netns add ${name}`),
  ]);
  await addRouter(sandbox, net);
  await addHost(sandbox, net, net.client, HOST);
  await defaultRoute(sandbox, net.client.name, net.router.ipv4, net.router.ipv6);
  await Promise.all(net.nodes.map(node => addNode(sandbox, net, node)));
}

/** The names of all hosts: each is a network namespace. */
export function hostNames(net: Topology): string[] {
  return [...net.nodes.flatMap(node => [node.name, node.podNamespace]), net.client.name, net.router.name, net.router.outside.name];
}

/** The router spreads flows by their ports, so that one client's connections take every equal path. */
async function addRouter(sandbox: Sandbox, net: Topology): Promise<void> {
  const { router } = net;
  const { outside } = router;
  const spread = ['net.ipv4.fib_multipath_hash_policy=1', 'net.ipv6.fib_multipath_hash_policy=1'];
  await addHost(sandbox, net, router, [...FORWARDING, ...spread]);
  await batch(sandbox, [`link add wan netns ${router.name} type veth peer name ${net.interface} netns ${outside.name}`]);
  await sandbox.must(outside.name, ['sysctl', '-qw', ...HOST]);
  await batchIn(sandbox, router.name, [
    'link set wan up',
    `addr add ${outside.gateway4}/24 dev wan`,
    `addr add ${outside.gateway6}/64 dev wan nodad`,
  ]);
  await batchIn(sandbox, outside.name, [
    'link set lo up',
    `link set ${net.interface} up`,
    `addr add ${outside.ipv4}/24 dev ${net.interface}`,
    `addr add ${outside.ipv6}/64 dev ${net.interface} nodad`,
  ]);
  await defaultRoute(sandbox, outside.name, outside.gateway4, outside.gateway6);
}

async function defaultRoute(sandbox: Sandbox, host: string, ipv4: string, ipv6: string): Promise<void> {
  await batchIn(sandbox, host, [`route replace default via ${ipv4}`, `-6 route replace default via ${ipv6}`]);
}

async function addNode(sandbox: Sandbox, net: Topology, node: PlaygroundNode): Promise<void> {
  await addHost(sandbox, net, node, FORWARDING);
  await defaultRoute(sandbox, node.name, net.router.ipv4, net.router.ipv6);
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
  await batchIn(sandbox, node.podNamespace, [`addr add ${ipv4}/24 dev eth0`, `addr add ${ipv6}/64 dev eth0 nodad`]);
  await defaultRoute(sandbox, node.podNamespace, node.podGateway4, node.podGateway6);
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
