import type { SpeakerReason } from '@herald/crds';
import type { SpeakerView } from './speaker-status.ts';

/** A condition before it has its times. */
interface Found {
  type: string;
  status: 'True' | 'False';
  reason: SpeakerReason;
  message: string;
}

/** What is named of a longer list. */
const SHOWN = 20;

/** Whether all nodes are heard that should be. */
export function peersHeard({ segments, missingPeers, meshPort }: SpeakerView): Found {
  const sentences = segments.flatMap(({ interface: name, segment }) => {
    const missing = missingPeers.get(name) ?? [];
    return missing.length > 0 ? [`${listed(missing)} on ${name} (${segment})`] : [];
  });
  if (sentences.length === 0)
    return { type: 'PeersHeard', status: 'True', reason: 'AllPeersHeard', message: 'every node that should be heard is' };
  const why = `segment mismatch, multicast filtered or UDP ${meshPort} blocked, or no speaker runs there`;
  return { type: 'PeersHeard', status: 'False', reason: 'PeersUnheard', message: `not heard: ${sentences.join('; ')}: ${why}` };
}

/** Whether the gateways answer to the addresses that are announced. */
export function gatewaysLearn({ segments }: SpeakerView): Found {
  const sentences = segments.flatMap(({ interface: name, gatewaysUnconfirmed }) =>
    gatewaysUnconfirmed.map(({ gateway, address, addresses }) => {
      const more = addresses > 1 ? ` and ${addresses - 1} more` : '';
      return `the gateway ${gateway} on ${name} answers this node, but not to ${address}${more}`;
    }),
  );
  if (sentences.length === 0)
    return { type: 'GatewaysLearn', status: 'True', reason: 'GatewaysLearn', message: 'no gateway ignores an address that is announced' };
  return { type: 'GatewaysLearn', status: 'False', reason: 'GatewayDoesNotLearn', message: listed(sentences, '; ') };
}

function listed(items: readonly string[], between = ', '): string {
  return items.slice(0, SHOWN).join(between) + (items.length > SHOWN ? `${between}and ${items.length - SHOWN} more` : '');
}
