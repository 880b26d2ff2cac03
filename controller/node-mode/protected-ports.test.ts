import { describe, expect, it } from 'vitest';
import { defaultProtectedPorts, isProtected, parseProtectedPorts } from './protected-ports.ts';

describe('protected ports', () => {
  it.each([
    ['22', 'TCP', 22, true],
    ['22', 'UDP', 22, true],
    ['22/tcp', 'UDP', 22, false],
    ['10248-10260/TCP', 'TCP', 10_250, true],
    ['10248-10260/TCP', 'TCP', 10_261, false],
    ['', 'TCP', 22, false],
    [' 22 , 6443/TCP ', 'TCP', 6443, true],
  ])('%j holds %s %i: %s', (text, protocol, port, expected) => {
    expect(isProtected(parseProtectedPorts(text), { protocol, port })).toBe(expected);
  });

  it.each(['ssh', '0', '70000', '30-20', '22/ICMP', '22-', '1-2-3'])('%j is refused, by name', text => {
    expect(() => parseProtectedPorts(`80,${text}`)).toThrow(JSON.stringify(text));
  });

  it.each([22, 179, 2379, 6443, 10_250])('the node keeps %i by default', port => {
    expect(isProtected(parseProtectedPorts(defaultProtectedPorts), { protocol: 'TCP', port })).toBe(true);
  });
});
