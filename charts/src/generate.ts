import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { chartFiles } from './index.ts';
import { manifestFiles } from './manifests.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Writes what is generated of the chart: first its values, then the plain manifests that Helm makes of it. */
async function generate(): Promise<void> {
  let written = 0;
  for (const make of [chartFiles, manifestFiles]) {
    for (const [path, content] of await make()) {
      const current = await readFile(root + path, 'utf8').catch(() => undefined);
      if (current === content) continue;
      await mkdir(dirname(root + path), { recursive: true });
      await writeFile(root + path, content);
      written++;
    }
  }
  console.log(`${written} generated files of the chart changed`);
}

if (argv[1] === fileURLToPath(import.meta.url)) await generate();
