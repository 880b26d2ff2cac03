/** For tests and measurements on real sockets: two hosts as network namespaces, and frames to send between them. */
export { type ArpFields, arpFrame, BROADCAST, icmp6Checksum, type NdpFields, ndpFrame } from './frames.ts';
export { createLan, type Lan, Namespace } from './lan.ts';
export { missing } from './requirements.ts';
