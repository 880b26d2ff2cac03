import { type Client, isApiError } from '@herald/kube';
import { deadNodes } from './node-mode/index.ts';
import { speakers } from './resources.ts';

/** Between a replica's own name and its node in the holder of the Lease; no name of a node has it. */
const at = '@';

/** The identity of a replica that says where it runs. */
export function identityOn(identity: string, node: string | undefined): string {
  return node === undefined || node === '' ? identity : `${identity}${at}${node}`;
}

/** Whether the speakers prove that the node of the Lease's holder is dead. Asked only when it has missed renewals: one list of the Speakers. */
export async function holderIsDead(client: Client, holder: string, signal: AbortSignal): Promise<boolean> {
  const [, node] = /@([^@]+)$/.exec(holder) ?? [];
  if (node === undefined) return false;
  try {
    const { items } = await client.list(speakers, { signal });
    return deadNodes(items).has(node);
  } catch (error) {
    // No answer is no proof.
    if (isApiError(error)) return false;
    throw error;
  }
}
