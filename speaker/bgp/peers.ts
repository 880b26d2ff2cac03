import { type Config, type Labels, matchesAny, type PeerConfig } from '@herald/crds';
import { formatAddress } from '@herald/ip';
import type { BfdOptions, PeerOptions } from 'bgp-speaker-lite';

/** A peer this node should have a session with, but cannot yet; it alone waits. */
export interface WaitingPeer {
  readonly peer: string;
  /** What is missing and how to provide it. */
  readonly message: string;
}

export interface PeerPlan {
  /** AS and options by name of the BGPPeer. */
  readonly peers: ReadonlyMap<string, PeerOptions>;
  readonly waiting: readonly WaitingPeer[];
}

/** A password by name and namespace of its Secret: the text, or why there is none (missing, of another type, without the key). */
export type Passwords = (secretName: string, namespace: string) => { readonly password: string } | { readonly missing: string };

/** What this node's sessions are to be: the peers whose `nodeSelectors` select it. */
export function peersOf(config: Config, labels: Labels, passwords: Passwords): PeerPlan {
  const peers = new Map<string, PeerOptions>();
  const waiting: WaitingPeer[] = [];
  for (const peer of config.peers) {
    if (!matchesAny(peer.nodeSelectors, labels)) continue;
    const { key, missing } = keyOf(peer, passwords);
    const message = peer.waitingFor ?? missing;
    if (message === undefined) peers.set(peer.name, optionsOf(peer, key));
    else waiting.push({ peer: peer.name, message });
  }
  return { peers, waiting };
}

function keyOf(peer: PeerConfig, passwords: Passwords): { key?: Pick<PeerOptions, 'password' | 'tcpAo'>; missing?: string } {
  const { authentication } = peer;
  switch (authentication.type) {
    case 'none':
      return {};
    case 'md5':
      return { key: { password: authentication.password } };
    case 'md5-secret': {
      const found = passwords(authentication.secretName, peer.ref.namespace);
      return 'missing' in found ? { missing: found.missing } : { key: { password: found.password } };
    }
    case 'tcp-ao': {
      // On a kernel without TCP-AO the peer stays Idle, and its `lastError` says what to do.
      const { algorithm, sendID, receiveID, secretName } = authentication;
      const found = passwords(secretName, peer.ref.namespace);
      if ('missing' in found) return { missing: found.missing };
      return { key: { tcpAo: { algorithm, key: found.password, sendId: sendID, receiveId: receiveID } } };
    }
  }
}

function optionsOf(peer: PeerConfig, key: Pick<PeerOptions, 'password' | 'tcpAo'> | undefined): PeerOptions {
  return {
    name: peer.name,
    enabled: true,
    remoteAs: peer.peerASN,
    localAs: peer.localASN ?? peer.myASN,
    ...(peer.peerAddress === null ? {} : { address: formatAddress(peer.peerAddress) }),
    ...(peer.interface === null ? {} : { interface: peer.interface }),
    ...(peer.sourceAddress === null ? {} : { sourceAddress: formatAddress(peer.sourceAddress) }),
    ...(peer.vrf === null ? {} : { device: peer.vrf }),
    ...(peer.routerID === null ? {} : { routerId: peer.routerID }),
    port: peer.port,
    passive: peer.passive,
    holdTime: seconds(peer.holdTime),
    keepaliveTime: seconds(peer.keepaliveTime),
    connectRetryTime: seconds(peer.connectTime),
    multihop: peer.ebgpMultiHop,
    families: peer.addressFamilies.map(family => `${family}-unicast` as const),
    ...(peer.multiprotocol ? {} : { multiprotocol: false }),
    ...(peer.gtsmHops === null ? {} : { gtsm: peer.gtsmHops }),
    ...(peer.role === null ? {} : { role: peer.role }),
    ...key,
    ...(peer.bfd === null ? {} : { bfd: bfdOf(peer.bfd) }),
    ...(peer.gracefulRestart === null
      ? {}
      : {
          gracefulRestart: {
            restartTime: peer.gracefulRestart.restartTime,
            ...(peer.gracefulRestart.longLivedStaleTime > 0 ? { longLivedStaleTime: peer.gracefulRestart.longLivedStaleTime } : {}),
          },
        }),
  };
}

function bfdOf(profile: NonNullable<PeerConfig['bfd']>): BfdOptions {
  return {
    transmitInterval: profile.transmitInterval,
    receiveInterval: profile.receiveInterval,
    detectMultiplier: profile.detectMultiplier,
    ...(profile.echoMode ? { echoInterval: profile.echoInterval, echoTransmitInterval: profile.echoInterval } : {}),
    passive: profile.passiveMode,
    minimumTtl: profile.minimumTtl,
  };
}

/** BGP counts in seconds (RFC 4271 §4.2); the configuration in milliseconds. */
function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
