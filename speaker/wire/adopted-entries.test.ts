import type { KernelResponder } from 'raw-socket';
import { describe, expect, it } from 'vitest';
import { AdoptedEntries } from './adopted-entries.ts';

class FakeResponder {
  adopted = true;
  readonly deleted: string[] = [];

  entries(): object[] {
    return [
      { interfaceIndex: 2, address: '192.0.2.1', lease: 0 },
      { interfaceIndex: 2, address: '192.0.2.2', lease: 1 },
      { interfaceIndex: 3, address: '2001:db8::1', lease: 1 },
    ];
  }

  leases(): bigint[] {
    return [100n, 200n];
  }

  delete(index: number, address: string): void {
    this.deleted.push(`${index} ${address}`);
  }
}

function adopt(fake: FakeResponder): AdoptedEntries {
  return new AdoptedEntries(fake as unknown as KernelResponder);
}

describe('what an earlier process left with the kernel', () => {
  it.each<{ what: string; now: bigint; deleted: string[]; left: number }>([
    { what: 'before any lease ends', now: 99n, deleted: [], left: 3 },
    { what: 'as the first ends', now: 100n, deleted: ['2 192.0.2.1'], left: 2 },
    { what: 'when all have ended', now: 200n, deleted: ['2 192.0.2.1', '2 192.0.2.2', '3 2001:db8::1'], left: 0 },
  ])('$what: goes with the lease that it was left with', ({ now, deleted, left }) => {
    const fake = new FakeResponder();
    const adopted = adopt(fake);
    adopted.expire(now);
    expect([fake.deleted, adopted.size]).toEqual([deleted, left]);
  });

  it('stays where this process goes on with it', () => {
    const fake = new FakeResponder();
    const adopted = adopt(fake);
    adopted.takeUp(2, '192.0.2.2');
    expect([adopted.has(2, '192.0.2.2'), adopted.has(3, '2001:db8::1'), adopted.on(2)]).toEqual([false, true, ['192.0.2.1']]);
    adopted.expire(1_000n);
    adopted.drop(2, '192.0.2.2');
    expect(fake.deleted).toEqual(['2 192.0.2.1', '3 2001:db8::1']);
  });

  it('goes when it is settled what this process goes on with', () => {
    const fake = new FakeResponder();
    const adopted = adopt(fake);
    adopted.takeUp(2, '192.0.2.1');
    adopted.settle();
    adopted.settle();
    expect(fake.deleted).toEqual(['2 192.0.2.2', '3 2001:db8::1']);
  });

  it('is nothing where the maps are new', () => {
    const fake = new FakeResponder();
    fake.adopted = false;
    expect(adopt(fake).size).toBe(0);
  });
});
