import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runController } from '@herald/controller';
import { kinds, toCustomResourceDefinition } from '@herald/crds';
import { connectTo } from '@herald/kube';
import { createLogger } from '@herald/process';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { applyObject, type Manifest } from './apply.ts';
import { manifest, namespace, read, until } from './permissions.ts';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

interface ServiceStatus {
  spec: { type: string };
  status?: { loadBalancer?: { ingress?: { ip: string }[] }; conditions?: { type: string; reason: string; message: string }[] };
}

/** The documents of a file, or of every file of a folder in the order in which kubectl takes them. */
function documents(path: string): Manifest[] {
  const files = path.endsWith('.yaml')
    ? [path]
    : readdirSync(folder + path)
        .toSorted()
        .map(name => `${path}/${name}`);
  return files.flatMap(file => parseAllDocuments(readFileSync(folder + file, 'utf8')).map(document => document.toJS() as Manifest));
}

describe('what the controller makes of the examples', () => {
  let server: ApiServer;
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(async () => {
    server = await startApiServer({ port: 0, network: { serviceCidrs: ['10.96.0.0/16', 'fd00:96::/108'] } });
    for (const kind of kinds) await applyObject(server.url, { ...toCustomResourceDefinition(kind) });
    await applyObject(server.url, manifest('v1', 'Namespace', namespace));
    stop = new AbortController();
    running = runController(
      {
        logger: createLogger({ component: 'controller', level: 'silent' }),
        version: 'test',
        connect: options => Promise.resolve(connectTo(server.url, options)),
        namespace,
        qps: 0,
        burst: 1,
        loadBalancerClass: null,
        identity: 'replica',
      },
      stop.signal,
    );
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await server.close();
  });

  const apply = async (...paths: string[]): Promise<void> => {
    for (const object of paths.flatMap(documents)) await applyObject(server.url, object);
  };
  const service = (name: string, from = 'default') => read<ServiceStatus>(server, `/api/v1/namespaces/${from}/services/${name}`);
  const addresses = async (name: string, from = 'default'): Promise<string[]> => {
    return ((await service(name, from))?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
  };

  /** Waits for the answer to a Service: its addresses, or why it has none. */
  async function answer(name: string, from = 'default'): Promise<{ ips: string[]; reason: string | undefined }> {
    let reason: string | undefined;
    await until(`an answer to Service ${from}/${name}`, async () => {
      reason = (await service(name, from))?.status?.conditions?.find(({ type }) => type === 'heraldlb.io/Allocated')?.reason;
      return reason !== undefined;
    });
    return { ips: await addresses(name, from), reason };
  }

  it('layer2/ and services/: each LoadBalancer gets an address of the pool, the others are left alone', async () => {
    await apply('layer2', 'services');
    const balanced = ['nginx-svc', 'kubia-loadbalancer', 'my-nginx-svc', 'test1', 'test1-two', 'kubia-onlylocal', 'sticky', 'my-service'];
    const given: string[] = [];
    for (const name of balanced) {
      const { ips, reason } = await answer(name);
      expect([name, ips.length, reason]).toEqual([name, 1, 'AddressAssigned']);
      given.push(...ips);
    }
    expect(given.toSorted()).toEqual([240, 241, 242, 243, 244, 245, 246, 247].map(last => `192.168.150.${last}`));
    for (const name of ['mysql-k8s', 'my-external', 'my-service-external-ips']) {
      expect((await service(name))?.status).toEqual({ loadBalancer: {} });
    }
  });

  it('requests/: certain addresses, in their order, and a class', async () => {
    await apply('layer2', 'requests');
    expect(await answer('web-at-245')).toEqual({ ips: ['192.168.150.245'], reason: 'AddressAssigned' });
    expect(await answer('web-twice')).toEqual({ ips: ['192.168.150.246', '192.168.150.244'], reason: 'AddressAssigned' });
    for (const name of ['web-from-lan', 'web-without-node-ports', 'web-by-class']) {
      expect((await answer(name)).ips).toEqual([expect.stringMatching(/^192\.168\.150\.24\d$/)]);
    }
  });

  it('sharing/: two Services on one address', async () => {
    await apply('layer2', 'sharing');
    expect(await answer('dns-udp')).toEqual({ ips: ['192.168.150.249'], reason: 'AddressAssigned' });
    expect(await answer('dns-tcp')).toEqual({ ips: ['192.168.150.249'], reason: 'AddressAssigned' });
  });

  it('reservations/: the address waits for its Service, before it exists and after it went', async () => {
    await apply('layer2', 'reservations');
    await applyObject(server.url, manifest('v1', 'Namespace', 'shop'));
    const spec = { type: 'LoadBalancer', ports: [{ port: 80 }] };
    await applyObject(server.url, manifest('v1', 'Service', 'frontend', { namespace: 'shop' }, { spec }));
    expect(await answer('frontend', 'shop')).toEqual({ ips: ['192.168.150.243'], reason: 'AddressAssigned' });
    const { ips } = await answer('web-kept');
    await fetch(`${server.url}/api/v1/namespaces/default/services/web-kept`, { method: 'DELETE' });
    const path = `/apis/heraldlb.io/v1beta1/namespaces/${namespace}/ipreservations/default.web-kept`;
    await until('a reservation', async () => (await read(server, path)) !== undefined);
    expect(await read(server, path)).toMatchObject({ spec: { service: { namespace: 'default', name: 'web-kept' }, addresses: ips } });
  });

  it('ipv6/ and dual-stack/: one family, both from two pools, and both in the order of the Service', async () => {
    await apply('dual-stack', 'ipv6');
    expect((await answer('web-v6')).ips).toEqual([expect.stringMatching(/^fd00:/)]);
    expect((await answer('web-prefer-dual')).ips).toEqual([expect.stringMatching(/^192\.168\.151\./), expect.stringMatching(/^fd00:/)]);
    expect((await answer('web-require-dual')).ips).toEqual([
      expect.stringMatching(/^fd00:152:/),
      expect.stringMatching(/^192\.168\.152\./),
    ]);
  });

  it('pools/: only the tenants, not the excluded addresses, and not more than the quota', async () => {
    await apply('pools/tenants.yaml');
    const spec = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] };
    await applyObject(server.url, manifest('v1', 'Namespace', 'tenant-a'));
    for (let number = 1; number <= 5; number++) {
      await applyObject(server.url, manifest('v1', 'Service', `web-${number}`, { namespace: 'tenant-a' }, { spec }));
      expect((await answer(`web-${number}`, 'tenant-a')).ips).toEqual([`172.20.0.${9 + number}`]);
    }
    await applyObject(server.url, manifest('v1', 'Service', 'web-6', { namespace: 'tenant-a' }, { spec }));
    expect(await answer('web-6', 'tenant-a')).toEqual({ ips: [], reason: 'QuotaExceeded' });
    await applyObject(server.url, manifest('v1', 'Service', 'stranger', {}, { spec }));
    expect(await answer('stranger')).toEqual({ ips: [], reason: 'NoEligiblePool' });
  });
});
