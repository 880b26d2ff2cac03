import type { ConntrackFlow, SctpState, TcpState } from 'raw-socket';
import { describe, expect, it } from 'vitest';
import { FlowCounter } from './flows.ts';

const A = '192.0.2.1';
const B = '2001:db8::1';

function tcp(destination: string, tcpState: TcpState): ConntrackFlow {
  return { ...udp(destination, 0, 0), protocol: 6, tcpState };
}

function sctp(sctpState: SctpState | undefined, timeout: number): ConntrackFlow {
  return { ...udp(A, 1, timeout), protocol: 132, sctpState };
}

function udp(destination: string, sourcePort: number, timeout: number, seenReply = true): ConntrackFlow {
  return {
    family: destination.includes(':') ? 6 : 4,
    protocol: 17,
    original: { source: '192.0.2.9', destination, sourcePort, destinationPort: 53 },
    reply: undefined,
    assured: seenReply,
    seenReply,
    tcpState: undefined,
    sctpState: undefined,
    timeout,
  };
}

describe('FlowCounter', () => {
  it.each<[string, TcpState[], number]>([
    ['none', [], 0],
    ['open in any way', ['syn-sent', 'syn-recv', 'established', 'fin-wait', 'close-wait'], 5],
    ['over', ['time-wait', 'close', 'last-ack', 'none'], 0],
  ])('TCP connections: %s', (_, states, expected) => {
    const counter = new FlowCounter({ size: () => 9, flows: () => states.map(state => tcp(A, state)) });
    expect(counter.count([A], 0)).toEqual(new Map([[A, expected]]));
  });

  it.each<[string, SctpState[], number]>([
    ['open in any way', ['cookie-wait', 'cookie-echoed', 'established', 'shutdown-sent', 'shutdown-received', 'heartbeat-sent'], 6],
    ['over', ['none', 'closed', 'shutdown-ack-sent'], 0],
  ])('SCTP associations: %s', (_, states, expected) => {
    const counter = new FlowCounter({ size: () => 9, flows: () => states.map(state => sctp(state, 210)) });
    // Idle ones count, too, as those of TCP do.
    for (const now of [0, 60_000]) expect(counter.count([A], now)).toEqual(new Map([[A, expected]]));
  });

  it('an SCTP flow that the kernel tracks without a state is over when nothing was heard of it; a ping never counts', () => {
    let timeout = 600;
    const counter = new FlowCounter({ size: () => 9, flows: () => [sctp(undefined, timeout), udp(A, 1, 120)] });
    expect(counter.count([A], 0)?.get(A)).toBe(2);
    const ping = new FlowCounter({ size: () => 9, flows: () => [{ ...udp(A, 1, 30), protocol: 1 }] });
    expect(ping.count([A], 0)?.get(A)).toBe(0);
    timeout = 590;
    expect(counter.count([A], 10_500)?.get(A)).toBe(1);
  });

  it('tells the addresses apart', () => {
    const counter = new FlowCounter({ size: () => 9, flows: () => [tcp(A, 'established'), tcp(B, 'established'), tcp(B, 'established')] });
    expect(counter.count([A, B], 0)).toEqual(
      new Map([
        [A, 1],
        [B, 2],
      ]),
    );
  });

  it('a UDP flow is over when nothing was heard of it for ten seconds', () => {
    let flows: ConntrackFlow[] = [];
    const counter = new FlowCounter({ size: () => 9, flows: () => flows });
    const at = (now: number, ...present: ConntrackFlow[]) => {
      flows = present;
      return counter.count([A], now)?.get(A);
    };
    // Every packet puts the end off to 120 s from then; without one it comes nearer.
    expect(at(0, udp(A, 1, 120), udp(A, 2, 120), udp(A, 3, 30, false))).toBe(2);
    expect(at(5_000, udp(A, 1, 119), udp(A, 2, 115))).toBe(2);
    expect(at(10_500, udp(A, 1, 120), udp(A, 2, 110))).toBe(1);
    expect(at(25_000, udp(A, 1, 106), udp(A, 2, 95))).toBe(0);
    expect(at(26_000, udp(A, 1, 105), udp(A, 2, 120))).toBe(1);
  });

  it.each([undefined, 0])('knows nothing where the kernel tracks nothing (%s flows)', size => {
    expect(new FlowCounter({ size: () => size, flows: () => [] }).count([A], 0)).toBeUndefined();
  });
});
