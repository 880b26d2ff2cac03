import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chartFolder, helm, template } from '@herald/charts';
import { type Client, connectTo, type KubeObject, resource } from '@herald/kube';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { parse, parseAllDocuments } from 'yaml';
import type { PodSpec } from './pod.ts';

export const namespace = 'herald-system';

type Workload = KubeObject & { spec: { template: { spec: PodSpec } } };
const workload = (plural: string, kind: string) => resource<Workload>({ group: 'apps', version: 'v1', plural, kind, namespaced: true });
const kinds = { controller: workload('deployments', 'Deployment'), speaker: workload('daemonsets', 'DaemonSet') };

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** An API server with HTTPS and RBAC, on which the chart, or what was made of it, is installed. */
export interface Release {
  readonly server: ApiServer;
  /** With all rights. */
  readonly client: Client;
  readonly kubeconfig: string;
  /** The pods that the chart asks for. */
  pod(component: keyof typeof kinds): Promise<PodSpec>;
  /** The service account of a component, for {@link startPod}; `port` is where its node finds the API server. */
  account(component: keyof typeof kinds, port: number): { token: string; ca: string; port: number };
  readonly port: number;
  close(): Promise<void>;
}

/** The pod of a component with these values, as `--set` takes them. */
export async function podWith(component: keyof typeof kinds, values: readonly string[]): Promise<PodSpec> {
  const objects = parseAllDocuments(await template(values)).map(document => document.toJS() as Workload | null);
  const found = objects.find(object => object?.kind === kinds[component].kind);
  if (!found) throw new Error(`the chart makes no ${kinds[component].kind}`);
  return found.spec.template.spec;
}

/**
 * By helm.
 * @param values as `--set` takes them
 */
export function installRelease(folder: string, values: readonly string[] = []): Promise<Release> {
  const homes = ['registry-config', 'repository-config', 'repository-cache'].flatMap(name => [`--${name}`, join(folder, name)]);
  const sets = values.flatMap(value => ['--set', value]);
  const words = ['install', 'herald', chartFolder, '--namespace', namespace, '--create-namespace', ...homes, ...sets];
  return start(folder, kubeconfig => helm([...words, '--kubeconfig', kubeconfig]));
}

/** The plain manifests, as `kubectl apply -k` takes them. */
export function installManifests(folder: string): Promise<Release> {
  const words = ['apply', '--server-side', '-k', 'deploy/', '--cache-dir', join(folder, 'cache')];
  return start(folder, kubeconfig => run('kubectl', [...words, '--kubeconfig', kubeconfig], { cwd: root }));
}

async function start(folder: string, install: (kubeconfig: string) => Promise<unknown>): Promise<Release> {
  const server = await startApiServer({ port: 0, tls: {}, network: { serviceCidrs: ['10.64.0.0/12'] } });
  const kubeconfig = join(folder, 'kubeconfig');
  mkdirSync(folder, { recursive: true });
  writeFileSync(kubeconfig, server.kubeconfig(), { mode: 0o600 });
  const { users } = parse(server.kubeconfig()) as { users: { user: { token: string } }[] };
  const ca = server.ca ?? '';
  const client = connectTo(server.url, { ca, token: users[0]?.user.token ?? '', qps: 0 });
  try {
    await install(kubeconfig);
  } catch (error) {
    client.close();
    await server.close();
    throw error;
  }
  return {
    server,
    client,
    kubeconfig,
    port: Number(new URL(server.url).port),
    pod: async component => (await client.get(kinds[component], { name: `herald-${component}`, namespace })).spec.template.spec,
    account: (component, port) => ({ token: server.serviceAccountToken(namespace, `herald-${component}`), ca, port }),
    close: async () => {
      client.close();
      await server.close();
    },
  };
}
