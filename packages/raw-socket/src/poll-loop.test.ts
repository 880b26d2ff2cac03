import { afterEach, describe, expect, test } from 'vitest';
import { now } from './clock.ts';
import { RawSocketError } from './error.ts';
import { PollLoop, type PollLoopOptions } from './poll-loop.ts';
import { UdpSocket } from './udp-socket.ts';
import { closeWakeFd, createWakeFd, wake } from './wake.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function createLoop(options?: PollLoopOptions): PollLoop {
  const loop = new PollLoop(options);
  closers.push(() => loop.close());
  return loop;
}

function createSocket(onMessage: (text: string) => void): UdpSocket {
  const socket = UdpSocket.open({ address: '127.0.0.1', port: 0, onMessage: data => onMessage(data.toString()) });
  closers.push(() => socket.close());
  return socket;
}

const sendTo = (socket: UdpSocket, text: string): void => {
  expect(socket.send(Buffer.from(text), socket.port, '127.0.0.1')).toEqual({ ok: true });
};

/** Keeps the thread busy, as a stall of the machine would. */
function stall(ms: number): void {
  const end = now() + ms;
  while (now() < end);
}

describe('PollLoop', () => {
  test('deadlines fire in order of time, then of creation; cancelled ones do not', () => {
    const loop = createLoop();
    const fired: string[] = [];
    const base = loop.now();
    const at = (offset: number, name: string): ReturnType<PollLoop['at']> => loop.at(base + offset, () => fired.push(name));
    at(3, 'd');
    at(1, 'a');
    const cancelled = at(2, 'never');
    at(2, 'b');
    at(2, 'c');
    cancelled.cancel();
    cancelled.cancel();
    loop.after(30, () => loop.stop());
    loop.run();
    expect(fired).toEqual(['a', 'b', 'c', 'd']);
    expect(cancelled.active).toBe(false);
  });

  test('a deadline never fires early', () => {
    const loop = createLoop();
    const early: number[] = [];
    for (const ms of [0.2, 1, 1.5, 4, 9.9]) {
      const due = now() + ms;
      loop.at(due, () => early.push(Math.min(0, now() - due)));
    }
    loop.after(12, () => loop.stop());
    loop.run();
    expect(early).toEqual([0, 0, 0, 0, 0]);
  });

  test('after a stall packets are read before the deadlines that they would have moved', () => {
    const loop = createLoop();
    const order: string[] = [];
    const socket = createSocket(text => order.push(text));
    loop.add(socket);
    loop.after(5, () => order.push('deadline'));
    // The stall lies between the wait and the look at the deadlines: the wake handler runs before either socket or deadline.
    loop.onWake(() => {
      stall(10);
      sendTo(socket, 'packet');
      loop.stop();
    });
    loop.wake();
    loop.run();
    expect(order).toEqual(['packet', 'deadline']);
  });

  test('what arrives while earlier packets are handled still comes before the deadline', () => {
    const loop = createLoop();
    const order: string[] = [];
    const second = createSocket(text => order.push(text));
    const first = createSocket(text => {
      order.push(text);
      stall(10);
      sendTo(second, 'second');
    });
    loop.add(second);
    loop.add(first);
    sendTo(first, 'first');
    loop.after(5, () => {
      order.push('deadline');
      loop.stop();
    });
    loop.run();
    expect(order).toEqual(['first', 'second', 'deadline']);
  });

  test('a deadline set by a deadline for the past fires without starving the sockets', () => {
    const loop = createLoop();
    let rounds = 0;
    let read = 0;
    const socket = createSocket(() => (read += 1));
    loop.add(socket);
    sendTo(socket, 'packet');
    const again = (): void => {
      rounds += 1;
      if (rounds < 100) loop.at(now() - 1, again);
      else loop.stop();
    };
    again();
    loop.run();
    expect([rounds, read]).toEqual([100, 1]);
  });

  test('errors of handlers are reported with their place, and the loop goes on', () => {
    const errors: [string, string][] = [];
    const loop = createLoop({ onError: (error, where) => errors.push([(error as Error).message, where.replace(/\d+/, 'N')]) });
    const socket = createSocket(text => {
      throw new Error(text);
    });
    loop.add(socket);
    sendTo(socket, 'in a source');
    loop.onWake(() => {
      throw new Error('in a wake');
    });
    loop.wake();
    loop.after(1, () => {
      throw new Error('in a deadline');
    });
    loop.after(20, () => loop.stop());
    loop.run();
    expect(errors).toEqual([
      ['in a wake', 'wake'],
      ['in a source', 'fd N'],
      ['in a deadline', 'deadline'],
    ]);
  });

  test('without onError an exception ends run()', () => {
    const loop = createLoop();
    loop.after(0, () => {
      throw new Error('deliberate');
    });
    expect(() => loop.run()).toThrow('deliberate');
  });

  test('a source removed by another one in the same step is left alone', () => {
    const loop = createLoop();
    const seen: string[] = [];
    const second = createSocket(() => seen.push('second'));
    const first = createSocket(() => {
      seen.push('first');
      loop.remove(second.fd);
    });
    loop.add(first);
    loop.add(second);
    sendTo(first, 'x');
    sendTo(second, 'x');
    loop.step(50);
    loop.step(0);
    expect(seen).toEqual(['first']);
  });

  test('a descriptor closed behind its back is reported once and dropped', () => {
    const errors: unknown[] = [];
    const loop = createLoop({ onError: error => errors.push(error) });
    const fd = createWakeFd();
    loop.add({ fd, onReadable: () => undefined });
    closeWakeFd(fd);
    loop.step(0);
    loop.step(0);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'Closed' });
  });

  test('a wake from outside ends the wait; many count as one', () => {
    const wakeFd = createWakeFd();
    closers.push(() => closeWakeFd(wakeFd));
    const loop = createLoop({ wakeFd });
    let wakes = 0;
    loop.onWake(() => (wakes += 1));
    for (let i = 0; i < 5; i++) wake(wakeFd);
    loop.step(1000);
    loop.step(0);
    expect(wakes).toBe(1);
  });

  test('moving a deadline many times does not let the heap grow', () => {
    const loop = createLoop();
    let fired = 0;
    let timer = loop.after(60_000, () => (fired += 1));
    for (let i = 0; i < 200_000; i++) {
      timer.cancel();
      timer = loop.after(60_000, () => (fired += 1));
    }
    expect(loop.pending).toBe(1);
    expect(loop.heapSize).toBeLessThan(200);
    expect(fired).toBe(0);
  });

  test('a deadline that is no time, and a step after close, are refused', () => {
    const loop = createLoop();
    expect(() => loop.at(Number.NaN, () => undefined)).toThrow(RawSocketError);
    loop.close();
    loop.close();
    expect(() => loop.step(0)).toThrow('closed');
  });
});
