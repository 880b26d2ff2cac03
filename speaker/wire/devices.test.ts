import type { InterfaceAddress, InterfaceInfo } from 'raw-socket';
import { describe, expect, it } from 'vitest';
import { type Device, devicesFor, devicesOf, EXCLUDED_INTERFACES, onePerSegment, withKnownNames } from './devices.ts';

function address(text: string, scope: InterfaceAddress['scope'] = 'global', change: Partial<InterfaceAddress> = {}): InterfaceAddress {
  const [ip = '', length = ''] = text.split('/');
  return {
    interfaceIndex: 2,
    family: ip.includes(':') ? 6 : 4,
    address: ip,
    prefixLength: Number(length),
    peer: undefined,
    scope,
    tentative: false,
    dadFailed: false,
    deprecated: false,
    temporary: false,
    permanent: true,
    ...change,
  };
}

function link(name: string, addresses: InterfaceAddress[], change: Partial<InterfaceInfo> = {}): InterfaceInfo {
  return {
    index: 2,
    name,
    mac: '02:00:00:00:00:01',
    mtu: 1500,
    up: true,
    running: true,
    loopback: false,
    pointToPoint: false,
    multicast: true,
    noArp: false,
    kind: undefined,
    master: undefined,
    masterKind: undefined,
    lower: undefined,
    vlanId: undefined,
    addresses,
    ...change,
  };
}

const LAN = [address('192.0.2.40/24'), address('fe80::1/64', 'link')];

describe('devicesOf', () => {
  it.each<[string, InterfaceInfo, boolean]>([
    ['an interface with an address', link('eth0', LAN), true],
    ['a VLAN device', link('eth0.10', LAN, { kind: 'vlan' }), true],
    ['a bond', link('bond0', LAN, { kind: 'bond' }), true],
    ['a member of a VRF', link('eth1', LAN, { master: 9, masterKind: 'vrf' }), true],
    ['a bridge', link('br0', LAN, { kind: 'bridge' }), true],
    ['one without carrier: its addresses come back with it', link('eth0', LAN, { running: false }), true],
    ['one with link-local IPv6 only', link('eth0', [address('fe80::1/64', 'link')]), true],
    ['a port of a bridge', link('eth0', LAN, { master: 9, masterKind: 'bridge' }), false],
    ['a slave of a bond', link('eth0', LAN, { master: 9, masterKind: 'bond' }), false],
    ['a port of Open vSwitch', link('eth0', LAN, { master: 9, masterKind: 'openvswitch' }), false],
    ['loopback', link('lo', LAN, { loopback: true }), false],
    ['a point-to-point link', link('ppp0', LAN, { pointToPoint: true }), false],
    ['one without ARP', link('eth0', LAN, { noArp: true }), false],
    ['one without MAC', link('tun0', LAN, { mac: undefined }), false],
    ['one without addresses', link('eth0', []), false],
    ['a container bridge', link('docker0', LAN), false],
    ['a CNI bridge', link('cni0', LAN), false],
    ['the dummy of kube-proxy', link('kube-ipvs0', LAN), false],
  ])('%s', (_, info, usable) => {
    expect(devicesOf([info], EXCLUDED_INTERFACES, new Set()).usable).toHaveLength(usable ? 1 : 0);
  });

  const all = [
    link('eth0', LAN),
    link('docker0', LAN),
    link('cni0', LAN, { index: 3 }),
    link('lo', LAN, { loopback: true }),
    link('cali1234', [address('fe80::1/64', 'link')], { index: 4 }),
    link('cilium_host', [address('10.0.0.1/32')], { index: 5 }),
    link('veth012345', LAN, { index: 6, masterKind: 'bridge' }),
  ];

  it.each([
    ['what is excluded and has a subnet could be named', [], ['eth0'], ['cni0', 'docker0']],
    ['what an advertisement names is used', ['docker0', 'eth9'], ['eth0', 'docker0'], ['cni0']],
  ])('%s', (_, named, usable, excluded) => {
    const devices = devicesOf(all, EXCLUDED_INTERFACES, new Set(named));
    expect(devices.usable.map(({ name }) => name)).toEqual(usable);
    expect(devices.excluded).toEqual(excluded);
  });

  it.each([
    ['the first IPv4 subnet', LAN, '192.0.2.0/24', ['192.0.2.0/24']],
    [
      'IPv4 before IPv6',
      [address('2001:db8::40/64'), address('192.0.2.40/24'), address('198.51.100.1/25')],
      '192.0.2.0/24',
      ['192.0.2.0/24', '198.51.100.0/25', '2001:db8::/64'],
    ],
    [
      'an address that another host was found to have does not count',
      [address('2001:db8::40/64', 'global', { dadFailed: true }), address('192.0.2.40/24')],
      '192.0.2.0/24',
      ['192.0.2.0/24'],
    ],
    ['a single address is no subnet', [address('192.0.2.240/32'), address('198.51.100.1/25')], '198.51.100.0/25', ['198.51.100.0/25']],
    ['without a subnet, the name', [address('fe80::1/64', 'link')], 'eth0', []],
  ])('names the segment by %s', (_, addresses, segment, subnets) => {
    expect(devicesOf([link('eth0', addresses)], [], new Set()).usable).toMatchObject([{ segment, subnets }]);
  });
});

describe('withKnownNames', () => {
  const [ula, gua, v4] = [address('fd00:1::40/64'), address('2001:db8::40/64'), address('192.0.2.40/24')];

  it.each<[string, InterfaceAddress[], string]>([
    ['its addresses are listed in another order', [gua, ula], 'fd00:1::/64'],
    ['IPv4 comes back', [v4, ula], '192.0.2.0/24'],
    ['its subnet is gone', [gua, v4], '192.0.2.0/24'],
  ])('%s', (_, addresses, segment) => {
    const { usable } = devicesOf([link('eth0', addresses)], [], new Set());
    expect(withKnownNames(usable, new Map([[2, 'fd00:1::/64']])).map(device => device.segment)).toEqual([segment]);
  });
});

describe('devicesFor', () => {
  const { usable: devices } = devicesOf(
    [
      link('eth0', [address('192.0.2.40/24'), address('2001:db8::40/64')]),
      link('eth1', [address('198.51.100.1/25')], { index: 3 }),
      link('eth2', [address('fe80::1/64', 'link')], { index: 4 }),
    ],
    [],
    new Set(),
  );

  it.each([
    ['the subnet that holds it', '192.0.2.240', [], ['eth0']],
    ['the subnet that holds it, IPv6', '2001:db8::240', [], ['eth0']],
    ['the interfaces that are named, whatever their subnets', '192.0.2.240', ['eth1', 'eth9'], ['eth1']],
    ['none that is named is there', '192.0.2.240', ['eth9'], []],
    ['no subnet holds it: every interface with a subnet', '203.0.113.1', [], ['eth0', 'eth1']],
  ])('%s', (_, ip, interfaces, expected) => {
    expect(devicesFor(ip, interfaces, devices).map(({ name }) => name)).toEqual(expected);
  });

  it.each([
    ['waits for its subnet, which is gone for now', '198.51.100.200', [], []],
    ['is not held up by it elsewhere', '192.0.2.240', [], ['eth0']],
    ['nor where an interface is named', '198.51.100.200', ['eth0'], ['eth0']],
  ])('an address of a subnet that was there %s', (_, ip, interfaces, expected) => {
    expect(devicesFor(ip, interfaces, devices, ['198.51.100.0/24', '192.0.2.0/24']).map(({ name }) => name)).toEqual(expected);
  });
});

const device = (index: number, change: Partial<Device> = {}): Device => ({
  index,
  name: `eth${index}`,
  mac: `02:00:00:00:00:0${index}`,
  carrier: true,
  addresses: [],
  segment: '192.0.2.0/24',
  subnets: ['192.0.2.0/24'],
  ...change,
});

describe('onePerSegment', () => {
  it.each<{ what: string; devices: Device[]; named?: string[]; used?: number[]; chosen: string[]; spare?: string[] }>([
    { what: 'other subnets', devices: [device(1), device(2, { segment: '198.51.100.0/24' })], chosen: ['eth1', 'eth2'] },
    { what: 'the lowest index', devices: [device(2), device(1)], chosen: ['eth1'], spare: ['eth2'] },
    { what: 'the one in use', devices: [device(1), device(2)], used: [2], chosen: ['eth2'], spare: ['eth1'] },
    { what: 'the one that is named', devices: [device(1), device(2)], named: ['eth2'], used: [1], chosen: ['eth2'], spare: ['eth1'] },
    {
      what: 'the one with a link',
      devices: [device(1, { carrier: false }), device(2)],
      named: ['eth1'],
      used: [1],
      chosen: ['eth2'],
      spare: ['eth1'],
    },
    {
      what: 'the one in use when no link is up',
      devices: [1, 2].map(n => device(n, { carrier: false })),
      used: [2],
      chosen: ['eth2'],
      spare: ['eth1'],
    },
  ])('chooses $what', ({ devices, named = [], used = [], chosen, spare = [] }) => {
    const result = onePerSegment(devices, new Set(named), new Set(used));
    expect([result.chosen.map(({ name }) => name), result.spare.map(({ name }) => name)]).toEqual([chosen, spare]);
    for (const { beside } of result.spare) expect(chosen).toContain(beside);
  });
});
