import type { Cause } from '../errors.ts';
import { dns1123Label } from '../names.ts';
import type { ApiObject } from '../object.ts';
import { configMapCauses, configMapUpdateCauses, secretCauses, secretUpdateCauses } from './data.ts';
import { endpointSliceCauses, endpointSliceUpdateCauses, endpointsCauses } from './endpoints.ts';
import { eventCauses } from './events.ts';
import { leaseCauses } from './lease.ts';
import { type NameRule, pathSegmentName, subdomainNames } from './metadata.ts';
import { nodeCauses, nodeUpdateCauses } from './node.ts';
import { podCauses, podUpdateCauses } from './pods.ts';
import { bindingCauses, bindingUpdateCauses, roleCauses } from './rbac.ts';
import { workloadCauses, workloadUpdateCauses } from './workloads.ts';

/** The hand-written validation of one built-in kind. Schemas have been checked when the object was decoded. */
export interface KindValidation {
  name: NameRule;
  causes: (object: ApiObject, old: ApiObject | undefined) => Cause[];
  /** What must not change. */
  update?: (object: ApiObject, old: ApiObject) => Cause[];
  /** The kind's update validation runs the whole of its create validation, metadata included. */
  metadataAgain: boolean;
}

const kind = (rest: Partial<KindValidation>): KindValidation => ({ name: subdomainNames, causes: () => [], metadataAgain: false, ...rest });

const KINDS: Readonly<Record<string, KindValidation>> = {
  '/ConfigMap': kind({ causes: configMapCauses, update: configMapUpdateCauses, metadataAgain: true }),
  '/Endpoints': kind({ causes: endpointsCauses }),
  '/Event': kind({ causes: eventCauses }),
  '/Namespace': kind({ name: dns1123Label }),
  '/Node': kind({ causes: nodeCauses, update: nodeUpdateCauses }),
  '/Pod': kind({ causes: podCauses, update: podUpdateCauses }),
  '/Secret': kind({ causes: secretCauses, update: secretUpdateCauses, metadataAgain: true }),
  // Services have their own package of rules; here only the name's.
  '/Service': kind({ name: dns1123Label, metadataAgain: true }),
  'apps/DaemonSet': kind({ causes: workloadCauses, update: workloadUpdateCauses }),
  'apps/Deployment': kind({ causes: workloadCauses, update: workloadUpdateCauses }),
  'apps/ReplicaSet': kind({ causes: workloadCauses, update: workloadUpdateCauses }),
  'apps/StatefulSet': kind({ causes: workloadCauses, update: workloadUpdateCauses }),
  'coordination.k8s.io/Lease': kind({ causes: leaseCauses }),
  'discovery.k8s.io/EndpointSlice': kind({ causes: endpointSliceCauses, update: endpointSliceUpdateCauses, metadataAgain: true }),
  'events.k8s.io/Event': kind({ causes: eventCauses }),
  'rbac.authorization.k8s.io/ClusterRole': kind({ name: pathSegmentName, causes: roleCauses, metadataAgain: true }),
  'rbac.authorization.k8s.io/ClusterRoleBinding': kind({
    name: pathSegmentName,
    causes: bindingCauses,
    update: bindingUpdateCauses,
    metadataAgain: true,
  }),
  'rbac.authorization.k8s.io/Role': kind({ name: pathSegmentName, causes: roleCauses, metadataAgain: true }),
  'rbac.authorization.k8s.io/RoleBinding': kind({
    name: pathSegmentName,
    causes: bindingCauses,
    update: bindingUpdateCauses,
    metadataAgain: true,
  }),
};

const OTHERS = kind({});

export const validationOf = (group: string, kindName: string): KindValidation => KINDS[`${group}/${kindName}`] ?? OTHERS;
