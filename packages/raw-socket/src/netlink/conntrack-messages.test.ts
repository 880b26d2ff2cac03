import { expect, test } from 'vitest';
import { attribute } from './codec.ts';
import { parseFlow } from './conntrack-messages.ts';

const NESTED = 0x8000;
const nest = (type: number, ...parts: Buffer[]): Buffer => attribute(type | NESTED, Buffer.concat(parts));
const be16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const be32 = (value: number): Buffer => Buffer.from([0, 0, 0, 0].map((_, index) => (value >>> (24 - 8 * index)) & 0xff));

/** What the kernel tells of a flow from 192.0.2.9 to 192.0.2.1. */
function flowOf(protocol: number, ...more: Buffer[]): ReturnType<typeof parseFlow> {
  const addresses = nest(1, attribute(1, Buffer.from([192, 0, 2, 9])), attribute(2, Buffer.from([192, 0, 2, 1])));
  const ports = nest(2, attribute(1, Buffer.from([protocol])), attribute(2, be16(40_000)), attribute(3, be16(3868)));
  const payload = Buffer.concat([Buffer.from([2, 0, 0, 0]), nest(1, addresses, ports), attribute(3, be32(0x0e)), ...more]);
  return parseFlow({ type: 0x0100, flags: 0, sequence: 1, payload });
}

/** CTA_PROTOINFO with the state, and what the kernel tells beside it. */
const tcp = (state: number) => nest(4, nest(1, attribute(1, Buffer.from([state])), attribute(2, Buffer.from([7]))));
const sctp = (state: number) =>
  nest(4, nest(3, attribute(1, Buffer.from([state])), attribute(2, be32(0xcafe_0001)), attribute(3, be32(0xcafe_0002))));

test.each<[string, number, Buffer[], object]>([
  ['a TCP connection', 6, [tcp(3), attribute(7, be32(431_999))], { tcpState: 'established', sctpState: undefined, timeout: 431_999 }],
  ['an SCTP association', 132, [sctp(4), attribute(7, be32(210))], { tcpState: undefined, sctpState: 'established', timeout: 210 }],
  ['one that is being opened', 132, [sctp(2)], { sctpState: 'cookie-wait' }],
  ['one that is being closed', 132, [sctp(7)], { sctpState: 'shutdown-ack-sent' }],
  ['one in a state of a later kernel', 132, [sctp(200)], { sctpState: undefined }],
  ['one that the kernel tracks as any protocol', 132, [attribute(7, be32(600))], { sctpState: undefined, timeout: 600 }],
])('%s', (_, protocol, more, flow) => {
  expect(flowOf(protocol, ...more)).toMatchObject({
    protocol,
    original: { source: '192.0.2.9', destination: '192.0.2.1', sourcePort: 40_000, destinationPort: 3868 },
    seenReply: true,
    assured: true,
    ...flow,
  });
});
