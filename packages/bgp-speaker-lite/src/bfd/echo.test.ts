import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EchoFunction } from './echo.ts';
import { decodeEchoFrame, type EchoId, encodeEchoFrame } from './echo-frame.ts';

/** An echo function on a path that takes a millisecond there and back, in virtual time. */
class Path {
  now = 0;
  cut = false;
  readonly sent: { readonly at: number; readonly sequence: number }[] = [];
  readonly events: string[] = [];
  readonly echo: EchoFunction;
  #back: { readonly at: number; readonly sequence: number }[] = [];

  constructor(interval = 50, random: () => number = () => 0.5) {
    this.echo = new EchoFunction(
      { interval, detectMultiplier: 3 },
      {
        send: sequence => {
          this.sent.push({ at: this.now, sequence });
          if (!this.cut) this.#back.push({ at: this.now + 1, sequence });
          return true;
        },
        failed: () => {
          this.events.push(`failed at ${this.now}`);
          // As the session does, which is down now.
          this.echo.allow(undefined, this.now);
        },
        unanswered: () => {
          this.events.push('unanswered');
        },
      },
      random,
    );
  }

  /** `asleep`: nobody reads or judges before then, as in a thread that stands still. */
  run(until: number, asleep = 0): this {
    for (;;) {
      const next = Math.min(this.echo.deadline ?? Number.POSITIVE_INFINITY, ...this.#back.map(({ at }) => at));
      if (next > until) break;
      this.now = Math.max(this.now, next, asleep);
      for (const { sequence } of this.#back.filter(({ at }) => at <= this.now)) this.echo.returned(sequence);
      this.#back = this.#back.filter(({ at }) => at > this.now);
      this.echo.tick(this.now);
    }
    this.now = until;
    return this;
  }
}

describe('the echo function', () => {
  it('sends nothing until the session allows it, and nothing after', () => {
    const path = new Path().run(1000);
    expect(path.sent).toEqual([]);
    path.echo.allow(10, path.now);
    path.run(2000);
    expect(path.sent.length).toBeGreaterThan(15);
    path.echo.allow(undefined, path.now);
    const before = path.sent.length;
    expect(path.run(3000).sent.length).toBe(before);
    expect(path.events).toEqual([]);
  });

  it.each([
    { desc: 'our interval', ours: 50, allowed: 10, expected: 50 },
    { desc: 'the interval of a slower peer', ours: 50, allowed: 200, expected: 200 },
  ])('keeps to $desc, with jitter by the book', ({ ours, allowed, expected }) => {
    for (const random of [0, 0.999]) {
      const path = new Path(ours, () => random);
      path.echo.allow(allowed, 0);
      path.run(5000);
      const gaps = path.sent.slice(1).map(({ at }, i) => at - (path.sent[i]?.at ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0.75 * expected);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(expected);
    }
  });

  it('fails when the multiplier of them are missing, and begins anew when allowed again', () => {
    const path = new Path();
    path.echo.allow(10, 0);
    path.run(1000);
    expect(path.echo.active).toBe(true);
    path.cut = true;
    path.run(1400);
    expect(path.events).toHaveLength(1);
    const [, at] = /failed at ([\d.]+)/.exec(path.events[0] ?? '') ?? [];
    expect(Number(at)).toBeLessThanOrEqual(1000 + 50 + 150);
    path.cut = false;
    path.echo.allow(10, path.now);
    path.run(5000);
    expect(path.events).toHaveLength(1);
  });

  it('tells of a peer that never sends one back, once, and does not fail', () => {
    const path = new Path();
    path.cut = true;
    path.echo.allow(10, 0);
    path.run(20_000);
    expect(path.events).toEqual(['unanswered']);
    expect(path.sent.length).toBeLessThan(40);
    path.cut = false;
    path.run(25_000);
    expect(path.echo.active).toBe(true);
    expect(path.echo.interval).toBe(50);
  });

  it('survives a thread that stands still for longer than the detection time', () => {
    const path = new Path();
    path.echo.allow(10, 0);
    path.run(1000).run(4000, 3000).run(6000);
    expect(path.events).toEqual([]);
  });

  it('takes no packet twice, none from before the last, and none never sent', () => {
    const path = new Path();
    path.cut = true;
    path.echo.allow(10, 0);
    path.run(140);
    expect(path.sent.length).toBe(3);
    expect([2, 2, 1, 99, 3].map(sequence => path.echo.returned(sequence))).toEqual([true, false, false, false, true]);
    path.echo.allow(undefined, path.now);
    expect(path.echo.returned(3)).toBe(false);
  });

  it('never fails while every packet comes back, whatever the peer asks for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }))),
        steps => {
          const path = new Path();
          for (const [wait, allowed] of steps) {
            path.echo.allow(allowed, path.now);
            path.run(path.now + wait);
          }
          expect(path.events).toEqual([]);
          if (steps.at(-1)?.[1] === undefined) expect(path.echo.deadline).toBeUndefined();
        },
      ),
    );
  });
});

describe('an echo packet', () => {
  const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
  const MACS = { ownMac: Uint8Array.of(2, 0, 0, 0, 0, 1), peerMac: Uint8Array.of(2, 0, 0, 0, 0, 2) };
  const ID: EchoId = { discriminator: 0xdeadbeef, sequence: 2 ** 40 };
  /** As the peer's forwarding sends it back. */
  function returned(ownAddress: string, ttl = 254): Uint8Array {
    const frame = encodeEchoFrame({ ...MACS, ownAddress }, ID, KEY);
    frame[frame[14] === 0x45 ? 22 : 21] = ttl;
    return frame;
  }

  it('is addressed to the peer on the link and to ourselves in IP, with TTL 255', () => {
    const frame = encodeEchoFrame({ ...MACS, ownAddress: '10.77.0.2' }, ID, KEY);
    const hex = Buffer.from(frame.subarray(0, 42)).toString('hex');
    expect(hex).toMatch(/^020000000002020000000001080045c0003c00004000ff11....0a4d00020a4d00020ec90ec90028....$/);
  });

  it.each(['10.77.0.2', 'fd77::2'])('is known again when it comes back by one hop: %s', address => {
    expect(decodeEchoFrame(returned(address), KEY)).toEqual(ID);
    expect(decodeEchoFrame(returned(address, 255), KEY)).toBeUndefined();
    expect(decodeEchoFrame(returned(address, 253), KEY)).toBeUndefined();
    expect(decodeEchoFrame(returned(address), KEY.toReversed())).toBeUndefined();
  });

  it.each(['10.77.0.2', 'fd77::2'])('is not taken when any octet of what it says is another: %s', address => {
    const frame = returned(address);
    for (let at = frame.length - 32; at < frame.length; at++) {
      const forged = frame.slice();
      forged[at] = (forged[at] ?? 0) ^ 1;
      expect(decodeEchoFrame(forged, KEY)).toBeUndefined();
    }
  });

  it('is read from any octets without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom('10.77.0.2', 'fd77::2'), fc.nat(80), (noise, address, at) => {
        expect(decodeEchoFrame(noise, KEY)).toBeUndefined();
        const frame = returned(address);
        frame.set(noise.subarray(0, Math.max(0, frame.length - at)), Math.min(at, frame.length));
        decodeEchoFrame(frame, KEY);
        decodeEchoFrame(frame.subarray(0, at), KEY);
      }),
    );
  });
});
