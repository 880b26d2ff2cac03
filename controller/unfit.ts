import type { AnnouncedAddress, AnnouncementNode, Speaker } from '@herald/crds';

/**
 * Nodes that are planned for an address by layer 2 and judge themselves unfit: no interface that the address may be announced on can be
 * used at the moment. A speaker that has not told of its interfaces yet is none of them.
 */
export function unfitNodes({ layer2 }: AnnouncedAddress, speakers: readonly Speaker[]): AnnouncementNode[] {
  if (layer2 === undefined) return [];
  const byNode = new Map(speakers.map(speaker => [speaker.metadata.name, speaker]));
  return layer2.nodes.flatMap((node): AnnouncementNode[] => {
    const segments = byNode.get(node)?.status?.segments;
    if (segments === undefined) return [];
    const allowed = layer2.nodeInterfaces?.find(each => each.node === node)?.interfaces ?? layer2.interfaces;
    const usable = segments.filter(segment => allowed.length === 0 || allowed.includes(segment.interface));
    if (usable.some(({ fit }) => fit)) return [];
    const reasons = usable.map(({ interface: name, unfitReason = 'unfit' }) => `${name}: ${unfitReason}`);
    const message = reasons.length === 0 ? 'no interface of the node can be used' : reasons.slice(0, 4).join('; ');
    return [{ node, reason: 'NodeUnfit', message: message.slice(0, 512) }];
  });
}

/** Whether no speaker is left that could announce it: each planned node is unfit or has none. */
export function allUnfit(address: AnnouncedAddress, unfit: readonly AnnouncementNode[], speakers: readonly Speaker[]): boolean {
  if (unfit.length === 0) return false;
  const names = new Set(unfit.map(({ node }) => node));
  const present = new Set(speakers.map(({ metadata }) => metadata.name));
  return address.layer2?.nodes.every(node => names.has(node) || !present.has(node)) === true;
}
