/** The answering process: a worker that answers, and a main thread that is idle or busy on command. Its argument: ResponderOptions. */
import { createInterface } from 'node:readline';
import { LoopWorker } from 'raw-socket';
import type { ResponderCommand, ResponderOptions } from './messages.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as ResponderOptions;
const worker = LoopWorker.start(new URL('./worker.ts', import.meta.url), { data: { ...options, realtime: true }, name: 'wire' });
worker.onMessage(message => process.stdout.write(`${JSON.stringify(message)}\n`));
worker.onExit((code, error) => {
  if (code !== 0) console.error(error ?? `the worker ended with ${code}`);
  process.exit(code);
});

// What a main thread of a large cluster does: a list of about 40 MB is parsed, again and again.
const list = JSON.stringify(
  Array.from({ length: 50_000 }, (_, i) => ({
    metadata: {
      name: `service-${i}`,
      namespace: 'default',
      uid: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      labels: { app: `app-${i % 100}` },
    },
    spec: {
      type: 'LoadBalancer',
      clusterIP: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    },
    status: {
      loadBalancer: { ingress: [{ ip: `192.168.${(i >> 8) & 255}.${i & 255}` }] },
      conditions: Array.from({ length: 4 }, () => ({ type: 'Allocated', status: 'True', message: 'x'.repeat(90) })),
    },
  })),
);
let busy = false;
function work(): void {
  if (!busy) return;
  JSON.parse(list);
  // Commands are read between two rounds.
  setImmediate(work);
}

createInterface({ input: process.stdin }).on('line', line => {
  const command = line as ResponderCommand;
  if (command === 'end') void worker.stop().then(() => process.exit(0));
  const start = command === 'busy' && !busy;
  busy = command === 'busy';
  if (start) work();
});
