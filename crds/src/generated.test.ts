import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generatedFiles, generatedFolders } from './generated.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('generated files are up to date (npm run crds)', () => {
  it.each([...generatedFiles()])('%s', async (path, content) => {
    expect(await readFile(root + path, 'utf8')).toBe(content);
  });

  it.each([...generatedFiles()].filter(([path]) => path.endsWith('.yaml')))(
    '%s means the same to readers of YAML 1.1, as kubectl and helm are',
    (_, text) => {
      expect(parse(text, { version: '1.1' })).toEqual(parse(text));
    },
  );

  it('no file is left of a kind, reason or page that is gone', async () => {
    const files = generatedFiles();
    const stale: string[] = [];
    for (const { folder, pattern } of generatedFolders) {
      for (const name of await readdir(root + folder))
        if (pattern.test(name) && !files.has(`${folder}/${name}`)) stale.push(`${folder}/${name}`);
    }
    expect(stale).toEqual([]);
  });
});
