import { Authenticator } from '../src/bfd/authentication.ts';
import { decodeEchoFrame } from '../src/bfd/echo-frame.ts';
import { decodeControlPacket, encodeControlPacket } from '../src/bfd/packet.ts';
import { BfdSession } from '../src/bfd/session.ts';
import { equalBytes, toHex } from '../src/codec/bytes.ts';
import { Framer } from '../src/codec/framer.ts';
import { decodeMessage, encodeMessage, type MessageContext } from '../src/codec/message.ts';
import { MessageError } from '../src/codec/message-error.ts';
import { describeNotification } from '../src/codec/notification.ts';
import type { FsmConfig } from '../src/fsm/config.ts';
import { negotiate } from '../src/fsm/negotiate.ts';
import { decodeRouterFrame } from '../src/unnumbered/router-frames.ts';
import { fixLength, fixRouterChecksum } from './mutate.ts';

const CONTEXTS: readonly MessageContext[] = [
  { fourOctetAs: true, external: true, extendedMessages: false },
  { fourOctetAs: false, external: false, extendedMessages: true },
];

const CONFIG: FsmConfig = {
  localAs: 65010,
  routerId: 1,
  peerAs: 'external',
  holdTime: 90,
  connectRetryTime: 30_000,
  connectTimeout: 5000,
  passive: false,
  families: ['ipv4-unicast', 'ipv6-unicast'],
  extendedNextHop: true,
  extendedMessages: true,
  role: 'customer',
};

/** What came of one input. */
export type Outcome = 'decoded' | 'refused';

/** Reads a message and, when nothing is wrong with it, writes it again: the octets must be the same. Throws when a rule is broken. */
export function messageTarget(input: Uint8Array, context: MessageContext): Outcome {
  const frame = fixLength(input);
  let message: ReturnType<typeof decodeMessage>;
  try {
    message = decodeMessage(frame, context);
  } catch (error) {
    if (error instanceof MessageError && error.notification.data.length <= 4096 - 21) return 'refused';
    throw error;
  }
  if (message.kind === 'notification') describeNotification(message.notification);
  if (message.kind === 'open') negotiateTarget(message.open);
  if (message.kind === 'update' && message.update.problems.length > 0) return 'refused';
  const again = encodeMessage(message, context);
  if (!equalBytes(again, frame)) throw new Error(`reads ${toHex(frame)} but writes ${toHex(again)}`);
  return 'decoded';
}

function negotiateTarget(open: Parameters<typeof negotiate>[1]): void {
  try {
    negotiate(CONFIG, open);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
  }
}

/** A stream cut into pieces yields the same messages as the whole, and holds back no more than one. */
export function framerTarget(input: Uint8Array, random: () => number): Outcome {
  const whole = frames(input, input.length);
  const pieces = frames(input, 1 + Math.floor(random() * 40));
  if (whole !== pieces) throw new Error(`cut differently, ${toHex(input)} yields ${pieces} instead of ${whole}`);
  return whole.endsWith('error') ? 'refused' : 'decoded';
}

function frames(input: Uint8Array, size: number): string {
  const framer = new Framer();
  const seen: string[] = [];
  try {
    for (let i = 0; i < input.length; i += size)
      framer.push(input.subarray(i, i + size), frame => {
        seen.push(toHex(frame));
        return true;
      });
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    seen.push('error');
  }
  return seen.join(',');
}

/** Every target that a BGP message is thrown at. */
export function bgpTargets(input: Uint8Array, random: () => number): Outcome {
  framerTarget(input, random);
  return messageTarget(input, CONTEXTS[random() < 0.5 ? 0 : 1] as MessageContext);
}

/** A BFD datagram: read, checked against a key, handed to a session, and written again. */
export function bfdTarget(input: Uint8Array, random: () => number): Outcome {
  const decoded = decodeControlPacket(input);
  if ('drop' in decoded) return 'refused';
  const { packet } = decoded;
  const authenticator = new Authenticator({ type: random() < 0.5 ? 'keyed-sha1' : 'simple', keyId: 1, key: 'secret' }, 1);
  if (packet.authenticationPresent) authenticator.check(input, packet);
  const config = {
    localDiscriminator: 1,
    desiredMinTx: 50_000,
    requiredMinRx: 50_000,
    detectMultiplier: 3,
    passive: false,
    requiredMinEchoRx: 0,
  };
  const session = new BfdSession(config, { send: () => {}, changed: () => {} }, random, 0);
  session.receive(packet, 1);
  session.receive(packet, 2);
  session.tick(session.deadline ?? 3);
  const again = encodeControlPacket(packet);
  const length = input[3] ?? 0;
  if (!equalBytes(again, input.subarray(0, length))) throw new Error(`reads ${toHex(input)} but writes ${toHex(again)}`);
  return 'decoded';
}

const ECHO_KEY = new Uint8Array(32).fill(7);

/** An Ethernet frame as the packet sockets hand it over: a router's message, or one of our echo packets. */
export function frameTarget(input: Uint8Array): Outcome {
  const router = decodeRouterFrame(fixRouterChecksum(input));
  if (router?.kind === 'advertisement' && !router.router.startsWith('fe')) throw new Error(`takes ${router.router} for a router`);
  const echo = decodeEchoFrame(input, ECHO_KEY);
  if (echo && (echo.discriminator !== 1 || echo.sequence !== 9)) throw new Error(`takes a forged echo: ${toHex(input)}`);
  return router || echo ? 'decoded' : 'refused';
}
