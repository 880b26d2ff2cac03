import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { soak } from '../soak/soak.ts';
import { canMakeNamespaces, hasKubectl } from './cluster.ts';

const able =
  canMakeNamespaces && hasKubectl && spawnSync('nft', ['--version']).status === 0 && spawnSync('curl', ['--version']).status === 0;

it.skipIf(!able)(
  '20 s of 2 % loss and stalls of 60 ms: no address changes its owner (skipped without namespaces, kubectl, nft or curl)',
  async () => {
    const report = await soak({
      name: 'e2e-soak',
      duration: 20_000,
      nodes: 3,
      addresses: 6,
      loss: 2,
      stallEvery: 2_000,
      stallFor: 60,
      random: Math.random,
      log: () => undefined,
    });
    expect(report).toMatchObject({ takeovers: [], unsettled: [] });
    // It was not quiet.
    expect(report.packetsLost).toBeGreaterThan(20);
    expect(report.stalls).toBeGreaterThan(5);
  },
);
