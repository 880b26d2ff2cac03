import { expect, it } from 'vitest';
import { migrate } from './migrate.ts';
import { formatPreview, preview, type ServiceWithStatus } from './preview.ts';

const service = (name: string, ip?: string, more: Partial<NonNullable<ServiceWithStatus['spec']>> = {}): ServiceWithStatus => ({
  metadata: { name, namespace: 'default', uid: name, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { type: 'LoadBalancer', clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'], ipFamilies: ['IPv4'], ports: [{ port: 80 }], ...more },
  ...(ip === undefined ? {} : { status: { loadBalancer: { ingress: [{ ip }] } } }),
});
const { objects } = migrate(
  [{ name: 'f', text: 'address-pools: [{ name: default, protocol: layer2, addresses: [192.168.56.250-192.168.56.254] }]' }],
  'herald-system',
);

it('shows who keeps, gets and loses an address', () => {
  const rows = preview(
    objects,
    [
      service('keeps', '192.168.56.254'),
      service('waits'),
      service('outside', '10.0.0.9'),
      service('not-ours', '1.2.3.4', { type: 'ClusterIP' }),
    ],
    [{ metadata: { name: 'default' } }],
    0,
  );
  expect(rows.map(({ service, before, after }) => [service, before, after])).toEqual([
    ['default/keeps', ['192.168.56.254'], ['192.168.56.254']],
    ['default/outside', ['10.0.0.9'], ['192.168.56.250']],
    ['default/waits', [], ['192.168.56.251']],
  ]);
  const text = formatPreview(rows);
  expect(text).toMatch(/default\/keeps +192\.168\.56\.254 +192\.168\.56\.254 +keeps/);
  expect(text).toMatch(/default\/outside +10\.0\.0\.9 +192\.168\.56\.250 +CHANGES/);
});

it('says that there is nothing to show', () => {
  expect(formatPreview(preview(objects, [], [], 0))).toBe('no Service of type LoadBalancer\n');
});
