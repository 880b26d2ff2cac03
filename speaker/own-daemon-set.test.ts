import { ApiError, type Client, systemClock, systemRandom } from '@herald/kube';
import { createLogger } from '@herald/process';
import { describe, expect, it } from 'vitest';
import { OwnDaemonSet } from './own-daemon-set.ts';

type Answer = { metadata: { name: string; deletionTimestamp?: string } } | ApiError | 'silence';

const there: Answer = { metadata: { name: 'herald-speaker' } };
const leaving: Answer = { metadata: { name: 'herald-speaker', deletionTimestamp: '2026-01-01T00:00:00Z' } };

/** An API server that gives one answer after the other, and the last again. */
function answering(...answers: Answer[]): { client: Client; asked: () => number } {
  let asked = 0;
  const get = async (_: unknown, __: unknown, { signal }: { signal: AbortSignal }): Promise<unknown> => {
    const answer = answers[Math.min(asked++, answers.length - 1)] as Answer;
    if (answer instanceof ApiError) throw answer;
    if (answer !== 'silence') return answer;
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new ApiError('aborted', 'ended')), { once: true });
    });
  };
  return { client: { get, clock: systemClock, random: systemRandom } as unknown as Client, asked: () => asked };
}

const own = (client: Client): OwnDaemonSet =>
  new OwnDaemonSet(client, { name: 'herald-speaker', namespace: 'herald-system' }, createLogger({ component: 'speaker', level: 'silent' }));

describe('OwnDaemonSet', () => {
  it.each<[string, Answer, boolean]>([
    ['is there', there, false],
    ['is being deleted', leaving, true],
    ['is gone', new ApiError('not-found', 'gone'), true],
    ['may not be read any more', new ApiError('forbidden', 'no role'), true],
    ['is asked for by an account that is gone', new ApiError('unauthorized', 'no account'), true],
    ['cannot be read now', new ApiError('unavailable', 'later'), false],
    ['is asked for in vain', 'silence', false],
  ])('that %s', async (_, answer, expected) => {
    const { client } = answering(there, answer);
    const daemonSet = own(client);
    await daemonSet.find(new AbortController().signal);
    expect(await daemonSet.isDeleted()).toBe(expected);
  });

  it.each<[string, ApiError]>([
    ['was', new ApiError('not-found', 'none')],
    ['could be read', new ApiError('forbidden', 'no role')],
  ])('that never %s says nothing, and nobody is asked at the end', async (_, answer) => {
    const { client, asked } = answering(answer);
    const daemonSet = own(client);
    const stop = new AbortController();
    const found = daemonSet.find(stop.signal);
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(await daemonSet.isDeleted()).toBe(false);
    expect(asked()).toBe(1);
    stop.abort();
    await found;
  });

  it('is asked for again until it is seen', async () => {
    const { client, asked } = answering(new ApiError('forbidden', 'the role is on its way'), there, leaving);
    const daemonSet = own(client);
    await daemonSet.find(new AbortController().signal);
    expect(asked()).toBe(2);
    expect(await daemonSet.isDeleted()).toBe(true);
  });
});
