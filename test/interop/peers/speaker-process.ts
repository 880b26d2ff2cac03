import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Speaker, type SpeakerOptions } from 'bgp-speaker-lite';

/** A {@link Speaker} in a process of its own, driven by messages: what `RemoteSpeaker` starts inside a namespace. */
interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

let speaker: Speaker | undefined;

function create(options: SpeakerOptions): void {
  const made = new Speaker(options);
  for (const name of ['state', 'failure', 'synchronized', 'bfd', 'problem'] as const)
    made.on(name, (event: object) => process.send?.({ event: name, data: event }));
  speaker = made;
}

/** Blocks the thread, as a garbage collection or a large JSON document does. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

function announceMany(first: number, last: number, attributes: object): number {
  const began = performance.now();
  for (let i = first; i < last; i++)
    speaker?.announce({ prefix: `10.${100 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}/32`, ...attributes });
  return performance.now() - began;
}

function withdrawMany(first: number, last: number): void {
  for (let i = first; i < last; i++) speaker?.withdraw(`10.${100 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}/32`);
}

/** So that what is measured is what is held. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function perform({ method, args }: Call): Promise<unknown> {
  if (method === 'create') return create(args[0] as SpeakerOptions);
  if (method === 'block') return block(args[0] as number);
  if (method === 'announceMany') return announceMany(args[0] as number, args[1] as number, args[2] as object);
  if (method === 'withdrawMany') return withdrawMany(args[0] as number, args[1] as number);
  if (method === 'memory') {
    collectGarbage();
    return process.memoryUsage();
  }
  if (!speaker) throw new Error('no speaker has been created');
  const target = speaker as unknown as Record<string, (...args: unknown[]) => unknown>;
  if (typeof target[method] !== 'function') throw new Error(`a speaker has no method ${method}`);
  return await target[method](...args);
}

process.on('message', (call: Call) => {
  perform(call).then(
    value => process.send?.({ id: call.id, value }),
    (error: unknown) => process.send?.({ id: call.id, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
