import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartFolder, helm } from '@herald/charts';
import { type Client, connectTo, type KubeObject, resource } from '@herald/kube';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { parse } from 'yaml';
import type { PodSpec } from './pod.ts';

export const namespace = 'herald-system';

type Workload = KubeObject & { spec: { template: { spec: PodSpec } } };
const workload = (plural: string, kind: string) => resource<Workload>({ group: 'apps', version: 'v1', plural, kind, namespaced: true });
const kinds = { controller: workload('deployments', 'Deployment'), speaker: workload('daemonsets', 'DaemonSet') };

/** An API server with HTTPS and RBAC, on which helm has installed the chart. */
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

/** @param values as `--set` takes them */
export async function installRelease(folder: string, values: readonly string[] = []): Promise<Release> {
  const server = await startApiServer({ port: 0, tls: {}, network: { serviceCidrs: ['10.64.0.0/12'] } });
  const kubeconfig = join(folder, 'kubeconfig');
  mkdirSync(folder, { recursive: true });
  writeFileSync(kubeconfig, server.kubeconfig(), { mode: 0o600 });
  const { users } = parse(server.kubeconfig()) as { users: { user: { token: string } }[] };
  const ca = server.ca ?? '';
  const client = connectTo(server.url, { ca, token: users[0]?.user.token ?? '', qps: 0 });
  const homes = ['registry-config', 'repository-config', 'repository-cache'].flatMap(name => [`--${name}`, join(folder, name)]);
  const sets = values.flatMap(value => ['--set', value]);
  const where = ['--namespace', namespace, '--create-namespace', '--kubeconfig', kubeconfig];
  try {
    await helm(['install', 'herald', chartFolder, ...where, ...homes, ...sets]);
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
