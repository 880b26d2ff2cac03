import { beforeEach, describe, expect, it } from 'vitest';
import { decodeArp } from '../layer2/arp.ts';
import { decodeNdp } from '../layer2/ndp.ts';
import { createMesh, type MeshState } from '../mesh/state.ts';
import { MESH_PROFILES } from '../mesh/timers.ts';
import { uplinkFresh } from '../mesh/uplink.ts';
import type { Device } from './devices.ts';
import { UplinkProbe } from './uplink-probe.ts';

const DEVICE: Device = {
  index: 2,
  name: 'eth0',
  mac: '02:00:00:00:00:01',
  carrier: true,
  addresses: [
    { address: '192.0.2.1', prefixLength: 24, linkLocal: false },
    { address: '2001:db8::1', prefixLength: 64, linkLocal: false },
    { address: 'fe80::1', prefixLength: 64, linkLocal: true },
  ],
  segment: '192.0.2.0/24',
  subnets: ['192.0.2.0/24', '2001:db8::/64'],
};
const OLD = '02:00:00:00:00:fe';
const NEW = '02:00:00:00:00:ff';

const isGroup = (mac: string) => mac === 'ff:ff:ff:ff:ff:ff' || mac.startsWith('33:33:');
const nobody = () => undefined;

interface Asked {
  at: number;
  ip: string;
  from: string;
  to: string;
}

describe('UplinkProbe', () => {
  let state: MeshState;
  let probe: UplinkProbe;
  let asked: Asked[];
  let now: number;

  beforeEach(() => {
    const identity = { me: 'me', name: 'node-1', nonce: 1n, random: () => 0.5, macs: [DEVICE.mac], newestKey: 0, caretaker: true };
    state = createMesh({ ...identity, timers: MESH_PROFILES.default }, 0);
    asked = [];
    now = 0;
    probe = new UplinkProbe(frame => asked.push(question(frame)));
  });

  function question(frame: Buffer): Asked {
    const arp = decodeArp(frame);
    if (typeof arp === 'object') return { at: now, ip: arp.targetIp, from: arp.senderIp, to: arp.destination };
    const ndp = decodeNdp(frame);
    if (typeof ndp === 'string') throw new Error(ndp);
    return { at: now, ip: ndp.target, from: ndp.sourceIp, to: ndp.destination };
  }

  /** Ticks every 25 ms; `answers` says which MAC answers a question, or nobody. */
  function play(until: number, answers: (asked: Asked) => string | undefined): void {
    for (; now <= until; now += 25) {
      const before = asked.length;
      probe.tick(state, DEVICE, now);
      for (const one of asked.slice(before)) {
        const mac = answers(one);
        if (mac !== undefined) probe.replied(state, one.ip, mac, now);
      }
    }
  }

  /** The gateway has this MAC: it hears what is sent to it, and what is sent to all. */
  const has = (mac: string) => (one: Asked) => (one.to === mac || isGroup(one.to) ? mac : undefined);

  const GATEWAYS = [
    ['IPv4', '192.0.2.254', '192.0.2.1'],
    ['IPv6', '2001:db8::254', '2001:db8::1'],
    ['IPv6, link-local', 'fe80::254', 'fe80::1'],
  ] as const;

  it.each(GATEWAYS)('%s: asks everybody once, then the gateway, every half interval', (_, ip, own) => {
    probe.setGateways([ip]);
    play(300, has(OLD));
    expect(asked.map(one => [one.at, one.ip, one.from, isGroup(one.to) ? 'all' : one.to])).toEqual([
      [0, ip, own, 'all'],
      ...[25, 75, 125, 175, 225, 275].map(at => [at, ip, own, OLD]),
    ]);
    expect(probe.gateways).toEqual([{ ip, mac: OLD }]);
  });

  it.each(GATEWAYS)('%s: a gateway that has another MAC is found before the uplink counts as unproven', (_, ip) => {
    probe.setGateways([ip]);
    play(300, has(OLD));
    for (let step = 0; step < 40; step++) {
      play(now, has(NEW));
      expect(uplinkFresh(state, now), `${now} ms`).toBe(true);
    }
    expect(probe.gateways).toEqual([{ ip, mac: NEW }]);
    // As soon as it is known it is the only one to be asked.
    asked.length = 0;
    play(now + 500, has(NEW));
    expect(new Set(asked.map(one => one.to))).toEqual(new Set([NEW]));
  });

  it('a gateway that has died is asked by few broadcasts, its MAC is forgotten, and it is found again', () => {
    probe.setGateways(['192.0.2.254']);
    play(300, has(OLD));
    play(2_000, nobody);
    expect(uplinkFresh(state, now)).toBe(false);
    expect(probe.gateways).toEqual([{ ip: '192.0.2.254', mac: undefined }]);
    asked.length = 0;
    play(7_000, nobody);
    expect(asked.map(one => one.to)).toEqual(Array.from({ length: 5 }, () => 'ff:ff:ff:ff:ff:ff'));
    play(8_100, has(OLD));
    expect(uplinkFresh(state, now)).toBe(true);
  });

  it('a gateway that has died is looked for again as soon as others have found it, before this node counts as cut off', () => {
    probe.setGateways(['192.0.2.254']);
    play(300, has(OLD));
    play(5_000, nobody);
    state.othersUpSince = now;
    asked.length = 0;
    play(now + 300, nobody);
    expect(asked.length).toBeGreaterThanOrEqual(5);
    // It is this node's own fault by now.
    play(6_000, nobody);
    asked.length = 0;
    play(11_000, nobody);
    expect(asked.length).toBeLessThanOrEqual(5);
  });

  it('a lost answer brings no broadcast', () => {
    probe.setGateways(['192.0.2.254']);
    play(300, has(OLD));
    asked.length = 0;
    let lost = 0;
    play(600, one => (++lost === 1 ? undefined : has(OLD)(one)));
    expect(lost).toBeGreaterThan(5);
    expect(asked.filter(one => isGroup(one.to))).toEqual([]);
  });

  it('asks two gateways apart: one that is away does not draw questions from the other', () => {
    probe.setGateways(['192.0.2.254', 'fe80::254']);
    play(300, has(OLD));
    play(3_000, one => (one.ip === 'fe80::254' ? undefined : has(OLD)(one)));
    expect(uplinkFresh(state, now)).toBe(true);
    expect(probe.gateways).toEqual([
      { ip: '192.0.2.254', mac: OLD },
      { ip: 'fe80::254', mac: undefined },
    ]);
    probe.setGateways(['192.0.2.254']);
    expect(probe.gateways).toEqual([{ ip: '192.0.2.254', mac: OLD }]);
  });

  it('without an address of the family it asks nobody', () => {
    const device = { ...DEVICE, addresses: DEVICE.addresses.slice(0, 1) };
    probe.setGateways(['2001:db8::254']);
    probe.tick(state, device, 0);
    expect(asked).toEqual([]);
  });
});
