import { template } from '@herald/charts';
import { kinds, toCustomResourceDefinition } from '@herald/crds';
import type { ApiServer } from 'kube-apiserver-lite';
import { parseAllDocuments } from 'yaml';
import { applyObject, type Manifest } from './apply.ts';

export const namespace = 'herald-system';

interface Rule {
  resources: string[];
  verbs: string[];
}

/** Herald's namespace, kinds, accounts and roles, as the chart makes them. Returns what the chart makes. */
export async function install(server: ApiServer, ...settings: string[]): Promise<Manifest[]> {
  const objects = parseAllDocuments(await template(settings)).flatMap(document => (document.toJS() as Manifest | null) ?? []);
  await applyObject(server.url, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  for (const kind of kinds) await applyObject(server.url, { ...toCustomResourceDefinition(kind) });
  for (const manifest of objects)
    if (/^(ServiceAccount|(Cluster)?Role(Binding)?)$/.test(manifest.kind)) await applyObject(server.url, manifest);
  return objects;
}

/** A bearer token of a ServiceAccount of the chart. */
export async function tokenOf(server: ApiServer, account: string): Promise<string> {
  const target = `${server.url}/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
  const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return ((await answer.json()) as { status: { token: string } }).status.token;
}

/** The permissions that the chart gives a component, each as `verb resource`. */
export function granted(objects: readonly Manifest[], component: string): Set<string> {
  const roles = objects.filter(({ kind, metadata }) => (kind === 'Role' || kind === 'ClusterRole') && metadata.name === component);
  const rules = roles.flatMap(role => (role as Manifest & { rules: Rule[] }).rules);
  return new Set(rules.flatMap(({ resources, verbs }) => resources.flatMap(resource => verbs.map(verb => `${verb} ${resource}`))));
}

/** What an account did so far, by the audit log: what it was allowed, and what it was refused. */
export function doings(server: ApiServer, account: string): { used: Set<string>; refused: Set<string> } {
  const used = new Set<string>();
  const refused = new Set<string>();
  for (const entry of server.audit.entries({ user: `system:serviceaccount:${namespace}:${account}` })) {
    if (!entry.isResource) continue;
    const what = `${entry.resource}${entry.subresource === '' ? '' : `/${entry.subresource}`}`;
    if (entry.status === 403) refused.add(`${entry.verb} ${what}`);
    if (entry.status >= 400) continue;
    used.add(`${entry.verb} ${what}`);
    // Server-side apply of what does not exist needs to be allowed to create it as well.
    if (entry.verb === 'patch' && entry.status === 201) used.add(`create ${what}`);
  }
  return { used, refused };
}

/** Waits for what a process does; says what it was refused when it does not do it. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, detail: () => string = () => ''): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await condition()) return;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not happen ${detail()}`);
}

/** Reads an object past all permissions. */
export async function read<T>(server: ApiServer, path: string): Promise<T | undefined> {
  const answer = await fetch(server.url + path);
  return answer.ok ? ((await answer.json()) as T) : undefined;
}

interface ObjectParts {
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** An object in short. */
export function manifest(apiVersion: string, kind: string, name: string, metadata: ObjectParts = {}, rest: object = {}): Manifest {
  return { apiVersion, kind, metadata: { name, ...metadata }, ...rest };
}

/** An object of Herald's configuration. */
export const config = (kind: string, name: string, spec: object): Manifest =>
  manifest('heraldlb.io/v1beta1', kind, name, { namespace }, { spec });
