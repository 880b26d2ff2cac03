import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createLan, missing } from 'raw-socket/testing';
import { Generator, type Target } from './arp/generator.ts';
import type { ResponderCommand, ResponderOptions } from './arp/messages.ts';
import { printTable, quantile, round } from './figures.ts';

export const description =
  'ARP and NDP reply latency and flood, kernel and packet responder against the kernel itself, main thread idle and busy';

/** Asked in turn, within the same run: the node's own addresses (answered by the kernel), and those of the two responders. */
const TARGETS: readonly Target[] = [
  { name: 'kernel', address: '10.66.0.1' },
  { name: 'ebpf', address: '10.66.0.50' },
  { name: 'packet', address: '10.66.0.60' },
  { name: 'ndp_kernel', address: 'fd66::1' },
  { name: 'ndp_ebpf', address: 'fd66::50' },
  { name: 'ndp_packet', address: 'fd66::60' },
];
const FLOOD_RATES = [10_000, 20_000, 50_000, 100_000, 150_000, 200_000];
/** More than this share unanswered counts as loss. */
const LOSS = 0.0001;

type Samples = Map<string, { us: number[]; lost: number }>;

/** `--requests N` per address and phase (default 2,000), `--flood-seconds S` per step (default 1; 0 leaves the floods out). */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args,
    options: { requests: { type: 'string', default: '2000' }, 'flood-seconds': { type: 'string', default: '1' } },
  });
  const lacking = missing({ capabilities: ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip'] });
  if (lacking !== undefined) throw new Error(`the ARP benchmark cannot run here: ${lacking}`);
  const lan = createLan({ bridge: true });
  const generator = new Generator(lan);
  const responder = await startResponder({
    namespace: lan.host.path,
    packet: ['10.66.0.60', 'fd66::60'],
    kernel: ['10.66.0.50', 'fd66::50'],
  });
  try {
    console.log(
      `kernel responder: ${responder.kernel === true ? 'eBPF' : responder.kernel}; SCHED_RR: ${responder.realtime ? 'yes' : 'no'}`,
    );
    // Warm-up: code is compiled, neighbour caches are filled.
    measure(generator, 300, 50);
    const idle = measure(generator, Number(values.requests), 200);
    responder.command('busy');
    generator.pause(1000);
    const busy = measure(generator, Number(values.requests), 1000);
    responder.command('idle');
    generator.pause(1000);
    report('main thread idle', idle);
    report('main thread busy', busy);
    const seconds = Number(values['flood-seconds']);
    const floods = seconds > 0 ? flood(generator, seconds) : {};
    return { ...figures(idle, busy), ...floods };
  } finally {
    await responder.stop();
    generator.close();
    lan.close();
  }
}

function measure(generator: Generator, count: number, timeout: number): Samples {
  const samples: Samples = new Map(TARGETS.map(({ name }) => [name, { us: [], lost: 0 }]));
  for (let i = 0; i < count; i++) {
    for (const target of TARGETS) {
      const us = generator.measure(target, timeout);
      const entry = samples.get(target.name);
      if (us === undefined) entry!.lost += 1;
      else entry!.us.push(us);
      // 1 ms apart on average, and never in step with a timer of the kernel.
      generator.pause(0.2 + Math.random() * 1.2);
    }
  }
  return samples;
}

function report(title: string, samples: Samples): void {
  const rows = [...samples].map(([name, { us, lost }]) => [
    name,
    us.length,
    lost,
    ...[0.5, 0.99, 0.999, 1].map(q => round(quantile(us, q))),
  ]);
  printTable([[title, 'n', 'lost', 'p50 µs', 'p99', 'p99.9', 'max'], ...rows]);
}

function figures(idle: Samples, busy: Samples): Record<string, number> {
  const of = (samples: Samples, name: string, q: number): number => round(quantile(samples.get(name)?.us ?? [], q));
  // Unprefixed: what Herald answers with where eBPF is permitted, else the packet socket.
  const best = (idle.get('ebpf')?.us.length ?? 0) > 0 ? 'ebpf' : 'packet';
  const out: Record<string, number> = {
    p50_us: of(idle, best, 0.5),
    p99_us: of(idle, best, 0.99),
    kernel_p50_us: of(idle, 'kernel', 0.5),
    kernel_p99_us: of(idle, 'kernel', 0.99),
    busy_p99_us: of(busy, best, 0.99),
    busy_kernel_p99_us: of(busy, 'kernel', 0.99),
  };
  for (const { name } of TARGETS.filter(({ name }) => name !== 'kernel')) {
    out[`${name}_p50_us`] = of(idle, name, 0.5);
    out[`${name}_p99_us`] = of(idle, name, 0.99);
    out[`busy_${name}_p50_us`] = of(busy, name, 0.5);
    out[`busy_${name}_p99_us`] = of(busy, name, 0.99);
  }
  out.lost = [idle, busy].reduce((sum, samples) => sum + [...samples.values()].reduce((a, { lost }) => a + lost, 0), 0);
  return out;
}

/** The highest rate that loses (almost) nothing, for each way of answering. */
function flood(generator: Generator, seconds: number): Record<string, number> {
  const out: Record<string, number> = {};
  const rows: (string | number)[][] = [['flood, requests/s', ...FLOOD_RATES]];
  for (const target of TARGETS) {
    const cells: string[] = [];
    let best = 0;
    for (const rate of FLOOD_RATES) {
      const { sent, answered, lateMs } = generator.flood(target, rate, seconds);
      const lost = 1 - answered / sent;
      // A generator that cannot keep up says nothing about the responder.
      const real = Math.round(sent / (seconds + Math.max(0, lateMs) / 1000));
      cells.push(`${real} ${lost <= LOSS ? 'ok' : `${(lost * 100).toFixed(2)} % lost`}`);
      if (lost <= LOSS) best = Math.max(best, real);
    }
    rows.push([target.name, ...cells]);
    out[`${target.name}_no_loss_per_s`] = best;
  }
  printTable(rows);
  return out;
}

interface Responder {
  kernel: true | string;
  realtime: boolean;
  command(command: ResponderCommand): void;
  stop(): Promise<void>;
}

async function startResponder(options: ResponderOptions): Promise<Responder> {
  const file = fileURLToPath(new URL('./arp/responder.ts', import.meta.url));
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the responder ended with ${code}`);
  });
  const [line] = (await Promise.race([once(lines, 'line'), failed])) as [string];
  failed.catch(() => undefined);
  const { ready, error } = JSON.parse(line) as { ready?: { kernel: true | string; realtime: boolean }; error?: string };
  if (!ready) throw new Error(error);
  const command = (text: ResponderCommand): void => void child.stdin.write(`${text}\n`);
  return {
    ...ready,
    command,
    stop: async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      command('end');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
    },
  };
}
