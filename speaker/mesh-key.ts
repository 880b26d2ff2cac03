import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { SpeakerError } from './error.ts';

/** Shorter keys are refused: they are guessed, or a mistake. */
const KEY_MIN = 16;

/**
 * The key of a cluster without a Secret: it keeps the meshes of two clusters on one LAN apart and accidents out. Whoever can read the
 * UID of kube-system can forge heartbeats; on the LAN he could forge ARP as well.
 */
export function derivedSecret(clusterUid: string): Uint8Array {
  return createHmac('sha256', 'herald derived mesh key').update(clusterUid).digest();
}

/** The keys in a Secret, the newest first: `key`, and `previous` while a key is being replaced. */
export function secretsOf(data: Readonly<Record<string, string>> | undefined): { secrets: Uint8Array[]; problem?: string } {
  const secrets: Uint8Array[] = [];
  for (const name of ['key', 'previous']) {
    const text = data?.[name];
    if (text === undefined) continue;
    const secret = Buffer.from(text, 'base64');
    if (secret.length < KEY_MIN)
      return { secrets: [], problem: `data.${name} has ${secret.length} octets; at least ${KEY_MIN} are needed` };
    secrets.push(secret);
  }
  return secrets.length === 0 || data?.['key'] === undefined ? { secrets: [], problem: 'data.key is missing' } : { secrets };
}

/** @throws SpeakerError bad-mesh-key */
export async function readKeyFile(file: string): Promise<Uint8Array> {
  let secret: Buffer;
  try {
    secret = await readFile(file);
  } catch (error) {
    throw new SpeakerError('bad-mesh-key', `cannot read the mesh key ${file}: ${String(error)}`, { cause: error });
  }
  if (secret.length < KEY_MIN) {
    throw new SpeakerError(
      'bad-mesh-key',
      `the mesh key ${file} has ${secret.length} octets; write at least ${KEY_MIN} random ones into it`,
    );
  }
  return secret;
}
