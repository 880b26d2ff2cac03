import { setTimeout as sleep } from 'node:timers/promises';
import { helmPath, template } from '@herald/charts';
import { runController } from '@herald/controller';
import { kinds, toCustomResourceDefinition } from '@herald/crds';
import { connectTo, type RequestObservation } from '@herald/kube';
import { createLogger } from '@herald/process';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { applyObject, createObject, type Manifest } from './apply.ts';

const namespace = 'herald-system';

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

const rendered = async (): Promise<Manifest[]> =>
  parseAllDocuments(await template()).flatMap(document => (document.toJS() as Manifest | null) ?? []);

/** The permissions that the chart gives a component, each as `verb resource`. */
function granted(objects: readonly Manifest[], name: string): Set<string> {
  const roles = objects.filter(({ kind, metadata }) => (kind === 'Role' || kind === 'ClusterRole') && metadata.name === name);
  const rules = roles.flatMap(role => (role as Manifest & { rules: Rule[] }).rules);
  return new Set(rules.flatMap(({ resources, verbs }) => resources.flatMap(resource => verbs.map(verb => `${verb} ${resource}`))));
}

/** What a call needs: server-side apply needs `patch`, and `create` where the object did not exist. */
function needed({ verb, resource, code }: RequestObservation): string[] {
  if (verb !== 'apply') return [`${verb} ${resource}`];
  return [`patch ${resource}`, ...(code === '201' ? [`create ${resource}`] : [])];
}

const object = (apiVersion: string, kind: string, name: string, rest: object, inNamespace?: string): Manifest => ({
  apiVersion,
  kind,
  metadata: {
    name,
    ...(inNamespace === undefined ? {} : { namespace: inNamespace }),
    ...('metadata' in rest ? (rest.metadata as object) : {}),
  },
  ...('metadata' in rest ? Object.fromEntries(Object.entries(rest).filter(([key]) => key !== 'metadata')) : rest),
});
const config = (kind: string, name: string, spec: object): Manifest => object('heraldlb.io/v1beta1', kind, name, { spec }, namespace);
const service = (name: string, annotations: Record<string, string> = {}): Manifest =>
  object('v1', 'Service', name, {
    metadata: { annotations },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }] },
  });

describe.skipIf(helmPath() === undefined)('the permissions of the chart', () => {
  let server: ApiServer;
  let objects: Manifest[];
  const calls: RequestObservation[] = [];
  const stop = new AbortController();
  let running: Promise<void> | undefined;

  beforeAll(async () => {
    server = await startApiServer({ port: 0 });
    objects = await rendered();
    await applyObject(server.url, object('v1', 'Namespace', namespace, {}));
    for (const kind of kinds) await applyObject(server.url, { ...toCustomResourceDefinition(kind) });
    for (const manifest of objects)
      if (/^(Service|Cluster)?(Account|Role|RoleBinding)$/.test(manifest.kind)) await applyObject(server.url, manifest);
  });

  afterAll(async () => {
    stop.abort();
    await running;
    await server.close();
  });

  async function tokenOf(account: string): Promise<string> {
    const target = `${server.url}/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
    const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return ((await answer.json()) as { status: { token: string } }).status.token;
  }

  async function get<T>(path: string): Promise<T | undefined> {
    const answer = await fetch(server.url + path);
    return answer.ok ? ((await answer.json()) as T) : undefined;
  }

  async function hasAddress(name: string): Promise<boolean> {
    const found = await get<{ status?: { loadBalancer?: { ingress?: unknown[] } } }>(`/api/v1/namespaces/default/services/${name}`);
    return found?.status?.loadBalancer?.ingress?.length === 1;
  }

  const remove = (path: string): Promise<unknown> => fetch(server.url + path, { method: 'DELETE' });

  /** Waits for what the controller does; says which calls were refused when it does not. */
  async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 150; attempt++) {
      if (await condition()) return;
      await sleep(100);
    }
    throw new Error(`${what} did not happen; refused: ${refused().join(', ') || 'nothing'}`);
  }

  const refused = (): string[] => [
    ...new Set(calls.filter(({ code }) => code === '403').map(({ verb, resource }) => `${verb} ${resource}`)),
  ];
  const done = (permission: string): boolean => calls.some(call => call.code.startsWith('2') && needed(call).includes(permission));

  it('are enough for the controller, and each of them is needed', async () => {
    const token = await tokenOf('herald-controller');
    running = runController(
      {
        logger: createLogger({ component: 'controller', level: 'silent' }),
        version: 'test',
        connect: options => Promise.resolve(connectTo(server.url, { ...options, token, observer: call => void calls.push(call) })),
        namespace,
        qps: 0,
        burst: 1,
        loadBalancerClass: null,
        identity: 'replica',
        leaderElection: { name: 'herald-controller', leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 500 },
      },
      stop.signal,
    );
    await applyObject(server.url, object('v1', 'Node', 'n1', {}));
    await applyObject(
      server.url,
      object('v1', 'Node', 'n2', { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } } }),
    );
    await applyObject(server.url, config('IPAddressPool', 'lan', { addresses: ['192.168.150.240-192.168.150.250'] }));
    await applyObject(server.url, config('L2Advertisement', 'lan', {}));
    await applyObject(server.url, config('BGPAdvertisement', 'lan', {}));
    await applyObject(server.url, config('BGPPeer', 'tor', { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1' }));
    await applyObject(server.url, config('BFDProfile', 'fast', {}));
    await applyObject(server.url, config('Community', 'names', { communities: [{ name: 'x', value: '1:2' }] }));
    await applyObject(server.url, service('web'));
    const slice = {
      addressType: 'IPv4',
      ports: [{ port: 80 }],
      endpoints: [{ addresses: ['10.1.0.1'], nodeName: 'n1', conditions: { ready: true } }],
    };
    await applyObject(
      server.url,
      object('discovery.k8s.io/v1', 'EndpointSlice', 'web-1', { metadata: { labels: { 'kubernetes.io/service-name': 'web' } }, ...slice }),
    );
    await applyObject(server.url, service('kept', { 'heraldlb.io/keep-ip': 'true' }));

    const announcement = '/apis/heraldlb.io/v1beta1/namespaces/default/announcements/web';
    await until('an address for each Service', async () => (await hasAddress('web')) && hasAddress('kept'));
    await until('an Announcement', async () => (await get(announcement)) !== undefined);
    await until('a status with the excluded node', () => Promise.resolve(done('patch announcements/status')));

    await remove('/api/v1/namespaces/default/services/kept');
    await until('a reservation of what the deleted Service held', () => Promise.resolve(done('create ipreservations')));
    const clusterIP = { ...service('web'), spec: { type: 'ClusterIP', selector: { app: 'web' }, ports: [{ port: 80 }] } };
    await applyObject(server.url, clusterIP);
    await until('no Announcement', async () => (await get(announcement)) === undefined);

    const permissions = granted(objects, 'herald-controller');
    const unused = () => [...permissions].filter(permission => !done(permission) && permission !== 'patch events');
    await until('a use of every permission', () => Promise.resolve(unused().length === 0)).catch((error: unknown) => {
      throw new Error(`granted and never used: ${unused().join(', ')}`, { cause: error });
    });
    expect(refused()).toEqual([]);
  });

  it('let no speaker write what it need not', async () => {
    const token = await tokenOf('herald-speaker');
    const answer = async (method: string, path: string): Promise<number> => {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      };
      return (await fetch(server.url + path, { method, headers, ...(method === 'GET' ? {} : { body: '{}' }) })).status;
    };
    const own = `/apis/heraldlb.io/v1beta1/namespaces/${namespace}`;
    expect(await answer('GET', '/apis/heraldlb.io/v1beta1/announcements')).toBe(200);
    expect(await answer('GET', '/api/v1/nodes')).toBe(200);
    expect(await answer('GET', '/api/v1/namespaces/kube-system')).toBe(200);
    expect(await answer('GET', `${own}/bgppeers`)).toBe(200);
    expect(await answer('GET', '/api/v1/namespaces/default')).toBe(403);
    expect(await answer('GET', '/api/v1/services')).toBe(403);
    expect(await answer('GET', '/api/v1/namespaces/default/secrets')).toBe(403);
    expect(await answer('PATCH', '/apis/heraldlb.io/v1beta1/namespaces/default/announcements/web')).toBe(403);
    expect(await answer('PATCH', `${own}/ipaddresspools/lan`)).toBe(403);
    expect(await answer('PATCH', '/api/v1/namespaces/default/services/web/status')).toBe(403);
    expect(await answer('POST', `${own}/ipaddresspools`)).toBe(403);
  });

  it('need no more than what is listed: an account without them can do nothing', async () => {
    await createObject(server.url, object('v1', 'ServiceAccount', 'nobody', {}, namespace));
    const token = await tokenOf('nobody');
    const answer = await fetch(`${server.url}/api/v1/services`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(403);
  });
});
