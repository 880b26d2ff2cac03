import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeIdOf } from './authentication.ts';
import { setDesired } from './desired.ts';
import type { NodeId, Packet } from './packet.ts';
import { admit, chooseFast } from './peers.ts';
import { seededRandom } from './random.ts';
import { createMesh, createPeer, type MeshState, type Peer } from './state.ts';
import { MESH_PROFILES } from './timers.ts';

const NOW = 1_000;
const LIMIT = 4;

/** Speakers on the segment of node 0: whether it said goodbye, how many addresses it claims, whether it asked to be fast. */
const speakers = fc.array(fc.record({ left: fc.boolean(), claims: fc.nat(3), asks: fc.boolean() }), { maxLength: 24 });
const orders = fc.array(fc.uniqueArray(fc.nat(24), { minLength: 1, maxLength: 4 }), { maxLength: 6 });

function meshOf(peers: readonly { left: boolean; claims: number; asks: boolean }[], plan: readonly number[][]): MeshState {
  const timers = { ...MESH_PROFILES.default, fastSet: LIMIT + 1 };
  const state = createMesh({ me: idOf(0), name: 'node-0', nonce: 1n, timers, random: seededRandom(1) }, NOW);
  for (const [index, order] of plan.entries()) setDesired(state, `192.0.2.${index}`, { order: order.map(idOf), epoch: 0, hold: 0 }, NOW);
  for (const [index, { left, claims, asks }] of peers.entries()) {
    const peer = createPeer({ sender: idOf(index + 1), name: '', nonce: 2n } as Packet, String(index), NOW);
    peer.left = left;
    peer.fastUntil = asks ? NOW + 1 : 0;
    for (let claim = 0; claim < claims; claim++) peer.claims.set(`198.51.100.${claim}`, { vip: `198.51.100.${claim}`, epoch: 1, rank: 0 });
    state.peers.set(peer.id, peer);
  }
  return state;
}

function idOf(index: number): NodeId {
  return nodeIdOf(`node-${index}`);
}

/** As it is meant: those who share most with this node, then those who ask for it, each up to its limit. */
function expectedFast(state: MeshState): Set<NodeId> {
  const shared = (id: NodeId) => [...state.desired.values()].filter(({ order }) => order.includes(state.me) && order.includes(id)).length;
  const weight = (peer: Peer) => shared(peer.id) + peer.claims.size;
  const known = [...state.peers.values()].filter(({ left }) => !left).sort((a, b) => weight(b) - weight(a) || b.score - a.score);
  const asking = known.slice(LIMIT).filter(({ fastUntil }) => fastUntil > NOW);
  return new Set([...known.slice(0, LIMIT), ...asking.slice(0, 2 * (LIMIT + 1) - LIMIT)].map(({ id }) => id));
}

describe('the fast set', () => {
  it('is of those who share most with this node, and of those who ask for it, each up to its limit', () => {
    fc.assert(
      fc.property(speakers, orders, (peers, plan) => {
        const state = meshOf(peers, plan);
        chooseFast(state, NOW);
        expect(new Set(state.fast.map(({ id }) => id))).toEqual(expectedFast(state));
        expect(state.fast.every(({ fast }) => fast)).toBe(true);
        expect([...state.peers.values()].filter(({ fast }) => fast)).toEqual(state.fast);
      }),
    );
  });

  it('takes a new peer in at once where there is room, and else leaves it to the next choice', () => {
    const state = meshOf([], []);
    for (let index = 1; index <= LIMIT + 1; index++) {
      const peer = createPeer({ sender: idOf(index), name: '', nonce: 2n } as Packet, String(index), NOW);
      state.peers.set(peer.id, peer);
      admit(state, peer);
    }
    expect(state.fast.map(({ id }) => id)).toEqual([1, 2, 3, 4].map(idOf));
    expect(state.membersChanged).toBe(true);
  });
});
