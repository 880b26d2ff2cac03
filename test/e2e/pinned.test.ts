import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanupNode } from '@herald/speaker';
import { openKernelResponder } from 'raw-socket';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMakeNamespaces, hasKubectl, kubectl } from './cluster.ts';
import { EchoService } from './echo-service.ts';
import { until } from './wait.ts';

/** 60 TCP connections and 20 UDP flows per family. */
const ALL = 160;

/** As root only: a user namespace may not load programs, nor mount a BPF file system. */
function available(): boolean {
  if (process.getuid?.() !== 0 || !canMakeNamespaces || !hasKubectl) return false;
  const opened = openKernelResponder();
  if (opened.available) opened.responder.close();
  return opened.available;
}

describe.skipIf(!available())(
  'what the kernel answers is pinned, and nobody answers on its behalf (skipped without eBPF, namespaces or kubectl)',
  () => {
    let mount: string;
    let pinDirectory: string;
    let service: EchoService;

    beforeAll(async () => {
      mount = mkdtempSync(join(tmpdir(), 'herald-e2e-pins-'));
      execFileSync('mount', ['-t', 'bpf', 'bpf', mount]);
      pinDirectory = join(mount, 'herald');
      service = await EchoService.start({
        name: 'e2e-pinned',
        speakerArguments: ['--responder', 'auto', '--pin-directory', pinDirectory, '--caretaker', 'false'],
      });
    });

    afterAll(async () => {
      await service?.stop();
      cleanupNode(pinDirectory);
      execFileSync('umount', [mount]);
      rmSync(mount, { recursive: true });
    });

    const restart = async (signal: 'SIGKILL' | 'SIGTERM', away: number): Promise<void> => {
      const { playground } = service;
      const speaker = playground.speakers.get('dn0');
      speaker?.signal(signal);
      await Promise.all([speaker?.exited(), sleep(away)]);
      await playground.startSpeaker(playground.node('dn0'));
    };

    it('the Speaker says so', async () => {
      await until('the status', async () => {
        const text = await kubectl(service.playground, 'get', 'speakers', 'dn0', '-o', 'jsonpath={.status.responder} {.status.pinned}');
        return text.trim() === 'kernel true' ? text : undefined;
      });
    });

    it.each([
      ['killed and started again', () => restart('SIGKILL', 2_000)],
      ['ended in good order and started again', () => restart('SIGTERM', 1_000)],
      [
        'standing still while another takes over, and woken again',
        async () => {
          const { playground } = service;
          const old = playground.speakers.get('dn0');
          old?.signal('SIGSTOP');
          await sleep(1_000);
          // The port of the first is still taken.
          await playground.startSpeaker(playground.node('dn0'), ['--http-address', '127.0.0.1:9126']);
          old?.signal('SIGCONT');
          expect(await old?.exited()).toBe(1);
          expect(old?.tail(20)).toContain('another speaker of this node has taken over');
        },
      ],
    ])('%s: no connection breaks, and new ones are answered all the time', async (_, act) => {
      await service.lost();
      await act();
      await sleep(1_000);
      const { losses, kept, opened } = await service.lost();
      expect(losses).toEqual([]);
      expect(kept).toBe(ALL);
      expect(opened).toBeGreaterThan(20);
      await service.owned('dn0');
    });
  },
);
