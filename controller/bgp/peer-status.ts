import { type BGPPeerStatus, type ConditionOutcome, matchesAny, type PeerConfig, type PeerReason, type Speaker } from '@herald/crds';
import { boundedList } from '../text.ts';
import type { SessionNode } from './sessions.ts';

/** What the nodes make of one BGPPeer. */
export interface PeerSummary {
  readonly status: Required<Pick<BGPPeerStatus, 'established' | 'nodesSelected' | 'nodesEstablished' | 'problems' | 'routesAnnounced'>> & {
    /** Null: there is none any more. */
    readonly lastError: string | null;
  };
  readonly condition: {
    readonly status: 'True' | 'False';
    readonly reason: PeerReason | ConditionOutcome['reason'];
    readonly message: string;
  };
}

const MAX_PROBLEMS = 64;
const MAX_TEXT = 512;

/**
 * Sums up a BGPPeer over the nodes that it selects. Only what is stable while nothing changes goes into it: a peer that does not answer is tried
 * again all the time, and no attempt shall be a write.
 *
 * @param ready the condition Ready of the object, whose reason is given where no version of it is in force
 */
export function summarize(
  peer: PeerConfig | undefined,
  ready: ConditionOutcome | undefined,
  nodes: readonly SessionNode[],
  speakers: ReadonlyMap<string, Speaker>,
): PeerSummary {
  const selected = peer === undefined ? [] : nodes.filter(({ labels }) => matchesAny(peer.nodeSelectors, labels));
  const problems: { node: string; message: string }[] = [];
  let established = 0;
  let routes = 0;
  for (const node of selected.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const speaker = speakers.get(node.name);
    const session = speaker?.status?.sessions?.find(each => each.peer === peer?.name);
    const isUp = node.ready && session?.state === 'Established';
    if (isUp) {
      established++;
      routes += session.routesAnnounced ?? 0;
    }
    const message = isUp ? session.lastError : problemOf(node, speaker, session?.lastError, session !== undefined);
    if (message !== undefined) problems.push({ node: node.name, message: message.slice(0, MAX_TEXT) });
  }
  const [first] = problems;
  return {
    status: {
      established: `${established}/${selected.length}`,
      nodesSelected: selected.length,
      nodesEstablished: established,
      problems: problems.slice(0, MAX_PROBLEMS),
      routesAnnounced: routes,
      lastError: first === undefined ? null : `${first.node}: ${first.message}`.slice(0, MAX_TEXT),
    },
    condition: conditionOf(peer, ready, selected.length, established, problems),
  };
}

function problemOf(node: SessionNode, speaker: Speaker | undefined, lastError: string | undefined, reported: boolean): string {
  if (!node.ready) return 'the node is not Ready, so that nobody knows how its session is';
  if (speaker === undefined) return 'no speaker runs on the node';
  return lastError ?? (reported ? 'the router has not answered yet' : 'the speaker has not reported the session yet');
}

function conditionOf(
  peer: PeerConfig | undefined,
  ready: ConditionOutcome | undefined,
  selected: number,
  established: number,
  problems: readonly { readonly node: string; readonly message: string }[],
): PeerSummary['condition'] {
  if (peer === undefined)
    return {
      status: 'False',
      reason: ready?.reason ?? 'InvalidField',
      message: 'No valid version of the BGPPeer is in force: see the condition Ready.',
    };
  if (selected === 0)
    return {
      status: 'False',
      reason: 'NoNodeSelected',
      message: 'The nodeSelectors select no node. Label nodes, or change the nodeSelectors.',
    };
  const details = boundedList(
    problems.map(({ node, message }) => `${node}: ${message}`),
    8,
    '; ',
  );
  const count = `${established} of ${selected} nodes have the session.`;
  const message = (details === '' ? count : `${count} ${details}`).slice(0, 2000);
  return established === selected
    ? { status: 'True', reason: 'SessionsEstablished', message }
    : { status: 'False', reason: 'SessionsDown', message };
}
