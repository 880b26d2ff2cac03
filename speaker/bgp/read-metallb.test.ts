import { type Announcement, kinds, metallbKinds, toCustomResourceDefinition } from '@herald/crds';
import { type Client, connectTo, customResourceDefinitions, Informer, type KubeObject, namespaces, resource, secrets } from '@herald/kube';
import { createLogger } from '@herald/process';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterEach, describe, expect, it } from 'vitest';
import { announcements } from '../resources.ts';
import { type BGPState, NodeBGP } from './bgp.ts';
import { BGPSpeaker } from './bgp-speaker.ts';
import { peersOf } from './peers.ts';

const METALLB = 'metallb-system';

/** Notes what it shall do instead of doing it. */
class Noted extends NodeBGP {
  last: BGPState | undefined;
  override update(state: BGPState): Promise<void> {
    this.last = state;
    return Promise.resolve();
  }
}

let server: ApiServer;
let client: Client;
let stop: AbortController;
let speaker: BGPSpeaker;

afterEach(async () => {
  stop.abort();
  await speaker.stop(true);
  client.close();
  await server.close();
});

/** A cluster that serves MetalLB's BGPPeers at these versions, the last of which is stored, and a speaker that reads them. */
async function cluster(versions: readonly string[]): Promise<Noted> {
  server = await startApiServer();
  client = connectTo(server.url, { qps: 0 });
  for (const kind of kinds) await client.create(customResourceDefinitions, toCustomResourceDefinition(kind));
  for (const name of ['herald-system', METALLB]) await client.create(namespaces, { metadata: { name } });
  const schema = {
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } },
  };
  for (const { group, plural, kind } of metallbKinds) {
    const served = plural === 'bgppeers' ? versions : ['v1beta1'];
    await client.create(customResourceDefinitions, {
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
        versions: served.map((name, index) => ({ name, served: true, storage: index === served.length - 1, schema })),
      },
    });
  }
  stop = new AbortController();
  const bgp = new Noted({ node: 'n1', log: () => undefined });
  const informer = new Informer<Announcement>(client, announcements);
  speaker = new BGPSpeaker({
    client,
    node: 'n1',
    namespace: 'herald-system',
    metallb: { namespace: METALLB, absentRetryMs: 50 },
    logger: createLogger({ component: 'speaker', level: 'silent' }),
    announcements: informer,
    drainTime: 0,
    ignoreExcludeLabel: false,
    bgp,
  });
  informer.start(stop.signal);
  speaker.start(stop.signal);
  return bgp;
}

async function create(version: string, kind: string, plural: string, name: string, spec: unknown): Promise<void> {
  const kindOf = resource<KubeObject & { spec?: unknown }>({ group: 'metallb.io', version, plural, kind, namespaced: true });
  await eventually(async () => (await client.create(kindOf, { metadata: { name, namespace: METALLB }, spec })) !== undefined);
}

async function eventually(look: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await Promise.resolve(look()).catch(() => false)) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error('waited in vain');
}

const password = (text: string) => ({ password: Buffer.from(text).toString('base64') });
const peer = { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1' };

describe("a speaker with MetalLB's objects", () => {
  it('reads BGPPeers of v1beta1 where nothing newer is served, with its times of 0s for not set', async () => {
    const bgp = await cluster(['v1beta1']);
    expect(speaker.problem()).toBe('waiting for the BGP configuration');
    await create('v1beta1', 'BGPPeer', 'bgppeers', 'tor', {
      ...peer,
      holdTime: '0s',
      keepaliveTime: '0s',
      peerPort: 0,
      nodeSelectors: [{ matchLabels: { rack: 'a' } }],
    });
    await create('v1beta1', 'IPAddressPool', 'ipaddresspools', 'lan', { addresses: ['192.168.10.0/24'] });
    await create('v1beta1', 'BGPAdvertisement', 'bgpadvertisements', 'all', {});
    await eventually(
      () => bgp.last?.config.peers.length === 1 && bgp.last.config.bgpAdvertisements.length === 1 && bgp.last.config.pools.length === 1,
    );
    expect(speaker.problem()).toBeUndefined();
    const [found] = bgp.last?.config.peers ?? [];
    expect(found).toMatchObject({ name: 'tor', holdTime: 90_000, port: 179, peerASN: 64_501 });
    expect(found?.nodeSelectors).toHaveLength(1);
  });

  it("reads BGPPeers of v1beta2, and the password from the Secret in MetalLB's namespace", async () => {
    const bgp = await cluster(['v1beta1', 'v1beta2']);
    await create('v1beta2', 'BGPPeer', 'bgppeers', 'tor', { ...peer, passwordSecret: { name: 'tor' }, vrf: '' });
    const metadata = { name: 'tor', namespace: 'herald-system' };
    await client.create(secrets, { metadata, type: 'kubernetes.io/basic-auth', data: password("Herald's") });
    await client.create(secrets, {
      metadata: { ...metadata, namespace: METALLB },
      type: 'kubernetes.io/basic-auth',
      data: password("MetalLB's"),
    });
    await eventually(() => {
      if (bgp.last === undefined) return false;
      return peersOf(bgp.last.config, {}, bgp.last.passwords).peers.get('tor')?.password === "MetalLB's";
    });
  });
});
