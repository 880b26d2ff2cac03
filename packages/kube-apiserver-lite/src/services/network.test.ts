import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemEnvironment } from '../environment.ts';
import { addressText, addressValue, familyOf, parseCidr } from './ip.ts';
import { ServiceNetwork } from './network.ts';

const environment = { ...systemEnvironment, random: () => 0 };
const network = (cidr: string, nodePorts: [number, number] = [30000, 30002]): ServiceNetwork =>
  new ServiceNetwork({ serviceCidrs: cidr.split(','), nodePorts }, environment);

describe('addresses', () => {
  it('come back from their number as they went in', () => {
    fc.assert(fc.property(fc.ipV4(), text => addressText(addressValue(text), 'IPv4') === text));
    fc.assert(fc.property(fc.ipV6(), text => addressValue(addressText(addressValue(text), 'IPv6')) === addressValue(text)));
  });

  it.each([
    ['10.0.0.1', 'IPv4'],
    ['::ffff:1.2.3.4', 'IPv6'],
    ['010.0.0.1', undefined],
    ['fe80::1%eth0', undefined],
  ])('%s is %s', (text, family) => {
    expect(familyOf(text)).toBe(family);
  });

  it.each(['10.0.0.0/33', '10.0.0.0', '10.0.0.0/08', 'x/8', '::/129'])('%s is no CIDR', text => {
    expect(parseCidr(text)).toBeUndefined();
  });
});

describe('ServiceNetwork', () => {
  it('gives every address of a block once, then none, and what was given back again', () => {
    const block = network('10.0.0.0/29');
    const given = Array.from({ length: 7 }, () => block.takeNext('IPv4'));
    expect(new Set(given.slice(0, 6)).size).toBe(6);
    expect(given).not.toContain('10.0.0.0');
    expect(given[6]).toBeUndefined();
    block.release('10.0.0.3');
    expect(block.takeNext('IPv4')).toBe('10.0.0.3');
  });

  it.each([
    ['10.0.0.5', 'ok'],
    ['10.0.0.0', 'range'],
    ['10.0.0.7', 'range'],
    ['10.0.1.1', 'range'],
    ['fd00::1', 'range'],
  ] as const)('asked for %s says %s', (address, expected) => {
    expect(network('10.0.0.0/29').take(address)).toBe(expected);
  });

  it('gives a port once', () => {
    const ports = network('10.0.0.0/24');
    expect(ports.takePort(30001)).toBe('ok');
    expect(ports.takePort(30001)).toBe('taken');
    expect(ports.takePort(80)).toBe('range');
    expect([ports.takeNextPort(), ports.takeNextPort(), ports.takeNextPort()]).toEqual([30000, 30002, undefined]);
  });

  it.each(['x', '10.0.0.0/24,10.1.0.0/24', '10.0.0.0/24,fd00::/64,10.2.0.0/24'])('refuses the ranges %s', cidr => {
    expect(() => network(cidr)).toThrow(RangeError);
  });
});
