import { kinds } from '@herald/crds';
import { isNode, isScalar } from 'yaml';
import type { Migrated } from './finding.ts';
import type { MapReader } from './yaml-source.ts';

/** The kinds that keep their name and their fields; only the group changes. */
const SAME_KINDS = new Set(['IPAddressPool', 'L2Advertisement', 'BGPAdvertisement', 'BGPPeer', 'BFDProfile', 'Community']);
/** Kinds of `metallb.io` that only report, and are made anew by whoever runs. */
const STATUS_KINDS = new Set(['ServiceL2Status', 'ServiceBGPStatus', 'ConfigurationState']);

/** Turns an object of `metallb.io` (v1beta1 or v1beta2) into Herald's; undefined where there is nothing to carry over, which is reported. */
export function migrateMetalLBObject(object: MapReader, namespace: string): Migrated | undefined {
  const kind = object.string('kind') ?? '';
  const metadata = object.map('metadata', `metadata of the ${kind}`);
  const name = metadata?.string('name');
  if (STATUS_KINDS.has(kind)) {
    object.changed('kind', `${kind} ${name ?? ''} is a report of MetalLB's own and was left out`);
    return undefined;
  }
  const ours = SAME_KINDS.has(kind) ? kinds.find(candidate => candidate.kind === kind) : undefined;
  if (!ours || name === undefined) {
    object.lost(
      'kind',
      ours ? `a ${kind} without a name was left out` : `Herald has nothing like ${kind || 'an object without a kind'}; it was left out`,
    );
    return undefined;
  }
  const spec = object.map('spec', `${kind} ${name}`);
  const labels = Object.fromEntries(metadata?.map('labels', 'labels')?.entries() ?? []);
  const values = toPlain(spec);
  const known = specFields(ours);
  for (const key of Object.keys(values)) {
    if (known.has(key)) continue;
    spec?.lost(key, `${name}: ${key} is not known and was not carried over`);
    delete values[key];
  }
  return {
    apiVersion: 'heraldlb.io/v1beta1',
    kind,
    metadata: { name, namespace, ...(Object.keys(labels).length > 0 ? { labels } : {}) },
    spec: values,
  };
}

function toPlain(spec: MapReader | undefined): Record<string, unknown> {
  if (!spec) return {};
  return Object.fromEntries(
    spec.node.items.map(pair => [
      String(isScalar(pair.key) ? pair.key.value : pair.key),
      isNode(pair.value) ? (pair.value.toJSON() as unknown) : pair.value,
    ]),
  );
}

function specFields(kind: (typeof kinds)[number]): Set<string> {
  return new Set(Object.keys(kind.spec?.shape ?? {}));
}
