import { helmPath } from '@herald/charts';
import { runController } from '@herald/controller';
import { connectTo } from '@herald/kube';
import { createLogger } from '@herald/process';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyObject, type Manifest } from './apply.ts';
import {
  config,
  countOf,
  doings,
  granted,
  install,
  manifest,
  metallbKinds,
  namespace,
  read,
  tokenOf,
  until,
  withoutEach,
} from './permissions.ts';

const METALLB = 'metallb-system';
const their = (kind: string, name: string, spec: object, version = 'v1beta1'): Manifest =>
  manifest(`metallb.io/${version}`, kind, name, { namespace: METALLB }, { spec });

const service = (name: string, annotations: Record<string, string> = {}): Manifest =>
  manifest('v1', 'Service', name, { annotations }, { spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }] } });

interface Service {
  status?: { loadBalancer?: { ingress?: { ip: string }[] }; conditions?: { type: string; status: string; reason: string }[] };
}

interface Events {
  items: { regarding: { apiVersion: string; kind: string; name: string; namespace: string }; reason: string; note: string }[];
}

describe.skipIf(helmPath() === undefined)("MetalLB's objects, read as they stand (skipped without helm)", () => {
  let server: ApiServer;
  let objects: Manifest[];
  const stop = new AbortController();
  let running: Promise<void> | undefined;

  beforeAll(async () => {
    server = await startApiServer({ port: 0 });
    await applyObject(server.url, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: METALLB } });
    objects = await install(server, 'readMetalLB.enabled=true');
    const token = await tokenOf(server, 'herald-controller');
    running = runController(
      {
        logger: createLogger({ component: 'controller', level: 'silent' }),
        version: 'test',
        connect: options => Promise.resolve(connectTo(server.url, { ...options, token })),
        namespace,
        metallb: { namespace: METALLB, absentRetryMs: 200 },
        qps: 0,
        burst: 1,
        loadBalancerClass: null,
        identity: 'replica',
      },
      stop.signal,
    );
  });

  afterAll(async () => {
    stop.abort();
    await running;
    await server.close();
  });

  const ingress = async (name: string): Promise<string[]> =>
    ((await read<Service>(server, `/api/v1/namespaces/default/services/${name}`))?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
  const refused = (): string => `(refused: ${[...doings(server, 'herald-controller').refused].join(', ') || 'nothing'})`;

  it('are not missed where the cluster lacks the kinds, and are found when it gets them', async () => {
    await applyObject(server.url, service('web'));
    const reason = async (): Promise<string | undefined> =>
      (await read<Service>(server, '/api/v1/namespaces/default/services/web'))?.status?.conditions?.find(
        ({ type }) => type === 'heraldlb.io/Allocated',
      )?.reason;
    await until('a reason', async () => (await reason()) === 'NoPool', refused);
    for (const crd of metallbKinds) await applyObject(server.url, crd);
    await applyObject(server.url, their('IPAddressPool', 'lan', { addresses: ['192.168.150.240-192.168.150.250'] }));
    await until('an address of the pool of MetalLB', async () => (await ingress('web'))[0] === '192.168.150.240', refused);
  });

  it.each([
    ['metallb.io/loadBalancerIPs', '192.168.150.245'],
    ['metallb.universe.tf/loadBalancerIPs', '192.168.150.246'],
  ])('with the annotation %s', async (annotation, ip) => {
    const name = `asks-${ip.split('.').at(-1)}`;
    await applyObject(server.url, service(name, { [annotation]: ip }));
    await until(`the address ${ip}`, async () => (await ingress(name))[0] === ip, refused);
  });

  it('that cannot be used as they are get an event, and nothing is written into any of them', async () => {
    await applyObject(server.url, their('IPAddressPool', 'broken', { addresses: ['192.168.151.9-192.168.151.1'] }));
    await applyObject(server.url, their('BGPPeer', 'old', { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1', bfdProfile: 'none' }));
    const events = async (): Promise<string[]> =>
      ((await read<Events>(server, `/apis/events.k8s.io/v1/namespaces/${METALLB}/events`))?.items ?? []).map(
        ({ regarding, reason }) => `${regarding.kind}/${regarding.name} ${reason}`,
      );
    await until('two events', async () => (await events()).length >= 2, refused);
    expect((await events()).toSorted()).toEqual(['BGPPeer/old ConfigurationRejected', 'IPAddressPool/broken ConfigurationRejected']);
    for (const [plural, name] of [
      ['ipaddresspools', 'lan'],
      ['ipaddresspools', 'broken'],
      ['bgppeers', 'old'],
    ]) {
      const found = await read<{ status?: unknown }>(server, `/apis/metallb.io/v1beta1/namespaces/${METALLB}/${plural}/${name}`);
      expect(found, name).toBeDefined();
      expect(found?.status, name).toBeUndefined();
    }
  });

  it("give way to an object of Herald's of the same name, and no address changes", async () => {
    const before = await Promise.all(['web', 'asks-245', 'asks-246'].map(ingress));
    await applyObject(server.url, config('IPAddressPool', 'lan', { addresses: ['192.168.150.240-192.168.150.250'] }));
    const assigned = async (): Promise<unknown> =>
      (await read<{ status?: { assigned?: number } }>(server, `/apis/heraldlb.io/v1beta1/namespaces/${namespace}/ipaddresspools/lan`))
        ?.status?.assigned;
    await until('the pool to count what is held', async () => (await assigned()) === 3, refused);
    await fetch(`${server.url}/apis/metallb.io/v1beta1/namespaces/${METALLB}/ipaddresspools/lan`, { method: 'DELETE' });
    await applyObject(server.url, service('later'));
    await until('an address for the next one', async () => (await ingress('later')).length === 1, refused);
    expect(await Promise.all(['web', 'asks-245', 'asks-246'].map(ingress))).toEqual(before);
    const changed = (await read<Events>(server, '/apis/events.k8s.io/v1/namespaces/default/events'))?.items ?? [];
    expect(changed.map(({ reason }) => reason)).not.toContain('AddressChanged');
  });

  it('need permissions to be read, each of them, and none to be written', async () => {
    expect(doings(server, 'herald-controller').refused).toEqual(new Set());
    for (const component of ['herald-controller', 'herald-speaker']) {
      const roles = objects.filter(object => object.kind === 'Role' && object.metadata.namespace === METALLB);
      const permissions = granted(
        roles.filter(role => role.metadata.name === component),
        component,
      );
      expect([...permissions].filter(permission => !/^(list|watch) /.test(permission))).toEqual([]);
      expect([...permissions].some(permission => permission === 'list bgppeers')).toBe(true);
    }
    stop.abort();
    await running;
    const theirs = objects.filter(object => object.metadata.namespace === METALLB);
    const tried = countOf(theirs, 'herald-controller');
    expect(tried).toBeGreaterThan(0);
    expect(await withoutEach(server, theirs, 'herald-controller')).toEqual({ tried, needless: [], kept: true });
  });
});
