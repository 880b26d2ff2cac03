import type { Logger } from '@herald/process';
import { expect, it } from 'vitest';
import { HazardWatch } from './hazard-watch.ts';
import { hazardsOf } from './hazards.ts';

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
const via = (name: string) => `${name}\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`;
const subnet = (name: string) => `${name}\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`;

interface Node {
  kubeProxy?: 'IPVS';
  /** Settings as `interface/name`. */
  set?: Record<string, number>;
  routes?: string;
  bond?: string;
}

const NOTHING: RegExp[] = [];

it.each<[string, Node, RegExp[]]>([
  ['nothing is set', {}, NOTHING],
  ['arp_ignore of 0, with nobody who holds addresses of others', { set: { 'all/arp_ignore': 0, 'eth0/arp_ignore': 0 } }, NOTHING],
  ['IPVS without strictARP', { kubeProxy: 'IPVS' }, [/strictARP/]],
  ['IPVS with strictARP', { kubeProxy: 'IPVS', set: { 'all/arp_ignore': 1, 'all/arp_announce': 2 } }, NOTHING],
  ['IPVS with half of it', { kubeProxy: 'IPVS', set: { 'all/arp_ignore': 1 } }, [/strictARP/]],
  ['IPVS with it on the interface', { kubeProxy: 'IPVS', set: { 'eth0/arp_ignore': 1, 'eth0/arp_announce': 2 } }, NOTHING],
  ['a kernel that does not answer at all', { set: { 'eth0/arp_ignore': 8 } }, [/^arp_ignore=8/]],
  ['strict filtering on the interface of the default route', { set: { 'all/rp_filter': 1 }, routes: via('eth0') }, NOTHING],
  [
    'on another',
    { set: { 'all/rp_filter': 1 }, routes: subnet('eth0') + via('eth1') },
    [/^rp_filter=1 .* leaves by eth1: .* rp_filter=2$/],
  ],
  ['on one of two with it', { set: { 'eth0/rp_filter': 1 }, routes: via('eth1') + via('eth0') }, NOTHING],
  ['without a default route', { set: { 'eth0/rp_filter': 1 }, routes: subnet('eth1') }, NOTHING],
  [
    'loose filtering counts, because it is the greater value',
    { set: { 'all/rp_filter': 1, 'eth0/rp_filter': 2 }, routes: via('eth1') },
    NOTHING,
  ],
  ['a bond that rewrites ARP', { bond: 'balance-alb 6' }, [/balance-alb/]],
  ['a bond that does not', { bond: 'active-backup 1' }, NOTHING],
  [
    'several at once',
    { kubeProxy: 'IPVS', set: { 'all/rp_filter': 1 }, routes: via('eth1'), bond: 'balance-alb 6' },
    [/strictARP/, /rp_filter/, /balance-alb/],
  ],
])('%s', (_, { kubeProxy, set = {}, routes = '', bond }, expected) => {
  const files = new Map([['/proc/net/route', HEAD + routes]]);
  for (const setting of ['arp_ignore', 'arp_announce', 'rp_filter'])
    for (const where of ['all', 'eth0']) files.set(`/proc/sys/net/ipv4/conf/${where}/${setting}`, `${set[`${where}/${setting}`] ?? 0}\n`);
  if (bond !== undefined) files.set('/sys/class/net/eth0/bonding/mode', `${bond}\n`);
  const hazards = hazardsOf('eth0', { kubeProxy: kubeProxy ?? 'Other', read: path => files.get(path) });
  expect(hazards).toHaveLength(expected.length);
  for (const [index, pattern] of expected.entries()) expect(hazards[index]).toMatch(pattern);
});

it('what cannot be read is no hazard', () => {
  expect(hazardsOf('eth0', { kubeProxy: 'IPVS', read: () => undefined })).toEqual([]);
});

it('looks every half minute and when the interfaces change, and warns of each hazard once', () => {
  const warned: string[] = [];
  const logger = { warn: ({ interface: name }: { interface: string }, hazard: string) => warned.push(`${name} ${hazard.slice(0, 10)}`) };
  const watch = new HazardWatch(logger as unknown as Logger);
  let looks = 0;
  let value = '8\n';
  const surroundings = () => {
    looks++;
    return { kubeProxy: 'Other', read: (path: string) => (path.endsWith('arp_ignore') ? value : undefined) } as const;
  };
  for (let now = 0; now < 60_000; now += 1_000) watch.look(['eth0'], surroundings, now);
  expect([looks, warned]).toEqual([2, ['eth0 arp_ignore']]);
  watch.look(['eth0', 'eth1'], surroundings, 60_000);
  expect([looks, warned]).toEqual([3, ['eth0 arp_ignore', 'eth1 arp_ignore']]);
  expect([...watch.byInterface.keys()]).toEqual(['eth0', 'eth1']);
  value = '1\n';
  watch.look(['eth0', 'eth1'], surroundings, 90_000);
  expect(watch.byInterface.size).toBe(0);
});
