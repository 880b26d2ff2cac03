import { badNextHop, isLinkLocal, splitZone, tryParseAddress } from './codec/address.ts';
import type { Family } from './codec/family.ts';

/** Our own next hops on a session, and which families have none. */
export interface OwnNextHops {
  readonly nextHop4: Uint8Array | undefined;
  readonly nextHop6: Uint8Array | undefined;
  /** The interface the session's local address is on. */
  readonly interface: string | undefined;
}

export interface NextHopQuestion {
  /** Local address of the TCP connection, perhaps with a zone. */
  readonly localAddress: string | undefined;
  readonly interfaces: ReadonlyMap<string, readonly string[]>;
  readonly configured4: Uint8Array | undefined;
  readonly configured6: Uint8Array | undefined;
  readonly extendedNextHop: boolean;
}

function usable(text: string): Uint8Array | undefined {
  const bytes = tryParseAddress(splitZone(text).address);
  return bytes && badNextHop(bytes) === undefined ? bytes : undefined;
}

/**
 * Which addresses of ours a peer is told to send traffic to: those of the interface the session leaves by.
 * An IPv6 next hop has 16 octets, global only: FRR resets a session whose link-local half it cannot place. Only where the session
 * itself runs between link-local addresses is the link-local one added (RFC 2545 §3).
 */
export function ownNextHops(question: NextHopQuestion): OwnNextHops {
  const { address: local = '', zone } = question.localAddress === undefined ? {} : splitZone(question.localAddress);
  const text = local.startsWith('::ffff:') && local.includes('.') ? local.slice(7) : local;
  const bytes = tryParseAddress(text);
  const found = zone ?? [...question.interfaces].find(([, addresses]) => addresses.includes(text))?.[0];
  const siblings = (found === undefined ? [] : (question.interfaces.get(found) ?? [])).map(usable).filter(address => address !== undefined);
  const global6 = siblings.find(address => address.length === 16 && !isLinkLocal(address));
  const first4 = siblings.find(address => address.length === 4);
  const own = bytes && badNextHop(bytes) === undefined ? bytes : undefined;
  if (!own || own.length === 4)
    return { nextHop4: question.configured4 ?? own, nextHop6: question.configured6 ?? global6, interface: found };
  const session6 = isLinkLocal(own) ? concat(global6 ?? own, own) : own;
  return {
    nextHop4: question.configured4 ?? (question.extendedNextHop ? undefined : first4),
    nextHop6: question.configured6 ?? session6,
    interface: found,
  };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/** Families that can be spoken but have no next hop of ours. */
export function familiesWithoutNextHop(families: readonly Family[], own: OwnNextHops, extendedNextHop: boolean): Family[] {
  return families.filter(family => (family === 'ipv4-unicast' ? !own.nextHop4 && !(extendedNextHop && own.nextHop6) : !own.nextHop6));
}

/** What to tell the operator about families that can be spoken but have no next hop. */
export function nextHopProblems(families: readonly Family[], own: OwnNextHops, extendedNextHop: boolean): string[] {
  const where = own.interface === undefined ? 'this session' : own.interface;
  const problems: string[] = [];
  const without = familiesWithoutNextHop(families, own, extendedNextHop);
  if (without.includes('ipv4-unicast'))
    problems.push(
      `no IPv4 next hop is known on ${where}: set nextHop.ipv4, give the interface an IPv4 address, or enable extendedNextHop on both sides`,
    );
  if (without.includes('ipv6-unicast'))
    problems.push(`no IPv6 next hop is known on ${where}: set nextHop.ipv6 or give the interface a global IPv6 address`);
  return problems;
}
