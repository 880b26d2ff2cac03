import { bfdProfile, bgpAdvertisement, bgpPeer, community, ipAddressPool, l2Advertisement } from '@herald/crds';
import { z } from 'zod';

// The values of the chart. values.yaml, values.schema.json and the table in the chart's README are generated from this file.

const anyObject = () => z.record(z.string(), z.unknown());
const anyList = () => z.array(anyObject());
const labels = () => z.record(z.string(), z.string());
const port = () => z.int().min(1).max(65_535);

const resources = (requests: Record<string, string>, limits: Record<string, string>) =>
  z
    .object({
      requests: labels().default(requests).describe('What the scheduler reserves.'),
      limits: labels().default(limits).describe('What the container may use at most. No CPU limit: being throttled delays failover.'),
    })
    .prefault({})
    .describe('Resources of the container.');

const scheduling = {
  nodeSelector: labels().default({}).describe('Nodes the pods may run on.'),
  affinity: anyObject().default({}).describe('Affinity of the pods, in place of the one of the chart.'),
  podAnnotations: labels().default({}).describe('Annotations of the pods.'),
  podLabels: labels().default({}).describe('Further labels of the pods.'),
  extraArgs: z.array(z.string()).default([]).describe('Further arguments of the process, such as --kube-api-qps=500.'),
};

const serviceAccount = (name: string) =>
  z
    .object({
      create: z.boolean().default(true).describe('Whether to create the ServiceAccount.'),
      name: z.string().default('').describe(`Its name. Empty: ${name}.`),
      annotations: labels().default({}).describe('Its annotations.'),
    })
    .prefault({})
    .describe('The ServiceAccount of the pods.');

const controller = z
  .object({
    replicas: z.int().min(0).max(9).default(2).describe('Pods: one works, the others take over within the lease.'),
    httpPort: port().default(9120).describe('Port of /healthz, /readyz and /metrics.'),
    leaseDuration: z
      .string()
      .default('15s')
      .describe('Another replica takes over so long after the last renewal. A clean exit hands over at once.'),
    nodeMode: z
      .object({
        default: z
          .boolean()
          .default(false)
          .describe(
            'Give Services without spec.loadBalancerClass the addresses of nodes, as ServiceLB of k3s does, instead of those of pools.',
          ),
        maxNodes: z.int().min(0).max(9999).default(0).describe('List at most so many nodes per Service. 0: all.'),
        protectedPorts: z
          .string()
          .default('')
          .describe('Ports that no Service may take on nodes, such as 22,6443/TCP,10248-10260/TCP. Empty: those of the usual daemons.'),
        ignoreExcludeLabel: z
          .boolean()
          .default(false)
          .describe('List also nodes labelled node.kubernetes.io/exclude-from-external-load-balancers, as ServiceLB does.'),
      })
      .prefault({})
      .describe('Node mode: Services of class heraldlb.io/node.'),
    resources: resources({ cpu: '50m', memory: '128Mi' }, { memory: '512Mi' }),
    priorityClassName: z.string().default('system-cluster-critical').describe('Priority class of the pods.'),
    podDisruptionBudget: z
      .object({
        enabled: z.boolean().default(true).describe('Whether a drain of nodes leaves one controller running.'),
        minAvailable: z.int().min(0).default(1).describe('Pods that must remain.'),
      })
      .prefault({})
      .describe('PodDisruptionBudget, made with two replicas or more.'),
    tolerations: anyList()
      .default([{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }])
      .describe('Taints the pods tolerate.'),
    ...scheduling,
    serviceAccount: serviceAccount('<release>-controller'),
  })
  .prefault({})
  .describe('The controller: assigns addresses and plans who announces them.');

const speaker = z
  .object({
    httpPort: port().default(9125).describe('Port of /healthz, /readyz and /metrics, on the node.'),
    meshPort: port()
      .default(7947)
      .describe(
        'UDP port of the heartbeats, on the node. Speakers with different ports do not hear each other and claim the same addresses: change it while none runs.',
      ),
    meshProfile: z
      .enum(['aggressive', 'default', 'relaxed'])
      .default('default')
      .describe('How fast a lost node is noticed: aggressive 200 ms, default 400 ms, relaxed 1200 ms.'),
    responder: z
      .enum(['auto', 'packet'])
      .default('packet')
      .describe('Who answers ARP and NDP. packet: the speaker. auto: the kernel (eBPF), where netAdmin and bpf are granted.'),
    netAdmin: z
      .boolean()
      .default(false)
      .describe(
        'Grant NET_ADMIN: to count established connections, so that planned moves end with the last one and not after drainTime; for node forwarding under kube-proxy IPVS; and together with bpf for the kernel responder.',
      ),
    bpf: z.boolean().default(false).describe('Grant BPF: for the kernel responder.'),
    nodeForwarding: z
      .boolean()
      .default(false)
      .describe(
        'Forward for Services of class heraldlb.io/node by nftables rules of the node, where kube-proxy works in IPVS mode. Grants NET_ADMIN.',
      ),
    pin: z
      .object({
        enabled: z
          .boolean()
          .default(false)
          .describe('Keep the kernel responder answering while the speaker restarts. Needs a BPF file system on the nodes.'),
        hostPath: z.string().default('/sys/fs/bpf').describe('BPF file system on the node.'),
      })
      .prefault({})
      .describe('What the kernel responder answers with, pinned on the node. Uninstalling removes it, or herald cleanup.'),
    caretaker: z
      .boolean()
      .default(true)
      .describe(
        "Answer new clients of a node whose speaker is away with that node's MAC. false where switches inspect ARP: new clients then wait until it is back, unless pin is enabled.",
      ),
    bgpListenPort: z
      .int()
      .min(0)
      .max(65_535)
      .default(0)
      .describe('Accept BGP connections on this port of the node, which BGPPeers with passive: true need (179 there). 0: only open them.'),
    bgpDrainTime: z.string().default('2s').describe('How long routes stay, marked for graceful shutdown, when the pod stops.'),
    excludeInterfaces: z
      .array(z.string())
      .default([])
      .describe('Names of interfaces never used, as regular expressions, in place of the built-in list.'),
    snapshot: z
      .object({
        enabled: z.boolean().default(true).describe('Keep the last configuration on the node, for a start while the API server is away.'),
        hostPath: z.string().default('/var/lib/herald').describe('Folder on the node.'),
      })
      .prefault({})
      .describe('The snapshot of the configuration.'),
    holdTime: z
      .string()
      .default('30s')
      .describe(
        'How long the addresses of a silent speaker are held while its kernel answers, where the L2Advertisement does not say (holdSeconds). 0s: not at all.',
      ),
    drainTime: z
      .string()
      .default('60s')
      .describe(
        'How long a planned move goes on for established connections, where the L2Advertisement does not say (drainSeconds). 0s: they break.',
      ),
    countFlows: z
      .boolean()
      .default(true)
      .describe(
        'End planned moves with the last established connection, where netAdmin is granted. false where another data path than the kernel keeps connections.',
      ),
    leaveDeadline: z
      .string()
      .default('20s')
      .describe('Longest time to hand addresses over to other nodes, and to wait for established connections, when the pod stops.'),
    terminationGracePeriodSeconds: z
      .int()
      .min(10)
      .default(30)
      .describe('Time until the pod is killed: more than 8 s above both leaveDeadline and bgpDrainTime.'),
    maxUnavailable: z
      .union([z.int().min(1), z.string()])
      .default(1)
      .describe('How many nodes are upgraded at a time.'),
    priorityClassName: z.string().default('system-node-critical').describe('Priority class of the pods.'),
    tolerateControlPlane: z.boolean().default(true).describe('Run on control plane nodes, too.'),
    tolerations: anyList().default([]).describe('Further taints the pods tolerate.'),
    resources: resources({ cpu: '50m', memory: '96Mi' }, { memory: '256Mi' }),
    ...scheduling,
    serviceAccount: serviceAccount('<release>-speaker'),
  })
  .prefault({})
  .describe('The speaker: one per node, announces addresses.');

const monitor = (what: string) =>
  z
    .object({
      enabled: z.boolean().default(false).describe(`Whether to create the ${what}.`),
      interval: z.string().default('30s').describe('How often to scrape.'),
      labels: labels().default({}).describe('Its labels, as your Prometheus selects them.'),
    })
    .prefault({})
    .describe(`${what} of the Prometheus operator.`);

const metrics = z
  .object({
    scrapeAnnotations: z.boolean().default(false).describe('Annotate the pods with prometheus.io/scrape.'),
    serviceMonitor: monitor('ServiceMonitor of the controller'),
    podMonitor: monitor('PodMonitor of the speakers'),
    prometheusRule: z
      .object({
        enabled: z.boolean().default(false).describe('Whether to create the alert rules.'),
        labels: labels().default({}).describe('Their labels, as your Prometheus selects them.'),
        poolUsage: z
          .array(z.int().min(1).max(100))
          .default([75, 90, 100])
          .describe('Alert when so many percent of a pool are in use; 100 is critical.'),
        runbookURL: z.string().default('').describe('Where docs/runbooks/ is published; becomes runbook_url of the alerts. Empty: none.'),
        excludePools: z.array(z.string()).default([]).describe('Pools without alerts about their use.'),
      })
      .prefault({})
      .describe('PrometheusRule of the Prometheus operator.'),
    dashboard: z
      .object({
        enabled: z.boolean().default(false).describe('Whether to create a ConfigMap with the Grafana dashboard.'),
        labels: labels().default({ grafana_dashboard: '1' }).describe('Its labels, as the sidecar of your Grafana selects them.'),
      })
      .prefault({})
      .describe('The Grafana dashboard (dashboards/herald.json).'),
  })
  .prefault({})
  .describe('Metrics and alerts.');

const networkPolicy = z
  .object({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether to restrict the network of the controller. Speakers are on the network of the node, where policies do not hold.'),
    apiServerPort: port().default(6443).describe('Port of the API server, behind the kubernetes Service.'),
    metricsFrom: anyList().default([]).describe('Peers that may scrape (NetworkPolicyPeer). Empty: all.'),
  })
  .prefault({})
  .describe('NetworkPolicy of the controller.');

/** A pool, advertisement, … as a value: its name, labels, and the fields of its spec. */
const object = <T extends z.ZodObject>(kind: { readonly kind: string; readonly spec: T }) =>
  z
    .array(
      z
        .object({
          name: z.string().min(1).describe('Name of the object.'),
          labels: labels().optional().describe('Labels of the object.'),
        })
        .extend({ spec: kind.spec }),
    )
    .default([])
    .describe(`${kind.kind} objects to create: name, labels and spec, as in the API reference.`);

export const values = z.object({
  nameOverride: z.string().default('').describe('Replaces "herald" in names.'),
  fullnameOverride: z.string().default('').describe('Replaces the whole prefix of names.'),
  commonLabels: labels().default({}).describe('Labels of every object.'),
  namespace: z
    .object({
      create: z
        .boolean()
        .default(false)
        .describe(
          'Create the namespace, labelled for the privileged Pod Security level that host networking needs. With Helm, --create-namespace is usual.',
        ),
    })
    .prefault({})
    .describe('The namespace of the release.'),
  image: z
    .object({
      repository: z.string().min(1).default('herald').describe('Repository of the image.'),
      tag: z.string().default('').describe('Tag. Empty: the appVersion of the chart.'),
      digest: z
        .string()
        .regex(/^(sha256:[0-9a-f]{64})?$/)
        .default('')
        .describe('Digest, in place of the tag.'),
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent').describe('When to pull it.'),
    })
    .prefault({})
    .describe('The image.'),
  imagePullSecrets: anyList().default([]).describe('Secrets for pulling it.'),
  loadBalancerClass: z.string().default('').describe('Serve Services of this spec.loadBalancerClass instead of those without one.'),
  ignoreExcludeLabel: z
    .boolean()
    .default(false)
    .describe(
      'Announce also from nodes labelled node.kubernetes.io/exclude-from-external-load-balancers, as kubeadm labels a control plane.',
    ),
  readMetalLB: z
    .object({
      enabled: z
        .boolean()
        .default(false)
        .describe("Read MetalLB's pools, advertisements and peers beside Herald's, as they stand. The namespace must exist."),
      namespace: z.string().default('metallb-system').describe("Namespace of MetalLB's objects."),
    })
    .prefault({})
    .describe('The objects of MetalLB, for moving from it.'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least severe level that is logged.'),
  controller,
  speaker,
  mesh: z
    .object({
      secret: z
        .object({
          create: z
            .boolean()
            .default(true)
            .describe(
              'Create the Secret with the key of the heartbeats. It is made once and kept over upgrades. false where the chart is rendered without the cluster (helm template, Argo CD): each time would make another key.',
            ),
          name: z.string().default('herald-mesh').describe('Its name.'),
        })
        .prefault({})
        .describe('The key of the heartbeats. Without a Secret it is derived from the UID of the cluster.'),
    })
    .prefault({})
    .describe('Heartbeats between the speakers.'),
  rbac: z
    .object({
      create: z.boolean().default(true).describe('Create roles and bindings.'),
      aggregate: z.boolean().default(true).describe("Add Herald's kinds to the roles view and admin of the cluster."),
    })
    .prefault({})
    .describe('Permissions.'),
  admissionPolicy: z
    .object({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          'Hold each speaker to its own node with a ValidatingAdmissionPolicy. Needs Kubernetes 1.32, where tokens of pods name their node.',
        ),
    })
    .prefault({})
    .describe('Admission policy.'),
  networkPolicy,
  metrics,
  ipAddressPools: object(ipAddressPool),
  l2Advertisements: object(l2Advertisement),
  bgpAdvertisements: object(bgpAdvertisement),
  bgpPeers: object(bgpPeer),
  bfdProfiles: object(bfdProfile),
  communities: object(community),
});

export type Values = z.output<typeof values>;
