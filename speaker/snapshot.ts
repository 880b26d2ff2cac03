import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { SharedAddress } from './share.ts';
import type { NodeHint } from './wire/messages.ts';

const schema = z.object({
  version: z.literal(1),
  /** Wall clock, ms since the epoch. */
  savedAt: z.number(),
  node: z.string(),
  clusterUid: z.string(),
  secrets: z.array(z.string()).min(1),
  /** Addresses of other nodes: all that a version before `nodes` knows of them. */
  hints: z.array(z.string()),
  nodes: z.array(z.object({ name: z.string(), addresses: z.array(z.string()) })).exactOptional(),
  addresses: z.array(
    z.object({
      ip: z.string(),
      nodes: z.array(z.string()),
      interfaces: z.array(z.string()),
      eligible: z.boolean(),
      epoch: z.number(),
      hold: z.number(),
      drain: z.number().default(0),
      preempt: z.boolean().exactOptional(),
      preference: z.array(z.number()).exactOptional(),
      restored: z.array(
        z.object({
          segment: z.string(),
          epoch: z.number(),
          sinceMs: z.number().optional(),
          quiet: z.object({ from: z.string(), untilMs: z.number(), forMs: z.number().exactOptional() }).optional(),
        }),
      ),
      lastOwners: z.array(z.object({ segment: z.string(), node: z.string(), mac: z.string() })).exactOptional(),
      lameDucks: z
        .array(z.object({ segment: z.string(), to: z.string(), untilMs: z.number(), forMs: z.number().exactOptional() }))
        .default([]),
      announcements: z.array(z.string()),
    }),
  ),
});

/** The last good configuration, for a start while the API server is away. */
export interface Snapshot {
  savedAt: number;
  node: string;
  clusterUid: string;
  /** Keys of the mesh: without them no peer would believe this node. The file is readable by its owner only. */
  secrets: readonly Uint8Array[];
  /** The other nodes. */
  nodes: readonly NodeHint[];
  addresses: readonly SharedAddress[];
}

function fileOf(directory: string, node: string): string {
  return join(directory, `speaker-${encodeURIComponent(node)}.json`);
}

/** Writes beside, flushes and renames: a crash, also of the node, leaves the old file or the new one. */
export async function saveSnapshot(directory: string, snapshot: Snapshot): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = fileOf(directory, snapshot.node);
  const secrets = snapshot.secrets.map(secret => Buffer.from(secret).toString('base64'));
  const hints = snapshot.nodes.flatMap(({ addresses }) => addresses);
  await writeFile(`${file}.new`, JSON.stringify({ version: 1, ...snapshot, hints, secrets }), { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

/** undefined when there is none; throws with the file's name when it cannot be used. */
export async function loadSnapshot(directory: string, node: string): Promise<Snapshot | undefined> {
  const file = fileOf(directory, node);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { hints, ...read } = schema.parse(JSON.parse(text));
    const nodes = read.nodes ?? hints.map(address => ({ name: address, addresses: [address] }));
    const { savedAt, clusterUid, addresses, node: of } = read;
    return { savedAt, node: of, clusterUid, nodes, addresses, secrets: read.secrets.map(secret => Buffer.from(secret, 'base64')) };
  } catch (error) {
    throw new Error(`the snapshot ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** It is of no use any more. */
export async function removeSnapshot(directory: string, node: string): Promise<void> {
  await rm(fileOf(directory, node), { force: true });
}
