import {
  type AnnouncedAddress,
  type AnnouncedReason,
  type Announcement,
  type AnnouncementReason,
  type AnnouncementSpec,
  reasonEntry,
  type Speaker,
} from '@herald/crds';
import { isTrue } from '@herald/kube';
import type { BGPSessions } from './bgp/sessions.ts';
import type { ConditionText } from './service-status.ts';
import { strangersOn } from './strangers.ts';
import { boundedList } from './text.ts';
import { allUnfit, unfitNodes } from './unfit.ts';

/** What one address has come to. */
interface Verdict {
  ip: string;
  /** By whom it is announced; null: by nobody. */
  by: string | null;
  reason: AnnouncedReason;
  message: string;
}

const maxMessage = 1500;

/**
 * The condition `heraldlb.io/Announced`: what the planner planned, against what the speakers report to do. Owners in the
 * Announcement prove layer 2; an established session of a speaker on a planned node proves BGP. Towards how many nodes is left to the BGPPeers:
 * the sessions of one node come and go, and each time every Service would have to be written.
 */
export function announcedCondition(
  spec: AnnouncementSpec | null,
  announcement: Announcement | undefined,
  speakers: readonly Speaker[],
  sessions: BGPSessions,
): ConditionText {
  if (spec === null || spec.addresses.length === 0) return text('NotAllocated', 'The Service has no address to announce.');
  const verdicts = spec.addresses.map(address => verdictOf(address, spec, announcement, speakers, sessions));
  const silent = verdicts.filter(verdict => verdict.by === null);
  const [first] = silent;
  if (first === undefined) return text('Announced', verdicts.map(({ ip, by }) => `${ip} by ${by}`).join('; '));
  const message = silent.map(({ ip, message }) => `${ip}: ${message}`).join('; ');
  if (silent.length < verdicts.length) return text('PartiallyAnnounced', message);
  return text(first.reason, message);
}

/**
 * Why planned addresses are announced by nobody, beside what the plan itself says of them. That speakers have not reported yet is left out: each
 * new address waits for them for a moment, and a look at each Announcement for that would slow a thousand of them down.
 */
export function silentReasons(
  spec: AnnouncementSpec,
  announcement: Announcement | undefined,
  speakers: readonly Speaker[],
  sessions: BGPSessions,
): AnnouncementReason[] {
  return spec.addresses.flatMap(address => {
    const { ip, by, reason, message } = verdictOf(address, spec, announcement, speakers, sessions);
    const isPlanned = spec.reasons?.some(planned => planned.reason === reason && (planned.ip === undefined || planned.ip === ip)) === true;
    return by !== null || isPlanned || reason === 'WaitingForSpeakers' ? [] : [{ ip, reason, message: message.slice(0, 1024) }];
  });
}

function verdictOf(
  address: AnnouncedAddress,
  spec: AnnouncementSpec,
  announcement: Announcement | undefined,
  speakers: readonly Speaker[],
  sessions: BGPSessions,
): Verdict {
  const { ip, layer2, bgp } = address;
  const conflict = conflictOf(address, speakers);
  if (conflict !== undefined) return { ip, by: null, reason: 'AddressConflict', message: conflict };
  const contradiction = contradictionOf(address, sessions);
  if (contradiction !== undefined) return { ip, by: null, reason: 'ConflictingAdvertisements', message: contradiction };
  const owners =
    layer2 === undefined ? [] : (announcement?.status?.owners ?? []).filter(owner => owner.ip === ip && layer2.nodes.includes(owner.node));
  const by = [...new Set(owners.map(owner => `${owner.node} (${owner.interface})`))].sort();
  const { to } = sessions.carriage(address);
  if (to.length > 0) by.push(`BGP (${boundedList(to)})`);
  if (by.length > 0) return { ip, by: boundedList(by), reason: 'Announced', message: '' };
  const planned = spec.reasons?.find(reason => reason.ip === ip || reason.ip === undefined);
  if (planned !== undefined && layer2 === undefined && bgp === undefined)
    return { ip, by: null, reason: planned.reason as AnnouncedReason, message: planned.message };
  return { ip, by: null, ...waiting(address, speakers, sessions) };
}

/** Whose advertisements contradict each other about the route of the address. */
function contradictionOf(address: AnnouncedAddress, sessions: BGPSessions): string | undefined {
  const texts = sessions.conflicts(address).map(({ peer, prefix, message }) => `${prefix} is not announced to BGPPeer ${peer}: ${message}`);
  // On each node the same, mostly.
  return texts.length === 0 ? undefined : boundedList([...new Set(texts)].sort(), 4, '; ');
}

/** Who else uses the address, as the speakers say. */
function conflictOf(address: AnnouncedAddress, speakers: readonly Speaker[]): string | undefined {
  const strangers = strangersOn(address, speakers).map(({ mac, interface: name, node, phase }) =>
    phase === 'Probe'
      ? `is used by ${mac} on interface ${name} of node ${node}, found before its first use: it is not announced while that lasts`
      : `is also claimed by ${mac} on interface ${name} of node ${node}, which defends it`,
  );
  return strangers.length === 0 ? undefined : boundedList(strangers);
}

/** Planned, and nobody reports to do it yet. */
function waiting(
  address: AnnouncedAddress,
  speakers: readonly Speaker[],
  sessions: BGPSessions,
): { reason: AnnouncedReason; message: string } {
  const { ip, layer2, bgp } = address;
  const nodes = layer2?.nodes ?? bgp?.nodes;
  const present = speakers.filter(({ metadata }) => nodes === undefined || nodes.includes(metadata.name));
  const where = nodes === undefined ? 'any node' : boundedList(nodes);
  if (present.length === 0) return { reason: 'NoSpeaker', message: `no speaker runs on ${where}` };
  const unfit = unfitNodes(address, present);
  if (bgp === undefined && allUnfit(address, unfit, present)) {
    const who = boundedList(unfit.map(({ node, message }) => `${node} (${message ?? ''})`));
    return { reason: 'AllNodesUnfit', message: `no eligible node can announce it at the moment: ${who}` };
  }
  const ready = present.filter(({ status }) => status?.conditions === undefined || isTrue(status.conditions, 'Ready'));
  // A speaker that cannot answer ARP may well have its sessions.
  if (bgp !== undefined && (layer2 === undefined || ready.length === 0)) {
    const { withoutFamily, down } = sessions.carriage(address);
    if (withoutFamily.length > 0) {
      const family = ip.includes(':') ? 'IPv6' : 'IPv4';
      return {
        reason: 'FamilyNotNegotiated',
        message: `sessions with ${boundedList(withoutFamily)} are established, but carry no ${family} routes`,
      };
    }
    if (down.length > 0)
      return {
        reason: 'NoSession',
        message: `no session with ${boundedList(down)} is established on ${where}; see status.problems of the BGPPeer`,
      };
  }
  if (ready.length === 0) return { reason: 'NoSpeaker', message: `no speaker is ready on ${where}` };
  return { reason: 'WaitingForSpeakers', message: `the speakers of ${where} have not reported yet` };
}

function text(reason: AnnouncedReason, message: string): ConditionText {
  return { status: reasonEntry(reason).status ?? 'Unknown', reason, message: message.slice(0, maxMessage) };
}
