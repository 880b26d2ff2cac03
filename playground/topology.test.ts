import { expect, it } from 'vitest';
import { topology } from './topology.ts';

it('lays nodes and client out on one LAN, each with addresses of its own', () => {
  const net = topology(3);
  expect(net.nodes.map(node => node.ipv4)).toEqual(['192.168.150.40', '192.168.150.41', '192.168.150.42']);
  const hosts = [...topology(50).nodes, net.client];
  for (const field of ['name', 'ipv4', 'ipv6', 'mac'] as const) expect(new Set(hosts.map(host => host[field])).size).toBe(hosts.length);
});

it.each([0, -1, 1.5, 51, Number.NaN])('refuses %s nodes', count => {
  expect(() => topology(count)).toThrow(/1 to 50 nodes/);
});
