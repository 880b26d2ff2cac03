import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package that the bundle holds code of. */
export interface BundledPackage {
  name: string;
  version: string;
  license: string;
}

/** The packages that the inputs of a bundle belong to, by their package.json. Paths are relative to `root`. */
export function packagesOf(inputs: readonly string[], root: string): BundledPackage[] {
  const folders = new Set<string>();
  for (const input of inputs) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(input);
    if (found?.[1] !== undefined) folders.add(found[1]);
  }
  const packages = new Map<string, BundledPackage>();
  for (const folder of folders) {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Partial<BundledPackage>;
    const { name = '', version = '', license } = manifest;
    packages.set(`${name}@${version}`, { name, version, license: typeof license === 'string' ? license : 'NOASSERTION' });
  }
  return [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/**
 * A bill of materials in SPDX 2.3: exactly what the bundle holds. `npm sbom` describes what is installed instead, and with `--omit=dev` it leaves
 * out what is a development dependency of any workspace, although another one ships it.
 * @param created RFC 3339, in seconds
 */
export function spdx(product: BundledPackage, packages: readonly BundledPackage[], created: string): object {
  const all = [product, ...packages];
  const id = ({ name, version }: BundledPackage) => `SPDXRef-Package-${`${name}-${version}`.replace(/[^A-Za-z0-9.-]+/g, '-')}`;
  const digest = createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 32);
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${product.name}@${product.version}`,
    documentNamespace: `https://heraldlb.io/spdx/${product.name}-${product.version}-${digest}`,
    creationInfo: { created, creators: [`Tool: ${product.name}-bundle-${product.version}`] },
    documentDescribes: [id(product)],
    packages: all.map(each => ({
      name: each.name,
      SPDXID: id(each),
      versionInfo: each.version,
      downloadLocation: each === product ? 'NOASSERTION' : `https://www.npmjs.com/package/${each.name}/v/${each.version}`,
      filesAnalyzed: false,
      licenseDeclared: each.license,
      ...(each === product
        ? {}
        : {
            externalRefs: [
              {
                referenceCategory: 'PACKAGE-MANAGER',
                referenceType: 'purl',
                referenceLocator: `pkg:npm/${each.name.replace('@', '%40')}@${each.version}`,
              },
            ],
          }),
    })),
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relatedSpdxElement: id(product), relationshipType: 'DESCRIBES' },
      ...packages.map(each => ({ spdxElementId: id(product), relatedSpdxElement: id(each), relationshipType: 'CONTAINS' })),
    ],
  };
}
