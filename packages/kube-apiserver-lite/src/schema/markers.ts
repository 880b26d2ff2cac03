import type { Json } from './json.ts';

/**
 * What the published models leave out: how lists merge, which structs are replaced whole, which members Go holds by
 * value or by pointer, enumerations. Facts of the Kubernetes API (`+listType`, `+structType`, `patchMergeKey`, `json:"…"`),
 * written by type and field. Everything not named here is the API's default: atomic lists, granular maps and structs.
 */

/** Lists that merge: `type.field` → list type, list-map keys, strategic merge key and strategies. */
export const lists: Record<string, { type?: 'map' | 'set'; keys?: string[]; merge?: string; strategy?: string }> = {
  'ObjectMeta.finalizers': { type: 'set', strategy: 'merge' },
  'ObjectMeta.ownerReferences': { type: 'map', keys: ['uid'], merge: 'uid' },
  'ServiceSpec.ports': { type: 'map', keys: ['port', 'protocol'], merge: 'port' },
  'ServiceAccount.secrets': { type: 'map', keys: ['name'], merge: 'name' },
  'NodeSpec.podCIDRs': { type: 'set', strategy: 'merge' },
  'NodeStatus.addresses': { type: 'map', keys: ['type'], merge: 'type' },
  'PodSpec.containers': { type: 'map', keys: ['name'], merge: 'name' },
  'PodSpec.initContainers': { type: 'map', keys: ['name'], merge: 'name' },
  'PodSpec.ephemeralContainers': { type: 'map', keys: ['name'], merge: 'name' },
  'PodSpec.imagePullSecrets': { type: 'map', keys: ['name'], merge: 'name' },
  'PodSpec.schedulingGates': { type: 'map', keys: ['name'], merge: 'name' },
  'PodSpec.volumes': { type: 'map', keys: ['name'], merge: 'name', strategy: 'merge,retainKeys' },
  'PodSpec.resourceClaims': { type: 'map', keys: ['name'], merge: 'name', strategy: 'merge,retainKeys' },
  'PodSpec.hostAliases': { type: 'map', keys: ['ip'], merge: 'ip' },
  'PodSpec.topologySpreadConstraints': { type: 'map', keys: ['topologyKey', 'whenUnsatisfiable'], merge: 'topologyKey' },
  'PodStatus.podIPs': { type: 'map', keys: ['ip'], merge: 'ip' },
  'PodStatus.hostIPs': { merge: 'ip' },
  'PodStatus.resourceClaimStatuses': { type: 'map', keys: ['name'], merge: 'name', strategy: 'merge,retainKeys' },
  'ContainerStatus.volumeMounts': { type: 'map', keys: ['mountPath'], merge: 'mountPath' },
  'ContainerStatus.allocatedResourcesStatus': { type: 'map', keys: ['name'], merge: 'name' },
  'ResourceStatus.resources': { type: 'map', keys: ['resourceID'] },
  'ResourceRequirements.claims': { type: 'map', keys: ['name'] },
  'VolumeResourceRequirements.claims': { type: 'map', keys: ['name'] },
  'Endpoint.addresses': { type: 'set' },
  'JobStatus.conditions': { merge: 'type' },
  'PodFailurePolicyOnExitCodesRequirement.values': { type: 'set' },
  'UncountedTerminatedPods.succeeded': { type: 'set' },
  'UncountedTerminatedPods.failed': { type: 'set' },
  'CSINodeSpec.drivers': { type: 'map', keys: ['name'], merge: 'name' },
  'CSIDriverSpec.volumeLifecycleModes': { type: 'set' },
  'ValidatingWebhookConfiguration.webhooks': { type: 'map', keys: ['name'], merge: 'name' },
  'MutatingWebhookConfiguration.webhooks': { type: 'map', keys: ['name'], merge: 'name' },
  'ValidatingWebhook.matchConditions': { type: 'map', keys: ['name'], merge: 'name' },
  'MutatingWebhook.matchConditions': { type: 'map', keys: ['name'], merge: 'name' },
  'ValidatingAdmissionPolicySpec.matchConditions': { type: 'map', keys: ['name'], merge: 'name' },
  'ValidatingAdmissionPolicySpec.variables': { type: 'map', keys: ['name'], merge: 'name' },
  'ValidatingAdmissionPolicyBindingSpec.validationActions': { type: 'set' },
  'JSONSchemaProps.x-kubernetes-validations': { type: 'map', keys: ['rule'], merge: 'rule' },
};
for (const type of ['Container', 'EphemeralContainer']) {
  lists[`${type}.env`] = { type: 'map', keys: ['name'], merge: 'name' };
  lists[`${type}.ports`] = { type: 'map', keys: ['containerPort', 'protocol'], merge: 'containerPort' };
  lists[`${type}.volumeMounts`] = { type: 'map', keys: ['mountPath'], merge: 'mountPath' };
  lists[`${type}.volumeDevices`] = { type: 'map', keys: ['devicePath'], merge: 'devicePath' };
}
const withConditions =
  'Service Namespace Node Pod ReplicationController PersistentVolumeClaim Deployment DaemonSet ReplicaSet StatefulSet ' +
  'PodDisruptionBudget HorizontalPodAutoscaler APIService FlowSchema PriorityLevelConfiguration ServiceCIDR ResourceClaim';
for (const kind of withConditions.split(' ')) lists[`${kind}Status.conditions`] = { type: 'map', keys: ['type'], merge: 'type' };
lists['ComponentStatus.conditions'] = { type: 'map', keys: ['type'], merge: 'type' };
lists['CustomResourceDefinitionStatus.conditions'] = { type: 'map', keys: ['type'] };
lists['CertificateSigningRequestStatus.conditions'] = { type: 'map', keys: ['type'] };
lists['ValidatingAdmissionPolicyStatus.conditions'] = { type: 'map', keys: ['type'] };

/** Structs that are not lists with a strategic patch strategy. */
export const strategies: Record<string, string> = {
  'DeploymentSpec.strategy': 'retainKeys',
  'PodDisruptionBudgetSpec.selector': 'replace',
};

/** `+structType=atomic`: replaced whole by apply. */
export const atomicTypes = new Set(
  (
    'OwnerReference ObjectReference LocalObjectReference SecretReference TypedLocalObjectReference ConfigMapKeySelector SecretKeySelector ' +
    'ObjectFieldSelector ResourceFieldSelector FileKeySelector NodeSelector NodeSelectorTerm TopologySelectorTerm LabelSelector ' +
    'ScopeSelector ScopedResourceSelectorRequirement EndpointAddress EndpointPort RoleRef Subject ServiceBackendPort ' +
    'NamedRuleWithOperations ParamKind ParamRef MatchResources FieldSelectorAttributes'
  ).split(' '),
);
/** `+mapType=atomic`. */
export const atomicMaps = new Set([
  'ServiceSpec.selector',
  'PodSpec.nodeSelector',
  'ReplicationControllerSpec.selector',
  'Scheduling.nodeSelector',
]);

/** Optional structs and times that Go holds by value and therefore always writes (`{}`, `null`, a quantity `"0"`). */
export const byValue = new Set(
  (
    'ServiceStatus.loadBalancer DeploymentSpec.strategy DaemonSetSpec.updateStrategy StatefulSetSpec.updateStrategy ReplicaSetSpec.template ' +
    'PodTemplateSpec.metadata PodTemplateSpec.spec PodTemplate.template JobTemplateSpec.metadata JobTemplateSpec.spec Container.resources ' +
    'EphemeralContainer.resources NodeStatus.daemonEndpoints NodeStatus.nodeInfo NodeDaemonEndpoints.kubeletEndpoint ContainerStatus.state ' +
    'ContainerStatus.lastState PersistentVolumeClaimSpec.resources IngressStatus.loadBalancer Endpoint.conditions ' +
    'CustomResourceDefinitionStatus.acceptedNames PersistentVolumeClaimTemplate.metadata CoreV1Event.source EventsV1Event.regarding ' +
    'EventsV1Event.deprecatedSource TokenReview.status TokenRequest.status SubjectAccessReview.status SelfSubjectAccessReview.status ' +
    'LocalSubjectAccessReview.status SelfSubjectRulesReview.status SelfSubjectReview.status SelfSubjectReviewStatus.userInfo ' +
    'ResourceFieldSelector.divisor NetworkPolicySpec.podSelector ' +
    'PodCondition.lastProbeTime PodCondition.lastTransitionTime NodeCondition.lastHeartbeatTime NodeCondition.lastTransitionTime ' +
    'DeploymentCondition.lastUpdateTime DeploymentCondition.lastTransitionTime ReplicaSetCondition.lastTransitionTime ' +
    'DaemonSetCondition.lastTransitionTime StatefulSetCondition.lastTransitionTime JobCondition.lastProbeTime JobCondition.lastTransitionTime ' +
    'NamespaceCondition.lastTransitionTime PersistentVolumeClaimCondition.lastProbeTime PersistentVolumeClaimCondition.lastTransitionTime ' +
    'CustomResourceDefinitionCondition.lastTransitionTime APIServiceCondition.lastTransitionTime ContainerStateRunning.startedAt ' +
    'ContainerStateTerminated.startedAt ContainerStateTerminated.finishedAt HorizontalPodAutoscalerCondition.lastTransitionTime ' +
    'CoreV1Event.firstTimestamp CoreV1Event.lastTimestamp CoreV1Event.eventTime EventsV1Event.deprecatedFirstTimestamp ' +
    'EventsV1Event.deprecatedLastTimestamp EventsV1Event.eventTime'
  ).split(' '),
);

/** Optional members Go writes even when empty (no `omitempty`): `""`, `0`, and `null` for lists. */
export const always = new Set(
  (
    'CoreV1Event.reportingComponent CoreV1Event.reportingInstance CustomResourceDefinitionStatus.conditions EndpointSlice.endpoints ' +
    'EndpointSlice.ports Role.rules ClusterRole.rules PodDisruptionBudgetStatus.disruptionsAllowed PodDisruptionBudgetStatus.currentHealthy ' +
    'PodDisruptionBudgetStatus.desiredHealthy PodDisruptionBudgetStatus.expectedPods HorizontalPodAutoscalerStatus.currentReplicas'
  ).split(' '),
);

/** Required structs that Go holds by pointer: nothing is written for them when they are missing. */
export const requiredPointers = new Set(
  'DeploymentSpec.selector DaemonSetSpec.selector ReplicaSetSpec.selector StatefulSetSpec.selector'.split(' '),
);

/** Optional scalars Go holds by pointer: `0`, `""` and `false` are kept. By type; `*` = every scalar of it. */
export const pointers: Record<string, string> = {
  ObjectMeta: 'deletionGracePeriodSeconds',
  OwnerReference: 'controller blockOwnerDeletion',
  ServiceSpec: 'allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy ipFamilyPolicy trafficDistribution',
  ServicePort: 'appProtocol',
  ClientIPConfig: '*',
  LoadBalancerIngress: 'ipMode',
  PortStatus: 'error',
  IngressPortStatus: 'error',
  DeploymentSpec: 'replicas revisionHistoryLimit progressDeadlineSeconds',
  DeploymentStatus: 'collisionCount terminatingReplicas',
  ReplicaSetSpec: 'replicas',
  ReplicaSetStatus: 'terminatingReplicas',
  ReplicationControllerSpec: 'replicas',
  StatefulSetSpec: 'replicas revisionHistoryLimit',
  StatefulSetStatus: 'collisionCount',
  RollingUpdateStatefulSetStrategy: 'partition',
  DaemonSetSpec: 'revisionHistoryLimit',
  DaemonSetStatus: 'collisionCount',
  PodSpec:
    'terminationGracePeriodSeconds activeDeadlineSeconds automountServiceAccountToken shareProcessNamespace enableServiceLinks runtimeClassName priority preemptionPolicy setHostnameAsFQDN hostUsers hostnameOverride',
  Container: 'restartPolicy',
  EphemeralContainer: 'restartPolicy',
  SecurityContext: '*',
  PodSecurityContext: '*',
  WindowsSecurityContextOptions: '*',
  SeccompProfile: 'localhostProfile',
  AppArmorProfile: 'localhostProfile',
  Probe: 'terminationGracePeriodSeconds',
  GRPCAction: 'service',
  VolumeMount: 'mountPropagation recursiveReadOnly',
  SecretVolumeSource: 'defaultMode optional',
  ConfigMapVolumeSource: 'defaultMode optional',
  DownwardAPIVolumeSource: 'defaultMode',
  DownwardAPIVolumeFile: 'mode',
  ProjectedVolumeSource: 'defaultMode',
  ServiceAccountTokenProjection: 'expirationSeconds',
  KeyToPath: 'mode',
  HostPathVolumeSource: 'type',
  CSIVolumeSource: '*',
  SecretKeySelector: 'optional',
  ConfigMapKeySelector: 'optional',
  SecretEnvSource: 'optional',
  ConfigMapEnvSource: 'optional',
  SecretProjection: 'optional',
  ConfigMapProjection: 'optional',
  Toleration: 'tolerationSeconds',
  TopologySpreadConstraint: 'minDomains nodeAffinityPolicy nodeTaintsPolicy',
  PodDNSConfigOption: 'value',
  ConfigMap: 'immutable',
  Secret: 'immutable',
  ServiceAccount: 'automountServiceAccountToken',
  PersistentVolumeClaimSpec: 'storageClassName volumeMode volumeAttributesClassName',
  PersistentVolumeClaimStatus: 'currentVolumeAttributesClassName',
  PersistentVolumeSpec: 'volumeMode volumeAttributesClassName',
  TypedLocalObjectReference: 'apiGroup',
  TypedObjectReference: 'apiGroup namespace',
  JobSpec: '*',
  JobStatus: 'terminating ready failedIndexes',
  CronJobSpec: 'timeZone startingDeadlineSeconds suspend successfulJobsHistoryLimit failedJobsHistoryLimit',
  LeaseSpec: '*',
  Endpoint: '*',
  EndpointConditions: '*',
  DiscoveryV1EndpointPort: '*',
  EndpointAddress: 'nodeName',
  CoreV1EndpointPort: 'appProtocol',
  IngressSpec: 'ingressClassName',
  IngressClassParametersReference: 'apiGroup scope namespace',
  HTTPIngressPath: 'pathType',
  NetworkPolicyPort: '*',
  PodDisruptionBudgetSpec: 'unhealthyPodEvictionPolicy',
  PriorityClass: 'preemptionPolicy',
  HorizontalPodAutoscalerSpec: 'minReplicas targetCPUUtilizationPercentage',
  HorizontalPodAutoscalerStatus: 'observedGeneration currentCPUUtilizationPercentage',
  HPAScalingRules: '*',
  MetricTarget: 'averageUtilization',
  CustomResourceSubresourceScale: 'labelSelectorPath',
  CustomResourceDefinitionVersion: 'deprecationWarning',
  ValidationRule: 'reason optionalOldSelf',
  JSONSchemaProps:
    'maximum minimum maxLength minLength maxItems minItems multipleOf maxProperties minProperties $ref x-kubernetes-preserve-unknown-fields x-kubernetes-list-type x-kubernetes-map-type',
  WebhookClientConfig: 'url',
  ServiceReference: 'path port',
  ValidatingWebhook: 'failurePolicy matchPolicy sideEffects timeoutSeconds',
  MutatingWebhook: 'failurePolicy matchPolicy sideEffects timeoutSeconds reinvocationPolicy',
  ValidatingAdmissionPolicySpec: 'failurePolicy',
  StorageClass: 'reclaimPolicy allowVolumeExpansion volumeBindingMode',
  CSIDriverSpec: '*',
  TokenRequestSpec: 'expirationSeconds',
  AuthenticationV1TokenRequestSpec: 'expirationSeconds',
  StorageV1TokenRequest: 'expirationSeconds',
  ContainerStatus: 'started',
  DeleteOptions: '*',
  Preconditions: '*',
  Overhead: '*',
};

/** String types with a name of their own, as decoding errors show them; `*` after the name is not needed. */
export const typedefs: Record<string, string> = {
  'ObjectMeta.uid': 'types.UID',
  'OwnerReference.uid': 'types.UID',
  'ObjectReference.uid': 'types.UID',
  'ServiceSpec.type': 'v1.ServiceType',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.externalTrafficPolicy': 'v1.ServiceExternalTrafficPolicy',
  'ServiceSpec.internalTrafficPolicy': 'v1.ServiceInternalTrafficPolicy',
  'ServiceSpec.ipFamilyPolicy': 'v1.IPFamilyPolicy',
  'ServiceSpec.ipFamilies': '[]v1.IPFamily',
  'ServicePort.protocol': 'v1.Protocol',
  'ContainerPort.protocol': 'v1.Protocol',
  'CoreV1EndpointPort.protocol': 'v1.Protocol',
  'DiscoveryV1EndpointPort.protocol': 'v1.Protocol',
  'NetworkPolicyPort.protocol': 'v1.Protocol',
  'PortStatus.protocol': 'v1.Protocol',
  'LoadBalancerIngress.ipMode': 'v1.LoadBalancerIPMode',
  'Secret.type': 'v1.SecretType',
  'EndpointSlice.addressType': 'v1.AddressType',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'Container.terminationMessagePolicy': 'v1.TerminationMessagePolicy',
  'Taint.effect': 'v1.TaintEffect',
  'Toleration.effect': 'v1.TaintEffect',
  'Toleration.operator': 'v1.TolerationOperator',
  'NodeAddress.type': 'v1.NodeAddressType',
  'NodeCondition.type': 'v1.NodeConditionType',
  'NodeCondition.status': 'v1.ConditionStatus',
  'Condition.status': 'v1.ConditionStatus',
  'PodCondition.status': 'v1.ConditionStatus',
  'PodCondition.type': 'v1.PodConditionType',
  'PodStatus.phase': 'v1.PodPhase',
  'NamespaceStatus.phase': 'v1.NamespacePhase',
  'NamespaceSpec.finalizers': '[]v1.FinalizerName',
  'LabelSelectorRequirement.operator': 'v1.LabelSelectorOperator',
  'DeploymentStrategy.type': 'v1.DeploymentStrategyType',
  'DaemonSetUpdateStrategy.type': 'v1.DaemonSetUpdateStrategyType',
  'CronJobSpec.concurrencyPolicy': 'v1.ConcurrencyPolicy',
  'HTTPIngressPath.pathType': 'v1.PathType',
  'CustomResourceDefinitionSpec.scope': 'v1.ResourceScope',
};

/** Structs embedded in others of the same JSON object in Go; their members belong to the outer type. */
export const metaTypes = new Set(
  (
    'ObjectMeta ListMeta OwnerReference ManagedFieldsEntry LabelSelector LabelSelectorRequirement Condition DeleteOptions Preconditions Status ' +
    'StatusDetails StatusCause APIResource APIResourceList APIGroup APIGroupList APIVersions GroupVersionForDiscovery ServerAddressByClientCIDR ' +
    'FieldSelectorRequirement MicroTime WatchEvent'
  ).split(' '),
);

/** resource.Quantity, or maps of them. */
export const quantities = new Set(
  (
    'ResourceRequirements.limits ResourceRequirements.requests VolumeResourceRequirements.limits VolumeResourceRequirements.requests ' +
    'NodeStatus.capacity NodeStatus.allocatable PersistentVolumeSpec.capacity PersistentVolumeClaimStatus.capacity ' +
    'PersistentVolumeClaimStatus.allocatedResources ResourceQuotaSpec.hard ResourceQuotaStatus.hard ResourceQuotaStatus.used ' +
    'LimitRangeItem.default LimitRangeItem.defaultRequest LimitRangeItem.max LimitRangeItem.min LimitRangeItem.maxLimitRequestRatio ' +
    'PodSpec.overhead Overhead.podFixed EmptyDirVolumeSource.sizeLimit ResourceFieldSelector.divisor ContainerStatus.allocatedResources ' +
    'MetricTarget.averageValue MetricTarget.value MetricValueStatus.averageValue MetricValueStatus.value CSIStorageCapacity.capacity ' +
    'CSIStorageCapacity.maximumVolumeSize HPAScalingRules.tolerance'
  ).split(' '),
);

/** Defaults that do not depend on other fields. */
export const defaults: Record<string, Json> = {
  'ServicePort.protocol': 'TCP',
  'ContainerPort.protocol': 'TCP',
  'CoreV1EndpointPort.protocol': 'TCP',
  'DiscoveryV1EndpointPort.protocol': 'TCP',
  'DiscoveryV1EndpointPort.name': '',
  'NetworkPolicyPort.protocol': 'TCP',
  'ServiceSpec.type': 'ClusterIP',
  'ServiceSpec.sessionAffinity': 'None',
  'Secret.type': 'Opaque',
  'NamespaceStatus.phase': 'Active',
  'PodSpec.restartPolicy': 'Always',
  'PodSpec.dnsPolicy': 'ClusterFirst',
  'PodSpec.terminationGracePeriodSeconds': 30,
  'PodSpec.securityContext': {},
  'PodSpec.schedulerName': 'default-scheduler',
  'Container.terminationMessagePath': '/dev/termination-log',
  'Container.terminationMessagePolicy': 'File',
  'EphemeralContainer.terminationMessagePath': '/dev/termination-log',
  'EphemeralContainer.terminationMessagePolicy': 'File',
  'Probe.timeoutSeconds': 1,
  'Probe.periodSeconds': 10,
  'Probe.successThreshold': 1,
  'Probe.failureThreshold': 3,
  'HTTPGetAction.scheme': 'HTTP',
  'HTTPGetAction.path': '/',
  'GRPCAction.service': '',
  'ObjectFieldSelector.apiVersion': 'v1',
  'SecretVolumeSource.defaultMode': 420,
  'ConfigMapVolumeSource.defaultMode': 420,
  'DownwardAPIVolumeSource.defaultMode': 420,
  'ProjectedVolumeSource.defaultMode': 420,
  'ServiceAccountTokenProjection.expirationSeconds': 3600,
  'HostPathVolumeSource.type': '',
  'PersistentVolumeSpec.persistentVolumeReclaimPolicy': 'Retain',
  'PersistentVolumeSpec.volumeMode': 'Filesystem',
  'PersistentVolumeStatus.phase': 'Pending',
  'PersistentVolumeClaimSpec.volumeMode': 'Filesystem',
  'PersistentVolumeClaimStatus.phase': 'Pending',
  'PodStatus.phase': 'Pending',
  'DeploymentSpec.replicas': 1,
  'DeploymentSpec.revisionHistoryLimit': 10,
  'DeploymentSpec.progressDeadlineSeconds': 600,
  'DeploymentStrategy.type': 'RollingUpdate',
  'RollingUpdateDeployment.maxUnavailable': '25%',
  'RollingUpdateDeployment.maxSurge': '25%',
  'ReplicaSetSpec.replicas': 1,
  'StatefulSetSpec.replicas': 1,
  'StatefulSetSpec.revisionHistoryLimit': 10,
  'StatefulSetSpec.podManagementPolicy': 'OrderedReady',
  'StatefulSetUpdateStrategy.type': 'RollingUpdate',
  'StatefulSetSpec.persistentVolumeClaimRetentionPolicy': { whenDeleted: 'Retain', whenScaled: 'Retain' },
  'RollingUpdateStatefulSetStrategy.partition': 0,
  'DaemonSetSpec.revisionHistoryLimit': 10,
  'DaemonSetUpdateStrategy.type': 'RollingUpdate',
  'RollingUpdateDaemonSet.maxUnavailable': 1,
  'RollingUpdateDaemonSet.maxSurge': 0,
  'JobSpec.backoffLimit': 6,
  'JobSpec.completionMode': 'NonIndexed',
  'JobSpec.suspend': false,
  'JobSpec.manualSelector': false,
  'JobSpec.podReplacementPolicy': 'TerminatingOrFailed',
  'CronJobSpec.concurrencyPolicy': 'Allow',
  'CronJobSpec.suspend': false,
  'CronJobSpec.successfulJobsHistoryLimit': 3,
  'CronJobSpec.failedJobsHistoryLimit': 1,
  'PriorityClass.preemptionPolicy': 'PreemptLowerPriority',
  'StorageClass.reclaimPolicy': 'Delete',
  'StorageClass.volumeBindingMode': 'Immediate',
  'TokenRequestSpec.expirationSeconds': 3600,
  'WebhookServiceReference.port': 443,
};

const more = 'More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#';
/** Documentation of members that are structs: the published models keep only that of the struct. `*`: of every kind. */
export const structDocs: Record<string, string> = {
  '*.metadata': `Standard object's metadata. ${more}metadata`,
  '*.spec': `spec is the desired state. ${more}spec-and-status`,
  '*.status': `status is the observed state, populated by the system. Read-only. ${more}spec-and-status`,
  'Service.spec': `Spec defines the behavior of a service. https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#spec-and-status`,
  'Service.status': `Most recently observed status of the service. Populated by the system. Read-only. ${more}spec-and-status`,
  'Pod.spec': `Specification of the desired behavior of the pod. ${more}spec-and-status`,
  'Pod.status': `Most recently observed status of the pod. This data may not be up to date. Populated by the system. Read-only. ${more}spec-and-status`,
  'Node.spec':
    'Spec defines the behavior of a node. https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#spec-and-status',
  'Node.status': `Most recently observed status of the node. Populated by the system. Read-only. ${more}spec-and-status`,
  'Namespace.spec': `Spec defines the behavior of the Namespace. ${more}spec-and-status`,
  'Namespace.status': `Status describes the current status of a Namespace. ${more}spec-and-status`,
  'Deployment.spec': 'Specification of the desired behavior of the Deployment.',
  'Deployment.status': 'Most recently observed status of the Deployment.',
  'ServiceStatus.loadBalancer': 'LoadBalancer contains the current status of the load-balancer, if one is present.',
  'ServiceSpec.sessionAffinityConfig': 'sessionAffinityConfig contains the configurations of session affinity.',
  'DeploymentSpec.template':
    'Template describes the pods that will be created. The only allowed template.spec.restartPolicy value is "Always".',
  'DeploymentSpec.strategy': 'The deployment strategy to use to replace existing pods with new ones.',
  'DeploymentSpec.selector':
    "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment. It must match the pod template's labels.",
  'DaemonSetSpec.selector':
    "A label query over pods that are managed by the daemon set. Must match in order to be controlled. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
  'ReplicaSetSpec.selector':
    "Selector is a label query over pods that should match the replica count. Label keys and values that must match in order to be controlled by this replica set. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
  'JobSpec.selector':
    'A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors',
  'NetworkPolicySpec.podSelector':
    "podSelector selects the pods to which this NetworkPolicy object applies. The array of rules is applied to any pods selected by this field. An empty selector matches all pods in the policy's namespace. Multiple network policies can select the same set of pods. In this case, the ingress rules for each are combined additively. This field is optional. If it is not specified, it defaults to an empty selector.",
  'RoleBinding.roleRef':
    'RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error. This field is immutable.',
  'ClusterRoleBinding.roleRef':
    'RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error. This field is immutable.',
  'HorizontalPodAutoscalerSpec.scaleTargetRef':
    'scaleTargetRef points to the target resource to scale, and is used to the pods for which metrics should be collected, as well as to actually change the replica count.',
  'PersistentVolumeSpec.claimRef':
    'claimRef is part of a bi-directional binding between PersistentVolume and PersistentVolumeClaim. Expected to be non-nil when bound. claim.VolumeName is the authoritative bind between PV and PVC. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#binding',
  'IPAddressSpec.parentRef':
    'ParentRef references the resource that an IPAddress is attached to. An IPAddress must reference a parent object.',
  'CoreV1Event.involvedObject': 'The object that this event is about.',
  'CoreV1Event.source': 'The component reporting this event. Should be a short machine understandable string.',
};

/** Enumerations, as the documents show them. */
export const enums: Record<string, string[]> = {
  'ServicePort.protocol': ['SCTP', 'TCP', 'UDP'],
  'ContainerPort.protocol': ['SCTP', 'TCP', 'UDP'],
  'CoreV1EndpointPort.protocol': ['SCTP', 'TCP', 'UDP'],
  'ServiceSpec.type': ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'],
  'ServiceSpec.sessionAffinity': ['ClientIP', 'None'],
  'ServiceSpec.externalTrafficPolicy': ['Cluster', 'Local'],
  'ServiceSpec.internalTrafficPolicy': ['Cluster', 'Local'],
  'ServiceSpec.ipFamilyPolicy': ['PreferDualStack', 'RequireDualStack', 'SingleStack'],
  'PodSpec.restartPolicy': ['Always', 'Never', 'OnFailure'],
  'PodSpec.dnsPolicy': ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
  'Container.imagePullPolicy': ['Always', 'IfNotPresent', 'Never'],
  'Container.terminationMessagePolicy': ['FallbackToLogsOnError', 'File'],
  'Taint.effect': ['NoExecute', 'NoSchedule', 'PreferNoSchedule'],
  'Toleration.effect': ['NoExecute', 'NoSchedule', 'PreferNoSchedule'],
  'EndpointSlice.addressType': ['FQDN', 'IPv4', 'IPv6'],
  'NamespaceStatus.phase': ['Active', 'Terminating'],
  'PodStatus.phase': ['Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'],
  'DeploymentStrategy.type': ['Recreate', 'RollingUpdate'],
  'DaemonSetUpdateStrategy.type': ['OnDelete', 'RollingUpdate'],
  'CronJobSpec.concurrencyPolicy': ['Allow', 'Forbid', 'Replace'],
  'HTTPIngressPath.pathType': ['Exact', 'ImplementationSpecific', 'Prefix'],
};
