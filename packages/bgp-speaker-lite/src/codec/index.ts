/** Octets and messages, without sockets: BGP-4 as RFC 4271 and its extensions write it. */
export { formatAddress, parseAddress } from './address.ts';
export { type AttributeContext, AttributeFlag, AttributeType } from './attribute/codec.ts';
export { type Attribute, findAttribute } from './attribute/index.ts';
export { CapabilityCode } from './capability/codes.ts';
export { type Capability, findCapabilities } from './capability/index.ts';
export { type AfiSafi, type Family, familyOf } from './family.ts';
export { Framer } from './framer.ts';
export { decodeMessage, encodeMessage, INITIAL_CONTEXT, type Message, type MessageContext, type ReceivedMessage } from './message.ts';
export { MessageError } from './message-error.ts';
export { Cease, cease, describeNotification, ErrorCode, type Notification, shutdownMessage } from './notification.ts';
export { capabilitiesOf, capabilityParameters, type Open } from './open.ts';
export { formatPrefix, type NamedPrefix, type Prefix, parsePrefix } from './prefix.ts';
export { RefreshSubtype, type RouteRefresh } from './route-refresh.ts';
export { type DecodedUpdate, endOfRib, type Update, type UpdateProblem } from './update.ts';
