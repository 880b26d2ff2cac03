import type { KubeObject } from '@herald/kube';
import { describe, expect, it } from 'vitest';
import { formatExternalIPs, migrateExternalIPs, type Sourced } from './external-ips.ts';
import { formatFinding } from './finding.ts';

const nodes: Sourced[] = ['192.168.150.40', '192.168.150.41'].map((address, index) => ({
  object: {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `dn${index}` },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: `dn${index}` },
      ],
    },
  } as KubeObject,
  file: 'nodes.yaml',
}));

function service(name: string, spec: Record<string, unknown>, annotations?: Record<string, string>): Sourced {
  const metadata = { name, namespace: 'shop', uid: 'u', resourceVersion: '7', ...(annotations === undefined ? {} : { annotations }) };
  const whole = { type: 'ClusterIP', clusterIP: '10.43.0.9', ipFamilies: ['IPv4'], ports: [{ port: 82, protocol: 'TCP' }], ...spec };
  return { object: { apiVersion: 'v1', kind: 'Service', metadata, spec: whole } as KubeObject, file: 'svc.yaml', line: 9 };
}

const run = (...services: Sourced[]) => {
  const migration = migrateExternalIPs([...nodes, ...services], 'herald-system', 1_000);
  return { ...migration, told: migration.findings.map(formatFinding) };
};

describe('externalIPs set by hand', () => {
  it('that are no node of the cluster are kept for their Service, in a pool that gives them to nobody else', () => {
    const { objects, services, rows, told } = run(service('web', { externalIPs: ['192.168.150.200'], selector: { app: 'web' } }));
    expect(objects.map(({ kind, metadata, spec }) => [kind, metadata.name, spec])).toEqual([
      ['IPAddressPool', 'externalips', { addresses: ['192.168.150.200/32'], autoAssign: false }],
      ['L2Advertisement', 'externalips', { ipAddressPools: ['externalips'] }],
      ['IPReservation', 'shop.web', { service: { namespace: 'shop', name: 'web' }, addresses: ['192.168.150.200'] }],
    ]);
    expect(services).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'shop' },
        spec: {
          type: 'LoadBalancer',
          clusterIP: '10.43.0.9',
          ipFamilies: ['IPv4'],
          ports: [{ port: 82, protocol: 'TCP' }],
          selector: { app: 'web' },
          externalIPs: [],
        },
      },
    ]);
    expect(rows).toMatchObject([{ service: 'shop/web', before: ['192.168.150.200'], after: ['192.168.150.200'] }]);
    expect(told).toEqual([]);
  });

  it("that are a node's own become the addresses of all nodes", () => {
    const { objects, services, rows, told } = run(service('nginx-service-x', { externalIPs: ['192.168.150.41'] }));
    expect(objects).toEqual([]);
    expect(services[0]?.spec).toMatchObject({ type: 'LoadBalancer', loadBalancerClass: 'heraldlb.io/node', externalIPs: [] });
    expect(rows).toMatchObject([{ before: ['192.168.150.41'], after: ['192.168.150.40', '192.168.150.41'] }]);
    expect(told).toEqual([
      'svc.yaml:9: changed: Service shop/nginx-service-x: 192.168.150.41 (node dn1) cannot leave its node; the Service is published on every node (class heraldlb.io/node), and clients should know more than one',
    ]);
  });

  it('that Services share go on being shared, while their ports differ', () => {
    const externalIPs = ['192.168.150.200'];
    const { objects, services, rows, told } = run(
      service('a', { externalIPs }),
      service('b', { externalIPs, ports: [{ port: 83 }] }),
      service('c', { externalIPs, ports: [{ port: 83 }] }),
    );
    expect(objects.map(({ kind }) => kind)).toEqual(['IPAddressPool', 'L2Advertisement']);
    const annotations = { 'heraldlb.io/allow-shared-ip': 'externalip-192.168.150.200', 'heraldlb.io/loadBalancerIPs': '192.168.150.200' };
    expect(services.map(({ metadata }) => metadata.annotations)).toEqual([annotations, annotations, annotations]);
    expect(rows.map(({ after }) => after)).toEqual([['192.168.150.200'], ['192.168.150.200'], []]);
    expect(told).toEqual([
      'svc.yaml:9: lost: Service shop/c: TCP/83 of 192.168.150.200 belongs to Service shop/b already; only one of the two was ever reached',
    ]);
  });

  it.each([
    ['an ExternalName', { type: 'ExternalName', externalIPs: ['1.2.3.4'] }, 'note', 'no effect on an ExternalName', 0],
    ['a headless Service', { clusterIP: 'None', externalIPs: ['1.2.3.4'] }, 'note', 'no effect on a headless', 0],
    ['text that is no address', { externalIPs: ['nonsense'] }, 'lost', '"nonsense" is no address', 0],
    ['a second address of a family', { externalIPs: ['1.2.3.4', '1.2.3.5'] }, 'lost', '1.2.3.5 is its second address', 1],
    ['a family that the Service lacks', { externalIPs: ['1.2.3.4', '2001:db8::1'] }, 'lost', '2001:db8::1 is of a family', 1],
    ['a node and another address', { externalIPs: ['1.2.3.4', '192.168.150.40'] }, 'lost', '192.168.150.40 belongs to node dn0', 1],
    [
      'a node, where the class cannot change',
      { type: 'LoadBalancer', externalIPs: ['192.168.150.40'] },
      'lost',
      'of type LoadBalancer already',
      0,
    ],
  ])('%s is told with its line', (_, spec, level, message, count) => {
    const { services, told } = run(service('web', spec));
    expect(services).toHaveLength(count);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`svc.yaml:9: ${level}: Service shop/web`);
    expect(told[0]).toContain(message);
  });

  it('lose nothing of the Service but what the server adds', () => {
    const last = 'kubectl.kubernetes.io/last-applied-configuration';
    const { services } = run(service('web', { externalIPs: ['1.2.3.4'], sessionAffinity: 'ClientIP' }, { mine: 'yes', [last]: '{}' }));
    expect(services[0]).toMatchObject({ metadata: { annotations: { mine: 'yes' } }, spec: { sessionAffinity: 'ClientIP' } });
    expect(services[0]?.metadata.annotations).not.toHaveProperty([last]);
    expect(services[0]?.metadata).not.toHaveProperty('resourceVersion');
  });

  it('are told to be unjudged without Nodes, and missing where there are none', () => {
    const without = migrateExternalIPs([service('web', { externalIPs: ['192.168.150.41'] })], 'herald-system', 1_000);
    expect(without.findings.map(({ level }) => level)).toEqual(['note']);
    expect(formatExternalIPs(run())).toBe('no Service has externalIPs\n');
  });
});
