import { services } from '@herald/kube';
import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';
import { createService, lanCluster } from './lan.ts';

export const description = 'from the deletion of a Service to the last ARP reply for its address at a client that asks every 5 ms';

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const count = Number(args[0] ?? 60);
  const { playground, lan, stop } = await lanCluster('delete');
  try {
    const samples: number[] = [];
    for (let i = -5; i < count; i++) {
      const address = `192.168.150.${130 + i}`;
      lan.ask(address);
      const created = performance.timeOrigin + performance.now();
      await createService(playground, `svc-${i + 5}`, address);
      if (!(await lan.first(address, created, 30_000))) throw new Error(`no reply for ${address}${playground.logTails()}`);
      const started = performance.timeOrigin + performance.now();
      await playground.client.delete(services, { namespace: 'default', name: `svc-${i + 5}` });
      const last = await lan.last(address, 1_000, 30_000);
      lan.stopAsking(address);
      if (!last) throw new Error(`${address} is never silent${playground.logTails()}`);
      if (i >= 0) samples.push(Math.max(0, last.at - started));
    }
    printTable([SPREAD_HEADING, spread('delete to silence, ms', samples)]);
    return { p50_ms: round(quantile(samples, 0.5)), p99_ms: round(quantile(samples, 0.99)) };
  } finally {
    await stop();
  }
}
