import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { interfaces } from '../netlink/tables.ts';
import { ResponderBed, responderUnavailable, VIP_MAC } from '../testing/responder-bed.ts';
import { cleanupPins } from './pins.ts';
import type { KernelResponder } from './responder.ts';

const skip = responderUnavailable();

describe.skipIf(skip)(`groups held by the kernel${skip ? ` (${skip})` : ''}`, () => {
  let bed: ResponderBed;
  beforeAll(() => {
    bed = new ResponderBed();
  });
  afterEach(() => bed.reset());
  afterAll(() => bed?.close());

  const joined = (): string[] =>
    bed.lan.host
      .run('ip', '-6', 'maddr', 'show', 'dev', 'eth0')
      .split('\n')
      .map(line => /inet6 (ff02::1:ffee:\w+)/.exec(line)?.[1] ?? '')
      .filter(Boolean)
      .sort();
  const set = (responder: KernelResponder, address: string): void =>
    bed.lan.host.enter(() => responder.set({ interfaceIndex: bed.index, address, mac: VIP_MAC }));
  const remove = (responder: KernelResponder, address: string): boolean => bed.lan.host.enter(() => responder.delete(bed.index, address));

  test('a group is joined with its first address, shared, and left with its last', () => {
    const responder = bed.open(bed.pinDirectory(), { holdGroups: true });
    for (const address of ['fd66::ee:1', 'fd67::ee:1', 'fd66::ee:2', '10.66.0.51']) set(responder, address);
    set(responder, 'fd66::ee:1');
    expect([joined(), responder.groupProblem]).toEqual([['ff02::1:ffee:1', 'ff02::1:ffee:2'], undefined]);
    remove(responder, 'fd66::ee:1');
    remove(responder, 'fd66::ee:2');
    expect(joined()).toEqual(['ff02::1:ffee:1']);
    remove(responder, 'fd67::ee:1');
    expect(joined()).toEqual([]);
  });

  test('it is no address of the interface to us', () => {
    const responder = bed.open(bed.pinDirectory(), { holdGroups: true });
    set(responder, 'fd66::ee:1');
    expect(bed.lan.host.run('ip', '-6', 'addr', 'show', 'dev', 'eth0')).toContain('ff02::1:ffee:1/128');
    const addresses = bed.lan.host.enter(interfaces).flatMap(info => info.addresses.map(a => a.address));
    expect(addresses.filter(address => address.startsWith('ff'))).toEqual([]);
    expect(addresses).toContain('fd66::1');
  });

  test('it outlives the process, and the next one leaves it', () => {
    const directory = bed.pinDirectory();
    const first = bed.open(directory, { holdGroups: true });
    set(first, 'fd66::ee:1');
    bed.lan.host.enter(() => first.close(true));
    expect(joined()).toEqual(['ff02::1:ffee:1']);
    const second = bed.open(directory, { holdGroups: true });
    bed.lan.host.enter(() => second.close());
    expect(joined()).toEqual([]);
  });

  test('cleanupPins leaves the groups', () => {
    const directory = bed.pinDirectory();
    const responder = bed.open(directory, { holdGroups: true });
    set(responder, 'fd66::ee:1');
    bed.lan.host.enter(() => responder.close(true));
    bed.lan.host.enter(() => cleanupPins(directory));
    expect(joined()).toEqual([]);
  });

  test('an interface that is gone is told as a problem, and the entry is set all the same', () => {
    const responder = bed.open(bed.pinDirectory(), { holdGroups: true });
    bed.lan.host.enter(() => responder.set({ interfaceIndex: 4242, address: 'fd66::ee:1', mac: VIP_MAC }));
    expect(responder.groupProblem).toMatch(/ff02::1:ffee:1 on interface 4242/);
    expect(responder.entries()).toHaveLength(1);
  });

  test('without holdGroups the kernel joins nothing', () => {
    set(bed.open(bed.pinDirectory()), 'fd66::ee:1');
    expect(joined()).toEqual([]);
  });

  // The last one: the membership stays with the interface.
  test('an interface that was down keeps the group, and it can be asked for again', () => {
    const directory = bed.pinDirectory();
    const responder = bed.open(directory, { holdGroups: true });
    set(responder, 'fd66::ee:1');
    bed.lan.host.run('ip', 'link', 'set', 'eth0', 'down');
    bed.lan.host.run('ip', 'link', 'set', 'eth0', 'up');
    expect(joined()).toEqual(['ff02::1:ffee:1']);
    bed.lan.host.enter(() => responder.close(true));
    expect(bed.open(directory, { holdGroups: true }).groupProblem).toBeUndefined();
  });
});
