import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

function make(options: WorkQueueOptions = {}) {
  const clock = new ManualClock();
  return { clock, queue: new WorkQueue({ clock, random: () => 0, ...options }) };
}

describe('WorkQueue', () => {
  it('holds a key once and keeps the order', async () => {
    const { queue } = make();
    for (const key of ['a', 'b', 'a', 'c']) queue.add(key);
    expect(queue.length).toBe(3);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['a', 'b', 'c']);
  });

  it('gives a key added during its work out again only afterwards', async () => {
    const { queue } = make();
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(queue.length).toBe(1);
    expect(await queue.get()).toBe('a');
  });

  it('keeps the earliest of several delays', async () => {
    const { queue, clock } = make();
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 200);
    await clock.advance(49);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    await clock.advance(500);
    expect(queue.length).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('backs a failing key off by itself, and starts small again after a success', async () => {
    const { queue, clock } = make({ baseDelayMs: 10, maxDelayMs: 45 });
    const starts: number[] = [];
    const stop = new AbortController();
    const running = queue.run(
      async () => {
        starts.push(clock.now());
        if (starts.length !== 5) throw new Error('no');
      },
      { signal: stop.signal },
    );
    queue.add('a');
    await clock.advance(1000);
    expect(starts).toEqual([0, 10, 30, 70, 115]);
    queue.add('a');
    await clock.advance(11);
    expect(starts.slice(5)).toEqual([1000, 1010]);
    stop.abort();
    await running;
    expect(clock.pending).toBe(0);
  });

  it('paces the retries of many keys by the bucket', async () => {
    const { queue, clock } = make({ baseDelayMs: 1, qps: 10, burst: 2 });
    for (const key of ['a', 'b', 'c', 'd']) queue.addRateLimited(key);
    await clock.advance(1);
    expect(queue.length).toBe(2);
    await clock.advance(99);
    expect(queue.length).toBe(3);
    await clock.advance(100);
    expect(queue.length).toBe(4);
  });

  it('comes back when the work asks for it', async () => {
    const { queue, clock } = make();
    const stop = new AbortController();
    let runs = 0;
    const running = queue.run(async () => (++runs === 1 ? { requeueAfterMs: 30 } : undefined), { signal: stop.signal });
    queue.add('a');
    await clock.advance(29);
    expect(runs).toBe(1);
    await clock.advance(1);
    expect(runs).toBe(2);
    stop.abort();
    await running;
  });

  it('reports depth, adds, retries and errors', async () => {
    const depths: number[] = [];
    const errors: string[] = [];
    let added = 0;
    let retried = 0;
    const { queue, clock } = make({
      observer: { depth: depth => depths.push(depth), added: () => added++, retried: () => retried++ },
      onError: (key, error, attempt) => errors.push(`${key} ${String(error)} ${attempt}`),
    });
    const stop = new AbortController();
    let failures = 1;
    const running = queue.run(
      async () => {
        if (failures-- > 0) throw new Error('no');
      },
      { signal: stop.signal },
    );
    queue.add('a');
    await clock.advance(100);
    expect({ added, retried, errors }).toEqual({ added: 2, retried: 1, errors: ['a Error: no 1'] });
    expect(depths).toEqual([1, 0, 1, 0]);
    stop.abort();
    await running;
  });

  it('never works on one key twice at a time and never loses one', async () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), wait: fc.integer({ min: 0, max: 5 }), fail: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async steps => {
        const { queue, clock } = make({ baseDelayMs: 3, qps: 0 });
        const stop = new AbortController();
        const active = new Set<string>();
        const wanted = new Map<string, number>();
        const done = new Map<string, number>();
        let at = 0;
        const running = queue.run(
          async key => {
            expect(active.has(key)).toBe(false);
            active.add(key);
            const version = wanted.get(key) ?? 0;
            const step = steps[at++];
            await new Promise<void>(resolve => clock.after(step?.wait ?? 0, resolve));
            active.delete(key);
            if (step?.fail === true) throw new Error('no');
            done.set(key, version);
          },
          { workers: 3, signal: stop.signal },
        );
        for (const { key, wait } of steps) {
          wanted.set(key, (wanted.get(key) ?? 0) + 1);
          queue.add(key);
          await clock.advance(wait);
        }
        await clock.advance(100_000);
        expect(done).toEqual(wanted);
        expect(queue.idle).toBe(true);
        stop.abort();
        await running;
      }),
      { numRuns: 25 },
    );
  });
});
