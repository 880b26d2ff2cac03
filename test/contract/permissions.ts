import { readFileSync } from 'node:fs';
import { template } from '@herald/charts';
import { kinds, toCustomResourceDefinition } from '@herald/crds';
import type { ApiServer, AuditEntry } from 'kube-apiserver-lite';
import { parseAllDocuments } from 'yaml';
import { applyObject, type Manifest } from './apply.ts';

export const namespace = 'herald-system';

/** The CRDs of MetalLB. */
export const metallbKinds: readonly Manifest[] = parseAllDocuments(
  readFileSync(new URL('../metallb/crds.yaml', import.meta.url), 'utf8'),
).map(document => document.toJS() as Manifest);

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

type Role = Manifest & { rules: Rule[] };

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
  const rules = rolesOf(objects, component).flatMap(role => role.rules);
  return new Set(rules.flatMap(({ resources, verbs }) => resources.flatMap(resource => verbs.map(verb => `${verb} ${resource}`))));
}

/** How many permissions the chart gives a component, over all of its roles. */
export function countOf(objects: readonly Manifest[], component: string): number {
  const rules = rolesOf(objects, component).flatMap(role => role.rules);
  return rules.reduce((sum, { apiGroups, resources, verbs }) => sum + apiGroups.length * resources.length * verbs.length, 0);
}

function rolesOf(objects: readonly Manifest[], component: string): Role[] {
  return objects.filter(({ kind, metadata }) => (kind === 'Role' || kind === 'ClusterRole') && metadata.name === component) as Role[];
}

/**
 * Takes each permission of a component away on its own, one verb of one resource of one rule after the other, and asks the server
 * whether the account may still do what it did so far.
 * @returns how many there are, and those without which nothing would be refused
 */
export async function withoutEach(server: ApiServer, objects: readonly Manifest[], component: string) {
  const requests = recorded(server, component);
  const needless: string[] = [];
  let tried = 0;
  for (const role of rolesOf(objects, component)) {
    for (const [at, rule] of role.rules.entries()) {
      for (const group of rule.apiGroups)
        for (const resource of rule.resources)
          for (const verb of rule.verbs) {
            tried += 1;
            await applyObject(server.url, {
              ...role,
              rules: role.rules.toSpliced(at, 1, ...withoutOne(rule, group, resource, verb)),
            } as Role);
            const concerned = requests.filter(request => request.verb === verb && request.group === group && named(request) === resource);
            const allowed = await Promise.all(concerned.map(request => mayStill(server, component, request)));
            if (allowed.every(may => may)) needless.push(`${role.kind}: ${verb} ${resource}`);
          }
    }
    await applyObject(server.url, role);
  }
  return { tried, needless, kept: (await Promise.all(requests.map(request => mayStill(server, component, request)))).every(may => may) };
}

const others = (all: readonly string[], one: string): string[] => all.filter(each => each !== one);

/** What a rule allows but for one verb of one resource. */
function withoutOne(rule: Rule, group: string, resource: string, verb: string): Rule[] {
  const parts: Rule[] = [
    { ...rule, apiGroups: others(rule.apiGroups, group) },
    { ...rule, apiGroups: [group], resources: others(rule.resources, resource) },
    { ...rule, apiGroups: [group], resources: [resource], verbs: others(rule.verbs, verb) },
  ];
  return parts.filter(({ apiGroups, resources, verbs }) => apiGroups.length > 0 && resources.length > 0 && verbs.length > 0);
}

type Request = Pick<AuditEntry, 'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>;

const named = ({ resource, subresource }: Request): string => (subresource === '' ? resource : `${resource}/${subresource}`);

/** What an account asked for and got, each once. */
function recorded(server: ApiServer, account: string): Request[] {
  const requests = new Map<string, Request>();
  for (const entry of server.audit.entries({ user: `system:serviceaccount:${namespace}:${account}` })) {
    if (!entry.isResource || entry.status >= 400) continue;
    const { verb, group, resource, subresource, name } = entry;
    const request = { verb, group, resource, subresource, namespace: entry.namespace, name };
    requests.set(JSON.stringify(request), request);
    if (verb !== 'patch' || entry.status !== 201) continue;
    const create = { ...request, verb: 'create' };
    requests.set(JSON.stringify(create), create);
  }
  return [...requests.values()];
}

/** Whether an account of Herald's namespace may do something, as the server says. */
export async function mayStill(server: ApiServer, account: string, resourceAttributes: Partial<Request>): Promise<boolean> {
  const user = `system:serviceaccount:${namespace}:${account}`;
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user, groups, resourceAttributes } };
  const target = `${server.url}/apis/authorization.k8s.io/v1/subjectaccessreviews`;
  const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(review) });
  return ((await answer.json()) as { status: { allowed: boolean } }).status.allowed;
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
