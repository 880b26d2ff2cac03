import { nodeIdOf } from './authentication.ts';
import type { Packet } from './packet.ts';

/** A heartbeat that has something of everything a packet can hold. For tests and fuzzing. */
export const BEACON: Packet = {
  type: 'beacon',
  flags: { ready: true, draining: false, uplinkOk: true, fast: true, listening: false, persistent: true, restarting: false },
  sender: nodeIdOf('node-1'),
  nonce: 0x1122334455667788n,
  yourNonce: 0n,
  seq: 42,
  interval: 100,
  multiplier: 4,
  newestKey: 7,
  claimsVersion: 3,
  claimsDigest: 0xffff_0000_ffff_0000n,
  withheldDigest: 0x0000_ffff_0000_ffffn,
  complete: true,
  claims: [
    { vip: '192.168.150.240', epoch: 5, rank: 0 },
    { vip: 'fd00:150::240', epoch: 4_294_967_295, rank: 255, withheld: true },
  ],
  released: ['192.168.150.241'],
  name: 'node-1',
  macs: ['02:00:00:00:00:01'],
  drain: 60_000,
  part: { index: 1, count: 3 },
};
