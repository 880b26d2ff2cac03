import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, type KubeObject, resource } from '@herald/kube';
import { parseAllDocuments } from 'yaml';
import { PlaygroundError } from './errors.ts';

/** What little of kubectl a tour needs, for machines that have none: applying files and printing tables. */

interface Table {
  columnDefinitions: { name: string; priority: number }[];
  rows: { cells: unknown[] }[];
}

interface ApiResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  shortNames?: string[];
}

/** Applies every document of the files (or of the YAML files of a folder) by server-side apply; returns a line per object, as kubectl prints it. */
export async function applyFiles(client: Client, server: string, paths: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const path of paths.flatMap(filesOf)) {
    for (const document of parseAllDocuments(readFileSync(path, 'utf8'))) {
      const object = document.toJS() as KubeObject | null;
      if (object === null) continue;
      if (!object.apiVersion || !object.kind || !object.metadata?.name)
        throw new PlaygroundError('ECOMMAND', `${path}: an object needs apiVersion, kind and metadata.name`);
      const found = await resourceOf(server, object.apiVersion, object.kind);
      const [group, version] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
      const kind = resource({
        group: group ?? '',
        version: version ?? '',
        plural: found.name,
        kind: object.kind,
        namespaced: found.namespaced,
      });
      const metadata = found.namespaced ? { namespace: 'default', ...object.metadata } : object.metadata;
      await client.apply(kind, { ...object, metadata }, { fieldManager: 'herald-playground', force: true });
      lines.push(`${found.name}${group ? `.${group}` : ''}/${object.metadata.name} applied`);
    }
  }
  return lines;
}

/** Prints a kind as the server's own table. */
export async function getTable(server: string, name: string, namespace: string | undefined): Promise<string> {
  const { path } = await findResource(server, name, namespace);
  const answer = await fetch(`${server}${path}`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
  const table = (await answer.json()) as Table & { message?: string };
  if (!answer.ok) throw new PlaygroundError('ECOMMAND', table.message ?? `HTTP ${answer.status}`);
  if (table.rows.length === 0) return 'No resources found\n';
  const columns = table.columnDefinitions.map((column, index) => ({ ...column, index })).filter(column => column.priority === 0);
  const lines = [
    columns.map(column => column.name.toUpperCase()),
    ...table.rows.map(row => columns.map(column => String(row.cells[column.index]))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map(line => (line[index] ?? '').length)));
  return `${lines
    .map(line =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter(file => /\.ya?ml$/.test(file))
    .sort()
    .map(file => join(path, file));
}

async function resourceOf(server: string, apiVersion: string, kind: string): Promise<ApiResource> {
  const list = await resources(server, apiVersion);
  const found = list.find(candidate => candidate.kind === kind && !candidate.name.includes('/'));
  if (!found) throw new PlaygroundError('EUNKNOWN', `the server does not know ${apiVersion} ${kind}`);
  return found;
}

async function findResource(server: string, name: string, namespace: string | undefined): Promise<{ path: string }> {
  const groups = (await (await fetch(`${server}/apis`)).json()) as { groups: { preferredVersion: { groupVersion: string } }[] };
  for (const groupVersion of ['v1', ...groups.groups.map(group => group.preferredVersion.groupVersion)]) {
    const found = (await resources(server, groupVersion)).find(r =>
      [r.name, r.singularName, r.kind.toLowerCase(), ...(r.shortNames ?? [])].includes(name.toLowerCase()),
    );
    if (!found) continue;
    const root = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
    return {
      path: found.namespaced && namespace !== undefined ? `${root}/namespaces/${namespace}/${found.name}` : `${root}/${found.name}`,
    };
  }
  throw new PlaygroundError('EUNKNOWN', `the server does not know ${name}`);
}

async function resources(server: string, groupVersion: string): Promise<ApiResource[]> {
  const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
  const answer = await fetch(`${server}${path}`);
  if (!answer.ok) throw new PlaygroundError('EUNKNOWN', `the server does not know ${groupVersion}`);
  return ((await answer.json()) as { resources: ApiResource[] }).resources;
}
