import type { AnnouncementSpec, Speaker, SpeakerConflict } from '@herald/crds';

/** Another machine on an address of a Service, as a speaker reports it. */
export interface Stranger extends SpeakerConflict {
  /** Node of the speaker. */
  readonly node: string;
}

/**
 * Strangers on one planned address. Only nodes that shall announce it count: a speaker that was stopped leaves its last report behind,
 * and nobody else has a reason to probe.
 */
export function strangersOn({ ip, layer2 }: AnnouncementSpec['addresses'][number], speakers: readonly Speaker[]): Stranger[] {
  if (layer2 === undefined) return [];
  return speakers.flatMap(({ metadata, status }) => {
    if (!layer2.nodes.includes(metadata.name)) return [];
    return (status?.conflicts ?? []).filter(conflict => conflict.ip === ip).map(conflict => ({ ...conflict, node: metadata.name }));
  });
}
