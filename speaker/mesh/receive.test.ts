import { describe, expect, it } from 'vitest';
import { onPacket } from './receive.ts';
import { packetFor } from './send.ts';
import { Simulation } from './simulator.ts';
import { createMesh } from './state.ts';
import { MESH_PROFILES } from './timers.ts';

describe('a speaker that comes back', () => {
  it.each([
    { host: true, after: 50, liveness: 'two-way', why: 'before its silence was noticed' },
    { host: true, after: 700, liveness: 'held', why: 'while its claims are held' },
    { host: false, after: 700, liveness: 'unheard', why: 'when it was given up' },
  ])('is told at once that it is heard, $why', ({ host, after, liveness }) => {
    const simulation = new Simulation({ nodes: 3, vips: 6, seed: 1, loss: 0, hold: 30_000 });
    simulation.run(2_000);
    const { id, name, ...gone } = simulation.node(0);
    const { state } = simulation.node(1);
    if (host) simulation.kill(simulation.node(0));
    else simulation.crash(simulation.node(0));
    simulation.run(after);
    expect(state.peers.get(id)?.liveness).toBe(liveness);
    const nonce = gone.state.nonce + 1n;
    const back = createMesh({ me: id, name, nonce, timers: MESH_PROFILES.default, random: () => 0.5 }, 0);
    const effects = onPacket(state, packetFor(back, 'beacon', undefined, 0), { address: '10.0.0.1', group: true }, state.lastTick + 1);
    expect(effects).toContainEqual({
      kind: 'send',
      to: { address: '10.0.0.1' },
      packet: expect.objectContaining({ type: 'beacon', yourNonce: nonce }),
    });
  });
});

it('falls silent after a word that was not meant for it alone, and is held all the same', () => {
  const simulation = new Simulation({ nodes: 3, vips: 6, seed: 1, loss: 0, hold: 30_000 });
  simulation.run(2_000);
  const owner = simulation.node(0);
  const { state } = simulation.node(1);
  simulation.run(60);
  simulation.kill(owner);
  // As versions before did to every address of a node that they were not sending from.
  const peer = state.peers.get(owner.id);
  onPacket(state, packetFor(owner.state, 'beacon', undefined, owner.state.lastTick), { address: '0', group: false }, state.lastTick + 60);
  expect(peer?.lastHeard).toBeGreaterThan(peer?.echoedAt ?? 0);
  const seen = new Set<string | undefined>();
  for (let ms = 0; ms < 1_000; ms += 5) {
    simulation.run(5);
    seen.add(peer?.liveness);
  }
  expect([...seen]).toEqual(['two-way', 'held']);
});
