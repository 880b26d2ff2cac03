import { DEMO_PODS, Playground } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const taken = '192.168.150.240';

describe.skipIf(!canMakeNamespaces || !hasKubectl)(
  'a host that uses an address of the pool (skipped without namespaces or kubectl)',
  () => {
    let playground: Playground;

    beforeAll(async () => {
      playground = await Playground.start({ name: 'e2e-conflict' });
      await playground.addPods(DEMO_PODS);
      const added = await playground.exec('client', ['ip', 'address', 'add', `${taken}/24`, 'dev', playground.topology.interface]);
      expect(added.stderr).toBe('');
      await kubectl(playground, 'apply', '-f', 'examples/layer2');
    });
    afterAll(async () => playground?.stop());

    it('keeps it: the Service gets the next one, and an event says why', async () => {
      const link = await playground.exec('client', ['ip', '-brief', 'link', 'show', playground.topology.interface]);
      const mac = /([0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(link.stdout)?.[0] ?? 'no MAC address';
      await kubectl(playground, 'apply', '-f', 'examples/services/nginx-svc.yaml');
      await until('another address', async () => (await externalIp(playground, 'nginx-svc')) === '192.168.150.241');
      const event = await until('the event', async () => {
        const found = await kubectl(
          playground,
          'get',
          'events',
          '--field-selector',
          'reason=AddressChanged',
          '-o',
          'jsonpath={.items[*].message}',
        );
        return found !== '' && found;
      });
      for (const part of [`${taken} is replaced by 192.168.150.241`, mac, `interface ${playground.topology.interface} of node`]) {
        expect(event).toContain(part);
      }
    });

    it('a Service that asks for it by name keeps it, is not announced, and says who has it', async () => {
      // What is found now is found by a new probe.
      await until(
        'no report',
        async () => (await kubectl(playground, 'get', 'speakers', '-o', 'jsonpath={.items[*].status.conflicts}')) === '',
      );
      await kubectl(playground, 'annotate', 'svc', 'nginx-svc', `heraldlb.io/loadBalancerIPs=${taken}`);
      const condition = await until('the conflict', async () => {
        const path = 'jsonpath={.status.conditions[?(@.type=="heraldlb.io/Announced")]}';
        const text = await kubectl(playground, 'get', 'svc', 'nginx-svc', '-o', path);
        return text.includes('AddressConflict') && (JSON.parse(text) as { status: string; message: string });
      });
      expect(condition.status).toBe('False');
      expect(condition.message).toContain('found before its first use');
      expect(await externalIp(playground, 'nginx-svc')).toBe(taken);
      const owned = await kubectl(playground, 'get', 'announcements', 'nginx-svc', '-o', 'jsonpath={.status.owners[*].ip}');
      expect(owned.split(' ')).not.toContain(taken);
    });
  },
);
