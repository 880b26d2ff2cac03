import { type AnnouncedReason, type Announcement, type AnnouncementSpec, reasonEntry, type Speaker } from '@herald/crds';
import { isTrue } from '@herald/kube';
import type { ConditionText } from './service-status.ts';
import { strangersOn } from './strangers.ts';

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
 * Announcement prove layer 2; an established session of a speaker on a planned node proves BGP.
 */
export function announcedCondition(
  spec: AnnouncementSpec | null,
  announcement: Announcement | undefined,
  speakers: readonly Speaker[],
): ConditionText {
  if (spec === null || spec.addresses.length === 0) return text('NotAllocated', 'The Service has no address to announce.');
  const verdicts = spec.addresses.map(address => verdictOf(address, spec, announcement, speakers));
  const silent = verdicts.filter(verdict => verdict.by === null);
  const [first] = silent;
  if (first === undefined) return text('Announced', verdicts.map(({ ip, by }) => `${ip} by ${by}`).join('; '));
  const message = silent.map(({ ip, message }) => `${ip}: ${message}`).join('; ');
  if (silent.length < verdicts.length) return text('PartiallyAnnounced', message);
  return text(first.reason, message);
}

function verdictOf(
  address: AnnouncementSpec['addresses'][number],
  spec: AnnouncementSpec,
  announcement: Announcement | undefined,
  speakers: readonly Speaker[],
): Verdict {
  const { ip, layer2, bgp } = address;
  const owners =
    layer2 === undefined ? [] : (announcement?.status?.owners ?? []).filter(owner => owner.ip === ip && layer2.nodes.includes(owner.node));
  const carriers =
    bgp === undefined
      ? []
      : speakers.filter(({ metadata, status }) => {
          const planned = bgp.nodes === undefined || bgp.nodes.includes(metadata.name);
          return planned && status?.sessions?.some(session => session.state === 'Established') === true;
        });
  const by = [
    ...new Set([
      ...owners.map(owner => `${owner.node} (${owner.interface})`),
      ...carriers.map(speaker => `${speaker.metadata.name} (BGP)`),
    ]),
  ].sort();
  const conflict = conflictOf(address, speakers);
  if (conflict !== undefined) return { ip, by: null, reason: 'AddressConflict', message: conflict };
  if (by.length > 0) return { ip, by: shortened(by), reason: 'Announced', message: '' };
  const planned = spec.reasons?.find(reason => reason.ip === ip || reason.ip === undefined);
  if (planned !== undefined && layer2 === undefined && bgp === undefined)
    return { ip, by: null, reason: planned.reason as AnnouncedReason, message: planned.message };
  return { ip, by: null, ...waiting(address, speakers) };
}

/** Who else uses the address, as the speakers say. */
function conflictOf(address: AnnouncementSpec['addresses'][number], speakers: readonly Speaker[]): string | undefined {
  const strangers = strangersOn(address, speakers).map(({ mac, interface: name, node, phase }) =>
    phase === 'Probe'
      ? `is used by ${mac} on interface ${name} of node ${node}, found before its first use: it is not announced while that lasts`
      : `is also claimed by ${mac} on interface ${name} of node ${node}, which defends it`,
  );
  return strangers.length === 0 ? undefined : shortened(strangers);
}

/** Planned, and nobody reports to do it yet. */
function waiting(
  { layer2, bgp }: AnnouncementSpec['addresses'][number],
  speakers: readonly Speaker[],
): { reason: AnnouncedReason; message: string } {
  const nodes = layer2?.nodes ?? bgp?.nodes;
  const present = speakers.filter(({ metadata }) => nodes === undefined || nodes.includes(metadata.name));
  const where = nodes === undefined ? 'any node' : shortened(nodes);
  if (present.length === 0) return { reason: 'NoSpeaker', message: `no speaker runs on ${where}` };
  const ready = present.filter(({ status }) => status?.conditions === undefined || isTrue(status.conditions, 'Ready'));
  if (ready.length === 0) return { reason: 'NoSpeaker', message: `no speaker is ready on ${where}` };
  if (layer2 === undefined && bgp !== undefined) {
    const sessions = ready.flatMap(({ status }) => status?.sessions ?? []);
    if (sessions.length > 0) return { reason: 'NoSession', message: `no BGP session is established on ${where}` };
  }
  return { reason: 'WaitingForSpeakers', message: `the speakers of ${where} have not reported yet` };
}

function shortened(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
}

function text(reason: AnnouncedReason, message: string): ConditionText {
  return { status: reasonEntry(reason).status ?? 'Unknown', reason, message: message.slice(0, maxMessage) };
}
