import type { Address } from '@herald/ip';
import { formatAddress } from '@herald/ip';
import type { z } from 'zod';
import type { BFDProfileConfig, PeerAuthentication, PeerConfig } from '../config.ts';
import { parseDuration } from '../duration.ts';
import { bgpPeer } from '../kinds/bgp-peer.ts';
import { disjoint } from '../selector.ts';
import { Findings, quote, type RawObject, refOf } from './problem.ts';
import { readAddress, readSelectors, readSpec } from './read.ts';

type Spec = z.output<typeof bgpPeer.spec>;

const DEFAULT_HOLD = 90_000;
const DEFAULT_CONNECT = 10_000;

export function readPeer(object: RawObject, profiles: ReadonlyMap<string, BFDProfileConfig>, previous: PeerConfig | undefined) {
  const findings = new Findings(refOf(object));
  const spec = readSpec(bgpPeer.spec, object.spec, findings);
  if (spec === undefined) return { value: previous, findings };
  const value = peerOf(spec, findings);
  if (findings.failed) return { value: previous, findings };
  const profile = spec.bfdProfile === undefined ? null : profiles.get(spec.bfdProfile);
  if (profile !== undefined) return { value: { ...value, bfd: profile }, findings };
  const waitingFor = `there is no BFDProfile ${quote(spec.bfdProfile ?? '')}. Create it, or remove bfdProfile; until then this peer waits.`;
  findings.error('MissingProfile', 'spec.bfdProfile', waitingFor);
  return { value: { ...value, waitingFor }, findings };
}

function peerOf(spec: Spec, findings: Findings): PeerConfig {
  checkExclusions(spec, findings);
  const address = (field: 'peerAddress' | 'localAddress' | 'sourceAddress'): Address | null => {
    const text = spec[field];
    return text === undefined ? null : readAddress(text, `spec.${field}`, findings);
  };
  const peerAddress = address('peerAddress');
  const sourceAddress = address('localAddress') ?? address('sourceAddress');
  if (peerAddress !== null && sourceAddress !== null && peerAddress.family !== sourceAddress.family) {
    findings.error(
      'ContradictoryFields',
      'spec.localAddress',
      'localAddress and peerAddress are of different families. Use addresses of one family.',
    );
  }
  return {
    ref: findings.ref,
    name: findings.ref.name,
    nodeSelectors: readSelectors(spec.nodeSelectors, 'spec.nodeSelectors', findings),
    myASN: spec.myASN,
    peerASN: spec.peerASN ?? spec.dynamicASN ?? 'external',
    localASN: spec.localASN ?? null,
    peerAddress,
    interface: spec.interface ?? null,
    sourceAddress,
    port: spec.peerPort,
    passive: spec.passive,
    ...timersOf(spec, findings),
    routerID: routerIDOf(spec.routerID, findings),
    vrf: spec.vrf ?? null,
    ebgpMultiHop: spec.ebgpMultiHop,
    addressFamilies: familiesOf(spec, peerAddress),
    multiprotocol: !spec.disableMP,
    authentication: authenticationOf(spec),
    gtsmHops: spec.gtsm?.hops ?? null,
    role: spec.role ?? null,
    bfd: null,
    gracefulRestart: spec.gracefulRestart ?? (spec.enableGracefulRestart ? { restartTime: 120, longLivedStaleTime: 0 } : null),
    waitingFor: null,
  };
}

/** What the CEL rules of the kind say, again: objects of MetalLB and files never passed them. */
function checkExclusions(spec: Spec, findings: Findings): void {
  if ((spec.peerAddress === undefined) === (spec.interface === undefined)) {
    findings.error('ContradictoryFields', 'spec.peerAddress', 'Set exactly one of peerAddress and interface.');
  }
  if ((spec.peerASN === undefined) === (spec.dynamicASN === undefined)) {
    findings.error('ContradictoryFields', 'spec.peerASN', 'Set exactly one of peerASN and dynamicASN.');
  }
  if (spec.localAddress !== undefined && spec.sourceAddress !== undefined) {
    findings.error('ContradictoryFields', 'spec.sourceAddress', 'localAddress and sourceAddress are the same. Set one.');
  }
  if ([spec.password, spec.passwordSecret, spec.tcpAuthOption].filter(value => value !== undefined).length > 1) {
    findings.error('ContradictoryFields', 'spec.password', 'Set at most one of password, passwordSecret and tcpAuthOption.');
  }
  if (spec.ebgpMultiHop && (spec.peerASN === spec.myASN || spec.dynamicASN === 'internal')) {
    findings.error('ContradictoryFields', 'spec.ebgpMultiHop', 'ebgpMultiHop is for external sessions only. Remove it.');
  }
  if (spec.ebgpMultiHop && spec.gtsm !== undefined) {
    findings.error('ContradictoryFields', 'spec.gtsm', 'ebgpMultiHop and gtsm exclude each other. Give gtsm.hops and remove ebgpMultiHop.');
  }
}

function timersOf(spec: Spec, findings: Findings): Pick<PeerConfig, 'holdTime' | 'keepaliveTime' | 'connectTime'> {
  const read = (field: 'holdTime' | 'keepaliveTime' | 'connectTime'): number | undefined => {
    const text = spec[field];
    if (text === undefined) return undefined;
    const time = parseDuration(text);
    if (time === null) findings.error('InvalidDuration', `spec.${field}`, `${quote(text)} is not a duration. Write it as 90s.`);
    return time ?? undefined;
  };
  const keepalive = read('keepaliveTime');
  const holdTime = read('holdTime') ?? (keepalive === undefined ? DEFAULT_HOLD : keepalive * 3);
  const keepaliveTime = holdTime === 0 ? 0 : (keepalive ?? holdTime / 3);
  const connectTime = read('connectTime') ?? DEFAULT_CONNECT;
  if (holdTime !== 0 && (holdTime < 3000 || holdTime > 65_535_000)) {
    findings.error(
      'InvalidDuration',
      'spec.holdTime',
      'The hold time must be 0s or from 3s to 65535s. Correct holdTime, or keepaliveTime, which it is three times of.',
    );
  }
  if (keepaliveTime > holdTime)
    findings.error('InvalidDuration', 'spec.keepaliveTime', 'keepaliveTime must not be longer than holdTime. Correct one of the two.');
  if (connectTime < 1000 || connectTime > 65_535_000)
    findings.error('InvalidDuration', 'spec.connectTime', 'connectTime must be from 1s to 65535s. Correct it.');
  return { holdTime, keepaliveTime, connectTime };
}

function routerIDOf(text: string | undefined, findings: Findings): string | null {
  if (text === undefined) return null;
  const address = readAddress(text, 'spec.routerID', findings);
  if (address !== null && (address.family !== 4 || address.value === 0n)) {
    findings.error('InvalidAddress', 'spec.routerID', 'The BGP identifier is written as an IPv4 address other than 0.0.0.0. Correct it.');
  }
  return text;
}

function familiesOf(spec: Spec, peerAddress: Address | null): readonly ('ipv4' | 'ipv6')[] {
  if (spec.disableMP) return ['ipv4'];
  if (spec.addressFamilies !== undefined) return spec.addressFamilies;
  if (spec.dualStackAddressFamily || peerAddress === null) return ['ipv4', 'ipv6'];
  return [peerAddress.family === 4 ? 'ipv4' : 'ipv6'];
}

function authenticationOf(spec: Spec): PeerAuthentication {
  const { password, passwordSecret, tcpAuthOption } = spec;
  if (tcpAuthOption !== undefined) {
    const { secret, algorithm, sendID, receiveID } = tcpAuthOption;
    return { type: 'tcp-ao', secretName: secret.name, algorithm, sendID, receiveID };
  }
  if (passwordSecret !== undefined) return { type: 'md5-secret', secretName: passwordSecret.name };
  return password === undefined || password === '' ? { type: 'none' } : { type: 'md5', password };
}

/** Takes peers in the order of their age and leaves out each one that an older one contradicts on a node that both may run on. */
export function separatePeers(peers: readonly { peer: PeerConfig; findings: Findings }[]): PeerConfig[] {
  const accepted = new Map<string, PeerConfig[]>();
  for (const { peer, findings } of peers) {
    const endpoint = endpointOf(peer);
    const rivals = accepted.get(endpoint) ?? [];
    const rival = rivals.find(other => mayMeet(other, peer));
    if (rival === undefined) accepted.set(endpoint, [...rivals, peer]);
    else {
      const field = peer.interface === null ? 'spec.peerAddress' : 'spec.interface';
      findings.error(
        'ConflictingPeers',
        field,
        `the older BGPPeer ${rival.name} has the same router, and both may run on one node. Remove one of them, or give them disjoint nodeSelectors.`,
      );
    }
  }
  return [...accepted.values()].flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function endpointOf(peer: PeerConfig): string {
  const address = peer.peerAddress === null ? `%${peer.interface ?? ''}` : formatAddress(peer.peerAddress);
  const source = peer.sourceAddress === null ? '' : formatAddress(peer.sourceAddress);
  return [peer.vrf ?? '', address, peer.port, source].join(' ');
}

function mayMeet(a: PeerConfig, b: PeerConfig): boolean {
  if (a.nodeSelectors.length === 0 || b.nodeSelectors.length === 0) return true;
  return a.nodeSelectors.some(mine => b.nodeSelectors.some(theirs => !disjoint(mine, theirs)));
}
