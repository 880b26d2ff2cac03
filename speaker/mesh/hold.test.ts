import { expect, it } from 'vitest';
import { nodeIdOf } from './authentication.ts';
import { setDesired } from './desired.ts';
import { Simulation } from './simulator.ts';
import { createMesh, type Hint } from './state.ts';
import { tick, tickInterval } from './tick.ts';
import { listening, MESH_PROFILES } from './timers.ts';

const VIP = '192.0.2.1';
const [ME, OTHER] = [nodeIdOf('node-1'), nodeIdOf('node-2')];
const HINTS = [{ node: OTHER, addresses: ['192.0.2.42'] }];
const LISTENING = listening(MESH_PROFILES.default);

it.each<{ what: string; order: string[]; hints: Hint[]; silentAt: number; settled: boolean }>([
  { what: 'the gateway answers', order: [ME, OTHER], hints: HINTS, silentAt: Number.POSITIVE_INFINITY, settled: true },
  { what: 'the gateway fell silent, on the only node', order: [ME, OTHER], hints: [], silentAt: 200, settled: true },
  { what: 'the gateway fell silent, and nobody else may own it', order: [ME], hints: HINTS, silentAt: 200, settled: true },
  // Its own cable may be cut, and another node may have the address by now.
  { what: 'the gateway fell silent, and others are not heard', order: [ME, OTHER], hints: HINTS, silentAt: 200, settled: false },
])('a claim of before the restart is taken up again after listening: $what', ({ order, hints, silentAt, settled }) => {
  const state = createMesh({ me: ME, name: 'node-1', nonce: 1n, timers: MESH_PROFILES.default, random: () => 0.5 }, 0);
  state.hints = hints;
  state.uplink.expected = true;
  state.uplink.probed = true;
  setDesired(state, VIP, { order, epoch: 5, hold: 30_000, restored: 5 }, 0);
  const acquired: number[] = [];
  for (let now = 0; now <= 4 * LISTENING; now += tickInterval(state)) {
    if (now < silentAt) state.uplink.seenAt = now;
    for (const effect of tick(state, now)) if (effect.kind === 'acquire') acquired.push(now);
  }
  expect(acquired.map(at => at >= LISTENING && at <= LISTENING + 2 * tickInterval(state))).toEqual(settled ? [true] : []);
  expect(state.mine.get(VIP)?.dormant).toBe(!settled);
});

it.each([0, 12])('with relaxed timers two lost answers of a kernel end no hold (seed %i)', seed => {
  const simulation = new Simulation({ nodes: 3, vips: 6, seed, loss: 0.05, hold: 30_000, timers: MESH_PROFILES.relaxed });
  simulation.run(5_000);
  const before = simulation.takeovers;
  simulation.kill(simulation.node(0));
  simulation.run(25_000);
  expect(simulation.takeovers).toBe(before);
});
