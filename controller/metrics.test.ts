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
});
