import { checkBfdOptions } from './bfd/check.ts';
import type { BfdOptions } from './bfd/options.ts';
import { badNextHop, isLinkLocal, parseAddress, parseRouterId, splitZone } from './codec/address.ts';
import { ROLE_VALUES } from './codec/capability/role.ts';
import { FAMILIES } from './codec/family.ts';
import { BgpError } from './errors.ts';
import type { FsmConfig, GracefulRestartConfig } from './fsm/config.ts';
import type { GracefulRestartOptions, PeerOptions, TcpAoOptions } from './options.ts';

/** What a peer takes over from its speaker. */
export interface SpeakerIdentity {
  readonly asn: number;
  readonly routerId: string;
  readonly hostname?: string | undefined;
}

/** The options of a peer, checked and completed. */
export interface PeerConfig {
  readonly name: string;
  /** Undefined while an unnumbered peer's address is not known. */
  readonly address: string | undefined;
  /** Set for unnumbered peers: the interface to find the router on. */
  readonly discoverOn: string | undefined;
  readonly port: number;
  readonly sourceAddress: string | undefined;
  readonly device: string | undefined;
  readonly password: string | undefined;
  readonly tcpAo: TcpAoOptions | undefined;
  readonly ttl: number | undefined;
  readonly minTtl: number | undefined;
  readonly multihop: boolean;
  readonly fsm: FsmConfig;
  readonly nextHop4: Uint8Array | undefined;
  readonly nextHop6: Uint8Array | undefined;
  readonly bfd: BfdOptions | undefined;
  readonly receivedRouteLimit: number | undefined;
  readonly enabled: boolean;
}

const MAX_AS = 0xffff_ffff;
const MAX_KEY = 80;
const MAX_TTL = 255;

function bad(peer: string, message: string): BgpError {
  return new BgpError('BGP_BAD_OPTION', `peer ${peer}: ${message}`);
}

function integer(peer: string, name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw bad(peer, `${name} ${value} must be a whole number from ${least} to ${most}`);
  return value;
}

/** AS numbers that stand for nothing (RFC 7607, RFC 6793, RFC 7300). */
export function checkAsn(owner: string, name: string, asn: number): number {
  if (!Number.isInteger(asn) || asn < 1 || asn >= MAX_AS || asn === 23456 || asn === 65535)
    throw new BgpError('BGP_BAD_OPTION', `${owner}: ${name} ${asn} must be an AS number from 1 to 4294967294 other than 23456 and 65535`);
  return asn;
}

function seconds(peer: string, name: string, value: number | undefined, fallback: number): number {
  const chosen = value ?? fallback;
  if (!(chosen > 0 && chosen <= 65_535)) throw bad(peer, `${name} ${chosen} must be more than 0 and at most 65535 seconds`);
  return chosen * 1000;
}

function holdTime(peer: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value === 1 || value === 2 || value > 65_535)
    throw bad(peer, `holdTime ${value} must be 0 or from 3 to 65535 seconds (RFC 4271 §4.2)`);
  return value;
}

function restartConfig(peer: string, options: GracefulRestartOptions): GracefulRestartConfig {
  const stale = options.longLivedStaleTime;
  return {
    restartTime: integer(peer, 'gracefulRestart.restartTime', options.restartTime ?? 120, 1, 4095),
    forwardingPreserved: options.forwardingPreserved ?? true,
    notification: options.notification ?? true,
    ...(stale !== undefined && { longLivedStaleTime: integer(peer, 'gracefulRestart.longLivedStaleTime', stale, 1, 0xff_ffff) }),
  };
}

function ttls(peer: string, options: PeerOptions, internal: boolean): Pick<PeerConfig, 'ttl' | 'minTtl' | 'multihop'> {
  const { multihop, gtsm } = options;
  if (gtsm !== undefined && gtsm !== false) {
    if (multihop) throw bad(peer, 'gtsm and multihop exclude each other; give gtsm the number of hops instead');
    const hops = gtsm === true ? 1 : integer(peer, 'gtsm', gtsm, 1, 254);
    return { ttl: MAX_TTL, minTtl: MAX_TTL + 1 - hops, multihop: hops > 1 };
  }
  if (multihop === true) return { ttl: MAX_TTL, minTtl: undefined, multihop: true };
  if (typeof multihop === 'number')
    return { ttl: integer(peer, 'multihop', multihop, 1, MAX_TTL), minTtl: undefined, multihop: multihop > 1 };
  // An external neighbour is on the link: nothing we send shall reach one that is not (RFC 4271 §9.2.1.3 takes it for granted).
  return { ttl: internal ? undefined : 1, minTtl: undefined, multihop: false };
}

function nextHop(peer: string, text: string | undefined, octets: 4 | 16): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const address = parseAddress(text, `peer ${peer}: nextHop`);
  const why = address.length === octets ? badNextHop(address) : `is not an IPv${octets === 4 ? 4 : 6} address`;
  if (why !== undefined) throw bad(peer, `nextHop ${text} ${why}`);
  return address;
}

function checkAddress(peer: string, options: PeerOptions): Pick<PeerConfig, 'address' | 'discoverOn'> {
  if (options.address === undefined) {
    if (options.interface === undefined) throw bad(peer, 'either address or interface must be given');
    return { address: undefined, discoverOn: options.interface };
  }
  const { address, zone } = splitZone(options.address);
  const bytes = parseAddress(address, `peer ${peer}: address`);
  const link = zone ?? options.interface;
  if (!isLinkLocal(bytes)) return { address, discoverOn: undefined };
  if (link === undefined) throw bad(peer, `the link-local address ${address} needs its interface: ${address}%eth0`);
  return { address: `${address}%${link}`, discoverOn: undefined };
}

function checkPassword(peer: string, password: string | undefined): string | undefined {
  if (password === undefined) return undefined;
  const length = Buffer.byteLength(password);
  if (length === 0 || length > MAX_KEY) throw bad(peer, `the password must have 1 to ${MAX_KEY} octets`);
  return password;
}

function checkTcpAo(peer: string, { tcpAo, password }: PeerOptions): TcpAoOptions | undefined {
  if (tcpAo === undefined) return undefined;
  if (password !== undefined) throw bad(peer, 'password (TCP MD5) and tcpAo exclude each other; leave one out');
  const { algorithm, key, sendId, receiveId } = tcpAo;
  if (algorithm !== 'HMAC-SHA-1-96' && algorithm !== 'AES-128-CMAC-96')
    throw bad(peer, 'tcpAo.algorithm must be HMAC-SHA-1-96 or AES-128-CMAC-96');
  const length = Buffer.byteLength(key);
  if (length === 0 || length > MAX_KEY) throw bad(peer, `tcpAo.key must have 1 to ${MAX_KEY} octets`);
  return {
    algorithm,
    key,
    sendId: integer(peer, 'tcpAo.sendId', sendId, 0, 255),
    receiveId: integer(peer, 'tcpAo.receiveId', receiveId, 0, 255),
  };
}

function checkRemoteAs(peer: string, remoteAs: PeerOptions['remoteAs']): PeerOptions['remoteAs'] {
  if (remoteAs === 'internal' || remoteAs === 'external') return remoteAs;
  return checkAsn(`peer ${peer}`, 'remoteAs', remoteAs);
}

function fsmConfig(peer: string, options: PeerOptions, identity: SpeakerIdentity): FsmConfig {
  const localAs = options.localAs === undefined ? identity.asn : checkAsn(`peer ${peer}`, 'localAs', options.localAs);
  const families = options.families ?? FAMILIES;
  if (families.length === 0 || families.some(family => !FAMILIES.includes(family)))
    throw bad(peer, `families must be some of ${FAMILIES.join(', ')}`);
  if (options.multiprotocol === false && (options.families?.join() !== 'ipv4-unicast' || options.extendedNextHop))
    throw bad(peer, 'without multiprotocol the families must be ipv4-unicast alone, and extendedNextHop must be left out');
  if (options.role !== undefined && !Object.hasOwn(ROLE_VALUES, options.role))
    throw bad(peer, `role ${options.role} must be one of ${Object.keys(ROLE_VALUES).join(', ')}`);
  return {
    localAs,
    routerId: parseRouterId(options.routerId ?? identity.routerId),
    peerAs: checkRemoteAs(peer, options.remoteAs),
    holdTime: holdTime(peer, options.holdTime ?? 90),
    ...(options.keepaliveTime !== undefined && { keepaliveTime: seconds(peer, 'keepaliveTime', options.keepaliveTime, 30) / 1000 }),
    connectRetryTime: seconds(peer, 'connectRetryTime', options.connectRetryTime, 30),
    connectTimeout: seconds(peer, 'connectTimeout', options.connectTimeout, 5),
    passive: options.passive ?? false,
    families: FAMILIES.filter(family => families.includes(family)),
    ...(options.multiprotocol === false && { multiprotocol: false }),
    extendedNextHop: options.extendedNextHop ?? (options.address === undefined && options.multiprotocol !== false),
    extendedMessages: options.extendedMessages ?? true,
    ...(options.gracefulRestart && { gracefulRestart: restartConfig(peer, options.gracefulRestart) }),
    ...(options.role !== undefined && { role: options.role }),
    strictRole: options.strictRole ?? false,
    ...(identity.hostname !== undefined && { hostname: identity.hostname }),
  };
}

/** The name a peer has when none is given. */
export function peerName(options: PeerOptions): string {
  return options.name ?? options.address ?? options.interface ?? '(unnamed)';
}

/** Checks a peer's options. Throws `BGP_BAD_OPTION` or `BGP_BAD_ADDRESS`, naming the peer and what to write instead. */
export function peerConfig(options: PeerOptions, identity: SpeakerIdentity): PeerConfig {
  const name = peerName(options);
  const fsm = fsmConfig(name, options, identity);
  const internal = fsm.peerAs === 'internal' || fsm.peerAs === fsm.localAs;
  const { sourceAddress } = options;
  if (sourceAddress !== undefined) parseAddress(splitZone(sourceAddress).address, `peer ${name}: sourceAddress`);
  if (options.bfd) checkBfdOptions(name, options.bfd);
  return {
    name,
    ...checkAddress(name, options),
    port: integer(name, 'port', options.port ?? 179, 1, 65_535),
    sourceAddress,
    device: options.device,
    password: checkPassword(name, options.password),
    tcpAo: checkTcpAo(name, options),
    ...ttls(name, options, internal),
    fsm,
    nextHop4: nextHop(name, options.nextHop?.ipv4, 4),
    nextHop6: nextHop(name, options.nextHop?.ipv6, 16),
    bfd: options.bfd,
    receivedRouteLimit:
      options.receivedRouteLimit === undefined
        ? undefined
        : integer(name, 'receivedRouteLimit', options.receivedRouteLimit, 0, Number.MAX_SAFE_INTEGER),
    enabled: options.enabled ?? true,
  };
}

/** Whether the session itself is different, so that it must be reset; what else changes takes effect while it is up. */
export function needsReset(before: PeerConfig, after: PeerConfig): boolean {
  const session = (config: PeerConfig) => {
    const { connectRetryTime: _retry, connectTimeout: _timeout, passive: _passive, ...open } = config.fsm;
    const { address, discoverOn, port, sourceAddress, device, password, tcpAo, ttl, minTtl } = config;
    return JSON.stringify([open, address, discoverOn, port, sourceAddress, device, password, tcpAo, ttl, minTtl]);
  };
  return session(before) !== session(after);
}
