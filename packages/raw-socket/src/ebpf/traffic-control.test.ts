import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nowNs } from '../clock.ts';
import { ResponderBed, responderUnavailable, SECOND_NS, VIP_MAC, VIP4, VIP6 } from '../testing/responder-bed.ts';
import { cleanupPins } from './pins.ts';
import { attachFilterProgram } from './traffic-control.ts';

const skip = responderUnavailable();
const tc = { attachBy: 'tc' } as const;

describe.skipIf(skip)(`a KernelResponder attached by traffic control${skip ? ` (${skip})` : ''}`, () => {
  let bed: ResponderBed;
  beforeAll(() => {
    bed = new ResponderBed();
  });
  afterEach(() => bed.reset());
  afterAll(() => bed?.close());

  const filters = (): string[] =>
    bed.lan.host.run('tc', 'filter', 'show', 'dev', 'eth0', 'ingress').match(/handle 0x617270 arp_ndp/g) ?? [];

  test('answers as by a link, with its lease, until it is detached', () => {
    const responder = bed.start(undefined, tc);
    expect(filters()).toHaveLength(1);
    expect([bed.asker.ask(VIP4)?.mac, bed.asker.ask(VIP6)?.mac]).toEqual([VIP_MAC, VIP_MAC]);
    responder.renew(0n);
    expect(bed.answers()).toEqual([false, false]);
    responder.renew(nowNs() + 30n * SECOND_NS);
    expect(bed.answers()).toEqual([true, true]);
    bed.lan.host.enter(() => responder.detach(bed.index));
    expect([bed.answers(), filters()]).toEqual([[false, false], []]);
  });

  test('attaching again replaces it', () => {
    const responder = bed.start(undefined, tc);
    bed.lan.host.enter(() => responder.attach(bed.index));
    expect([filters().length, bed.answers()]).toEqual([1, [true, true]]);
    bed.lan.host.enter(() => responder.close());
    expect(filters()).toEqual([]);
  });

  test('what a dead process left is replaced by the next without a gap', () => {
    const directory = bed.pinDirectory();
    const first = bed.start(directory, tc);
    first.close(true);
    expect(bed.answers()).toEqual([true, true]);
    const next = bed.open(directory, tc);
    expect([next.adopted, bed.answers()]).toEqual([true, [true, true]]);
    bed.lan.host.enter(() => next.attach(bed.index));
    expect([filters().length, bed.answers()]).toEqual([1, [true, true]]);
    next.delete(bed.index, VIP4);
    expect(bed.answers()).toEqual([false, true]);
  });

  test("a stranger's filter of the same priority stays, and so does the queueing discipline", () => {
    // Another program of the same kind and priority, under a handle of its own.
    const run = (text: string): string => bed.lan.host.run('tc', ...text.split(' '));
    run('qdisc replace dev eth0 clsact');
    bed.lan.host.run('tc', ...'filter add dev eth0 ingress prio 1 protocol all handle 0x99 bpf bytecode'.split(' '), '1,6 0 0 0,');
    const responder = bed.start(undefined, tc);
    expect(bed.answers()).toEqual([true, true]);
    expect(filters()).toHaveLength(1);
    bed.lan.host.enter(() => responder.close());
    expect(run('filter show dev eth0 ingress')).toContain('handle 0x99');
    expect(filters()).toEqual([]);
    run('qdisc del dev eth0 clsact');
  });

  test('cleanupPins removes it, also where nothing is pinned', () => {
    bed.start(undefined, tc).close(true);
    expect(filters()).toHaveLength(1);
    bed.lan.host.enter(() => cleanupPins('/nonexistent'));
    expect([filters(), bed.answers()]).toEqual([[], [false, false]]);
  });

  test('no such interface, and no program, are clear errors', () => {
    expect(() => bed.lan.host.enter(() => attachFilterProgram(4242, 0))).toThrow(expect.objectContaining({ code: 'NoSuchDevice' }));
    expect(() => bed.lan.host.enter(() => attachFilterProgram(bed.index, 0))).toThrow(
      /attach the eBPF responder to interface \d+ by traffic control/,
    );
  });
});
