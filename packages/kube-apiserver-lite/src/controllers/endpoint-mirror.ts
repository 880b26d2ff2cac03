import type { Cluster } from '../cluster.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import { equal, isObject } from '../schema/json.ts';
import { type Family, familyOf } from '../services/ip.ts';
import type { Change, Stored } from '../storage/stored.ts';
import { Actor, KeyedController } from './controller.ts';
import { LEGACY_CONTROLLER, LEGACY_MANAGED_BY, MANAGED_BY, SERVICE_NAME, selects } from './endpoint-model.ts';

const SLICES = 'endpointslices.discovery.k8s.io';
const CONTROLLER = 'endpointslicemirroring-controller.k8s.io';
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
const LAST_CHANGE = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Shows hand-made Endpoints of Services without a selector as EndpointSlices, one per subset and family. */
export class EndpointMirror extends KeyedController {
  readonly #actor: Actor;

  constructor(cluster: Cluster, onError: (error: unknown, key: string) => void) {
    super(cluster, onError);
    this.#actor = new Actor(cluster, 'endpointslicemirroring-controller');
  }

  protected override enqueueAll(): void {
    for (const { namespace, name } of this.cluster.store.table('endpoints').list()) this.queue.add(`${namespace}/${name}`);
  }

  protected override observe({ type, resource, current }: Change): void {
    if (resource === 'endpoints') this.queue.add(`${current.namespace}/${current.name}`);
    // A Service that comes, goes, or changes its selector; most have no Endpoints made by hand.
    if (resource === 'services' && (type === 'DELETED' || !selects(current.object))) this.queue.add(`${current.namespace}/${current.name}`);
  }

  protected override sync(key: string): void {
    const [namespace = '', name = ''] = key.split('/', 2);
    const endpoints = this.cluster.store.get('endpoints', namespace, name);
    // Slices are owned by their Endpoints, so that a deletion takes them along.
    if (endpoints === undefined || endpoints.object.metadata.deletionTimestamp !== undefined) return;
    const service = this.cluster.store.get('services', namespace, name);
    const mirrored = service !== undefined && !selects(service.object) && isHandMade(endpoints.object);
    const wanted = mirrored ? slicesOf(endpoints.object) : [];
    const own = this.#own(endpoints);
    for (const slice of wanted) {
      const at = own.findIndex(({ object }) => equal(object['endpoints'], slice['endpoints']) && equal(object['ports'], slice['ports']));
      if (at >= 0) own.splice(at, 1);
      else this.#create(endpoints.object, slice);
    }
    for (const slice of own) this.cluster.store.remove(SLICES, slice);
  }

  #own(endpoints: Stored): Stored[] {
    const { uid } = endpoints.object.metadata;
    return [...this.cluster.store.table(SLICES).list(endpoints.namespace)].filter(
      ({ object }) => object.metadata.labels?.[MANAGED_BY] === CONTROLLER && object.metadata.ownerReferences?.[0]?.uid === uid,
    );
  }

  #create(endpoints: ApiObject, slice: JsonObject): void {
    const { name = '', namespace = '', uid = '', labels, annotations } = endpoints.metadata;
    const owner = { apiVersion: 'v1', kind: 'Endpoints', name, uid, controller: true, blockOwnerDeletion: true };
    const trigger = annotations?.[LAST_CHANGE] === undefined ? {} : { annotations: { [LAST_CHANGE]: annotations[LAST_CHANGE] } };
    this.#actor.create(this.#actor.resource('discovery.k8s.io', 'v1', 'endpointslices'), namespace, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: `${name}-`,
        labels: { ...labels, [MANAGED_BY]: CONTROLLER, [SERVICE_NAME]: name },
        ownerReferences: [owner],
        ...trigger,
      },
      ...slice,
    });
  }
}

const isHandMade = ({ metadata: { labels = {}, annotations = {} } }: ApiObject): boolean =>
  labels[LEGACY_MANAGED_BY] !== LEGACY_CONTROLLER &&
  labels[SKIP] !== 'true' &&
  annotations['control-plane.alpha.kubernetes.io/leader'] === undefined;

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

function slicesOf(endpoints: ApiObject): JsonObject[] {
  return objects(endpoints['subsets']).flatMap(subset =>
    (['IPv4', 'IPv6'] as const).flatMap(family => {
      const listed = [...entries(subset, 'addresses', family, true), ...entries(subset, 'notReadyAddresses', family, false)];
      const ports = objects(subset['ports']).map(port => ({ name: '', protocol: 'TCP', ...port }));
      return listed.length === 0 ? [] : [{ addressType: family, endpoints: listed, ports }];
    }),
  );
}

function entries(subset: JsonObject, field: string, family: Family, ready: boolean): JsonObject[] {
  return objects(subset[field]).flatMap(({ ip, hostname, nodeName, targetRef }) => {
    if (typeof ip !== 'string' || familyOf(ip) !== family) return [];
    return [
      {
        addresses: [ip],
        conditions: { ready },
        ...(hostname === undefined ? {} : { hostname }),
        ...(targetRef === undefined ? {} : { targetRef }),
        ...(nodeName === undefined ? {} : { nodeName }),
      },
    ];
  });
}
