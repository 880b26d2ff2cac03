import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEMO_PODS, Playground, run } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announcer, ask, canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The steps of the Dockerfile, one by one, without the engine: bundle, native library found, starts, answers. */
describe.skipIf(!canMakeNamespaces || !hasKubectl)('the bundle of the image (skipped without namespaces or kubectl)', () => {
  let folder: string;
  let playground: Playground | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'herald-bundle-'));
    const built = await run([process.execPath, '--import', 'tsx', 'scripts/bundle.ts', folder], { cwd: root, timeout: 120_000 });
    expect(built.stderr).toBe('');
    expect(built.code).toBe(0);
  });
  afterAll(async () => {
    await playground?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells its version, with nothing but its own folder', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const result = await run([process.execPath, join(folder, 'herald.mjs'), '--version'], { cwd: folder });
    expect(result.stderr).toBe('');
    expect(result.stdout.trim()).toBe(version);
  });

  it('gives a Service an address that answers', async () => {
    playground = await Playground.start({ name: 'e2e-bundle', nodes: 2, heraldCommand: [process.execPath, join(folder, 'herald.mjs')] });
    await playground.addPods({ dn1: DEMO_PODS.dn1 });
    await kubectl(playground, 'apply', '-f', 'examples/layer2', '-f', 'examples/services/nginx-svc.yaml');
    const ip = await externalIp(playground, 'nginx-svc');
    expect(await until('an answer', () => ask(playground as Playground, ip, 8080))).toContain('nginx-1 on dn1');
    expect((await announcer(playground, ip))?.name).toMatch(/^dn[01]$/);
    for (const node of playground.topology.nodes) {
      const health = await playground.exec(node.name, ['curl', '-sS', '-m', '2', '-w', '%{http_code}', 'http://127.0.0.1:9125/healthz']);
      expect(health.stdout).toMatch(/200$/);
    }
    for (const speaker of playground.speakers.values()) expect(await speaker.stop()).toBe(0);
    for (const controller of playground.controllers) expect(await controller.stop()).toBe(0);
  });
});
