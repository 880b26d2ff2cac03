import { loopWorkerSide } from 'raw-socket';
import { BfdEngine } from './engine.ts';
import type { BfdSessionSpec } from './spec.ts';

/** To the thread. */
export type BfdRequest = { readonly kind: 'set'; readonly spec: BfdSessionSpec } | { readonly kind: 'remove'; readonly id: string };

const side = loopWorkerSide<undefined>({
  onError: (error, where) => side.post({ kind: 'problem', id: '', text: `${where}: ${String(error)}` }),
});
const engine = new BfdEngine(
  side.loop,
  {
    status: (id, status) => side.post({ kind: 'status', id, status }),
    problem: (id, text) => side.post({ kind: 'problem', id, text }),
  },
  Math.random,
);
side.onMessage(message => {
  const request = message as BfdRequest;
  if (request.kind === 'set') engine.set(request.spec);
  else engine.remove(request.id);
});
side.onStop(() => engine.close());
side.run();
