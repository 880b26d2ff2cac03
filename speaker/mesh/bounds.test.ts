import { describe, expect, it } from 'vitest';
import { nodeIdOf } from './authentication.ts';
import { addPeerClaim, removePeerClaim } from './claims.ts';
import { setDesired } from './desired.ts';
import type { Packet } from './packet.ts';
import { forgetPeers } from './peers.ts';
import { onPacket } from './receive.ts';
import { createMesh, createPeer, type MeshState, type Peer } from './state.ts';
import { BEACON } from './testing.ts';
import { MESH_PROFILES } from './timers.ts';

const CLAIMS = 262_144;
const PEERS = 4_096;
const HOUR = 3_600_000;
const PLANNED = '192.0.2.1';
const FROM = { address: '192.0.2.99', group: false };

function mesh(): MeshState {
  const [me, other] = [nodeIdOf('node-0'), nodeIdOf('node-1')];
  const state = createMesh({ me, name: 'node-0', nonce: 1n, timers: MESH_PROFILES.default, random: () => 0.5 }, 0);
  setDesired(state, PLANNED, { order: [me, other], epoch: 0, hold: 0 }, 0);
  return state;
}

function heardOf(state: MeshState, name: string): Peer {
  const packet: Packet = { ...BEACON, sender: nodeIdOf(name), name, claims: [], complete: false, released: [] };
  onPacket(state, packet, FROM, 0);
  return state.peers.get(packet.sender) as Peer;
}

describe('who has the key may still be hostile:', () => {
  it('claims of all peers together are kept up to a limit, and those of the plan beyond it', () => {
    const state = mesh();
    const peer = heardOf(state, 'invented');
    const claim = (vip: string) => addPeerClaim(state, peer, { vip, epoch: 1, rank: 0 }, 0);
    claim('198.51.100.1');
    expect(state.peerClaims).toBe(1);
    state.peerClaims = CLAIMS;
    claim('198.51.100.2');
    claim(PLANNED);
    expect([[...peer.claims.keys()], state.peerClaims]).toEqual([['198.51.100.1', PLANNED], CLAIMS + 1]);
    // Told again, as every claim is.
    claim(PLANNED);
    removePeerClaim(state, peer, PLANNED, 0, 'yielded');
    expect(state.peerClaims).toBe(CLAIMS);
    state.peerClaims = 2 * CLAIMS;
    claim(PLANNED);
    expect(peer.claims.has(PLANNED)).toBe(false);
  });

  it('parts of lists that never come to an end give way to others', () => {
    const state = mesh();
    const part = (name: string, seq: number, index: number, count: number): void => {
      const claims = [{ vip: `198.51.100.${index}`, epoch: 1, rank: 0 }];
      const sync: Packet = { ...BEACON, type: 'sync', sender: nodeIdOf(name), name, seq, claims, part: { index, count }, released: [] };
      onPacket(state, sync, FROM, 0);
    };
    part('endless', 1, 0, 3);
    part('endless', 2, 1, 3);
    part('endless', 3, 1, 3);
    expect(state.partialClaims).toBe(2);
    state.partialClaims += 131_072 - 2;
    part('node-1', 1, 0, 2);
    expect([state.peers.get(nodeIdOf('endless'))?.sync, state.partialClaims]).toEqual([undefined, 131_072 - 2 + 1]);
    part('node-1', 2, 1, 2);
    expect([state.peers.get(nodeIdOf('node-1'))?.claims.size, state.partialClaims]).toEqual([2, 131_072 - 2]);
  });

  it('invented senders do not keep the nodes of the plan out', () => {
    const state = mesh();
    for (let index = 0; index < PEERS; index++) {
      const peer = createPeer({ sender: nodeIdOf(`invented-${index}`), name: '', nonce: 2n } as Packet, '192.0.2.99', 0);
      state.peers.set(peer.id, peer);
    }
    heardOf(state, 'invented-more');
    expect([state.peers.size, state.peers.has(nodeIdOf('invented-more'))]).toEqual([PEERS, false]);
    heardOf(state, 'node-1');
    expect([state.peers.size, state.peers.has(nodeIdOf('node-1'))]).toEqual([PEERS, true]);
  });

  it('how reliable a node was is remembered for an hour, of the nodes that are there for ever, and never of more than some thousands', () => {
    const state = mesh();
    heardOf(state, 'here').lastHeard = 2 * HOUR;
    const note = (node: string, at: number) => state.steadiness.set(node, { since: undefined, losses: 1, at });
    note(nodeIdOf('here'), 0);
    note('gone long ago', HOUR - 1);
    note('gone', HOUR + 1);
    forgetPeers(state, 2 * HOUR);
    expect([...state.steadiness.keys()]).toEqual([nodeIdOf('here'), 'gone']);
    for (let index = 0; index < 3 * PEERS; index++) note(`invented-${index}`, 2 * HOUR);
    forgetPeers(state, 2 * HOUR);
    expect(state.steadiness.size).toBe(2 * PEERS);
    expect(state.steadiness.has(nodeIdOf('here'))).toBe(true);
  });
});
