import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message, ReceivedMessage } from '../codec/message.ts';
import { MessageError } from '../codec/message-error.ts';
import { Cease, cease, ErrorCode } from '../codec/notification.ts';
import type { Open } from '../codec/open.ts';
import type { FsmConfig } from './config.ts';
import type { FsmAction, FsmEvent } from './events.ts';
import { localOpen } from './local-open.ts';
import { step } from './machine.ts';
import { initialState, nextDeadline, type PeerState, sessionState } from './state.ts';

const CONFIG: FsmConfig = {
  localAs: 65002,
  routerId: 20,
  peerAs: 65001,
  holdTime: 90,
  connectRetryTime: 30_000,
  connectTimeout: 5000,
  passive: false,
  families: ['ipv4-unicast', 'ipv6-unicast'],
  extendedNextHop: false,
  extendedMessages: true,
};
const PEER: FsmConfig = { ...CONFIG, localAs: 65001, routerId: 10, peerAs: 65002 };

const openOf = (config: FsmConfig): ReceivedMessage => ({ kind: 'open', open: localOpen(config, { restarting: false, plain: false }) });
const KEEPALIVE: ReceivedMessage = { kind: 'keepalive' };

/** A machine with a clock and a memory. */
class Driver {
  state: PeerState = initialState(true);
  now = 0;
  actions: FsmAction[] = [];
  readonly config: FsmConfig;

  constructor(config = CONFIG) {
    this.config = config;
  }

  do(...events: FsmEvent[]): this {
    this.actions = [];
    for (const event of events) {
      const result = step(this.state, event, { now: this.now, random: () => 0.5, config: this.config });
      this.state = result.state;
      this.actions.push(...result.actions);
    }
    return this;
  }

  receive(connection: number, ...messages: ReceivedMessage[]): this {
    return this.do(...messages.map(message => ({ type: 'received' as const, connection, message })));
  }

  establish(peer = PEER): this {
    return this.do({ type: 'start' }, { type: 'dialed', connection: 1 }).receive(1, openOf(peer), KEEPALIVE);
  }

  /** To the next deadline, as a runner would. */
  wait(): this {
    this.now = nextDeadline(this.state) ?? this.now;
    return this.do({ type: 'tick' });
  }

  sent(kind: Message['kind']): Message[] {
    return this.actions.flatMap(action => (action.type === 'send' && action.message.kind === kind ? [action.message] : []));
  }

  get notified(): string[] {
    return this.sent('notification').map(message =>
      message.kind === 'notification' ? `${message.notification.code}/${message.notification.subcode}` : '',
    );
  }

  get shown(): string {
    return sessionState(this.state);
  }
}

describe('the way up', () => {
  it('goes through the states of RFC 4271', () => {
    const driver = new Driver();
    const seen = [driver.shown];
    for (const event of [{ type: 'start' }, { type: 'dialed', connection: 1 }] as const) seen.push(driver.do(event).shown);
    expect(driver.sent('open')).toHaveLength(1);
    for (const message of [openOf(PEER), KEEPALIVE]) seen.push(driver.receive(1, message).shown);
    expect(seen).toEqual(['Idle', 'Connect', 'OpenSent', 'OpenConfirm', 'Established']);
    expect(driver.actions.map(({ type }) => type)).toContain('established');
  });

  it('waits when passive, and takes what comes', () => {
    const driver = new Driver({ ...CONFIG, passive: true }).do({ type: 'start' });
    expect(driver.shown).toBe('Active');
    expect(driver.do({ type: 'accepted', connection: 7 }).shown).toBe('OpenSent');
  });

  it('dials again after 1 s, 2 s, 4 s and at last every ConnectRetryTime', () => {
    const driver = new Driver({ ...CONFIG, connectRetryTime: 5000 }).do({ type: 'start' });
    const delays: number[] = [];
    for (let i = 0; i < 5; i++) {
      driver.do({ type: 'dial-failed', reason: 'refused' });
      const before = driver.now;
      driver.wait();
      delays.push(driver.now - before);
      expect(driver.shown).toBe('Connect');
    }
    expect(delays).toEqual([875, 1750, 3500, 4375, 4375]);
  });

  it('gives a dial up in time, and says what may be wrong', () => {
    const driver = new Driver().do({ type: 'start' }).wait();
    expect(driver.now).toBe(5000);
    expect(driver.actions).toContainEqual({ type: 'cancel-dial' });
    expect(JSON.stringify(driver.actions)).toMatch(/passwords/);
  });
});

describe('the OPEN of a peer', () => {
  const open = (change: Partial<Open>, config = PEER) => {
    const message = openOf(config);
    if (message.kind !== 'open') throw new Error('no OPEN');
    return { kind: 'open', open: { ...message.open, ...change } } as const;
  };

  it.each([
    { desc: 'another version', message: open({ version: 3 }), code: '2/1' },
    { desc: 'another AS', message: openOf({ ...PEER, localAs: 65009 }), code: '2/2' },
    { desc: 'AS 0', message: open({ myAs: 0, parameters: [] }), code: '2/2' },
    { desc: 'identifier 0', message: open({ bgpIdentifier: 0 }), code: '2/3' },
    { desc: 'a hold time of 2 s', message: open({ holdTime: 2 }), code: '2/6' },
    { desc: 'an unknown parameter', message: open({ parameters: [{ type: 1, value: new Uint8Array(4) }] }), code: '2/4' },
    {
      desc: 'no family in common',
      message: openOf({ ...PEER, families: ['ipv6-unicast'] }),
      config: { ...CONFIG, families: ['ipv4-unicast'] as const },
      code: '2/7',
    },
    {
      desc: 'a role that does not match',
      message: openOf({ ...PEER, role: 'customer' }),
      config: { ...CONFIG, role: 'customer' as const },
      code: '2/11',
    },
    {
      desc: 'no role where it is required',
      message: openOf(PEER),
      config: { ...CONFIG, role: 'customer' as const, strictRole: true },
      code: '2/11',
    },
  ])('is refused: $desc', ({ message, code, config }) => {
    const driver = new Driver(config ?? CONFIG).do({ type: 'start' }, { type: 'dialed', connection: 1 }).receive(1, message);
    expect(driver.notified).toEqual([code]);
    expect(driver.shown).toBe('Idle');
    expect(driver.state.connections).toEqual([]);
  });

  it.each([
    { ours: 90, theirs: 9, negotiated: 9 },
    { ours: 3, theirs: 90, negotiated: 3 },
    { ours: 90, theirs: 0, negotiated: 0 },
  ])('brings the smaller hold time: $ours and $theirs s', ({ ours, theirs, negotiated }) => {
    const driver = new Driver({ ...CONFIG, holdTime: ours }).establish({ ...PEER, holdTime: theirs });
    expect(driver.state.connections[0]?.negotiated?.holdTime).toBe(negotiated);
    expect(nextDeadline(driver.state) === undefined).toBe(negotiated === 0);
  });

  it('is answered without capabilities after the peer has refused them (2/4)', () => {
    const driver = new Driver().do({ type: 'start' }, { type: 'dialed', connection: 1 });
    driver.receive(1, { kind: 'notification', notification: { code: 2, subcode: 4, data: new Uint8Array() } });
    driver.do({ type: 'dialed', connection: 2 });
    const [again] = driver.sent('open');
    expect(again?.kind === 'open' && again.open.parameters).toEqual([]);
  });
});

describe('timers', () => {
  it('sends a KEEPALIVE three times within the hold time, and ends with 4/0 when nothing is heard', () => {
    const driver = new Driver({ ...CONFIG, holdTime: 9 }).establish();
    let keepalives = 0;
    while (driver.shown === 'Established') {
      driver.wait();
      keepalives += driver.sent('keepalive').length;
    }
    expect(driver.now).toBe(9000);
    expect(keepalives).toBe(3);
    expect(driver.notified).toEqual(['4/0']);
  });

  it('keeps no timer in Idle', () => {
    expect(nextDeadline(new Driver().establish().do({ type: 'stop' }).state)).toBeUndefined();
  });

  it('damps a peer that breaks the protocol: 5, 10, 20 … 60 s, in which it may not connect either', () => {
    const driver = new Driver().do({ type: 'start' });
    const delays: number[] = [];
    for (let connection = 1; connection < 7; connection++) {
      driver.do({ type: 'dialed', connection }, { type: 'malformed', connection, error: new MessageError(1, 1, 'not BGP') });
      expect(driver.do({ type: 'accepted', connection: 100 + connection }).actions).toEqual([
        { type: 'close', connection: 100 + connection },
      ]);
      const before = driver.now;
      driver.wait();
      delays.push(driver.now - before);
    }
    expect(delays).toEqual([4375, 8750, 17_500, 35_000, 52_500, 52_500]);
  });
});

function collide(config: FsmConfig, peer: FsmConfig): Driver {
  const driver = new Driver(config).do({ type: 'start' }, { type: 'accepted', connection: 2 }, { type: 'dialed', connection: 1 });
  driver.receive(2, openOf(peer));
  driver.receive(1, openOf(peer));
  return driver;
}

describe('collisions (RFC 4271 §6.8)', () => {
  it.each([
    { desc: 'our identifier is higher: the one we opened stays', config: CONFIG, peer: PEER, stays: 'outgoing' },
    { desc: 'theirs is higher: the one they opened stays', config: { ...CONFIG, routerId: 5 }, peer: PEER, stays: 'incoming' },
    { desc: 'compared without sign', config: { ...CONFIG, routerId: 0xffff_fff0 }, peer: PEER, stays: 'outgoing' },
    { desc: 'equal: the higher AS decides (RFC 6286)', config: { ...CONFIG, routerId: 10 }, peer: PEER, stays: 'outgoing' },
  ])('$desc', ({ config, peer, stays }) => {
    const driver = collide(config, peer);
    expect(driver.notified).toEqual(['6/7']);
    expect(driver.state.connections.map(({ direction }) => direction)).toEqual([stays]);
  });

  it('an Established session stays, unless the peer knows graceful restart', () => {
    const driver = new Driver().establish();
    // Every OPEN of ours carries the capability: a peer without it is one that sends none.
    const plain: ReceivedMessage = { kind: 'open', open: { version: 4, myAs: 65001, holdTime: 90, bgpIdentifier: 10, parameters: [] } };
    const stubborn = new Driver().do({ type: 'start' }, { type: 'dialed', connection: 1 }).receive(1, plain, KEEPALIVE);
    expect(stubborn.do({ type: 'accepted', connection: 2 }).notified).toEqual(['6/7']);
    expect(stubborn.shown).toBe('Established');
    driver.do({ type: 'accepted', connection: 2 });
    expect(driver.shown).toBe('Established');
    driver.receive(2, openOf(PEER));
    expect(driver.notified).toEqual([]);
    expect(driver.actions.map(({ type }) => type)).toContain('down');
    expect(driver.receive(2, KEEPALIVE).shown).toBe('Established');
  });
});

describe('ends', () => {
  it.each([
    {
      desc: 'an UPDATE before its time',
      message: { kind: 'update', update: { withdrawn: [], attributes: [], nlri: [], problems: [] } } as const,
      code: '5/1',
    },
    { desc: 'a KEEPALIVE before its time', message: KEEPALIVE, code: '5/1' },
  ])('$desc is an FSM error that names the message', ({ message, code }) => {
    const driver = new Driver().do({ type: 'start' }, { type: 'dialed', connection: 1 }).receive(1, message);
    expect(driver.notified).toEqual([code]);
    const [sent] = driver.sent('notification');
    expect(sent?.kind === 'notification' && sent.notification.data).toHaveLength(1);
  });

  it('stops without a word for a graceful restart, and with a Hard Reset for good', () => {
    const gracefulRestart = { restartTime: 60, forwardingPreserved: true, notification: true };
    const up = () => new Driver({ ...CONFIG, gracefulRestart }).establish({ ...PEER, gracefulRestart });
    expect(up().do({ type: 'stop' }).notified).toEqual([]);
    expect(up().do({ type: 'stop', notification: cease(Cease.ADMINISTRATIVE_SHUTDOWN), hard: true }).notified).toEqual(['6/9']);
    expect(up().do({ type: 'reset', notification: cease(Cease.ADMINISTRATIVE_RESET) }).notified).toEqual(['6/4']);
  });

  it('waits for BFD to come back after it has lost the path', () => {
    const driver = new Driver().establish().do({ type: 'bfd-down', reason: 'gone' });
    expect(driver.notified).toEqual(['6/10']);
    expect(driver.shown).toBe('Idle');
    expect(driver.do({ type: 'bfd-up' }).shown).toBe('Connect');
  });
});

describe('whatever happens in whatever order', () => {
  const id = fc.integer({ min: 1, max: 4 });
  const message = fc.oneof(
    fc.constant(openOf(PEER)),
    fc.constant(openOf({ ...PEER, holdTime: 0 })),
    fc.constant(openOf({ ...PEER, localAs: 65009 })),
    fc.constant(KEEPALIVE),
    fc.constant<ReceivedMessage>({ kind: 'update', update: { withdrawn: [], attributes: [], nlri: [], problems: [] } }),
    fc.constant<ReceivedMessage>({ kind: 'route-refresh', refresh: { afi: 1, safi: 1, subtype: 0 } }),
    fc
      .constantFrom(2, 6)
      .map<ReceivedMessage>(code => ({ kind: 'notification', notification: { code, subcode: 4, data: new Uint8Array() } })),
  );
  const event: fc.Arbitrary<FsmEvent | { type: 'connect'; way: 'dialed' | 'accepted' } | { type: 'wait'; ms: number }> = fc.oneof(
    fc.constantFrom<FsmEvent['type']>('start', 'start', 'tick', 'bfd-up').map(type => ({ type }) as FsmEvent),
    fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 100_000 }) }),
    fc.record({ type: fc.constant('connect' as const), way: fc.constantFrom('dialed' as const, 'accepted' as const) }),
    fc.record({ type: fc.constant('received' as const), connection: id, message }),
    fc.record({ type: fc.constant('closed' as const), connection: id, reason: fc.constant('gone') }),
    fc.record({
      type: fc.constant('malformed' as const),
      connection: id,
      error: fc.constant(new MessageError(ErrorCode.MESSAGE_HEADER, 1, 'x')),
    }),
    fc.record({ type: fc.constant('send-stalled' as const), connection: id }),
    fc.constant<FsmEvent>({ type: 'dial-failed', reason: 'refused' }),
    fc.constant<FsmEvent>({ type: 'bfd-down', reason: 'gone' }),
    fc.constant<FsmEvent>({ type: 'reset', notification: cease(Cease.ADMINISTRATIVE_RESET) }),
    fc.constant<FsmEvent>({ type: 'stop', notification: cease(Cease.ADMINISTRATIVE_SHUTDOWN) }),
  );

  it('no undefined state, one session at most, nothing sent after the end, and no timer left behind', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), (events, passive) => {
        const driver = new Driver({ ...CONFIG, passive });
        let next = 1;
        const closed = new Set<number>();
        const notified = new Set<number>();
        for (const each of events) {
          if (each.type === 'wait') driver.now += each.ms;
          driver.do(each.type === 'wait' ? { type: 'tick' } : each.type === 'connect' ? { type: each.way, connection: next++ } : each);
          for (const action of driver.actions) {
            if (action.type === 'send') {
              expect(closed.has(action.connection)).toBe(false);
              // A NOTIFICATION is the last thing said.
              expect(notified.has(action.connection)).toBe(false);
              if (action.message.kind === 'notification') notified.add(action.connection);
            }
            if (action.type === 'close') {
              expect(closed.has(action.connection)).toBe(false);
              closed.add(action.connection);
            }
          }
          const { connections, dial, started } = driver.state;
          expect(connections.filter(({ state }) => state === 'Established').length).toBeLessThanOrEqual(1);
          expect(connections.filter(({ direction }) => direction === 'outgoing').length).toBeLessThanOrEqual(1);
          for (const connection of connections) {
            expect(closed.has(connection.id)).toBe(false);
            expect(connection.state === 'OpenSent' || connection.negotiated !== undefined).toBe(true);
          }
          if (!started) expect({ dial, deadline: nextDeadline(driver.state) }).toEqual({ dial: { phase: 'none' }, deadline: undefined });
          else if (!passive && connections.length === 0) expect(nextDeadline(driver.state)).toBeDefined();
        }
        driver.do({ type: 'stop' });
        expect(nextDeadline(driver.state)).toBeUndefined();
        expect(driver.state.connections).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});
