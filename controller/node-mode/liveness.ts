import type { Speaker } from '@herald/crds';

/** A speaker's last word about one segment. */
interface Word {
  readonly node: string;
  /** When it was written, as the API server counts. */
  readonly version: bigint;
  /** By segment: the nodes it says are alive. */
  readonly alive: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Who is dead, as the speakers' statuses tell.
 *
 * A speaker's last status stays behind when its node dies, so it proves nothing by itself. What proves a death is a contradiction: Z wrote
 * *after* X that it neither hears X's speaker nor gets an answer from X's kernel, while X's status still claims to hear Z. Hearing is
 * mutual in the mesh, so a living X would have noticed and written that it lost Z, too; where it did, that is a network cut in two and
 * nobody is dead. A node that anybody alive still hears is not dead either: then only one way between two nodes is broken.
 */
export function deadNodes(speakers: readonly Speaker[]): Set<string> {
  const words = speakers.map(wordOf).filter(word => word.alive.size > 0);
  const dead = new Set(words.filter(word => words.some(other => accuses(other, word))).map(({ node }) => node));
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of dead) {
      if (!words.some(word => word.node !== node && !dead.has(word.node) && affirms(word, node))) continue;
      dead.delete(node);
      changed = true;
    }
  }
  return dead;
}

/** Nodes that a speaker on a node that is not dead says are alive. */
export function affirmedNodes(speakers: readonly Speaker[], dead: ReadonlySet<string>): Set<string> {
  const affirmed = new Set<string>();
  for (const word of speakers.map(wordOf)) {
    if (dead.has(word.node)) continue;
    for (const nodes of word.alive.values()) for (const node of nodes) if (node !== word.node) affirmed.add(node);
  }
  return affirmed;
}

/** What of a Speaker liveness depends on. */
export function livenessOf({ status }: Speaker): string {
  return JSON.stringify((status?.segments ?? []).map(({ segment, peersHeard, peersAnswering }) => [segment, peersHeard, peersAnswering]));
}

function wordOf({ metadata, status }: Speaker): Word {
  const { name, resourceVersion = '' } = metadata;
  const alive = new Map<string, Set<string>>();
  for (const { segment, peersHeard = [], peersAnswering = [] } of status?.segments ?? [])
    alive.set(segment, new Set([...(alive.get(segment) ?? []), ...peersHeard, ...peersAnswering]));
  return { node: name, version: /^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n, alive };
}

function accuses(one: Word, other: Word): boolean {
  if (one.node === other.node || one.version <= other.version) return false;
  for (const [segment, heard] of one.alive) {
    if (other.alive.get(segment)?.has(one.node) === true && !heard.has(other.node)) return true;
  }
  return false;
}

function affirms(word: Word, node: string): boolean {
  return [...word.alive.values()].some(nodes => nodes.has(node));
}
