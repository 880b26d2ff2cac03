/** The worker of loop-worker.test.ts: answers what it is sent, and ticks. */
import { loopWorkerSide } from './loop-worker.ts';

type Command = { echo: string } | { hang: true } | { die: true } | { lastWords: number };

const side = loopWorkerSide<{ greeting: string }>();
side.onMessage(message => {
  const command = message as Command;
  if ('echo' in command) side.post(`${side.data.greeting} ${command.echo}`);
  // Never returns to the loop: only the timeout of stop() ends this worker.
  if ('hang' in command) for (;;) Math.imul(1, 1);
  if ('lastWords' in command) {
    for (let i = 0; i < command.lastWords; i++) side.post(i);
    side.loop.stop();
  }
  if ('die' in command) throw new Error('told to die');
});
side.onStop(() => side.post('bye'));
side.loop.after(5, () => side.post('tick'));
side.run();
