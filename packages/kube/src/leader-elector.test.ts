import type { V1Lease } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Client, connectTo } from './client.ts';
import { LeaderElector, type LeaderElectorOptions, leaseLost } from './leader-elector.ts';
import { ManualClock } from './manual-clock.ts';
import { failure, ScriptedServer, sendJson, until } from './testing.ts';
import type { Wire } from './wire.ts';

/** One Lease with optimistic locking, as the API server keeps it. */
let lease: Wire<V1Lease> | undefined;
let version = 0;
let broken = false;

const server = new ScriptedServer((request, response) => {
  if (broken) return sendJson(response, 500, failure(500, 'InternalError'));
  if (request.method === 'GET') {
    return lease === undefined ? sendJson(response, 404, failure(404, 'NotFound')) : sendJson(response, 200, lease);
  }
  const object = JSON.parse(request.body) as Wire<V1Lease>;
  if (request.method === 'POST' && lease !== undefined) return sendJson(response, 409, failure(409, 'AlreadyExists'));
  if (request.method === 'PUT' && object.metadata.resourceVersion !== lease?.metadata.resourceVersion) {
    return sendJson(response, 409, failure(409, 'Conflict'));
  }
  object.metadata.resourceVersion = String(++version);
  lease = object;
  sendJson(response, 200, object);
});

let client: Client;
beforeEach(async () => {
  lease = undefined;
  version = 0;
  broken = false;
  server.seen.length = 0;
  await server.listen();
  client = connectTo(server.url, { qps: 0 });
});
afterEach(async () => {
  client.close();
  await server.kill();
});

function elector(identity: string, options: Partial<LeaderElectorOptions> = {}) {
  return new LeaderElector(client, {
    namespace: 'ns',
    name: 'herald',
    identity,
    leaseDurationMs: 400,
    renewDeadlineMs: 250,
    retryPeriodMs: 50,
    ...options,
  });
}

/** Runs an elector until told; `leading` says whether it leads now. */
function replica(identity: string) {
  const stop = new AbortController();
  const state = { leading: false, terms: 0, lostByItself: false };
  const self = elector(identity);
  const running = self.run(async lost => {
    state.leading = true;
    state.terms++;
    await new Promise<void>(resolve => {
      lost.addEventListener('abort', () => resolve(), { once: true });
      if (lost.aborted) resolve();
    });
    state.lostByItself = lost.reason === leaseLost;
    state.leading = false;
  }, stop.signal);
  return {
    state,
    elector: self,
    async stop() {
      stop.abort();
      await running;
    },
    running,
  };
}

describe('LeaderElector', () => {
  it('takes a lease that does not exist, renews it, and releases it for the next one', async () => {
    const first = replica('one');
    await until(() => first.state.leading, 'the first');
    const second = replica('two');
    const created = lease?.spec?.renewTime;
    await until(() => lease?.spec?.renewTime !== created, 'a renewal');
    expect(lease?.spec).toMatchObject({ holderIdentity: 'one', leaseTransitions: 0 });
    expect(lease?.spec?.renewTime).toMatch(/\.\d{6}Z$/);
    expect(second.state.leading).toBe(false);
    expect(second.elector.leader).toBe('one');
    expect([first.elector.holds, second.elector.holds]).toEqual([true, false]);
    await first.stop();
    expect(['', 'two']).toContain(lease?.spec?.holderIdentity);
    await until(() => second.state.leading, 'the second');
    expect(lease?.spec).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 });
    await second.stop();
    expect(lease?.spec?.holderIdentity).toBe('');
  });

  it('takes over from one that died, only after watching its lease for the whole duration', async () => {
    // Renewed far in the future by a broken clock: only what we observe ourselves counts.
    lease = {
      metadata: { name: 'herald', namespace: 'ns', resourceVersion: '1' },
      spec: { holderIdentity: 'dead', renewTime: '2099-01-01T00:00:00.000000Z', leaseDurationSeconds: 0, leaseTransitions: 4 },
    };
    version = 1;
    const started = performance.now();
    const next = replica('next');
    await until(() => next.state.leading, 'the takeover');
    expect(performance.now() - started).toBeGreaterThanOrEqual(400);
    expect(lease?.spec).toMatchObject({ holderIdentity: 'next', leaseTransitions: 5 });
    await next.stop();
  });

  it.each([
    { desc: 'takes over from one that is proven dead once it has missed renewals', dead: true, after: [125, 399] },
    { desc: 'waits for the whole duration where there is no proof', dead: false, after: [400, 5_000] },
  ])('$desc', async ({ dead, after: [least = 0, most = 0] }) => {
    lease = {
      metadata: { name: 'herald', namespace: 'ns', resourceVersion: '1' },
      spec: { holderIdentity: 'gone', leaseDurationSeconds: 0 },
    };
    version = 1;
    const asked: string[] = [];
    // A clock of its own, so that a machine that stands still proves nothing.
    const clock = new ManualClock();
    client.close();
    client = connectTo(server.url, { qps: 0, clock });
    const next = elector('next', { isDead: holder => (asked.push(holder), Promise.resolve(dead)) });
    const stop = new AbortController();
    const led: number[] = [];
    const begun = clock.now();
    const running = next.run(() => {
      led.push(clock.now() - begun);
      return Promise.resolve();
    }, stop.signal);
    while (led.length === 0) {
      await clock.advance(10);
      await new Promise(resolve => setTimeout(resolve, 3));
    }
    expect(led[0]).toBeGreaterThanOrEqual(least);
    expect(led[0]).toBeLessThanOrEqual(most);
    expect(new Set(asked)).toEqual(new Set(['gone']));
    stop.abort();
    await running;
  });

  it('never leads twice at once, however many compete', async () => {
    const replicas = ['a', 'b', 'c', 'd'].map(replica);
    for (let left = replicas.length; left > 0; left--) {
      await until(() => replicas.some(one => one.state.leading), 'a leader');
      expect(replicas.filter(one => one.state.leading).length).toBe(1);
      await replicas.find(one => one.state.leading)?.stop();
    }
  });

  it('stops leading when it cannot renew, before others may take over', async () => {
    const only = replica('only');
    await until(() => only.state.leading, 'leadership');
    broken = true;
    await until(() => !only.state.leading, 'the loss');
    expect(only.state.lostByItself).toBe(true);
    expect(only.elector.holds).toBe(false);
    broken = false;
    await only.running;
  });

  it('stops leading at once when another holds its lease', async () => {
    const only = replica('only');
    await until(() => only.state.leading, 'leadership');
    lease = {
      metadata: { name: 'herald', namespace: 'ns', resourceVersion: '99' },
      spec: { holderIdentity: 'usurper', leaseDurationSeconds: 15 },
    };
    await until(() => !only.state.leading, 'the loss');
    await only.running;
    expect(lease?.spec?.holderIdentity).toBe('usurper');
  });

  it('keeps what it does not know of in the Lease', async () => {
    lease = {
      metadata: { name: 'herald', namespace: 'ns', resourceVersion: '1', labels: { keep: 'me' } },
      spec: { holderIdentity: '', strategy: 'Newer' },
    };
    version = 1;
    const only = replica('only');
    await until(() => only.state.leading, 'leadership');
    expect(lease).toMatchObject({ metadata: { labels: { keep: 'me' } }, spec: { strategy: 'Newer', holderIdentity: 'only' } });
    await only.stop();
  });

  it('refuses timers that cannot work', () => {
    expect(() => new LeaderElector(client, { namespace: 'n', name: 'x', identity: 'i', renewDeadlineMs: 20_000 })).toThrow(
      'retryPeriodMs < renewDeadlineMs',
    );
  });
});
