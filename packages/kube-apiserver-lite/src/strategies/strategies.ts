import type { Cluster } from '../cluster.ts';
import { crdStrategy } from '../custom/strategy.ts';
import type { BuiltinKind } from '../registry/builtin.ts';
import type { ServiceNetwork } from '../services/network.ts';
import { serviceStrategy } from '../services/strategy.ts';
import { secretStrategy } from './data.ts';
import { autoscalerStrategy, jobStrategy, replicationControllerStrategy } from './jobs.ts';
import { namespaceStrategy } from './namespace.ts';
import { nodeStrategy } from './node.ts';
import { bindingStrategy, roleStrategy } from './rbac.ts';
import { plainStrategy, type Strategy } from './strategy.ts';
import { podStrategy, workloadStrategy } from './workloads.ts';

/** What strategies of built-in kinds work with. */
export interface StrategyWorld {
  cluster: Cluster;
  network: ServiceNetwork;
}

/** The strategy of a built-in kind. */
export function strategyFor(kind: BuiltinKind, world: StrategyWorld): Strategy {
  const own = special(kind, world);
  const status = kind.subresources?.includes('status') === true;
  return { ...plainStrategy, generation: kind.generation === true, status, ...own };
}

function special(kind: BuiltinKind, world: StrategyWorld): Partial<Strategy> {
  switch (`${kind.group}/${kind.plural}`) {
    case '/namespaces':
      return namespaceStrategy;
    case '/nodes':
      return nodeStrategy;
    case '/services':
      return serviceStrategy(world.network);
    case '/persistentvolumeclaims':
    case '/persistentvolumes':
    case '/podtemplates':
    case '/resourcequotas':
    case '/serviceaccounts':
      return { returnsDeleted: true };
    case 'apiextensions.k8s.io/customresourcedefinitions':
      return crdStrategy;
    case 'coordination.k8s.io/leases':
      return { unconditionalUpdate: false, createOnUpdate: true };
    case '/secrets':
      return secretStrategy;
    case '/pods':
      return podStrategy;
    case '/replicationcontrollers':
      return replicationControllerStrategy;
    case 'autoscaling/horizontalpodautoscalers':
      return autoscalerStrategy;
    case 'batch/jobs':
      return jobStrategy;
    case 'apps/daemonsets':
    case 'apps/deployments':
    case 'apps/replicasets':
    case 'apps/statefulsets':
      return workloadStrategy;
    case 'rbac.authorization.k8s.io/clusterrolebindings':
    case 'rbac.authorization.k8s.io/rolebindings':
      return bindingStrategy(world.cluster);
    case 'rbac.authorization.k8s.io/clusterroles':
    case 'rbac.authorization.k8s.io/roles':
      return roleStrategy(world.cluster);
    default:
      return {};
  }
}
