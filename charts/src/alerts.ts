/** One alert of the PrometheusRule, with its runbook page. */
export interface Alert {
  readonly name: string;
  readonly severity: 'warning' | 'critical';
  /** When it fires. */
  readonly meaning: string;
  /** What users notice. */
  readonly impact: string;
  /** What to do, step by step. */
  readonly steps: readonly string[];
}

const poolUsage = (percent: number, severity: Alert['severity']): Alert => ({
  name: `HeraldPoolUsage${percent}`,
  severity,
  meaning: `At least ${percent} % of the addresses of one family of a pool are in use for five minutes.`,
  impact: percent === 100 ? 'New Services of that pool stay without an address.' : 'None yet.',
  steps: [
    '`kubectl get ipaddresspools.heraldlb.io -A` shows how many addresses are available.',
    'Add addresses to `spec.addresses` of the pool, or create another pool that admits the same Services.',
    'Delete Services that are not needed, or let some share an address (`heraldlb.io/allow-shared-ip`).',
  ],
});

/** Every alert of the chart; a test compares this table with what the chart renders. */
export const alerts: readonly Alert[] = [
  poolUsage(75, 'warning'),
  poolUsage(90, 'warning'),
  poolUsage(100, 'critical'),
  {
    name: 'HeraldServicesPending',
    severity: 'warning',
    meaning: 'At least one Service of type LoadBalancer has not got what it asks for, for ten minutes.',
    impact: 'Its users have no address to connect to, or lack one of two.',
    steps: [
      '`kubectl get svc -A | grep pending` finds the Services.',
      '`kubectl describe svc NAME` shows the condition `heraldlb.io/Allocated` with its reason; `docs/reasons/` has a page for each.',
    ],
  },
  {
    name: 'HeraldNoOwner',
    severity: 'critical',
    meaning:
      'At least one Service has an address, endpoints and an advertisement, and for two minutes no node announces it (or only some of its addresses are announced).',
    impact: 'Its address cannot be reached.',
    steps: [
      '`kubectl get svc -A -o custom-columns=\'NAMESPACE:.metadata.namespace,NAME:.metadata.name,WHY:.status.conditions[?(@.type=="heraldlb.io/Announced")].message\'` shows which, and why.',
      'The label `reason` of `herald_services_announced` is one of `docs/reasons/`, which tells the remedy.',
      '`kubectl get speakers.heraldlb.io` shows whether the speakers of the eligible nodes are ready.',
    ],
  },
  {
    name: 'HeraldStaleConfiguration',
    severity: 'warning',
    meaning: 'The newest version of a pool, advertisement, peer or another object is not valid, for five minutes.',
    impact: 'Herald works with the last valid version, or without that object: what was changed has no effect.',
    steps: [
      '`kubectl -n herald-system get ipaddresspools,l2advertisements,bgpadvertisements,bgppeers,bfdprofiles,communities,ipreservations` shows which is not ready.',
      '`kubectl -n herald-system describe KIND NAME` shows in its condition `Ready` which field is wrong and what to do.',
    ],
  },
  {
    name: 'HeraldNoLeader',
    severity: 'critical',
    meaning: 'No controller leads, or none is scraped, for two minutes.',
    impact: 'New Services get no address. What is assigned goes on being announced, and failover works without the controller.',
    steps: [
      '`kubectl -n herald-system get pods -l app.kubernetes.io/component=controller` shows whether they run.',
      '`kubectl -n herald-system get lease` shows who holds the Lease and since when.',
      'The log of the controllers tells why they cannot lead: the API server is away, or a permission is missing.',
    ],
  },
  {
    name: 'HeraldAddressConflict',
    severity: 'critical',
    meaning: 'A machine that is none of the speakers answered for an address of Herald within the last ten minutes.',
    impact: 'Clients reach the wrong machine, some or all of the time.',
    steps: [
      '`kubectl get svc -A -o yaml | grep -B2 -A4 AddressConflict` shows the address, the MAC address and the interface.',
      'Find the machine by its MAC address on the switch, and give it another address.',
      'If it cannot be moved, add the address to `excludedAddresses` of the pool.',
    ],
  },
  {
    name: 'HeraldOwnershipFlapping',
    severity: 'warning',
    meaning:
      'Within ten minutes addresses were taken over more than twice each on average (and more than ten times), or in four of five spans of two minutes. Planned moves, first owners and restarts of speakers do not count, and a node that is lost, with however many addresses, is not enough.',
    impact: 'Each change may break connections.',
    steps: [
      '`kubectl get announcements.heraldlb.io -A -o wide` shows which addresses moved lately.',
      '`kubectl get speakers.heraldlb.io -o yaml` shows stalls and peers heard: nodes without CPU and lossy links are the usual causes.',
      '`speaker.meshProfile: relaxed` waits longer before a node counts as lost.',
    ],
  },
  {
    name: 'HeraldPeersUnheard',
    severity: 'warning',
    meaning: 'A node does not hear the speakers of other ready nodes on its segment, for five minutes.',
    impact:
      'Nodes that do not hear each other may announce the same address at once, and connections break as clients turn from one to the other.',
    steps: [
      '`kubectl get speakers.heraldlb.io -o yaml` shows in the condition `PeersHeard` and in `peersMissing` of the segment which nodes are not heard, and where.',
      'See that the speaker runs there: `kubectl -n herald-system get pods -l app.kubernetes.io/component=speaker -o wide`. If none is to run there, delete the Speaker of that node.',
      'Open UDP port 7947 between the nodes in both directions, and see that switches pass multicast.',
      '`ip address` on both nodes: they need the same subnets on the interface. A node that got no IPv4 address names the segment otherwise.',
      '`herald_mesh_rejected_total` grows where heartbeats arrive that cannot be read: another key or another cluster.',
    ],
  },
  {
    name: 'HeraldBGPSessionDown',
    severity: 'critical',
    meaning: 'A BGP session of a node that should be established is not, for two minutes.',
    impact: 'The router sends that node nothing. Without any session the addresses announced by BGP are not reachable.',
    steps: [
      '`kubectl get bgppeers.heraldlb.io -A -o yaml` shows how many nodes have the session, and in `status.problems` the others with what is wrong on each.',
      '`kubectl get speakers.heraldlb.io NODE -o yaml` shows its state and its last error in words.',
      'Compare AS numbers, addresses, password and address families with the router; look for a firewall on TCP port 179.',
    ],
  },
  {
    name: 'HeraldBGPSessionFlapping',
    severity: 'warning',
    meaning: 'An established BGP session ended more than twice within an hour.',
    impact: 'Routers move traffic to other nodes and back, which breaks connections.',
    steps: [
      '`herald_bgp_notifications_total` tells which side ends the session, and why.',
      '`herald_bfd_downs_total` tells whether BFD notices broken paths: a lossy link, or timers that are too short for the node.',
    ],
  },
  {
    name: 'HeraldAPIErrors',
    severity: 'warning',
    meaning: 'More than one call to the API server in two seconds fails, for ten minutes.',
    impact: 'Changes reach Herald late or not at all.',
    steps: [
      'The label `code` of `herald_api_requests_total` says how they fail: 403 is a missing permission, 429 and 5xx an overloaded server.',
      'Compare the roles with those of the chart; `kubectl auth can-i --as=system:serviceaccount:herald-system:herald-controller …` asks for one.',
    ],
  },
];

/** Path in the repository → the page of each alert, and their index. */
export function runbooks(): Map<string, string> {
  const notice = '<!-- Generated by `npm run charts` from charts/src/alerts.ts. Do not edit. -->\n';
  const rows = alerts.map(({ name, severity, meaning }) => `| [${name}](${name}.md) | ${severity} | ${meaning} |`);
  const index = `${notice}\n# Runbooks\n\nThe alerts of the chart (\`metrics.prometheusRule.enabled\`).\n\n| alert | severity | fires when |\n|---|---|---|\n${rows.join('\n')}\n`;
  const files = new Map([['docs/runbooks/README.md', index]]);
  for (const { name, meaning, impact, steps } of alerts) {
    const list = steps.map((step, number) => `${number + 1}. ${step}`).join('\n');
    files.set(
      `docs/runbooks/${name}.md`,
      `${notice}\n# ${name}\n\n${meaning}\n\n**Impact.** ${impact}\n\n## What to do\n\n${list}\n\n[All alerts](README.md)\n`,
    );
  }
  return files;
}
