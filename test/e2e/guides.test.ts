import { readdirSync, readFileSync } from 'node:fs';
import { helmPath } from '@herald/charts';
import { Control, DEMO_PODS, FrrRouter, Playground } from '@herald/playground';
import { describe, it } from 'vitest';
import { MetalLB } from '../metallb/metallb.ts';
import { canMakeNamespaces, hasKubectl } from './cluster.ts';
import { type Guide, parseGuide } from './guide.ts';
import { Desk } from './guide-runner.ts';
import { HeraldPods } from './herald-pods.ts';

const folder = new URL('../../docs/guides/', import.meta.url);
/** `GUIDE=name,name` runs these alone, and prints their commands. */
const only = process.env['GUIDE']?.split(',').map(name => `${name}.md`);
const guides = readdirSync(folder)
  .filter(file => file.endsWith('.md') && (only?.includes(file) ?? true))
  .map((file, index) => ({ file, index, guide: parseGuide(readFileSync(new URL(file, folder), 'utf8')) }));

/** What this machine lacks for a guide. */
function missing({ needs, steps }: Guide): string | undefined {
  if (needs.nodes > 0 && !canMakeNamespaces) return 'namespaces';
  if (needs.nodes > 0 && !hasKubectl) return 'kubectl';
  if (needs.router) return FrrRouter.missing();
  return helmPath() === undefined && steps.some(step => step.kind === 'command' && /\bhelm\b/.test(step.command)) ? 'helm' : undefined;
}

describe('every command of every guide does what the guide shows (skipped where namespaces, kubectl, FRR or helm are missing)', () => {
  for (const { file, index, guide } of guides) {
    it.concurrent(`docs/guides/${file}`, async ({ skip }) => {
      const lacking = missing(guide);
      if (lacking !== undefined) skip(`without ${lacking}`);
      await work(guide, `guide-${process.pid}-${index}`);
    });
  }
});

async function work(guide: Guide, name: string): Promise<void> {
  if (!guide.steps.some(step => step.kind === 'command')) return;
  const { needs } = guide;
  const playground = needs.nodes > 0 ? await Playground.start({ name, nodes: needs.nodes, herald: !needs.bare }) : undefined;
  const control = playground === undefined ? undefined : await Control.start(playground, () => undefined);
  let pods: HeraldPods | undefined;
  let metallb: MetalLB | undefined;
  const desk = await Desk.open(playground, name);
  try {
    if (needs.pods) await playground?.addPods(DEMO_PODS);
    if (needs.metallb && playground !== undefined) metallb = await MetalLB.install(playground);
    if (needs.bare && playground !== undefined) pods = new HeraldPods(playground);
    if (needs.router) await playground?.startRouter();
    await desk.work(guide, only === undefined ? undefined : line => process.stdout.write(`${line}\n`));
  } finally {
    await desk.close();
    await pods?.stop();
    await metallb?.stop();
    await control?.stop();
    await playground?.stop();
  }
}
