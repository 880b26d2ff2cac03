import { namespaces } from '@herald/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServiceInput, TestCluster } from './testing/test-cluster.ts';

/** One cluster with pools for every occasion; each row below is a Service that none of them can serve. */
let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start({ network: { serviceCidrs: ['10.96.0.0/16', 'fd00:96::/112'] } });
  await cluster.pool('small', ['10.0.0.1/32'], { autoAssign: false });
  await cluster.pool('draining', ['10.0.1.0/24'], { autoAssign: false, drain: true });
  await cluster.pool('private', ['10.0.2.0/24'], { serviceAllocation: { namespaces: ['other'] } });
  await cluster.pool('chosen', ['10.0.3.0/24'], { serviceAllocation: { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] } });
  await cluster.pool('special', ['10.0.4.0/24'], { autoAssign: false, avoidBuggyIPs: true, excludedAddresses: ['10.0.4.9/32'] });
  await cluster.pool('quota', ['10.0.5.0/24'], { autoAssign: false, quotas: [{ namespaceSelector: {}, addresses: 0 }] });
  await cluster.createConfig('IPReservation', 'kept', { service: { namespace: 'default', name: 'somebody' }, addresses: ['10.0.4.7'] });
  await cluster.createService('external', { spec: { type: 'ClusterIP', externalIPs: ['10.0.4.8'], allocateLoadBalancerNodePorts: null } });
  cluster.start();
  await cluster.createService('holder', { annotations: { 'heraldlb.io/loadBalancerIPs': '10.0.0.1' } });
  await cluster.assigned('holder', ['10.0.0.1']);
});
afterAll(() => cluster.stop());

const asks = (addresses: string): ServiceInput => ({ annotations: { 'heraldlb.io/loadBalancerIPs': addresses } });
const from = (pool: string): ServiceInput => ({ annotations: { 'heraldlb.io/address-pool': pool } });

const shared = (key: string, port: number): ServiceInput => ({
  annotations: { 'heraldlb.io/loadBalancerIPs': '10.0.4.20', 'heraldlb.io/allow-shared-ip': key },
  spec: { ports: [{ port }] },
});

describe('the condition heraldlb.io/Allocated', () => {
  it.each<[string, ServiceInput, string]>([
    ['NoEligiblePool', {}, 'autoAssign: false'],
    ['UnknownPool', from('nowhere'), 'nowhere'],
    ['PoolExhausted', from('small'), 'small'],
    ['PoolDraining', from('draining'), 'draining'],
    ['NamespaceNotAllowed', from('private'), 'private'],
    ['ServiceNotSelected', from('chosen'), 'chosen'],
    ['QuotaExceeded', from('quota'), 'quota'],
    ['NoPoolForFamily', { ...from('special'), spec: { ipFamilies: ['IPv6'] } }, 'IPv6'],
    ['DualStackUnavailable', { ...from('special'), spec: { ipFamilyPolicy: 'RequireDualStack' } }, 'IPv6'],
    ['InvalidRequest', asks('not an address'), 'not an address'],
    ['ContradictoryRequest', { annotations: { 'heraldlb.io/loadBalancerIPs': '10.0.4.5', 'heraldlb.io/address-pool': 'small' } }, 'small'],
    ['FamilyMismatch', asks('fc00::1'), 'fc00::1'],
    ['AddressOutsidePools', asks('172.16.0.1'), '172.16.0.1'],
    ['AddressExcluded', asks('10.0.4.9'), '10.0.4.9'],
    ['AddressBuggy', asks('10.0.4.255'), '10.0.4.255'],
    ['AddressReserved', asks('10.0.4.7'), 'kept'],
    ['AddressUsedAsExternalIP', asks('10.0.4.8'), 'default/external'],
  ])('%s', async (reason, input, message) => {
    const name = `for-${reason.toLowerCase()}`;
    await cluster.createService(name, input);
    expect(await cluster.reason(name, 'Allocated', reason)).toContain(message);
    expect(await cluster.addresses(name)).toEqual([]);
  });

  it('SecondFamilyPending, and the second address once a pool offers it; the first never changes', async () => {
    await cluster.pool('pair', ['10.0.7.0/24'], { autoAssign: false });
    await cluster.createService('prefers', { ...from('pair'), spec: { ipFamilyPolicy: 'PreferDualStack' } });
    await cluster.reason('prefers', 'Allocated', 'SecondFamilyPending');
    await cluster.patchConfig('IPAddressPool', 'pair', { addresses: ['10.0.7.0/24', 'fc00::5/128'] });
    await cluster.assigned('prefers', ['10.0.7.0', 'fc00::5']);
  });

  it('a namespace selector that matches no namespace opens the pool to nobody, until a label changes', async () => {
    await cluster.pool('by-label', ['10.0.6.0/24'], {
      autoAssign: false,
      serviceAllocation: { namespaceSelectors: [{ matchLabels: { team: 'x' } }] },
    });
    await cluster.createService('waits', from('by-label'));
    await cluster.reason('waits', 'Allocated', 'NamespaceNotAllowed');
    await cluster.client.patch(namespaces, { name: 'default' }, { metadata: { labels: { team: 'x' } } }, { type: 'merge' });
    await cluster.assigned('waits', ['10.0.6.0']);
  });

  it('names the pair that cannot share an address', async () => {
    await cluster.createService('share-1', shared('k', 80));
    await cluster.createService('share-2', shared('k', 81));
    await cluster.assigned('share-1', ['10.0.4.20']);
    await cluster.assigned('share-2', ['10.0.4.20']);
    await cluster.createService('share-3', shared('k', 80));
    await cluster.serviceWhere(
      'share-3',
      ({ status }) => status?.conditions?.some(({ status, message }) => status === 'False' && message.includes('default/share-1')) === true,
      'a refusal that names the other',
    );
  });
});
