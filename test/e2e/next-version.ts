import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { parse, stringify } from 'yaml';
import manifest from '../../cli/package.json' with { type: 'json' };

/** The version that comes after this one, as it may be: it says more than this one understands, in heartbeats and in every object that it writes. */
export const NEXT_VERSION = '99.0.0';
/** What it adds to objects. */
export const ADDED = 'next';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What differs in it: file, a text that it has exactly once, and what stands there instead. */
const CHANGES: readonly [file: string, before: string, after: string][] = [
  ['cli/package.json', `"version": "${manifest.version}"`, `"version": "${NEXT_VERSION}"`],
  [
    'speaker/mesh/codec.ts',
    '  const part = element(TLV.part, 4);',
    '  octets.writeUInt32BE(7, element(250, 4)); octets.writeUInt32BE(7, 80); const part = element(TLV.part, 4);',
  ],
  ['speaker/speaker-status.ts', '    version: view.version,', `    version: view.version, ${ADDED}: view.version,`],
  ['speaker/owners.ts', '      epoch,\n      ...(confirmed', `      epoch, ${ADDED}: 'owner',\n      ...(confirmed`],
  [
    'controller/planner/planner.ts',
    '        ip,\n        pool,\n        ...(protocols',
    `        ip, ${ADDED}: 'address', pool, ...(protocols`,
  ],
];

/** For `scripts/bundle.ts`. */
const plugin: Plugin = {
  name: 'next-version',
  setup(building) {
    const met = new Set<string>();
    building.onLoad({ filter: /\.(ts|json)$/ }, ({ path }) => {
      const change = CHANGES.find(([file]) => path === join(root, file));
      if (change === undefined) return undefined;
      const [file, before, after] = change;
      const parts = readFileSync(path, 'utf8').split(before);
      if (parts.length !== 2) throw new Error(`${file} has ${JSON.stringify(before)} ${parts.length - 1} times, not once`);
      met.add(file);
      return { contents: parts.join(after), loader: path.endsWith('.json') ? 'json' : 'ts' };
    });
    building.onEnd(() => {
      const missing = CHANGES.map(([file]) => file).filter(file => !met.has(file));
      if (missing.length > 0) throw new Error(`not in the bundle: ${missing.join(', ')}`);
    });
  },
};
export default plugin;

interface Schema {
  properties: Record<string, Schema>;
  items: Schema;
}

/** Writes its CustomResourceDefinitions to `folder`: those of this version, with the fields that it adds. */
export function writeNextDefinitions(folder: string): void {
  mkdirSync(folder);
  const places: Record<string, (schema: Schema) => (Schema | undefined)[]> = {
    Speaker: ({ properties }) => [properties['status']],
    Announcement: ({ properties: { spec, status } }) => [spec?.properties['addresses']?.items, status?.properties['owners']?.items],
  };
  for (const name of readdirSync(join(root, 'crds')).filter(file => file.endsWith('.yaml'))) {
    const definition = parse(readFileSync(join(root, 'crds', name), 'utf8')) as {
      spec?: { names: { kind: string }; versions: { schema: { openAPIV3Schema: Schema } }[] };
    };
    for (const { schema } of definition.spec?.versions ?? [])
      for (const place of places[definition.spec?.names.kind ?? '']?.(schema.openAPIV3Schema) ?? []) {
        if (place === undefined) throw new Error(`${name} has no place for what the next version adds`);
        Object.assign(place.properties, { [ADDED]: { type: 'string' } });
      }
    writeFileSync(join(folder, name), stringify(definition));
  }
}
