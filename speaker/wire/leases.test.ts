import type { KernelResponder } from 'raw-socket';
import { describe, expect, it } from 'vitest';
import { Leases } from './leases.ts';

class FakeResponder {
  holder = 0n;
  pinned: string | undefined = '/sys/fs/bpf/herald/v1-1';
  readonly leaseCount = 3;
  readonly until = new Map<number, bigint>();

  renew(until: bigint, lease: number): void {
    this.until.set(lease, until);
  }
}

const open = (fake: FakeResponder, token = 7n) => new Leases(fake as unknown as KernelResponder, token, () => 0n);

describe('Leases', () => {
  it('cover each hold time and no more, and half a second where nothing is held', () => {
    const fake = new FakeResponder();
    const leases = open(fake);
    expect([0, 30_000, 0, 30_000, 5_000].map(hold => leases.of(hold))).toEqual([0, 1, 0, 1, 2]);
    // From the moment it is needed.
    expect(fake.until.get(1)).toBe(30_000_000_000n);
    leases.renew(1_000_000_000n);
    expect([...fake.until].sort(([a], [b]) => a - b)).toEqual([
      [0, 1_500_000_000n],
      [1, 31_000_000_000n],
      [2, 6_000_000_000n],
    ]);
    leases.rest();
    expect(fake.until.get(0)).toBe(0n);
  });

  it('run from the goodbye on, but for what is not held', () => {
    const fake = new FakeResponder();
    const leases = open(fake);
    leases.of(30_000);
    leases.leave();
    leases.renew(2_000_000_000n);
    expect([...fake.until]).toEqual([
      [1, 30_000_000_000n],
      [0, 2_500_000_000n],
    ]);
  });

  it('when all are in use, the longest that is not too long', () => {
    const leases = open(new FakeResponder());
    expect([30_000, 5_000, 60_000, 6_000, 100].map(hold => leases.of(hold))).toEqual([1, 2, 1, 2, 0]);
  });

  it('what is not pinned ends with the process anyway', () => {
    const fake = new FakeResponder();
    fake.pinned = undefined;
    expect(open(fake).of(30_000)).toBe(0);
  });

  it('the last process to come is the holder', () => {
    const fake = new FakeResponder();
    const [first, second] = [open(fake, 1n), open(fake, 2n)];
    expect([first.isHolder, second.isHolder]).toEqual([false, true]);
  });
});
