import { kinds, toCustomResourceDefinition } from '@herald/crds';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyObject, createObject, type Manifest } from './apply.ts';

const namespace = 'herald-system';

const object = (kind: string, spec: unknown): Manifest & { spec: unknown } => ({
  apiVersion: 'heraldlb.io/v1beta1',
  kind,
  metadata: { name: 'under-test', namespace },
  spec,
});

const pool = (more: object) => object('IPAddressPool', { addresses: ['10.0.0.0/24'], ...more });
const peer = (more: object) => object('BGPPeer', { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1', ...more });

describe('the kinds on an API server', () => {
  let server: ApiServer;

  beforeAll(async () => {
    server = await startApiServer({ port: 0 });
    for (const kind of kinds) await applyObject(server.url, { ...toCustomResourceDefinition(kind) });
    await applyObject(server.url, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  });

  afterAll(() => server.close());

  it.each<{ title: string; manifest: Manifest; part: string }>([
    { title: 'a pool without addresses', manifest: object('IPAddressPool', {}), part: 'spec.addresses' },
    { title: 'a pool with an empty list', manifest: pool({ addresses: [] }), part: 'spec.addresses' },
    { title: 'an address that is none', manifest: pool({ addresses: ['lan'] }), part: 'spec.addresses[0]' },
    { title: 'an address twice', manifest: pool({ addresses: ['10.0.0.0/24', '10.0.0.0/24'] }), part: 'Duplicate value' },
    { title: 'a misspelt field', manifest: pool({ adresses: [] }), part: 'adresses' },
    { title: 'an unknown onRemoval', manifest: pool({ onRemoval: 'Maybe' }), part: 'onRemoval' },
    { title: 'a delay without unit', manifest: pool({ reuseDelay: '10' }), part: 'reuseDelay' },
    {
      title: 'a selector with In and no values',
      manifest: pool({ serviceAllocation: { namespaceSelectors: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }] } }),
      part: 'need at least one value',
    },
    {
      title: 'a weight of 101',
      manifest: object('L2Advertisement', { preferredNodeSelectors: [{ weight: 101, preference: {} }] }),
      part: 'weight',
    },
    {
      title: 'a peer without a router',
      manifest: object('BGPPeer', { myASN: 1, peerASN: 2 }),
      part: 'exactly one of peerAddress and interface',
    },
    {
      title: 'a peer with two ways to its router',
      manifest: peer({ interface: 'eth0' }),
      part: 'exactly one of peerAddress and interface',
    },
    { title: 'a peer with two AS numbers', manifest: peer({ dynamicASN: 'external' }), part: 'exactly one of peerASN and dynamicASN' },
    { title: 'a hold time of 2 s', manifest: peer({ holdTime: '2s' }), part: 'holdTime must be 0s or at least 3s' },
    { title: 'a keepalive time over the hold time', manifest: peer({ holdTime: '9s', keepaliveTime: '10s' }), part: 'must not be longer' },
    { title: 'multihop inside one AS', manifest: peer({ peerASN: 64_500, ebgpMultiHop: true }), part: 'external sessions only' },
    {
      title: 'two ways to authenticate',
      manifest: peer({ password: 'x', passwordSecret: { name: 'y' } }),
      part: 'at most one of password',
    },
    {
      title: 'aggregation with serviceSelectors',
      manifest: object('BGPAdvertisement', { aggregationLength: 24, serviceSelectors: [{}] }),
      part: 'exclude each other',
    },
    { title: 'a community that is none', manifest: object('Community', { communities: [{ name: 'x', value: 'no' }] }), part: 'value' },
    {
      title: 'a reservation of addresses and of a pool',
      manifest: object('IPReservation', { service: { namespace: 'a', name: 'b' }, addresses: ['10.0.0.1'], pool: 'p' }),
      part: 'exactly one of addresses and pool',
    },
    { title: 'a multiplier of 1', manifest: object('BFDProfile', { detectMultiplier: 1 }), part: 'detectMultiplier' },
  ])('refuse $title', async ({ manifest, part }) => {
    await expect(createObject(server.url, manifest)).rejects.toThrow(part);
  });

  it.each<{ title: string; manifest: Manifest; spec: object }>([
    {
      title: 'a pool',
      manifest: pool({}),
      spec: {
        autoAssign: true,
        avoidBuggyIPs: false,
        drain: false,
        onRemoval: 'Reallocate',
        reuseDelay: '0s',
        allowCrossNamespaceSharing: false,
      },
    },
    { title: 'a layer 2 advertisement', manifest: object('L2Advertisement', {}), spec: { preemption: 'Never' } },
    {
      title: 'a BGP advertisement',
      manifest: object('BGPAdvertisement', {}),
      spec: { aggregationLength: 32, aggregationLengthV6: 128, asPathPrepend: 0, weightByEndpoints: false },
    },
    {
      title: 'a peer',
      manifest: peer({ gtsm: {}, holdTime: '0s' }),
      spec: { peerPort: 179, passive: false, ebgpMultiHop: false, gtsm: { hops: 1 } },
    },
    {
      title: 'a BFD profile',
      manifest: object('BFDProfile', {}),
      spec: { receiveInterval: 300, transmitInterval: 300, detectMultiplier: 3 },
    },
  ])('fill in the defaults of $title', async ({ manifest, spec }) => {
    expect(await applyObject(server.url, manifest)).toMatchObject({ spec });
  });
});
