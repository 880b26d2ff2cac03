/** A 32-bit hash of a text (FNV-1a, then the finalizer of MurmurHash3), the same on every machine. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/**
 * The weight of a node for an address (rendezvous hashing, Thaler and Ravishankar 1998): each address orders the nodes in its own
 * way, and adding or removing a node changes nothing in the order of the others.
 */
export function weight(nodeHash: number, addressHash: number): number {
  return mix(nodeHash ^ Math.imul(addressHash, 0x9e3779b1));
}

function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
