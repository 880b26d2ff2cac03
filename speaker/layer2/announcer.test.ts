import { describe, expect, it } from 'vitest';
import { ANNOUNCER_TIMERS, type Announcement, Announcer } from './announcer.ts';

const VIP = '192.0.2.240';
const GATEWAY = { ip: '192.0.2.1', mac: '02:00:00:00:00:fe' };
const ASKER = { ip: '192.0.2.9', mac: '02:00:00:00:00:99' };

/** Everything sent until `until`, as `time kind neighbour`. */
function play(announcer: Announcer, until: number, from = 0): string[] {
  const lines: string[] = [];
  for (let now = from; now <= until; now += 1) {
    for (const sent of announcer.due(now)) lines.push(`${now} ${describeSent(sent)}`);
  }
  return lines;
}

function describeSent(sent: Announcement): string {
  return sent.kind === 'gratuitous' ? `${sent.ip} to all` : `${sent.ip} to ${sent.neighbour.ip}`;
}

describe('Announcer', () => {
  it('announces at once, repeats to the silent, and to all in gaps of more than a second', () => {
    const announcer = new Announcer(
      () => 0.5,
      () => [GATEWAY],
    );
    announcer.start(VIP, [], 0);
    expect(play(announcer, 6_000)).toEqual([
      `0 ${VIP} to all`,
      ...[0, 20, 50, 100, 200, 1_000].map(at => `${at} ${VIP} to ${GATEWAY.ip}`),
      ...[1_100, 2_300, 5_000].map(at => `${at} ${VIP} to all`),
      `5000 ${VIP} to ${GATEWAY.ip}`,
    ]);
  });

  it('stops asking who has confirmed, and tells the first confirmation only', () => {
    const announcer = new Announcer(
      () => 0.5,
      () => [GATEWAY],
    );
    announcer.start(VIP, [ASKER], 0);
    play(announcer, 30);
    expect(announcer.confirm(VIP, ASKER.ip, 31)).toEqual({ ip: VIP, neighbour: ASKER.ip, afterMs: 31 });
    expect(announcer.confirm(VIP, GATEWAY.ip, 32)).toBeUndefined();
    expect(announcer.unconfirmed(VIP)).toEqual([]);
    expect(play(announcer, 1_050, 33)).toEqual([]);
  });

  it.each([
    ['a stranger', VIP, '192.0.2.77'],
    ['an address that is not announced', '192.0.2.241', GATEWAY.ip],
  ])('takes no confirmation of %s', (_, ip, neighbour) => {
    const announcer = new Announcer(
      () => 0.5,
      () => [GATEWAY],
    );
    announcer.start(VIP, [], 0);
    expect(announcer.confirm(ip, neighbour, 1)).toBeUndefined();
  });

  it.each<[string, (announcer: Announcer) => void, string | undefined, number, [string, string[]][]]>([
    ['one that has not confirmed anything', () => undefined, GATEWAY.mac, 10_000, [[GATEWAY.ip, [VIP, '192.0.2.241']]]],
    ['not before its time', () => undefined, GATEWAY.mac, 9_999, []],
    [
      'one that confirmed one of two',
      announcer => announcer.confirm(VIP, GATEWAY.ip, 5),
      GATEWAY.mac,
      10_000,
      [[GATEWAY.ip, ['192.0.2.241']]],
    ],
    ['not an address that was given up', announcer => announcer.stop('192.0.2.241'), GATEWAY.mac, 10_000, [[GATEWAY.ip, [VIP]]]],
    ['not one that does not answer at all', () => undefined, undefined, 10_000, []],
    ['nor what was taken up after a restart', announcer => announcer.resume(VIP, 1), GATEWAY.mac, 10_000, [[GATEWAY.ip, ['192.0.2.241']]]],
  ])('gateways that do not learn: %s', (_, change, mac, at, expected) => {
    const announcer = new Announcer(
      () => 0.5,
      () => [{ ...GATEWAY, mac }],
    );
    announcer.start(VIP, [ASKER], 0);
    announcer.start('192.0.2.241', [], 0);
    change(announcer);
    expect([...announcer.unconfirmedGateways(10_000, at)]).toEqual(expected);
  });

  it('refreshes the gateways every minute and everybody every five, within ten per cent', () => {
    for (const chance of [0, 0.999]) {
      const announcer = new Announcer(
        () => chance,
        () => [GATEWAY],
      );
      announcer.start(VIP, [], 0);
      play(announcer, 6_000);
      announcer.confirm(VIP, GATEWAY.ip, 6_000);
      const refreshes: string[] = [];
      for (let now = announcer.nextDue(6_000); now !== undefined && now < 700_000; now = announcer.nextDue(now)) {
        refreshes.push(...announcer.due(now).map(describeSent));
      }
      const factor = chance === 0 ? 0.9 : 1.1;
      expect(refreshes.filter(line => line.endsWith(GATEWAY.ip))).toHaveLength(
        Math.floor(700_000 / (ANNOUNCER_TIMERS.refreshDirected * factor)),
      );
      expect(refreshes.filter(line => line.endsWith('to all'))).toHaveLength(
        Math.floor(700_000 / (ANNOUNCER_TIMERS.refreshBroadcast * factor)),
      );
    }
  });

  it('paces many addresses, first announcements before repeats, and loses none', () => {
    const announcer = new Announcer(
      () => 0.5,
      () => [],
      { ...ANNOUNCER_TIMERS, broadcastRepeats: [100] },
    );
    const addresses = Array.from({ length: 300 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    for (const ip of addresses) announcer.start(ip, [], 0);
    const sent: Announcement[] = [];
    for (let now = 0; now <= 1_500; now++) {
      const burst = announcer.due(now);
      sent.push(...burst);
      expect(burst.length).toBeLessThanOrEqual(50);
    }
    expect(sent).toHaveLength(600);
    expect(new Set(sent.slice(0, 300).map(({ ip }) => ip)).size).toBe(300);
  });

  it('says nothing more of an address that was stopped, and nothing at all when none is left', () => {
    const announcer = new Announcer(
      () => 0.5,
      () => [],
    );
    announcer.start(VIP, [], 0);
    announcer.start('192.0.2.241', [], 0);
    announcer.stop(VIP);
    expect(play(announcer, 50)).toEqual(['0 192.0.2.241 to all']);
    announcer.stop('192.0.2.241');
    expect(announcer.nextDue(50)).toBeUndefined();
    announcer.again(VIP, 50);
    expect(announcer.due(51)).toEqual([]);
  });

  it('defends with one more broadcast', () => {
    const announcer = new Announcer(
      () => 0.5,
      () => [],
    );
    announcer.start(VIP, [], 0);
    play(announcer, 10);
    announcer.again(VIP, 20);
    expect(announcer.due(20)).toEqual([{ kind: 'gratuitous', ip: VIP }]);
  });

  describe('asks the gateways of the moment', () => {
    const moved = { ...GATEWAY, mac: '02:00:00:00:00:ff' };
    const other = { ip: '192.0.2.2', mac: '02:00:00:00:00:fd' };

    it.each([
      ['repeats follow a MAC that changes', [moved], 20, [moved]],
      ['and ask everybody while it is not known', [{ ...GATEWAY, mac: undefined }], 20, [{ ...GATEWAY, mac: undefined }]],
      ['refreshes follow a MAC that changes', [moved], 60_000, [moved]],
      ['refreshes go to another gateway', [other], 60_000, [other]],
      ['and to a second one', [moved, other], 60_000, [moved, other]],
      ['and to nobody where none is left', [], 60_000, []],
    ])('%s', (_, now, at, neighbours) => {
      let gateways: readonly { ip: string; mac: string | undefined }[] = [GATEWAY];
      const announcer = new Announcer(
        () => 0.5,
        () => gateways,
      );
      announcer.start(VIP, [], 0);
      announcer.due(0);
      if (at > 1_000) announcer.confirm(VIP, GATEWAY.ip, 1);
      gateways = now;
      const sent = announcer.due(at).filter(announcement => announcement.kind === 'directed');
      expect(sent).toEqual(neighbours.map(neighbour => ({ kind: 'directed', ip: VIP, neighbour })));
    });
  });
});
