import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { kinds, toCustomResourceDefinition } from '@herald/crds';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { applyObject, type Manifest } from './apply.ts';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.yaml'))
  .toSorted();

/** Configuration of other load balancers, as input for `herald migrate`: only their own servers know it. */
const FOREIGN = /^(purelb\.io|network\.kubesphere\.io|cilium\.io)\//;

describe('every example is taken by the API server, with unknown fields refused', () => {
  let server: ApiServer;

  beforeAll(async () => {
    server = await startApiServer({ port: 0, network: { serviceCidrs: ['10.96.0.0/16', 'fd00:96::/108'], nodePorts: [30_000, 32_767] } });
    for (const kind of kinds) await applyObject(server.url, { ...toCustomResourceDefinition(kind) });
    for (const name of ['herald-system', 'metallb-system'])
      await applyObject(server.url, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  });

  afterAll(() => server.close());

  it.each(files)('%s', async file => {
    for (const document of parseAllDocuments(readFileSync(folder + file, 'utf8'))) {
      const manifest = document.toJS() as Manifest;
      if (FOREIGN.test(manifest.apiVersion)) continue;
      const stored = await applyObject(server.url, manifest);
      expect(stored.metadata.name).toBe(manifest.metadata.name);
      const again = await applyObject(server.url, manifest);
      expect(again.metadata.resourceVersion, 'applying again changes nothing').toBe(stored.metadata.resourceVersion);
    }
  });
});
