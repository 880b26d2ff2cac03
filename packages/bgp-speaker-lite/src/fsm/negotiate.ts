import { formatRouterId } from '../codec/address.ts';
import { CapabilityCode } from '../codec/capability/codes.ts';
import { NOTIFICATION, RESTARTED } from '../codec/capability/graceful-restart.ts';
import { type Capability, encodeCapability, findCapabilities } from '../codec/capability/index.ts';
import { ROLE_VALUES, roleName, rolesMatch } from '../codec/capability/role.ts';
import { AFI_IPV4, AFI_IPV6, afiSafi, type Family, familyOf, SAFI_UNICAST } from '../codec/family.ts';
import type { MessageContext } from '../codec/message.ts';
import { MessageError } from '../codec/message-error.ts';
import { ErrorCode } from '../codec/notification.ts';
import { capabilitiesOf, type Open } from '../codec/open.ts';
import { Writer } from '../codec/writer.ts';
import { acceptsAs, type FsmConfig } from './config.ts';

/** What both OPENs amount to. */
export interface Negotiated {
  readonly peerAs: number;
  readonly peerId: number;
  readonly internal: boolean;
  /** Seconds; 0: no hold timer and no KEEPALIVEs. */
  readonly holdTime: number;
  /** Families both sides speak. */
  readonly families: readonly Family[];
  /** How messages on this connection are read and written. */
  readonly context: MessageContext;
  /** Longest message that may be sent. */
  readonly maxLength: number;
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** IPv4 routes may have IPv6 next hops. */
  readonly extendedNextHop: boolean;
  /** The peer knows graceful restart: a new connection from it replaces the old one (RFC 4724 §4.2). */
  readonly peerRestarts: boolean;
  /** The peer has just restarted (R bit). */
  readonly peerRestarted: boolean;
  /** Routes survive a NOTIFICATION; only a Hard Reset ends them (RFC 8538 §4). */
  readonly notificationSurvives: boolean;
  readonly longLived: boolean;
  readonly peerRole: number | undefined;
  readonly peerHostname: string | undefined;
  readonly peerCapabilities: readonly number[];
}

const U16 = (value: number) => new Uint8Array([value >>> 8, value & 255]);

function openError(subcode: number, reason: string, data?: Uint8Array): MessageError {
  return new MessageError(ErrorCode.OPEN_MESSAGE, subcode, reason, data);
}

function peerAsOf(open: Open, capabilities: readonly Capability[]): { asn: number; fourOctet: boolean } {
  const four = findCapabilities(capabilities, CapabilityCode.FOUR_OCTET_AS)[0];
  return { asn: four?.asn ?? open.myAs, fourOctet: four !== undefined };
}

function checkAs(config: FsmConfig, asn: number): void {
  const expected = config.peerAs === 'internal' ? `${config.localAs} (internal)` : config.peerAs;
  // RFC 7607: AS 0 must not be used. RFC 4271 §6.2: the AS number must be the configured one.
  if (asn === 0 || !acceptsAs(config, asn)) throw openError(2, `the peer is in AS ${asn}, expected ${expected}`);
}

function checkIdentifier(config: FsmConfig, open: Open, internal: boolean): void {
  const { bgpIdentifier: id } = open;
  // RFC 6286 §2.2: any number but zero, and another one than ours inside an AS.
  if (id === 0) throw openError(3, 'the peer has BGP identifier 0.0.0.0');
  if (internal && id === config.routerId) throw openError(3, `the peer has our own BGP identifier ${formatRouterId(id)}`);
}

function checkRole(config: FsmConfig, capabilities: readonly Capability[], internal: boolean): number | undefined {
  const roles = new Set(findCapabilities(capabilities, CapabilityCode.ROLE).map(capability => capability.role));
  const [remote] = roles;
  if (config.role === undefined || internal) return remote;
  if (roles.size > 1) throw openError(11, 'the peer announces several roles');
  if (remote === undefined) {
    if (config.strictRole) throw openError(11, `the peer announces no role, and ours (${config.role}) is strict`);
  } else if (!rolesMatch(ROLE_VALUES[config.role], remote))
    throw openError(11, `the peer is ${roleName(remote)} and we are ${config.role}`);
  return remote;
}

function commonFamilies(config: FsmConfig, capabilities: readonly Capability[]): Family[] {
  const announced = findCapabilities(capabilities, CapabilityCode.MULTIPROTOCOL);
  // RFC 4760 §8: who announces none speaks IPv4 unicast.
  const theirs = new Set(announced.length === 0 ? ['ipv4-unicast'] : announced.map(capability => familyOf(capability)));
  const common = config.families.filter(family => theirs.has(family));
  if (common.length > 0) return common;
  const required = new Writer(16);
  for (const family of config.families) encodeCapability(required, { code: CapabilityCode.MULTIPROTOCOL, reserved: 0, ...afiSafi(family) });
  throw openError(7, `the peer speaks none of ${config.families.join(', ')}`, required.finish());
}

function hostnameOf(capabilities: readonly Capability[]): string | undefined {
  const name = findCapabilities(capabilities, CapabilityCode.FQDN)[0];
  // Whatever a router calls itself ends in status and logs: printable characters only.
  return name && new TextDecoder().decode(name.hostname).replaceAll(/[^\p{L}\p{N}\p{P} ]/gu, '?');
}

/**
 * Checks a peer's OPEN against the configuration (RFC 4271 §6.2) and says what the session will be.
 * Throws `MessageError` with the NOTIFICATION to send. `plain`: our OPEN had no capabilities.
 */
export function negotiate(config: FsmConfig, open: Open, plain = false): Negotiated {
  if (open.version !== 4) throw openError(1, `the peer speaks BGP version ${open.version}`, U16(4));
  if (open.parameters.some(parameter => 'value' in parameter))
    throw openError(4, 'the peer sends an optional parameter that is not capabilities');
  const capabilities = capabilitiesOf(open);
  const { asn, fourOctet } = peerAsOf(open, capabilities);
  checkAs(config, asn);
  const internal = asn === config.localAs;
  if (open.holdTime === 1 || open.holdTime === 2) throw openError(6, `the peer offers a hold time of ${open.holdTime} s`);
  checkIdentifier(config, open, internal);
  const peerRole = checkRole(config, capabilities, internal);
  const families = commonFamilies(plain ? { ...config, families: ['ipv4-unicast'] } : config, capabilities);
  const has = (code: number) => capabilities.some(capability => capability.code === code);
  const both = (code: number, ours = true) => ours && !plain && has(code);
  const restart = findCapabilities(capabilities, CapabilityCode.GRACEFUL_RESTART)[0];
  const extended = both(CapabilityCode.EXTENDED_MESSAGE, config.extendedMessages);
  return {
    peerAs: asn,
    peerId: open.bgpIdentifier,
    internal,
    holdTime: Math.min(config.holdTime, open.holdTime),
    families,
    context: { fourOctetAs: fourOctet && !plain, external: !internal, extendedMessages: config.extendedMessages },
    maxLength: extended ? 65_535 : 4096,
    routeRefresh: both(CapabilityCode.ROUTE_REFRESH) || both(CapabilityCode.ROUTE_REFRESH_OLD),
    enhancedRouteRefresh: both(CapabilityCode.ENHANCED_ROUTE_REFRESH),
    extendedNextHop:
      config.extendedNextHop &&
      !plain &&
      findCapabilities(capabilities, CapabilityCode.EXTENDED_NEXT_HOP).some(capability =>
        capability.encodings.some(({ afi, safi, nextHopAfi }) => afi === AFI_IPV4 && safi === SAFI_UNICAST && nextHopAfi === AFI_IPV6),
      ),
    peerRestarts: restart !== undefined,
    peerRestarted: restart !== undefined && (restart.flags & RESTARTED) !== 0,
    notificationSurvives: !plain && (config.gracefulRestart?.notification ?? false) && ((restart?.flags ?? 0) & NOTIFICATION) !== 0,
    longLived: both(CapabilityCode.LONG_LIVED_GRACEFUL_RESTART, (config.gracefulRestart?.longLivedStaleTime ?? 0) > 0),
    peerRole,
    peerHostname: hostnameOf(capabilities),
    peerCapabilities: [...new Set(capabilities.map(capability => capability.code))].sort((a, b) => a - b),
  };
}
