import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Authenticator } from './authentication.ts';
import type { BfdAuthentication } from './options.ts';
import { BfdState, type ControlPacket, Diagnostic, decodeControlPacket, encodeControlPacket } from './packet.ts';
import { BfdSession, type SessionConfig } from './session.ts';

const CONFIG = { desiredMinTx: 50_000, requiredMinRx: 50_000, detectMultiplier: 3, passive: false, requiredMinEchoRx: 0 };

/** Two sessions on a wire with a delay, in virtual time. */
class Pair {
  now = 0;
  readonly sides: BfdSession[];
  readonly packets: { readonly at: number; readonly to: number; readonly packet: ControlPacket }[] = [];
  readonly sent: { readonly at: number; readonly from: number; readonly packet: ControlPacket }[] = [];
  cut = false;

  constructor(a: Partial<SessionConfig> = {}, b: Partial<SessionConfig> = {}, random: () => number = () => 0.5) {
    this.sides = [a, b].map(
      (config, i) =>
        new BfdSession(
          { ...CONFIG, localDiscriminator: i + 1, ...config },
          {
            send: packet => {
              this.sent.push({ at: this.now, from: i, packet });
              if (!this.cut) this.packets.push({ at: this.now + 1, to: 1 - i, packet });
            },
            changed: () => {},
          },
          random,
          0,
        ),
    );
  }

  get [0](): BfdSession {
    return this.sides[0] as BfdSession;
  }

  get [1](): BfdSession {
    return this.sides[1] as BfdSession;
  }

  run(until: number): this {
    for (;;) {
      const next = Math.min(...this.packets.map(({ at }) => at), ...this.sides.map(side => side.deadline ?? Number.POSITIVE_INFINITY));
      if (next > until) break;
      this.now = Math.max(this.now, next);
      // What has arrived is read before any timer is judged.
      const due = this.packets.filter(({ at }) => at <= this.now);
      for (const packet of due) {
        this.packets.splice(this.packets.indexOf(packet), 1);
        this.sides[packet.to]?.receive(packet.packet, this.now);
      }
      for (const side of this.sides) side.tick(this.now);
    }
    this.now = until;
    return this;
  }
}

describe('two sessions', () => {
  it('come up within two slow intervals and then send at the agreed rate, with jitter', () => {
    const pair = new Pair().run(2000);
    expect([pair[0].state, pair[1].state]).toEqual([BfdState.UP, BfdState.UP]);
    expect(pair[0].detectionTime).toBe(150);
    const before = pair.sent.length;
    pair.run(12_000);
    const rate = (pair.sent.length - before) / 2 / 10;
    // 75 to 100 % of 50 ms: 20 to 27 a second.
    expect(rate).toBeGreaterThan(20);
    expect(rate).toBeLessThan(27);
  });

  it('send no more than once a second while down', () => {
    const pair = new Pair();
    pair.cut = true;
    pair.run(10_000);
    expect(pair.sent.filter(({ from }) => from === 0).length).toBeLessThanOrEqual(14);
  });

  it('take the slower of what one wants to send and the other to receive', () => {
    const pair = new Pair(
      { desiredMinTx: 20_000, requiredMinRx: 300_000 },
      { desiredMinTx: 100_000, requiredMinRx: 70_000, detectMultiplier: 5 },
    ).run(3000);
    expect([pair[0].transmitInterval, pair[1].transmitInterval]).toEqual([70, 300]);
    expect([pair[0].detectionTime, pair[1].detectionTime]).toEqual([1500, 210]);
  });

  it('notice a cut within the detection time, and say why', () => {
    const pair = new Pair().run(3000);
    pair.cut = true;
    pair.run(3000 + 151);
    expect([pair[0].state, pair[1].state]).toEqual([BfdState.DOWN, BfdState.DOWN]);
    expect(pair[0].diagnostic).toBe(Diagnostic.DETECTION_TIME_EXPIRED);
    pair.cut = false;
    pair.run(6000);
    expect([pair[0].state, pair[1].state]).toEqual([BfdState.UP, BfdState.UP]);
  });

  it('tell AdminDown from a failure', () => {
    const pair = new Pair().run(3000);
    pair[0].farewell(pair.now);
    pair.run(3010);
    expect({ state: pair[1].state, remote: pair[1].remoteState, diagnostic: pair[1].diagnostic }).toEqual({
      state: BfdState.DOWN,
      remote: BfdState.ADMIN_DOWN,
      diagnostic: Diagnostic.NEIGHBOR_SIGNALED_DOWN,
    });
  });

  it('agree on slower sending by a poll before it begins', () => {
    const pair = new Pair().run(3000);
    pair[0].reconfigure({ ...CONFIG, localDiscriminator: 1, desiredMinTx: 400_000 }, pair.now);
    expect(pair[0].transmitInterval).toBe(50);
    pair.run(3100);
    expect(pair[0].transmitInterval).toBe(400);
    expect(pair[1].detectionTime).toBe(1200);
    expect(pair.run(20_000)[1].state).toBe(BfdState.UP);
  });

  it('answer a poll at once', () => {
    const pair = new Pair().run(3000);
    const polls = pair.sent.filter(({ packet }) => packet.poll);
    const finals = pair.sent.filter(({ packet }) => packet.final);
    expect(polls.length).toBeGreaterThan(0);
    expect(finals.length).toBe(polls.length);
  });

  it('announces how often the peer may send echo packets, and another value without a poll sequence', () => {
    const pair = new Pair({ requiredMinEchoRx: 100_000 }).run(5000);
    const announced = () => pair.sent.findLast(({ from }) => from === 0)?.packet;
    expect(announced()).toMatchObject({ state: BfdState.UP, requiredMinEchoRx: 100_000 });
    pair[0].reconfigure({ ...CONFIG, localDiscriminator: 1, requiredMinEchoRx: 0 }, pair.now);
    pair.run(6000);
    expect(announced()).toMatchObject({ state: BfdState.UP, requiredMinEchoRx: 0, poll: false });
    expect(pair.sent.some(({ from, packet }) => from === 1 && packet.requiredMinEchoRx !== 0)).toBe(false);
  });

  it('stay silent when passive, until the other speaks', () => {
    const pair = new Pair({ passive: true }, { passive: true }).run(5000);
    expect(pair.sent).toEqual([]);
    expect(new Pair({ passive: true }).run(3000)[0].state).toBe(BfdState.UP);
  });

  it('stay up with any jitter and any pair of intervals, and always come up', () => {
    const us = fc.integer({ min: 10, max: 1000 }).map(ms => ms * 1000);
    const side = fc.record({ desiredMinTx: us, requiredMinRx: us, detectMultiplier: fc.integer({ min: 2, max: 5 }) });
    fc.assert(
      fc.property(
        side,
        side,
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (a, b, randoms) => {
          let i = 0;
          const pair = new Pair(a, b, () => randoms[i++ % randoms.length] as number).run(6000);
          const ups = () => pair.sides.map(({ state }) => state);
          expect(ups()).toEqual([BfdState.UP, BfdState.UP]);
          const downs = () => pair.sent.filter(({ at, packet }) => at > 6000 && packet.state === BfdState.DOWN).length;
          pair.run(16_000);
          expect(downs()).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

function check(by: Authenticator, datagram: Uint8Array): string | undefined {
  const decoded = decodeControlPacket(datagram);
  return 'packet' in decoded ? by.check(datagram, decoded.packet) : decoded.drop;
}

describe('packets', () => {
  const PACKET = (
    decodeControlPacket(Uint8Array.from([0x20, 0xc0, 3, 24, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50, 0, 0, 0, 0])) as {
      packet: ControlPacket;
    }
  ).packet;

  it.each([
    { desc: 'another version', change: { version: 2 }, drop: 'version 2' },
    { desc: 'multiplier 0', change: { detectMultiplier: 0 }, drop: 'detect multiplier 0' },
    { desc: 'multipoint', change: { multipoint: true }, drop: 'multipoint bit' },
    { desc: 'no discriminator', change: { myDiscriminator: 0 }, drop: 'my discriminator 0' },
    { desc: 'up with nobody', change: { yourDiscriminator: 0 }, drop: 'your discriminator 0 in state Init or Up' },
    { desc: 'poll and final', change: { poll: true, final: true }, drop: 'both poll and final' },
    { desc: 'authentication announced and not there', change: { authenticationPresent: true }, drop: 'length field 24' },
  ])('is dropped: $desc', ({ change, drop }) => {
    expect(decodeControlPacket(encodeControlPacket({ ...PACKET, ...change }))).toEqual({ drop });
  });

  it.each<BfdAuthentication['type']>(['simple', 'keyed-md5', 'meticulous-keyed-md5', 'keyed-sha1', 'meticulous-keyed-sha1'])(
    'is authentic with the same key only: %s',
    type => {
      const options = { type, keyId: 7, key: 's3cret' };
      const sender = new Authenticator(options, 100);
      const receiver = new Authenticator(options, 0);
      const first = sender.sign(PACKET);
      expect(check(receiver, first)).toBeUndefined();
      expect(check(new Authenticator({ ...options, key: 'other' }, 0), first)).toMatch(/wrong/);
      expect(check(new Authenticator({ ...options, keyId: 8 }, 0), first)).toMatch(/key ID/);
      const forged = first.slice();
      forged[4] = 9;
      if (type !== 'simple') expect(check(receiver, forged)).toBeDefined();
      for (let i = 0; i < 20; i++) expect(check(receiver, sender.sign(PACKET))).toBeUndefined();
      if (type !== 'simple') expect(check(receiver, first)).toMatch(/replayed/);
    },
  );
});
