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

    const restart = async (signal: 'SIGKILL' | 'SIGTERM', away: number, node = 'dn0'): Promise<void> => {
      const { playground } = service;
      const speaker = playground.speakers.get(node);
      speaker?.signal(signal);
      await Promise.all([speaker?.exited(), sleep(away)]);
      await playground.startSpeaker(playground.node(node));
    };
    const configure = (spec: object): Promise<string> =>
      kubectl(
        service.playground,
        'patch',
        'l2advertisements',
        'lan',
        '-n',
        'herald-system',
        '--type=merge',
        '-p',
        JSON.stringify({ spec }),
      );

    const inTurn = async (): Promise<void> => {
      for (const node of ['dn0', 'dn1', 'dn2']) {
        await restart('SIGTERM', 500, node);
        await sleep(1_000);
      }
    };

    const cases: readonly (readonly [string, () => Promise<void>])[] = [
      // What differs between the responders is seen on one node already.
      ...(responder === 'auto' ? [['ended and started again on one node after the other', inTurn] as const] : []),
      ['killed and started again', () => restart('SIGKILL', 1_000)],
      ['ended in good order and started again', () => restart('SIGTERM', 1_000)],
      ['ended in good order and back after 5 s', () => restart('SIGTERM', 5_000)],
      [
        'standing still for 3 s',
        async () => {
          const speaker = service.playground.speakers.get('dn0');
          speaker?.signal('SIGSTOP');
          await sleep(3_000);
          speaker?.signal('SIGCONT');
        },
      ],
    ];
    it.each(cases)('%s: none breaks, and new ones are answered all the time', async (_, act) => {
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
      await configure({ holdSeconds: 0 });
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

    it.runIf(responder === 'auto')(
      'the node loses its power in the middle of a hold: new ones are answered again, and none breaks when the node comes back as the preferred one',
      async () => {
        const { playground, connections } = service;
        for (const node of ['dn0', 'dn1']) await playground.heal(node);
        await configure({ holdSeconds: 30, preemption: 'Never' });
        const plan = ['get', 'announcements', 'echo', '-o', 'jsonpath={.spec.addresses[*].layer2.holdSeconds}'];
        await until('the plan to say so', async () => (await kubectl(playground, ...plan)) === '30 30');
        const [first, second] = (await service.owners()).includes('dn0') ? (['dn0', 'dn1'] as const) : (['dn1', 'dn0'] as const);
        await service.owned(first);
        await sleep(1_000);

        await playground.speakers.get(first)?.kill();
        await sleep(1_500);
        expect(await service.owners()).toEqual([first, first]);
        await playground.fail(first, 600_000);
        await service.owned(second);
        // What went through the node is gone with it, and counts as broken or failed when there is no answer for 5 s; after that it is begun anew.
        await sleep(5_500);
        await service.lost();
        await connections.pause();
        await connections.resume();
        await service.lost();
        await sleep(1_000);
        const after = await service.lost();
        expect(after).toMatchObject({ losses: [], kept: ALL });
        expect(after.opened).toBeGreaterThan(10);

        const preference = { matchLabels: { 'kubernetes.io/hostname': first } };
        await configure({ preemption: 'Preferred', preferredNodeSelectors: [{ weight: 100, preference }] });
        await playground.heal(first);
        await until('the preferred node to own both addresses again', async () => (await service.owners()).join() === `${first},${first}`);
        await sleep(2_000);
        const back = await service.lost();
        expect(back).toMatchObject({ losses: [], kept: ALL });
        expect(back.opened).toBeGreaterThan(20);
      },
    );
  },
);
