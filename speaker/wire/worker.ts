/** The wire thread's file: nothing but the loop runs in it. */
import { randomBytes } from 'node:crypto';
import { loopWorkerSide, setRealtime } from 'raw-socket';
import type { WireBegin, WireCommand, WireEvent, WireOptions } from './messages.ts';
import { Wire } from './wire.ts';

const post = (event: WireEvent): void => side.post(event);
const side = loopWorkerSide({
  // One broken frame or socket must not end the thread that answers for everything.
  onError: (error, where) => post({ kind: 'problem', about: where, message: String(error instanceof Error ? error.stack : error) }),
});
let wire: Wire | undefined;
let failure: unknown;
side.onMessage(message => {
  const command = message as WireBegin | WireCommand;
  if (command.kind === 'begin') begin(command.options);
  else wire?.command(command);
});
side.onStop(() => wire?.close());
side.run();
if (failure !== undefined) throw failure;

/** Where it cannot even begin, the thread ends with what was in the way. */
function begin(options: WireOptions): void {
  try {
    const realtime = options.realtime ? setRealtime() : { granted: false as const, because: 'not asked for' };
    const identity = { nonce: () => randomBytes(8).readBigUInt64BE(0) | 1n, random: Math.random, wall: Date.now };
    wire = new Wire(side.loop, options, identity, post);
    post({ kind: 'started', realtime: realtime.granted, ...(!realtime.granted && { because: realtime.because }) });
  } catch (error) {
    failure = error;
    side.loop.stop();
  }
}
