import { Playground } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const pool = (name: string, ...addresses: string[]): string =>
  JSON.stringify({
    apiVersion: 'heraldlb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name, namespace: 'herald-system' },
    spec: { addresses },
  });
const service = (name: string, annotations: Record<string, string> = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  });

describe.skipIf(!canMakeNamespaces || !hasKubectl)('bad input (skipped without namespaces or kubectl)', () => {
  let playground: Playground;

  beforeAll(async () => {
    playground = await Playground.start({ name: 'e2e-refusals', nodes: 1, herald: false });
    await playground.startController();
    await kubectl(playground, 'apply', '-f', 'examples/layer2');
  });
  afterAll(async () => playground?.stop());

  const apply = (text: string) => playground.kubectl(['apply', '-f', '-'], { input: text });
  const condition = async (kind: string, name: string, type: string, ...more: string[]): Promise<Record<string, string> | undefined> => {
    const text = await kubectl(playground, 'get', kind, name, ...more, '-o', `jsonpath={.status.conditions[?(@.type=="${type}")]}`);
    return text === '' ? undefined : (JSON.parse(text) as Record<string, string>);
  };

  it.each([
    ['a bad CIDR', '192.168.150.0/33'],
    ['an end before its start', '192.168.150.9-192.168.150.1'],
    ['no address at all', 'lan'],
  ])('a pool with %s is refused or reported, and the good pool keeps working', async (_, addresses) => {
    const result = await apply(pool('bad', addresses));
    if (result.code !== 0) expect(result.stderr).toContain('spec.addresses');
    else {
      const ready = await until('the pool to be reported', async () => {
        const found = await condition('ipaddresspool', 'bad', 'Ready', '-n', 'herald-system');
        return found?.['status'] === 'False' ? found : undefined;
      });
      expect(ready['message']).toContain(addresses);
      await until('an event on the pool', async () =>
        (await kubectl(playground, 'get', 'events', '-n', 'herald-system', '--field-selector', 'involvedObject.name=bad')).includes(
          addresses,
        ),
      );
    }
    await apply(service('good'));
    expect(await externalIp(playground, 'good')).toMatch(/^192\.168\.150\.24\d$/);
    await kubectl(playground, 'delete', 'service', 'good');
    await playground.kubectl(['delete', 'ipaddresspool', 'bad', '-n', 'herald-system', '--ignore-not-found']);
  });

  it('a pool that overlaps another is reported on the later one, naming the other and the range', async () => {
    expect((await apply(pool('later', '192.168.150.245-192.168.150.255'))).code).toBe(0);
    const overlapping = await until('the overlap to be reported', async () => {
      const found = await condition('ipaddresspool', 'later', 'Overlapping', '-n', 'herald-system');
      return found?.['status'] === 'True' ? found : undefined;
    });
    expect(overlapping['message']).toContain('lan');
    expect(overlapping['message']).toContain('192.168.150.245');
    expect((await condition('ipaddresspool', 'lan', 'Ready', '-n', 'herald-system'))?.['status']).toBe('True');
    await apply(service('still'));
    expect(await externalIp(playground, 'still')).toMatch(/^192\.168\.150\.24\d$/);
  });

  it('a Service that no pool serves stays pending, with a reason', async () => {
    await apply(service('nowhere', { 'heraldlb.io/address-pool': 'absent' }));
    const allocated = await until('a reason', () => condition('service', 'nowhere', 'heraldlb.io/Allocated'));
    expect(allocated['status']).toBe('False');
    expect(allocated['reason']).toBe('UnknownPool');
    expect(allocated['message']).toContain('absent');
    expect(await kubectl(playground, 'describe', 'service', 'nowhere')).toContain('UnknownPool');
  });

  it('a speaker without CAP_NET_RAW says what to grant', async () => {
    const words = ['speaker', '--node-name', 'dn0', '--kubeconfig', `${playground.directory}/kubeconfig-node`];
    const argv = [
      'setpriv',
      '--bounding-set',
      '-net_raw',
      '--inh-caps',
      '-net_raw',
      process.execPath,
      '--import',
      'tsx',
      'cli/herald.ts',
      ...words,
    ];
    const result = await playground.exec('dn0', argv);
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toContain('CAP_NET_RAW');
  });
});
