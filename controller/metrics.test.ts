import { readFileSync } from 'node:fs';
import { apiCallMetrics, createRegistry, queueMetrics } from '@herald/process';
import { describe, expect, it } from 'vitest';
import { ControllerMetrics } from './metrics.ts';

const documentation = readFileSync(new URL('../docs/metrics.md', import.meta.url), 'utf8');

describe('metrics', () => {
  it('are all in the documentation', () => {
    const registry = createRegistry({ component: 'controller', version: '0' });
    apiCallMetrics(registry);
    queueMetrics(registry);
    const metrics = new ControllerMetrics(registry);
    expect(metrics).toBeDefined();
    const names = registry.getMetricsAsArray().map(({ name }) => name);
    const ours = names.filter(name => name.startsWith('herald_'));
    expect(ours.length).toBeGreaterThan(10);
    expect(ours.filter(name => !documentation.includes(`\`${name}\``))).toEqual([]);
  });

  it('forget a pool that is gone', async () => {
    const registry = createRegistry({ component: 'controller', version: '0' });
    const metrics = new ControllerMetrics(registry);
    const use = { family: 6 as const, capacity: 1n << 64n, assigned: 1n, available: (1n << 64n) - 1n };
    metrics.pools([{ ...use, pool: 'lan' }]);
    expect(await registry.metrics()).toContain('herald_pool_addresses_in_use{pool="lan",family="IPv6"} 1');
    metrics.pools([]);
    expect(await registry.metrics()).not.toContain('pool="lan"');
  });

  it('count each Service under one reason, until it is gone', async () => {
    const registry = createRegistry({ component: 'controller', version: '0' });
    const metrics = new ControllerMetrics(registry);
    for (const [key, reason] of [
      ['a', 'WaitingForSpeakers'],
      ['b', 'WaitingForSpeakers'],
      ['a', 'Announced'],
      ['a', 'Announced'],
    ] as const) {
      metrics.announced(key, reason);
    }
    const text = await registry.metrics();
    expect(text).toContain('herald_services_announced{reason="Announced"} 1');
    expect(text).toContain('herald_services_announced{reason="WaitingForSpeakers"} 1');
    metrics.announced('b', undefined);
    expect(await registry.metrics()).toContain('herald_services_announced{reason="WaitingForSpeakers"} 0');
  });

  it('of the cluster are told by the leader alone', async () => {
    const registry = createRegistry({ component: 'controller', version: '0' });
    const metrics = new ControllerMetrics(registry);
    metrics.leading(true);
    metrics.services(3, 1);
    metrics.announced('a', 'NoSpeaker');
    metrics.rejected(['IPAddressPool', 'IPAddressPool']);
    expect(await registry.metrics()).toContain('herald_config_rejected{kind="IPAddressPool"} 2');
    metrics.leading(false);
    const text = await registry.metrics();
    expect(text).toContain('herald_leader 0');
    expect(text).not.toMatch(/^herald_(services|config)\w*\{/m);
  });
});
