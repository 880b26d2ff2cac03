import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packagesOf, spdx } from './sbom.ts';

it('names each package once, in its own version, wherever it lies', () => {
  const root = mkdtempSync(join(tmpdir(), 'herald-sbom-'));
  try {
    for (const [folder, manifest] of [
      ['node_modules/b', { name: 'b', version: '1.0.0', license: 'MIT' }],
      ['node_modules/@s/a', { name: '@s/a', version: '2.0.0', license: { type: 'odd' } }],
      ['node_modules/b/node_modules/@s/a', { name: '@s/a', version: '3.0.0', license: 'ISC' }],
    ] as const) {
      mkdirSync(join(root, folder), { recursive: true });
      writeFileSync(join(root, folder, 'package.json'), JSON.stringify(manifest));
    }
    const inputs = ['cli/herald.ts', 'node_modules/b/x.js', 'node_modules/b/y.js', 'node_modules/@s/a/i.js'];
    expect(packagesOf([...inputs, 'node_modules/b/node_modules/@s/a/i.js'], root)).toEqual([
      { name: '@s/a', version: '2.0.0', license: 'NOASSERTION' },
      { name: '@s/a', version: '3.0.0', license: 'ISC' },
      { name: 'b', version: '1.0.0', license: 'MIT' },
    ]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

it('is a document whose every reference is defined', () => {
  const product = { name: 'herald', version: '0.1.0', license: 'Apache-2.0' };
  const parts = [{ name: '@s/a', version: '2.0.0', license: 'MIT' }];
  const document = spdx(product, parts, '2026-01-01T00:00:00Z') as {
    documentDescribes: string[];
    packages: { SPDXID: string; externalRefs?: { referenceLocator: string }[] }[];
    relationships: { relatedSpdxElement: string }[];
  };
  const known = document.packages.map(({ SPDXID }) => SPDXID);
  expect(known).toEqual(['SPDXRef-Package-herald-0.1.0', 'SPDXRef-Package--s-a-2.0.0']);
  for (const { relatedSpdxElement } of document.relationships) expect(known).toContain(relatedSpdxElement);
  expect(document.packages[1]?.externalRefs?.[0]?.referenceLocator).toBe('pkg:npm/%40s/a@2.0.0');
});
