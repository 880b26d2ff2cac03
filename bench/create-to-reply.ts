import { printTable, quantile, round, SPREAD_HEADING, spread } from './figures.ts';
import { createService, lanCluster } from './lan.ts';

export const description = 'from the creation of a Service to the first ARP reply for its address at a client that asks every 5 ms';

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const count = Number(args[0] ?? 60);
  const { playground, lan, stop } = await lanCluster('create');
  try {
    const samples: number[] = [];
    for (let i = -5; i < count; i++) {
      const address = `192.168.150.${130 + i}`;
      lan.ask(address);
      const started = performance.timeOrigin + performance.now();
      await createService(playground, `svc-${i + 5}`, address);
      const reply = await lan.first(address, started, 30_000);
      lan.stopAsking(address);
      if (!reply) throw new Error(`no reply for ${address}${playground.logTails()}`);
      // The first five warm up compilers and caches; they are not counted.
      if (i >= 0) samples.push(reply.at - started);
    }
    printTable([SPREAD_HEADING, spread('create to ARP reply, ms', samples)]);
    return { p50_ms: round(quantile(samples, 0.5)), p99_ms: round(quantile(samples, 0.99)) };
  } finally {
    await stop();
  }
}
