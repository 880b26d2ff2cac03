import { readFileSync } from 'node:fs';

/** Reads a file of the kernel; undefined: it is not there. */
export type ReadFile = (path: string) => string | undefined;

export interface Surroundings {
  kubeProxy: 'IPVS' | 'Other';
  read?: ReadFile;
}

/**
 * Settings of the node that break what is announced on an interface, each with its remedy. Where a setting has a value for all interfaces,
 * the greater of the two counts (ip-sysctl). Linux has no such settings for IPv6: it answers for addresses of the interface only.
 */
export function hazardsOf(name: string, { kubeProxy, read = readKernelFile }: Surroundings): string[] {
  const hazards: string[] = [];
  const effective = (setting: string): number | undefined => {
    const values = ['all', name].map(where => number(read(`/proc/sys/net/ipv4/conf/${where}/${setting}`)));
    return values.every(value => value === undefined) ? undefined : Math.max(...values.map(value => value ?? 0));
  };
  const ignore = effective('arp_ignore');
  if (ignore === 8) hazards.push('arp_ignore=8: the kernel answers no ARP request, so that neighbours lose this node; set 1');
  if (kubeProxy === 'IPVS' && (ignore === 0 || (effective('arp_announce') ?? 2) < 2))
    hazards.push(
      'kube-proxy works in IPVS mode without strictARP: every node answers for the addresses on kube-ipvs0; set strictARP, which sets arp_ignore=1 and arp_announce=2',
    );
  if (effective('rp_filter') === 1) {
    const routed = defaultInterfaces(read('/proc/net/route') ?? '');
    if (routed.length > 0 && !routed.includes(name))
      hazards.push(
        `rp_filter=1 and the default route leaves by ${routed.join(', ')}: packets of clients beyond a router are dropped; set rp_filter=2`,
      );
  }
  if (read(`/sys/class/net/${name}/bonding/mode`)?.startsWith('balance-alb ') === true)
    hazards.push('the bond works in mode balance-alb, which rewrites ARP replies; use active-backup or 802.3ad');
  return hazards;
}

/** Interfaces with an IPv4 default route in the main table, each once. */
function defaultInterfaces(table: string): string[] {
  const fields = table.split('\n').map(line => line.split('\t'));
  return [
    ...new Set(
      fields.flatMap(([name = '', destination, , , , , , mask]) => (destination === '00000000' && mask === '00000000' ? [name] : [])),
    ),
  ];
}

function number(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+\s*$/.test(text) ? undefined : Number(text);
}

/** What cannot be read is no hazard: containers may hide it. */
function readKernelFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
