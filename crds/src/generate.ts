import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { generatedFiles, generatedFolders } from './generated.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Writes every generated file of the repository and removes those that are no longer generated. */
async function generate(): Promise<void> {
  const files = generatedFiles();
  for (const { folder, pattern } of generatedFolders) {
    await mkdir(join(root, folder), { recursive: true });
    for (const name of await readdir(join(root, folder))) {
      if (pattern.test(name) && !files.has(`${folder}/${name}`)) await rm(join(root, folder, name));
    }
  }
  let written = 0;
  for (const [path, content] of files) {
    const current = await readFile(join(root, path), 'utf8').catch(() => undefined);
    if (current === content) continue;
    await writeFile(join(root, path), content);
    written++;
  }
  console.log(`${files.size} generated files, ${written} changed`);
}

if (argv[1] === fileURLToPath(import.meta.url)) await generate();
