import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, configMaps, connect, isApiError, type KubeObject, namespaces, resource, services } from '@herald/kube';
import type { Command } from 'commander';
import { Document, parseAllDocuments, stringify } from 'yaml';
import { formatFinding, type Migrated } from './finding.ts';
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
      ...(await custom(client, 'metallb.io', 'v1beta1', [
        'ipaddresspools',
        'l2advertisements',
        'bgpadvertisements',
        'bfdprofiles',
        'communities',
      ])),
      ...(await custom(client, 'metallb.io', 'v1beta2', ['bgppeers'])),
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
  for (const [name, source] of Object.entries(SOURCES)) {
    command
      .command(name)
      .description(source.description)
      .option('-f, --filename <path...>', 'files or folders to read; - is standard input', [])
      .option('--from-cluster', 'read the cluster instead of files', false)
      .option('--dry-run', 'show which Service would hold which address before and after, and write no objects', false)
      .option('--namespace <name>', 'namespace of the objects written', 'herald-system')
      .option('--kubeconfig <file>', 'kubeconfig of the cluster')
      .action(async (flags: Flags) => {
        process.exitCode = await run(source, flags);
      });
  }
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

export function toYaml(objects: readonly Migrated[]): string {
  return objects.map(object => `---\n${stringify(object)}`).join('');
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

async function oldConfigMaps(client: Client, spaces: readonly string[], name: string): Promise<KubeObject[]> {
  const found = await Promise.all(spaces.map(namespace => client.find(configMaps, { namespace, name })));
  return found.flatMap(object => (object ? [{ ...object, apiVersion: 'v1', kind: 'ConfigMap' }] : []));
}
