import { describe, expect, it } from 'vitest';
import { formatFinding } from './finding.ts';
import { migrateConfigMap } from './metallb-config-map.ts';

const cases: { desc: string; text: string; objects: [string, string, unknown][]; findings?: string[] }[] = [
  {
    desc: 'a layer 2 pool',
    text: `address-pools:
- name: default
  protocol: layer2
  addresses:
  - 192.168.56.253-192.168.56.254
`,
    objects: [
      ['IPAddressPool', 'default', { addresses: ['192.168.56.253-192.168.56.254'] }],
      ['L2Advertisement', 'default', { ipAddressPools: ['default'] }],
    ],
  },
  {
    desc: 'a BGP pool with a peer',
    text: `peers:
- peer-address: 10.0.0.1
  peer-asn: 64501
  my-asn: 64500
address-pools:
- name: default
  protocol: bgp
  addresses:
  - 192.168.10.0/24
`,
    objects: [
      ['BGPPeer', 'peer-10-0-0-1', { myASN: 64500, peerASN: 64501, peerAddress: '10.0.0.1' }],
      ['IPAddressPool', 'default', { addresses: ['192.168.10.0/24'] }],
      ['BGPAdvertisement', 'default', { ipAddressPools: ['default'] }],
    ],
  },
  {
    desc: 'everything that MetalLB 0.12 knew',
    text: `peers:
- peer-address: 2001:db8::1
  peer-asn: 64501
  my-asn: 64500
  peer-port: 1179
  source-address: 2001:db8::2
  hold-time: 120
  keepalive-time: 30s
  router-id: 10.0.0.2
  password: secret
  bfd-profile: fast
  ebgp-multihop: true
  node-selectors:
  - match-labels: { rack: a }
    match-expressions:
    - { key: host, operator: In, values: [n1, n2] }
bgp-communities:
  no-advertise: 65535:65282
bfd-profiles:
- name: fast
  receive-interval: 100
  transmit-interval: 100
  detect-multiplier: 5
  echo-interval: 50
  echo-mode: true
  passive-mode: false
  minimum-ttl: 254
address-pools:
- name: My Pool
  protocol: bgp
  auto-assign: false
  avoid-buggy-ips: true
  addresses: ["10.1.0.1 - 10.1.0.9"]
  bgp-advertisements:
  - { aggregation-length: 32, localpref: 100, communities: [no-advertise] }
  - { aggregation-length: 24, aggregation-length-v6: 64 }
`,
    objects: [
      ['Community', 'communities', { communities: [{ name: 'no-advertise', value: '65535:65282' }] }],
      [
        'BFDProfile',
        'fast',
        {
          receiveInterval: 100,
          transmitInterval: 100,
          detectMultiplier: 5,
          echoInterval: 50,
          echoMode: true,
          passiveMode: false,
          minimumTtl: 254,
        },
      ],
      [
        'BGPPeer',
        'peer-2001-db8-1',
        {
          myASN: 64500,
          peerASN: 64501,
          peerAddress: '2001:db8::1',
          peerPort: 1179,
          sourceAddress: '2001:db8::2',
          holdTime: '120s',
          keepaliveTime: '30s',
          routerID: '10.0.0.2',
          password: 'secret',
          bfdProfile: 'fast',
          ebgpMultiHop: true,
          nodeSelectors: [{ matchLabels: { rack: 'a' }, matchExpressions: [{ key: 'host', operator: 'In', values: ['n1', 'n2'] }] }],
        },
      ],
      ['IPAddressPool', 'my-pool', { addresses: ['10.1.0.1-10.1.0.9'], autoAssign: false, avoidBuggyIPs: true }],
      [
        'BGPAdvertisement',
        'my-pool-1',
        { ipAddressPools: ['my-pool'], aggregationLength: 32, localPref: 100, communities: ['no-advertise'] },
      ],
      ['BGPAdvertisement', 'my-pool-2', { ipAddressPools: ['my-pool'], aggregationLength: 24, aggregationLengthV6: 64 }],
    ],
    findings: [
      'metallb.yaml:10: changed: peers: the password stands in the object as it stood in the ConfigMap; passwordSecret keeps it in a Secret',
      'metallb.yaml:29: changed: address-pools: the name My Pool is not one that Kubernetes allows; it became my-pool',
    ],
  },
  {
    desc: 'tabs, unknown keys, a protocol nobody knows, and values of the wrong kind, each with its line',
    text: `address-pools:
- name: default
\tprotocol: rip
  addresses:
  - 10.0.0.0/30
  colour: blue
  auto-assign: maybe
speaker-version: 3
`,
    objects: [['IPAddressPool', 'default', { addresses: ['10.0.0.0/30'] }]],
    findings: [
      'metallb.yaml:3: changed: tab characters in the indentation, which YAML does not allow; each was read as two spaces',
      'metallb.yaml:7: lost: address-pools: auto-assign is not true or false and was not carried over',
      'metallb.yaml:3: lost: address-pools: pool default: protocol rip is not known; it is layer2 or bgp. Nothing announces the pool',
      'metallb.yaml:6: lost: address-pools: colour is not known and was not carried over',
      'metallb.yaml:8: lost: config: speaker-version is not known and was not carried over',
    ],
  },
  {
    desc: 'text that is no YAML',
    text: 'address-pools: [',
    objects: [],
    findings: [
      'metallb.yaml:1: lost: not readable as YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    desc: 'a list instead of a mapping',
    text: '- a\n- b\n',
    objects: [],
    findings: ['metallb.yaml:1: lost: config: a mapping was expected here'],
  },
];

describe('migrateConfigMap', () => {
  it.each(cases)('$desc', ({ text, objects, findings = [] }) => {
    const migration = migrateConfigMap(text, 'metallb.yaml');
    expect(migration.objects.map(({ kind, metadata, spec }) => [kind, metadata.name, spec])).toEqual(objects);
    expect(migration.findings.map(formatFinding)).toEqual(findings);
  });

  it('counts lines from where the text begins in its file', () => {
    expect(migrateConfigMap('colour: blue\n', 'cm.yaml', 7).findings[0]?.line).toBe(7);
  });
});
