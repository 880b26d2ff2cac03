import { describe, expect, test } from 'vitest';
import { capabilities, parseCapabilities } from './capabilities.ts';

describe('capabilities', () => {
  test.each([
    ['none', 'CapInh:\t0\nCapEff:\t0000000000000000\n', []],
    ['a container that may open raw sockets', 'CapEff:\t0000000000002400\n', ['CAP_NET_BIND_SERVICE', 'CAP_NET_RAW']],
    ['the permitted set does not count', 'CapPrm:\t000001ffffffffff\nCapEff:\t0000000000001000\n', ['CAP_NET_ADMIN']],
    ['bits beyond 32', 'CapEff:\t000000c000000000\n', ['CAP_PERFMON', 'CAP_BPF']],
    ['no such line', 'Name:\tnode\n', []],
  ])('%s', (_, status, expected) => {
    expect([...parseCapabilities(status)]).toEqual(expected);
  });

  test('this process has a mask that can be read', () => {
    expect(capabilities()).toBeInstanceOf(Set);
  });
});
