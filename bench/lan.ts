import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type KubeObject, nodes, resource, services } from '@herald/kube';
import { LanWatch, Playground, type PlaygroundOptions } from '@herald/playground';
import { parse } from 'yaml';

const POOL = ['192.168.150.120-192.168.150.239'];

/** A playground with three announcing nodes, a backend, a pool of 120 addresses and an advertisement: where the layer 2 benchmarks are run. */
export async function lanCluster(
  name: string,
  addresses: readonly string[] = POOL,
  options: Pick<PlaygroundOptions, 'speakerArguments'> = {},
): Promise<{ playground: Playground; lan: LanWatch; stop: () => Promise<void> }> {
  const playground = await Playground.start({ ...options, name: `bench-${name}`, nodes: 4, log: line => console.log(`- ${line}`) });
  try {
    // The backends stand on a node that announces nothing, so that losing an announcing node loses no backend.
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
    await playground.client.patch(nodes, { name: 'dn3' }, { metadata: { labels } }, { type: 'merge' });
    await playground.addPods({ dn3: [{ name: 'web', labels: { app: 'web' }, ports: [{ port: 80 }] }] });
    const apply = { fieldManager: 'bench', force: true };
    const pools = resource({ group: 'heraldlb.io', version: 'v1beta1', plural: 'ipaddresspools', kind: 'IPAddressPool', namespaced: true });
    const adverts = resource({
      group: 'heraldlb.io',
      version: 'v1beta1',
      plural: 'l2advertisements',
      kind: 'L2Advertisement',
      namespaced: true,
    });
    await playground.client.apply(pools, { ...example('pool'), spec: { addresses } } as KubeObject, apply);
    await playground.client.apply(adverts, example('l2advertisement'), apply);
    const lan = await LanWatch.start(playground);
    return {
      playground,
      lan,
      stop: async () => {
        await lan.stop();
        await playground.stop();
      },
    };
  } catch (error) {
    await playground.stop();
    throw error;
  }
}

/** Creates a Service that asks for one address by name. */
export async function createService(playground: Playground, name: string, address: string): Promise<void> {
  await playground.client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', annotations: { 'heraldlb.io/loadBalancerIPs': address } },
    spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80 }] },
  });
}

function example(name: string): KubeObject {
  return parse(readFileSync(fileURLToPath(new URL(`../examples/layer2/${name}.yaml`, import.meta.url)), 'utf8')) as KubeObject;
}
