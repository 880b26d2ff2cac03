import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMakeNamespaces, hasKubectl, kubectl } from './cluster.ts';
import { EchoService } from './echo-service.ts';
import { until } from './wait.ts';

/** 60 TCP connections and 20 UDP flows per family. */
const ALL = 160;

describe.skipIf(!canMakeNamespaces || !hasKubectl).each(['auto', 'packet'])(
  'connections outlive the speaker of their node, with the responder %s (skipped without namespaces or kubectl)',
  responder => {
    let service: EchoService;

    beforeAll(async () => {
      service = await EchoService.start({ name: `e2e-connections-${responder}`, speakerArguments: ['--responder', responder] });
    });
    afterAll(async () => service?.stop());

    const restart = async (signal: 'SIGKILL' | 'SIGTERM', away: number): Promise<void> => {
      const { playground } = service;
      const speaker = playground.speakers.get('dn0');
      speaker?.signal(signal);
      await Promise.all([speaker?.exited(), sleep(away)]);
      await playground.startSpeaker(playground.node('dn0'));
    };

    it.each([
      ['killed and started again', () => restart('SIGKILL', 1_000)],
      ['ended in good order and started again', () => restart('SIGTERM', 1_000)],
      [
        'standing still for 3 s',
        async () => {
          const speaker = service.playground.speakers.get('dn0');
          speaker?.signal('SIGSTOP');
          await sleep(3_000);
          speaker?.signal('SIGCONT');
        },
      ],
    ])('%s: none breaks, and new ones are answered all the time', async (_, act) => {
      await service.lost();
      await act();
      await sleep(1_000);
      const { losses, kept, opened } = await service.lost();
      expect(losses).toEqual([]);
      expect(kept).toBe(ALL);
      expect(opened).toBeGreaterThan(20);
      await service.owned('dn0');
    });

    it.runIf(responder === 'auto')('without a hold they break, which shows that this test can fail', async () => {
      await kubectl(
        service.playground,
        'patch',
        'l2advertisements',
        'lan',
        '-n',
        'herald-system',
        '--type=merge',
        '-p',
        '{"spec":{"holdSeconds":0}}',
      );
      await sleep(500);
      await service.lost();
      await service.playground.speakers.get('dn0')?.kill();
      await service.owned('dn1');
      const broken = await until('broken connections', async () => {
        const { losses } = await service.lost();
        return losses.length > 0 ? losses : undefined;
      });
      expect(broken.join('\n')).toMatch(/connection: ECONNRESET/);
    });
  },
);
