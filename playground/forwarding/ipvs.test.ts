import { expect, it } from 'vitest';
import { boundAddresses } from './ipvs.ts';

it('kube-proxy in IPVS mode binds every address of a Service but those it shall leave alone', () => {
  const ingress = [{ ip: '192.168.150.240' }, { ip: '192.168.150.40', ipMode: 'Proxy' }];
  expect(
    boundAddresses([
      { spec: { type: 'LoadBalancer', clusterIPs: ['10.43.0.9', '2001:cafe:43::9'] }, status: { loadBalancer: { ingress } } },
      { spec: { clusterIPs: ['10.43.0.1'], externalIPs: ['192.168.150.41', '192.168.150.240'] } },
      { spec: { clusterIP: 'None', clusterIPs: ['None'] } },
      { spec: { type: 'ExternalName', externalName: 'example.org' } },
    ]),
  ).toEqual(['10.43.0.1', '10.43.0.9', '192.168.150.240', '192.168.150.41', '2001:cafe:43::9']);
});
