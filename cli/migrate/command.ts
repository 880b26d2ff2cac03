import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { metallbKinds } from '@herald/crds';
import { type Client, configMaps, connect, isApiError, type KubeObject, namespaces, nodes, resource, services } from '@herald/kube';
import type { Command } from 'commander';
import { Document, isMap, isSeq, LineCounter, type Node, parseAllDocuments, stringify } from 'yaml';
import { formatExternalIPs, migrateExternalIPs, type Sourced } from './external-ips.ts';
import { formatFinding } from './finding.ts';
import { type InputFile, migrate } from './migrate.ts';
import { formatPreview, type NamespaceObject, preview, type ServiceWithStatus } from './preview.ts';

interface Flags {
  filename: string[];
  fromCluster: boolean;
  dryRun: boolean;
  namespace: string;
  kubeconfig?: string;
}

/** Where each load balancer keeps its configuration in a cluster. */
const SOURCES: Readonly<Record<string, { description: string; read: (client: Client) => Promise<KubeObject[]> }>> = {
  metallb: {
    description: "MetalLB's objects, or its ConfigMap of before 0.13",
    read: async client => [
      ...(await Promise.all(metallbKinds.map(({ group, versions, plural }) => firstServed(client, group, versions, plural)))).flat(),
      ...(await oldConfigMaps(client, ['metallb-system', 'kube-system'], 'config')),
    ],
  },
  'kube-vip': {
    description: "the ConfigMap of kube-vip's cloud provider",
    read: client => oldConfigMaps(client, ['kube-system'], 'kubevip'),
  },
  purelb: { description: "PureLB's ServiceGroups", read: client => custom(client, 'purelb.io', 'v1', ['servicegroups']) },
  openelb: { description: "OpenELB's Eips", read: client => custom(client, 'network.kubesphere.io', 'v1alpha2', ['eips']) },
  cilium: {
    description: "Cilium's address pools and L2 policies",
    read: async client => [
      ...(await custom(client, 'cilium.io', 'v2', ['ciliumloadbalancerippools'])),
      ...(await custom(client, 'cilium.io', 'v2alpha1', ['ciliuml2announcementpolicies'])),
    ],
  },
};

/** Adds `herald migrate …`: other load balancers' configuration in, Herald's objects out. */
export function registerMigrate(program: Command): void {
  const command = program.command('migrate').description("writes another load balancer's configuration as Herald's objects");
  const add = (name: string, description: string, work: (flags: Flags) => Promise<number>): void => {
    command
      .command(name)
      .description(description)
      .option('-f, --filename <path...>', 'files or folders to read; - is standard input', [])
      .option('--from-cluster', 'read the cluster instead of files', false)
      .option('--dry-run', 'show which Service would hold which address before and after, and write no objects', false)
      .option('--namespace <name>', 'namespace of the objects written', 'herald-system')
      .option('--kubeconfig <file>', 'kubeconfig of the cluster')
      .action(async (flags: Flags) => {
        process.exitCode = await work(flags);
      });
  };
  for (const [name, source] of Object.entries(SOURCES)) add(name, source.description, flags => run(source, flags));
  add('externalips', 'Services with spec.externalIPs set by hand', runExternalIPs);
}

/** The same for Services with externalIPs, which are no configuration but Services. */
async function runExternalIPs(flags: Flags): Promise<number> {
  const files = flags.filename.flatMap(readFiles);
  if (files.length === 0 && !flags.fromCluster) throw new Error('give -f FILE, or --from-cluster');
  const sources = files.flatMap(sourced);
  if (flags.fromCluster) {
    const client = await connect({ env: process.env, ...(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig }) });
    try {
      const lists = await Promise.all([client.listAll(services), client.listAll(nodes)]);
      const objects = lists.flatMap(({ items }) => items as KubeObject[]);
      sources.push(
        ...objects.map(object => ({ object, file: `cluster:${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}` })),
      );
    } finally {
      client.close();
    }
  }
  const migration = migrateExternalIPs(sources, flags.namespace, Date.now());
  for (const finding of migration.findings) console.error(formatFinding(finding));
  process.stdout.write(flags.dryRun ? formatExternalIPs(migration) : toYaml([...migration.objects, ...migration.services]));
  return migration.findings.some(finding => finding.level === 'lost') ? 2 : 0;
}

/** The objects of a file, each with its line. */
function sourced(file: InputFile): Sourced[] {
  const lines = new LineCounter();
  return parseAllDocuments(file.text, { lineCounter: lines }).flatMap(document => {
    const [error] = document.errors;
    if (error !== undefined)
      throw new Error(`${file.name}:${lines.linePos(error.pos[0]).line}: not readable as YAML: ${error.message.split('\n')[0]}`);
    const items = document.getIn(['items'], true);
    const list: Node[] = isSeq(items) ? (items.items as Node[]) : document.contents === null ? [] : [document.contents];
    return list.flatMap(node => {
      if (!isMap(node)) return [];
      const at = (node.getIn(['spec', 'externalIPs'], true) as Node | undefined)?.range?.[0] ?? node.range?.[0] ?? 0;
      return [{ object: node.toJS(document) as KubeObject, file: file.name, line: lines.linePos(at).line }];
    });
  });
}

/** Objects go to standard output, findings to standard error. Exits with 2 where something could not be carried over. */
async function run(source: (typeof SOURCES)[string], flags: Flags): Promise<number> {
  const files = flags.filename.flatMap(readFiles);
  if (files.length === 0 && !flags.fromCluster) throw new Error('give -f FILE, or --from-cluster');
  const client = flags.fromCluster
    ? await connect({ env: process.env, ...(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig }) })
    : undefined;
  try {
    if (client)
      files.push(
        ...(await source.read(client)).map(object => ({ name: `cluster:${object.kind}/${object.metadata.name}`, text: stringify(object) })),
      );
    const { objects, findings } = migrate(files, flags.namespace);
    for (const finding of findings) console.error(formatFinding(finding));
    if (flags.dryRun) process.stdout.write(formatPreview(preview(objects, ...(await clusterState(client, files)), Date.now())));
    else process.stdout.write(toYaml(objects));
    return findings.some(finding => finding.level === 'lost') ? 2 : 0;
  } finally {
    client?.close();
  }
}

/** Services and namespaces: the cluster's, or those in the files. */
async function clusterState(client: Client | undefined, files: readonly InputFile[]): Promise<[ServiceWithStatus[], NamespaceObject[]]> {
  if (client) return [(await client.listAll(services)).items, (await client.listAll(namespaces)).items];
  const objects = files.flatMap(file => parseAllDocuments(file.text).flatMap(document => itemsOf(document)));
  const ofKind = (kind: string): KubeObject[] => objects.filter(object => object?.kind === kind);
  return [ofKind('Service'), ofKind('Namespace')];
}

function itemsOf(document: Document.Parsed | Document): KubeObject[] {
  if (document.errors.length > 0) return [];
  const object = document.toJS() as (KubeObject & { items?: KubeObject[] }) | null;
  if (object === null || typeof object !== 'object') return [];
  return object.kind?.endsWith('List') ? (object.items ?? []) : [object];
}

/** kubectl reads YAML 1.1, for which a bare `on` or `yes` is a boolean. */
function toYaml(objects: readonly object[]): string {
  return objects.map(object => `---\n${stringify(object, { compat: 'yaml-1.1' })}`).join('');
}

function readFiles(path: string): InputFile[] {
  if (path === '-') return [{ name: '<stdin>', text: readFileSync(0, 'utf8') }];
  if (!statSync(path).isDirectory()) return [{ name: path, text: readFileSync(path, 'utf8') }];
  return readdirSync(path)
    .filter(file => /\.(ya?ml|json)$/.test(file))
    .sort()
    .map(file => ({ name: join(path, file), text: readFileSync(join(path, file), 'utf8') }));
}

/** Objects of kinds that may not be there at all. */
async function custom(client: Client, group: string, version: string, plurals: readonly string[]): Promise<KubeObject[]> {
  const lists = await Promise.all(
    plurals.map(async plural => {
      try {
        const { items } = await client.listAll(resource({ group, version, plural, kind: plural, namespaced: true }));
        return items.map(item => ({ ...item, apiVersion: item.apiVersion ?? `${group}/${version}` }));
      } catch (error) {
        if (isApiError(error, 'not-found')) return [];
        throw error;
      }
    }),
  );
  return lists.flat();
}

/** Objects of a kind at the first version that the cluster serves. */
async function firstServed(client: Client, group: string, versions: readonly string[], plural: string): Promise<KubeObject[]> {
  for (const version of versions) {
    const found = await custom(client, group, version, [plural]);
    if (found.length > 0) return found;
  }
  return [];
}

async function oldConfigMaps(client: Client, spaces: readonly string[], name: string): Promise<KubeObject[]> {
  const found = await Promise.all(spaces.map(namespace => client.find(configMaps, { namespace, name })));
  return found.flatMap(object => (object ? [{ ...object, apiVersion: 'v1', kind: 'ConfigMap' }] : []));
}
