/** The wire thread's file: nothing but the loop runs in it. */
import { randomBytes } from 'node:crypto';
import { loopWorkerSide, setRealtime } from 'raw-socket';
import type { WireCommand, WireEvent, WireOptions } from './messages.ts';
import { Wire } from './wire.ts';

const post = (event: WireEvent): void => side.post(event);
const side = loopWorkerSide<WireOptions>({
  // One broken frame or socket must not end the thread that answers for everything.
  onError: (error, where) => post({ kind: 'problem', about: where, message: String(error instanceof Error ? error.stack : error) }),
});
const realtime = side.data.realtime ? setRealtime() : { granted: false as const, because: 'not asked for' };
const identity = { nonce: randomBytes(8).readBigUInt64BE(0) | 1n, random: Math.random, wall: Date.now };
const wire = new Wire(side.loop, side.data, identity, post);
side.onMessage(message => wire.command(message as WireCommand));
side.onStop(() => wire.close());
post({ kind: 'started', realtime: realtime.granted, ...(!realtime.granted && { because: realtime.because }) });
side.run();
