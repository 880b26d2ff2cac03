import { apiVersion, kinds, toCustomResourceDefinition } from '@herald/crds';
import {
  type Client,
  connectTo,
  customResourceDefinitions,
  endpointSlices,
  type KubeObject,
  namespaces,
  nodes,
  type Resource,
  services,
  sleep,
  systemClock,
} from '@herald/kube';
import { createLogger } from '@herald/process';
import { type ApiServer, type ApiServerOptions, startApiServer } from 'kube-apiserver-lite';
import { runController } from '../controller.ts';
import type { ControllerOptions } from '../options.ts';
import { type ConfigObject, configKinds } from '../resources.ts';
import { ingressAddresses, type Service } from '../service-status.ts';

/** What a test says of a Service. */
export interface ServiceInput {
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  spec?: Record<string, unknown>;
}

/** A running controller. */
export interface Replica {
  /** What it logged, as parsed lines. */
  log: Record<string, unknown>[];
  /** Asks it to end cleanly and waits for it. */
  stop(): Promise<void>;
}

export const herald = 'herald-system';

/** An embedded API server with Herald's kinds, and controllers against it. For tests. */
export class TestCluster {
  readonly server: ApiServer;
  readonly client: Client;
  readonly #replicas = new Set<Replica>();
  #serial = 0;

  private constructor(server: ApiServer) {
    this.server = server;
    this.client = connectTo(server.url, { qps: 0 });
  }

  static async start(options: ApiServerOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(await startApiServer({ port: 0, ...options }));
    await cluster.install();
    return cluster;
  }

  /** Herald's namespace and kinds. */
  async install(): Promise<void> {
    await this.client.create(namespaces, { metadata: { name: herald } });
    for (const kind of kinds) await this.client.create(customResourceDefinitions, toCustomResourceDefinition(kind));
    for (const kind of configKinds) await eventually(() => this.client.list(kind, { namespace: herald }), `${kind.kind} to be served`);
  }

  /** Starts a controller; without leader election unless told. */
  start(options: Partial<ControllerOptions> = {}): Replica {
    const stop = new AbortController();
    const log: Record<string, unknown>[] = [];
    const identity = options.identity ?? `replica-${this.#serial++}`;
    const running = runController(
      {
        logger: createLogger({
          component: 'controller',
          level: 'debug',
          to: { write: line => void log.push(JSON.parse(line) as Record<string, unknown>) },
        }),
        connect: more => Promise.resolve(connectTo(this.server.url, more)),
        version: 'test',
        namespace: herald,
        qps: 0,
        burst: 1,
        loadBalancerClass: null,
        identity,
        ...options,
      },
      stop.signal,
    );
    const replica: Replica = {
      log,
      stop: async () => {
        this.#replicas.delete(replica);
        stop.abort();
        await running;
      },
    };
    this.#replicas.add(replica);
    return replica;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#replicas].map(replica => replica.stop()));
    this.client.close();
    await this.server.close();
  }

  async createConfig(kind: string, name: string, spec: object): Promise<void> {
    await this.client.create(configKind(kind), { apiVersion, kind, metadata: { namespace: herald, name }, spec });
  }

  async pool(name: string, addresses: string[], more: object = {}): Promise<void> {
    await this.createConfig('IPAddressPool', name, { addresses, ...more });
  }

  async config(kind: string, name: string): Promise<ConfigObject> {
    return this.client.get(configKind(kind), { namespace: herald, name });
  }

  async patchConfig(kind: string, name: string, spec: object): Promise<void> {
    await this.client.patch(configKind(kind), { namespace: herald, name }, { spec }, { type: 'merge' });
  }

  async deleteConfig(kind: string, name: string): Promise<void> {
    await this.client.delete(configKind(kind), { namespace: herald, name });
  }

  async node(name: string, labels: Record<string, string> = {}): Promise<void> {
    await this.client.create(nodes, { metadata: { name, labels } });
  }

  async createService(name: string, input: ServiceInput = {}): Promise<Service> {
    const { namespace = 'default', spec = {}, labels = {}, annotations = {} } = input;
    const object = {
      metadata: { namespace, name, labels, annotations },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], allocateLoadBalancerNodePorts: false, selector: { app: name }, ...spec },
    };
    return this.client.create(services, object);
  }

  /** An EndpointSlice with one ready endpoint on each node. */
  async endpoints(service: string, on: readonly string[], namespace = 'default'): Promise<void> {
    const object = {
      metadata: { namespace, name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      ports: [{ port: 80, protocol: 'TCP' }],
      endpoints: on.map((nodeName, index) => ({ addresses: [`10.244.0.${index + 1}`], nodeName, conditions: { ready: true } })),
    };
    await this.client.create(endpointSlices, object);
  }

  async service(name: string, namespace = 'default'): Promise<Service> {
    return this.client.get(services, { namespace, name });
  }

  async patchService(name: string, patch: object, namespace = 'default'): Promise<Service> {
    return this.client.patch(services, { namespace, name }, patch, { type: 'merge' });
  }

  async deleteService(name: string, namespace = 'default'): Promise<void> {
    await this.client.delete(services, { namespace, name });
  }

  async addresses(name: string, namespace = 'default'): Promise<string[]> {
    return ingressAddresses(await this.service(name, namespace));
  }

  /** Waits until a Service has exactly these addresses. */
  async assigned(name: string, addresses: readonly string[], namespace = 'default'): Promise<Service> {
    return this.serviceWhere(
      name,
      service => ingressAddresses(service).join() === addresses.join(),
      `addresses ${addresses.join() || '(none)'}`,
      namespace,
    );
  }

  /** Waits until a condition of a Service has this reason. */
  async reason(name: string, type: 'Allocated' | 'Announced', reason: string, namespace = 'default'): Promise<string> {
    const find = (service: Service) => service.status?.conditions?.find(condition => condition.type === `heraldlb.io/${type}`);
    const service = await this.serviceWhere(name, each => find(each)?.reason === reason, `${type} ${reason}`, namespace);
    return find(service)?.message ?? '';
  }

  async serviceWhere(name: string, holds: (service: Service) => boolean, what: string, namespace = 'default'): Promise<Service> {
    let last: Service | undefined;
    return eventually(async () => {
      last = await this.service(name, namespace);
      if (!holds(last)) throw new Error(`not yet: ${JSON.stringify(last.status)}`);
      return last;
    }, `Service ${name}: ${what}`);
  }

  async find<T extends KubeObject>(resource: Resource<T>, name: string, namespace = 'default'): Promise<T | undefined> {
    return this.client.find(resource, { namespace, name });
  }
}

function configKind(kind: string): Resource<ConfigObject> {
  const found = configKinds.find(resource => resource.kind === kind);
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return found;
}

/** Repeats an attempt until it succeeds; throws its last error after `timeoutMs`. */
export async function eventually<T>(attempt: () => Promise<T>, what: string, timeoutMs = 10_000): Promise<T> {
  const end = systemClock.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (systemClock.now() > end) throw new Error(`timed out waiting for ${what}`, { cause: error });
      await sleep(systemClock, 10);
    }
  }
}
