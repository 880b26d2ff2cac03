/**
 * A BGP-4 and BFD speaker as a library: announces routes to routers and takes none.
 * The parts, each usable alone: `codec/` (octets and messages), `fsm/` (the session), `rib/` (what each peer is told), `bfd/`.
 */

export { BfdEngine, type EngineEvents } from './bfd/engine.ts';
export type { BfdAuthentication, BfdOptions } from './bfd/options.ts';
export type { BfdService, BfdSessionSpec } from './bfd/spec.ts';
export { BfdThread } from './bfd/thread.ts';
export type { Role } from './codec/capability/role.ts';
export type { Family } from './codec/family.ts';
export { BgpError, type BgpErrorCode, ERROR_CODES } from './errors.ts';
export type { SessionState } from './fsm/state.ts';
export type { GracefulRestartOptions, PeerOptions, TcpAoOptions } from './options.ts';
export { parseCommunity, parseExtendedCommunity, parseLargeCommunity, WELL_KNOWN_COMMUNITIES } from './rib/community.ts';
export type { Route } from './rib/route.ts';
export { type Clock, systemClock } from './session/clock.ts';
export { type DialOptions, type ListenOptions, systemTransport, type Transport, type TransportListener } from './session/transport.ts';
export { type ForPeers, Speaker, type SpeakerEvents, type SpeakerOptions, type StopOptions } from './speaker.ts';
export type { BfdStatus, PeerCounters, PeerStatus } from './status.ts';
export { type LinkDiscovery, systemDiscovery } from './unnumbered/discovery.ts';
