import { describe, expect, it } from 'vitest';
import { AddressProbe } from './address-probe.ts';
import { ASKERS, Askers } from './askers.ts';
import { CONFLICT_EXPIRY, ConflictWatch, DEFEND_INTERVAL } from './conflict.ts';

const VIP = '192.0.2.240';
const OURS = new Set(['02:00:00:00:00:01', '02:00:00:00:00:02']);
const STRANGER = '02:00:00:00:00:66';

describe('ConflictWatch', () => {
  it('is not about speakers', () => {
    expect(new ConflictWatch().claim(VIP, '02:00:00:00:00:02', OURS, 0)).toBeUndefined();
  });

  it('tells a stranger once and defends at most once in ten seconds', () => {
    const watch = new ConflictWatch();
    const told = [0, 5, DEFEND_INTERVAL - 1, DEFEND_INTERVAL, DEFEND_INTERVAL + 1].map(now => watch.claim(VIP, STRANGER, OURS, now));
    expect(told.map(answer => answer?.news)).toEqual([true, false, false, false, false]);
    expect(told.map(answer => answer?.defend)).toEqual([true, false, false, true, false]);
    expect(watch.current(VIP, DEFEND_INTERVAL + 2)).toMatchObject([
      { mac: STRANGER, count: 5, firstSeen: 0, lastSeen: DEFEND_INTERVAL + 1 },
    ]);
  });

  it('is over when nothing was seen for a minute', () => {
    const watch = new ConflictWatch();
    watch.claim(VIP, STRANGER, OURS, 0);
    expect(watch.expire(CONFLICT_EXPIRY - 1)).toEqual([]);
    expect(watch.expire(CONFLICT_EXPIRY)).toEqual([VIP]);
    expect(watch.claim(VIP, STRANGER, OURS, CONFLICT_EXPIRY + 1)).toMatchObject({ news: true, defend: true });
  });

  it('remembers few of a spoofer with many MACs', () => {
    const watch = new ConflictWatch();
    const news = Array.from(
      { length: 1_000 },
      (_, index) => watch.claim(VIP, `02:00:00:01:${(index >> 8).toString(16)}:${index}`, OURS, 0)?.news,
    );
    expect(news.filter(Boolean)).toHaveLength(8);
    expect(watch.current(VIP, 1)).toHaveLength(8);
  });
});

describe('AddressProbe', () => {
  it('asks three times and finds the address free', () => {
    const probe = new AddressProbe();
    probe.start(VIP, 0);
    const sent: number[] = [];
    let verdict: unknown;
    for (let now = 0; now <= 100 && verdict === undefined; now++) {
      const { send, done } = probe.due(now);
      if (send.length > 0) sent.push(now);
      if (done.length > 0) verdict = [now, done];
    }
    expect(sent).toEqual([0, 20, 40]);
    expect(verdict).toEqual([60, [{ ip: VIP }]]);
    expect(probe.nextDue()).toBeUndefined();
  });

  it('ends with the stranger that answers, not with a speaker', () => {
    const probe = new AddressProbe();
    probe.start(VIP, 0);
    probe.due(0);
    expect(probe.heard(VIP, '02:00:00:00:00:02', OURS)).toBeUndefined();
    expect(probe.heard(VIP, STRANGER, OURS)).toEqual({ ip: VIP, stranger: STRANGER });
    expect(probe.heard(VIP, STRANGER, OURS)).toBeUndefined();
    expect(probe.due(1_000)).toEqual({ send: [], done: [] });
  });
});

describe('Askers', () => {
  it('keeps the latest, latest first', () => {
    const askers = new Askers();
    for (let index = 0; index < ASKERS + 4; index++) askers.note(VIP, `192.0.2.${index}`, `02:00:00:00:00:${index + 10}`);
    askers.note(VIP, '192.0.2.10', '02:00:00:00:00:aa');
    const known = askers.of(VIP);
    expect(known).toHaveLength(ASKERS);
    expect(known[0]).toEqual({ ip: '192.0.2.10', mac: '02:00:00:00:00:aa' });
    expect(known.map(({ ip }) => ip)).not.toContain('192.0.2.3');
    askers.forget(VIP);
    expect(askers.of(VIP)).toEqual([]);
  });
});
