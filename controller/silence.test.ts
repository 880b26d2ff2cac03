import type { AnnouncementReason } from '@herald/crds';
import { ManualClock } from '@herald/kube/testing';
import { beforeEach, expect, it } from 'vitest';
import { Silence } from './silence.ts';

let clock: ManualClock;
let silence: Silence;

beforeEach(() => {
  clock = new ManualClock(0);
  silence = new Silence(clock);
});

const because = (reason: string, ip = '10.0.0.1', message = 'text'): AnnouncementReason => ({ ip, reason, message });
const names = (reasons: readonly AnnouncementReason[]) => reasons.map(({ reason }) => reason);

it('a reason is told once it lasts, and at once no more when it is over', async () => {
  expect(silence.lasting('ns/a', [because('NoSpeaker')])).toEqual({ reasons: [], again: 2_000 });
  await clock.advance(1_500);
  expect(silence.lasting('ns/a', [because('NoSpeaker'), because('NoSession', '10.0.0.2')])).toEqual({ reasons: [], again: 500 });
  await clock.advance(500);
  // In the words of now.
  const now = [because('NoSpeaker', '10.0.0.1', 'other words'), because('NoSession', '10.0.0.2')];
  expect(silence.lasting('ns/a', now)).toEqual({ reasons: now.slice(0, 1), again: 1_500 });
  expect(silence.lasting('ns/a', [])).toEqual({ reasons: [], again: undefined });
  expect(silence.lasting('ns/a', [because('NoSpeaker')])).toEqual({ reasons: [], again: 2_000 });
});

it('one reason after the other: each has to last; Services are apart', async () => {
  silence.lasting('ns/a', [because('WaitingForSpeakers')]);
  await clock.advance(2_000);
  expect(names(silence.lasting('ns/a', [because('NoSpeaker')]).reasons)).toEqual([]);
  expect(names(silence.lasting('ns/b', [because('NoSpeaker')]).reasons)).toEqual([]);
  await clock.advance(2_000);
  expect(names(silence.lasting('ns/a', [because('NoSpeaker')]).reasons)).toEqual(['NoSpeaker']);
});

it('what the leader before told stays told', () => {
  expect(names(silence.lasting('ns/a', [because('NoSpeaker')], [because('NoSpeaker')]).reasons)).toEqual(['NoSpeaker']);
  silence.forget('ns/a');
  expect(names(silence.lasting('ns/a', [because('NoSpeaker')]).reasons)).toEqual([]);
});
