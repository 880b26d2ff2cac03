import { TestCluster, TestProxy } from '@herald/controller/testing';
import type { AnnouncementOwner } from '@herald/crds';
import { connectTo } from '@herald/kube';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { announcement, owner } from './fixtures.ts';
import { type Followed, follow, readCluster } from './follow.ts';
import { drainMoves } from './moves.ts';
import { announcements } from './resources.ts';

const A = '192.0.2.10';
const at = (ms: number) => new Date(Date.now() + ms).toISOString();

async function seen(shown: readonly string[], text: string): Promise<void> {
  await expect.poll(() => shown).toContain(text);
}

describe('following a drain of n1', () => {
  let cluster: TestCluster;
  const ref = { namespace: 'default', name: 'web' };

  const owned = async (by: AnnouncementOwner): Promise<void> => {
    await cluster.client.patch(announcements, ref, { status: { owners: [by] } }, { type: 'merge', subresource: 'status' });
  };
  beforeAll(async () => {
    cluster = await TestCluster.start();
    for (const name of ['n1', 'n2']) await cluster.node(name);
    const { spec, apiVersion, kind } = announcement('web', [{ ip: A, nodes: ['n1', 'n2'] }]);
    await cluster.client.create(announcements, { apiVersion, kind, metadata: ref, spec });
  });
  afterAll(async () => cluster.stop());
  beforeEach(async () => owned(owner(A, 'n1')));

  /** Follows until it ends, while `play` plays the speakers: it is told what was shown. */
  async function watch(
    play: (shown: string[]) => Promise<unknown>,
    signal = new AbortController().signal,
  ): Promise<{ followed: Followed; shown: string[] }> {
    const shown: string[] = [];
    const moves = drainMoves(await readCluster(cluster.client), 'n1');
    const running = follow({
      client: cluster.client,
      moves,
      drainMs: 0,
      patienceMs: 700,
      signal,
      onState: ([state]) => {
        const text = `${state?.phase} ${state?.flows ?? ''}`.trim();
        if (shown.at(-1) !== text) shown.push(text);
      },
    });
    await expect.poll(() => shown).not.toEqual([]);
    await play(shown);
    return { followed: await running, shown };
  }

  it('ends when the last connection has ended', async () => {
    const { followed, shown } = await watch(async shown => {
      for (const flows of [7, 2]) {
        await owned(owner(A, 'n2', { node: 'n1', since: at(0), until: at(60_000), flows }));
        await seen(shown, `draining ${flows}`);
      }
      await owned(owner(A, 'n2'));
    });
    expect(shown).toEqual(['waiting', 'draining 7', 'draining 2', 'done']);
    expect(followed).toMatchObject({ end: 'done', cut: [] });
  });

  it('names the connections that were left when the time was over', async () => {
    const { followed } = await watch(async shown => {
      await owned(owner(A, 'n2', { node: 'n1', since: at(-60_000), until: at(100), flows: 2 }));
      await seen(shown, 'draining 2');
      await owned(owner(A, 'n2'));
    });
    expect(followed).toMatchObject({ end: 'done', cut: [{ flows: 2, owner: 'n2' }] });
  });

  it('does not wait for ever for a node that hands nothing over', async () => {
    const { followed } = await watch(async () => undefined);
    expect(followed).toMatchObject({ end: 'stuck', states: [{ phase: 'waiting', owner: 'n1' }] });
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const { followed } = await watch(async () => stop.abort(), stop.signal);
    expect(followed.end).toBe('interrupted');
  });

  it('does not wait for ever for an API server that is gone, and says why nothing is known', async () => {
    const moves = drainMoves(await readCluster(cluster.client), 'n1');
    const proxy = new TestProxy(cluster.server.url);
    await proxy.up();
    await proxy.down();
    const client = connectTo(proxy.url);
    const { signal } = new AbortController();
    try {
      const followed = await follow({ client, moves, drainMs: 0, patienceMs: 300, signal, onState: () => undefined });
      expect(followed).toMatchObject({ end: 'stuck', states: [{ phase: 'waiting', owner: 'n1' }], problem: expect.any(String) as string });
    } finally {
      client.close();
    }
  });

  it('says so when the Service is gone', async () => {
    const { followed } = await watch(async () => cluster.client.delete(announcements, ref));
    expect(followed).toMatchObject({ end: 'done', states: [{ phase: 'gone' }] });
  });
});
