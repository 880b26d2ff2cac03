import { isMap, isScalar, type Node } from 'yaml';
import type { Finding, Migrated, Migration } from './finding.ts';
import { migrateConfigMap } from './metallb-config-map.ts';
import { migrateMetalLBObject } from './metallb-objects.ts';
import { ciliumL2Policy, ciliumPool, kubeVipConfigMap, openElbEip, pureLbServiceGroup, type Reader } from './others.ts';
import { MapReader, YamlSource } from './yaml-source.ts';

/** A file to migrate: its name for the findings, and its text. */
export interface InputFile {
  name: string;
  text: string;
}

/** Which objects of others are understood, by group and kind. */
const READERS: Readonly<Record<string, Reader>> = {
  'purelb.io/ServiceGroup': pureLbServiceGroup,
  'network.kubesphere.io/Eip': openElbEip,
  'cilium.io/CiliumLoadBalancerIPPool': ciliumPool,
  'cilium.io/CiliumL2AnnouncementPolicy': ciliumL2Policy,
};

/**
 * Turns the configuration of MetalLB (objects, or the ConfigMap of before 0.13), kube-vip, PureLB, OpenELB and Cilium into Herald's objects. Whatever
 * is not carried over is a finding with its line.
 */
export function migrate(files: readonly InputFile[], namespace: string): Migration {
  const findings: Finding[] = [];
  const objects: Migrated[] = [];
  for (const file of files) {
    const source = new YamlSource(file.text, file.name, findings);
    for (const document of source.documents) {
      if (document === null || (isScalar(document) && document.value === null)) continue;
      objects.push(...fromDocument(source, document, file, namespace, findings));
    }
  }
  const seen = new Set<string>();
  for (const object of objects) {
    const key = `${object.kind}/${object.metadata.name}`;
    if (seen.has(key))
      findings.push({
        level: 'lost',
        file: '(all files)',
        message: `two objects became ${key}; the later one would replace the earlier one when applied`,
      });
    seen.add(key);
  }
  return { objects, findings };
}

function fromDocument(source: YamlSource, document: Node, file: InputFile, namespace: string, findings: Finding[]): Migrated[] {
  const object = MapReader.of(source, document, 'document');
  if (!object) return [];
  // The bare text of MetalLB's ConfigMap, as people keep it in files of their own.
  if (!object.has('kind') && (object.has('address-pools') || object.has('peers'))) {
    const line = source.line(document.range?.[0] ?? 0);
    return inNamespace(
      migrateText(
        file.text
          .split('\n')
          .slice(line - 1)
          .join('\n'),
        file.name,
        line,
        findings,
      ),
      namespace,
    );
  }
  const kind = object.string('kind') ?? '';
  if (kind === 'List') {
    const items = object.at('items');
    const list = items && 'items' in items ? (items.items as Node[]) : [];
    return list.flatMap(item => (isMap(item) ? fromDocument(source, item, file, namespace, findings) : []));
  }
  const group = (object.string('apiVersion') ?? '').split('/')[0] ?? '';
  const name = object.map('metadata', 'metadata')?.string('name') ?? '';
  if (kind === 'ConfigMap') return fromConfigMap(source, object, name, file, namespace, findings);
  if (group === 'metallb.io') return [migrateMetalLBObject(object, namespace) ?? []].flat();
  const reader = READERS[`${group}/${kind}`];
  if (reader) return reader(object, name, namespace);
  source.add(
    'note',
    document,
    `${kind || 'a document without a kind'} ${name} is no configuration of a load balancer that is understood; it was left out`,
  );
  return [];
}

function fromConfigMap(
  source: YamlSource,
  object: MapReader,
  name: string,
  file: InputFile,
  namespace: string,
  findings: Finding[],
): Migrated[] {
  if (name === 'kubevip') return kubeVipConfigMap(object, name, namespace);
  const data = object.map('data', `ConfigMap ${name}`);
  const config = data?.at('config');
  if (!config || !isScalar(config)) {
    source.add('note', object.node, `ConfigMap ${name} has no data.config; it was left out`);
    return [];
  }
  // A block scalar begins on the line behind its `|`.
  const line = source.line(config.range?.[0] ?? 0) + 1;
  return inNamespace(migrateText(String(config.value), file.name, line, findings), namespace);
}

function migrateText(text: string, file: string, line: number, findings: Finding[]): Migrated[] {
  const migration = migrateConfigMap(text, file, line);
  findings.push(...migration.findings);
  return migration.objects;
}

function inNamespace(objects: readonly Migrated[], namespace: string): Migrated[] {
  return objects.map(object => ({ ...object, metadata: { ...object.metadata, namespace } }));
}
