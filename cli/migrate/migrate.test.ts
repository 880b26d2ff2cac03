import { describe, expect, it } from 'vitest';
import { formatFinding } from './finding.ts';
import { migrate } from './migrate.ts';

const cases: { desc: string; text: string; objects: [string, string, unknown][]; findings?: string[] }[] = [
  {
    desc: "MetalLB's ConfigMap, with the lines of the file",
    text: `apiVersion: v1
kind: ConfigMap
metadata: { namespace: metallb-system, name: config }
data:
  config: |
    address-pools:
    - name: default
      protocol: layer2
      shape: round
      addresses:
      - 192.168.56.253-192.168.56.254
`,
    objects: [
      ['IPAddressPool', 'default', { addresses: ['192.168.56.253-192.168.56.254'] }],
      ['L2Advertisement', 'default', { ipAddressPools: ['default'] }],
    ],
    findings: ['f.yaml:9: lost: address-pools: shape is not known and was not carried over'],
  },
  {
    desc: 'the same with tab characters in the indentation',
    text: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config\ndata:\n  config: |\n    address-pools:\n    - name: default\n    \tprotocol: layer2\n    \taddresses:\n    \t- 192.168.56.253-192.168.56.254\n',
    objects: [
      ['IPAddressPool', 'default', { addresses: ['192.168.56.253-192.168.56.254'] }],
      ['L2Advertisement', 'default', { ipAddressPools: ['default'] }],
    ],
    findings: [9, 10, 11].map(
      line => `f.yaml:${line}: changed: tab characters in the indentation, which YAML does not allow; each was read as two spaces`,
    ),
  },
  {
    desc: "MetalLB's objects of both versions, in a List",
    text: `apiVersion: v1
kind: List
items:
- apiVersion: metallb.io/v1beta1
  kind: IPAddressPool
  metadata: { name: lan, namespace: metallb-system, labels: { zone: a } }
  spec: { addresses: [10.0.0.0/24], avoidBuggyIPs: true, unheard: 1 }
- apiVersion: metallb.io/v1beta2
  kind: BGPPeer
  metadata: { name: tor }
  spec: { myASN: 64500, peerASN: 64501, peerAddress: 10.0.0.1, enableGracefulRestart: true }
- apiVersion: metallb.io/v1beta1
  kind: ServiceL2Status
  metadata: { name: l2-abcde }
`,
    objects: [
      ['IPAddressPool', 'lan', { addresses: ['10.0.0.0/24'], avoidBuggyIPs: true }],
      ['BGPPeer', 'tor', { myASN: 64500, peerASN: 64501, peerAddress: '10.0.0.1', enableGracefulRestart: true }],
    ],
    findings: [
      'f.yaml:7: lost: IPAddressPool lan: lan: unheard is not known and was not carried over',
      "f.yaml:13: changed: document: ServiceL2Status l2-abcde is a report of MetalLB's own and was left out",
    ],
  },
  {
    desc: "kube-vip's ConfigMap",
    text: `apiVersion: v1
kind: ConfigMap
metadata: { name: kubevip, namespace: kube-system }
data:
  cidr-global: 192.168.0.220/29
  range-web: 10.0.0.1-10.0.0.9,10.0.1.1-10.0.1.9
  cidr-dhcp: 0.0.0.0/32
  search-order: desc
`,
    objects: [
      ['IPAddressPool', 'kube-vip-global', { addresses: ['192.168.0.220/29'] }],
      ['L2Advertisement', 'kube-vip-global', { ipAddressPools: ['kube-vip-global'] }],
      [
        'IPAddressPool',
        'kube-vip-web',
        { addresses: ['10.0.0.1-10.0.0.9', '10.0.1.1-10.0.1.9'], serviceAllocation: { priority: 1, namespaces: ['web'] } },
      ],
      ['L2Advertisement', 'kube-vip-web', { ipAddressPools: ['kube-vip-web'] }],
    ],
    findings: [
      'f.yaml:7: lost: data of the ConfigMap: cidr-dhcp asks a DHCP server for addresses, which Herald does not',
      'f.yaml:8: lost: data of the ConfigMap: search-order has no counterpart and was not carried over',
    ],
  },
  {
    desc: 'a PureLB ServiceGroup',
    text: `apiVersion: purelb.io/v1
kind: ServiceGroup
metadata: { name: default, namespace: purelb }
spec:
  local:
    v4pools:
    - { subnet: 192.168.254.0/24, pool: 192.168.254.230-192.168.254.240, aggregation: default }
    v6pools:
    - { subnet: "fd00::/64", pool: "fd00::100-fd00::1ff", aggregation: /128 }
`,
    objects: [
      ['IPAddressPool', 'default', { addresses: ['192.168.254.230-192.168.254.240', 'fd00::100-fd00::1ff'], autoAssign: true }],
      ['L2Advertisement', 'default', { ipAddressPools: ['default'] }],
    ],
    findings: ["f.yaml:9: lost: v6pools: aggregation /128 is a BGPAdvertisement's aggregationLength here; write one"],
  },
  {
    desc: 'an OpenELB Eip',
    text: `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: { name: eip }
spec: { address: 192.168.1.100-192.168.1.110, protocol: layer2, interface: eth0, disable: true, priority: 5, usingKnownIPs: true }
`,
    objects: [
      ['IPAddressPool', 'eip', { addresses: ['192.168.1.100-192.168.1.110'], drain: true, serviceAllocation: { priority: 5 } }],
      ['L2Advertisement', 'eip', { ipAddressPools: ['eip'], interfaces: ['eth0'] }],
    ],
    findings: ['f.yaml:4: lost: Eip eip: usingKnownIPs is not known and was not carried over'],
  },
  {
    desc: "Cilium's pool and policy",
    text: `apiVersion: cilium.io/v2
kind: CiliumLoadBalancerIPPool
metadata: { name: blue }
spec:
  blocks: [{ cidr: 10.0.10.0/24 }, { start: 20.0.20.100, stop: 20.0.20.200 }]
  serviceSelector: { matchLabels: { "io.kubernetes.service.namespace": web, color: blue } }
---
apiVersion: cilium.io/v2alpha1
kind: CiliumL2AnnouncementPolicy
metadata: { name: policy1 }
spec:
  interfaces: ["^eth[0-9]+", eth9]
  loadBalancerIPs: true
  externalIPs: true
  nodeSelector: { matchExpressions: [{ key: node-role.kubernetes.io/control-plane, operator: DoesNotExist }] }
`,
    objects: [
      [
        'IPAddressPool',
        'blue',
        {
          addresses: ['10.0.10.0/24', '20.0.20.100-20.0.20.200'],
          serviceAllocation: { namespaces: ['web'], serviceSelectors: [{ matchLabels: { color: 'blue' } }] },
        },
      ],
      [
        'L2Advertisement',
        'policy1',
        {
          interfaces: ['eth9'],
          nodeSelectors: [{ matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }] }],
        },
      ],
    ],
    findings: [
      'f.yaml:12: lost: CiliumL2AnnouncementPolicy policy1: policy1: interfaces are names here, not regular expressions; name those that are meant',
      'f.yaml:14: lost: CiliumL2AnnouncementPolicy policy1: policy1: Herald does not announce spec.externalIPs; see herald migrate externalips',
    ],
  },
  {
    desc: 'what is something else',
    text: 'apiVersion: v1\nkind: Secret\nmetadata: { name: x }\n',
    objects: [],
    findings: ['f.yaml:1: note: Secret x is no configuration of a load balancer that is understood; it was left out'],
  },
];

const pool = (address: string): string => `address-pools: [{ name: a, protocol: layer2, addresses: [${address}] }]\n`;

describe('migrate', () => {
  it.each(cases)('$desc', ({ text, objects, findings = [] }) => {
    const migration = migrate([{ name: 'f.yaml', text }], 'herald-system');
    expect(migration.objects.map(({ kind, metadata, spec }) => [kind, metadata.name, spec])).toEqual(objects);
    expect(migration.findings.map(formatFinding).sort()).toEqual([...findings].sort());
    expect(migration.objects.every(object => object.metadata.namespace === 'herald-system')).toBe(true);
  });

  it('tells when two objects become one', () => {
    const { findings } = migrate(
      [
        { name: 'a.yaml', text: pool('10.0.0.0/30') },
        { name: 'b.yaml', text: pool('10.0.1.0/30') },
      ],
      'lb',
    );
    expect(findings.map(formatFinding)).toContain(
      '(all files): lost: two objects became IPAddressPool/a; the later one would replace the earlier one when applied',
    );
  });
});
