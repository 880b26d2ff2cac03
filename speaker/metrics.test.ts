import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Registry } from '@herald/process';
import { expect, it } from 'vitest';
import { SpeakerMetrics } from './metrics.ts';
import type { SegmentReport, WireEvent } from './wire/messages.ts';
import { segmentReport } from './wire/testing.ts';

const segment = segmentReport({ segment: '10.0.0.0/24', peersHeard: ['n2'], stalls: 1, beaconsLost: 2 });

function report(answers: SegmentReport['answers'], more: Partial<SegmentReport> = {}): WireEvent {
  return { kind: 'report', segments: [{ ...segment, ...more, answers }], excluded: [] };
}

async function series(registry: Registry, name: string): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter(line => line.startsWith(`${name}{`));
}

it('every metric has a line in docs/metrics.md', async () => {
  const registry = new Registry();
  new SpeakerMetrics(registry).event(report([]));
  const text = readFileSync(fileURLToPath(new URL('../docs/metrics.md', import.meta.url)), 'utf8');
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter(name => !text.includes(`\`${name}\``))).toEqual([]);
});

it('counts differences of the totals of the wire thread, also when it begins anew', async () => {
  const registry = new Registry();
  const metrics = new SpeakerMetrics(registry);
  for (const beaconsLost of [2, 5, 1]) metrics.event(report([], { beaconsLost }));
  expect(await series(registry, 'herald_mesh_beacons_lost_total')).toEqual(['herald_mesh_beacons_lost_total{interface="eth0"} 6']);
});

it('counts the missing peers of each interface, down to none', async () => {
  const registry = new Registry();
  const metrics = new SpeakerMetrics(registry);
  metrics.event(report([]));
  for (const missing of [new Map([['eth0', ['n3', 'n4']]]), new Map()]) {
    metrics.missingPeers(missing);
    const value = missing.size === 0 ? 0 : 2;
    expect(await series(registry, 'herald_mesh_peers_missing')).toEqual([`herald_mesh_peers_missing{interface="eth0"} ${value}`]);
  }
});

it('answers by address: no more than a thousand series, and none of an address that was given up', async () => {
  const registry = new Registry();
  const metrics = new SpeakerMetrics(registry);
  metrics.event(report(Array.from({ length: 1_100 }, (_, i) => ({ ip: `10.0.${i >> 8}.${i & 255}`, count: 1 }))));
  const all = await series(registry, 'herald_layer2_answers_total');
  expect(all).toHaveLength(1_001);
  expect(all).toContain('herald_layer2_answers_total{ip="other",interface="eth0"} 100');
  metrics.event({ kind: 'released', ip: '10.0.0.7', segment: '10.0.0.0/24', interface: 'eth0', epoch: 1, cause: 'handover' });
  const left = await series(registry, 'herald_layer2_answers_total');
  expect(left).toHaveLength(1_000);
  expect(left.filter(line => line.includes('"10.0.0.7"'))).toEqual([]);
});
