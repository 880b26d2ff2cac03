import { type PollLoop, RawSocketError } from 'raw-socket';
import { expect, it } from 'vitest';
import { keyring } from '../../mesh/authentication.ts';
import { MESH_PROFILES } from '../../mesh/timers.ts';
import type { WireEvent } from '../messages.ts';
import type { FrameListener, Responder } from '../responder.ts';
import { Answering } from './answering.ts';
import { createSegmentState } from './state.ts';

/** The part of the loop that is used: timers, which fire when told. */
class FakeLoop {
  readonly pauses: number[] = [];
  #due: (() => void) | undefined;

  now(): number {
    return 0;
  }

  after(ms: number, callback: () => void): { cancel: () => void } {
    this.pauses.push(ms);
    this.#due = callback;
    return {
      cancel: () => {
        if (this.#due === callback) this.#due = undefined;
      },
    };
  }

  fire(): void {
    const due = this.#due;
    this.#due = undefined;
    due?.();
  }
}

function setUp(failures: number) {
  const loop = new FakeLoop();
  const events: WireEvent[] = [];
  const device = { index: 2, name: 'eth0', mac: '02:00:00:00:00:01', carrier: true, addresses: [], segment: '192.0.2.0/24', subnets: [] };
  const ring = keyring([Buffer.alloc(32, 1)], 'uid');
  const state = createSegmentState(device, {
    loop: loop as unknown as PollLoop,
    node: 'node-1',
    nonce: () => 1n,
    timers: MESH_PROFILES.default,
    port: 7947,
    random: () => 0.5,
    wall: () => 0,
    keyring: () => ring,
    kernel: undefined,
    caretaker: true,
    post: event => events.push(event),
    onHeard: () => undefined,
  });
  let left = failures;
  let opened = 0;
  const fake = { kind: 'packet', close: () => undefined } as unknown as Responder;
  const parts = {
    listener: {} as FrameListener,
    planned: new Map(),
    withholds: () => false,
    onChange: () => {
      opened += 1;
    },
  };
  const answering = new Answering(state, parts, () => {
    if (left-- > 0) throw new RawSocketError('ResourceExhausted', 'no memory for a socket');
    return fake;
  });
  return { loop, events, state, answering, opened: () => opened };
}

it('tries again for a responder that could not be opened, the later the more often it failed', () => {
  const { loop, events, state, opened } = setUp(3);
  expect([state.responder, events]).toMatchObject([undefined, [{ kind: 'problem', about: 'ARP and NDP on eth0' }]]);
  loop.fire();
  loop.fire();
  expect([state.responder, opened()]).toEqual([undefined, 0]);
  loop.fire();
  expect([state.responder === undefined, opened(), loop.pauses]).toEqual([false, 1, [500, 1_000, 2_000]]);
});

it('tries no more once it is closed', () => {
  const { loop, state, answering } = setUp(1);
  answering.close(false);
  loop.fire();
  expect(state.responder).toBeUndefined();
});
