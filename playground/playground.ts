import { mkdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, connectTo, namespaces, nodes as nodeResource, type Wire } from '@herald/kube';
import type { V1Node } from '@kubernetes/client-node';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { PlaygroundError } from './errors.ts';
import { kubeconfigYaml } from './kubeconfig.ts';
import { applyFiles } from './kubectl.ts';
import { Kubelet } from './kubelet.ts';
import { cable, hostNames, layOut } from './lan.ts';
import { NodePods, type PodDefinition } from './pods.ts';
import { Program } from './program.ts';
import { Relay } from './relay.ts';
import { FrrRouter, type RouterOptions } from './router.ts';
import { type ExecOptions, type ExecResult, repository, run, Sandbox } from './sandbox.ts';
import { type PlaygroundNode, type Topology, topology } from './topology.ts';

const POD_CIDRS = ['10.42.0.0/16', 'fd00:42::/32'];

export interface PlaygroundOptions {
  /** Tells playgrounds on one machine apart; also names the run directory. */
  name?: string;
  /** Number of nodes, 1 to 50; three unless told. */
  nodes?: number;
  /** Start `herald speaker` on every node and one `herald controller`; true unless told. */
  herald?: boolean;
  /** The herald command; a bundle made of the source right now, unless told. */
  heraldCommand?: readonly string[];
  /** More words for every `herald speaker`, such as `--log-level debug`. */
  speakerArguments?: readonly string[];
  controllerArguments?: readonly string[];
  /**
   * How kube-proxy works on the nodes; `nftables` unless told. `ipvs` also binds the addresses of Services on `kube-ipvs0` of every node, as
   * kube-proxy does in that mode; the forwarding itself stays that of nftables.
   */
  kubeProxy?: 'nftables' | 'ipvs';
  /** Where long steps say what they are doing. */
  log?: (line: string) => void;
}

/** A whole cluster on this machine: API server, LAN, nodes, pods, a client, and Herald on top. */
export class Playground {
  readonly directory: string;
  readonly sandbox: Sandbox;
  readonly topology: Topology;
  readonly server: ApiServer;
  /** Full rights on the API server, from this process. */
  readonly client: Client;
  readonly controllers: Program[] = [];
  readonly speakers = new Map<string, Program>();
  /** What speakers and controllers are started with from now on: set to another one, the next start is an upgrade. */
  heraldCommand: readonly string[];
  readonly pods = new Map<string, NodePods>();
  readonly #agents = new Map<string, Program>();
  readonly #graces = new Map<string, NodeJS.Timeout>();
  readonly #kubelet: Kubelet;
  readonly #options: PlaygroundOptions;
  #apiRelay: Relay | undefined;
  readonly #routers = new Map<string, Promise<FrrRouter>>();
  #stopped = false;

  private constructor(directory: string, sandbox: Sandbox, net: Topology, server: ApiServer, client: Client, options: PlaygroundOptions) {
    this.directory = directory;
    this.sandbox = sandbox;
    this.topology = net;
    this.server = server;
    this.client = client;
    this.#options = options;
    this.#kubelet = new Kubelet(client, this.pods, { hasPower: name => this.#agents.has(name), log: line => this.#options.log?.(line) });
    this.heraldCommand = options.heraldCommand ?? [process.execPath, join(directory, 'herald', 'herald.mjs')];
  }

  static async start(options: PlaygroundOptions = {}): Promise<Playground> {
    const log = options.log ?? (() => undefined);
    const directory = runDirectory(options.name ?? 'default');
    await freshDirectory(directory);
    const net = topology(options.nodes ?? 3);
    let sandbox: Sandbox | undefined;
    let server: ApiServer | undefined;
    try {
      log('namespaces: a switch, the nodes, their pods, a client');
      sandbox = await Sandbox.start(directory);
      log('embedded Kubernetes API server');
      // Pods run here, as far as a playground can run them: nobody else has to pretend it.
      server = await startApiServer({
        controllers: { kubelet: false },
        network: { serviceCidrs: ['10.43.0.0/16', '2001:cafe:43::/112'] },
      });
      await writeFile(join(directory, 'kubeconfig'), kubeconfigYaml(server.url), { mode: 0o600 });
      await writeFile(join(directory, 'kubeconfig-node'), kubeconfigYaml('http://127.0.0.1:6443'), { mode: 0o600 });
      const client = connectTo(server.url, {
        userAgent: 'playground',
        qps: 1000,
        burst: 1000,
      });
      const playground = new Playground(directory, sandbox, net, server, client, options);
      await playground.#bringUp(log);
      return playground;
    } catch (error) {
      await server?.close();
      await sandbox?.stop();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get kubeconfig(): string {
    return join(this.directory, 'kubeconfig');
  }

  node(name: string): PlaygroundNode {
    const node = this.topology.nodes.find(candidate => candidate.name === name);
    if (!node) throw new PlaygroundError('EUNKNOWN', `there is no node ${name}; nodes: ${this.topology.nodes.map(n => n.name).join(', ')}`);
    return node;
  }

  /** Runs a command on a node, in its pods' namespace (`dn0-pods`) or on the client. */
  exec(host: string, argv: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    const hosts = hostNames(this.topology);
    if (!hosts.includes(host)) throw new PlaygroundError('EUNKNOWN', `there is no host ${host}; hosts: ${hosts.join(', ')}`);
    return this.sandbox.exec(host, argv, options);
  }

  /** The real kubectl against this cluster. */
  kubectl(args: readonly string[], options: ExecOptions & { binary?: string } = {}): Promise<ExecResult> {
    const env = { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.directory };
    return run([options.binary ?? 'kubectl', ...args], { ...options, env, cwd: repository });
  }

  async startController(more: readonly string[] = []): Promise<Program> {
    const words = ['controller', '--kubeconfig', this.kubeconfig, ...(this.#options.controllerArguments ?? []), ...more];
    const program = await this.#herald(undefined, `controller-${this.controllers.length}`, `127.0.0.1:${await freePort()}`, words);
    this.controllers.push(program);
    return program;
  }

  /** `more`: words after all others, which win over them. */
  async startSpeaker(node: PlaygroundNode, more: readonly string[] = []): Promise<Program> {
    const files = [
      '--kubeconfig',
      join(this.directory, 'kubeconfig-node'),
      '--snapshot-dir',
      join(this.directory, `snapshot-${node.name}`),
    ];
    const words = ['speaker', '--node-name', node.name, ...files, ...(this.#options.speakerArguments ?? []), ...more];
    const program = await this.#herald(node.name, `speaker-${node.name}`, '127.0.0.1:9125', words);
    this.speakers.set(node.name, program);
    return program;
  }

  /** Starts pods, by node name. */
  async addPods(byNode: Readonly<Record<string, readonly PodDefinition[]>>): Promise<void> {
    await Promise.all(
      Object.entries(byNode).map(([name, list]) => {
        const pods = this.pods.get(this.node(name).name) as NodePods;
        return pods.start(this.client, list);
      }),
    );
  }

  /**
   * Powers a node off: cut from the LAN, and every process of it killed. The control plane notices after `notReadyAfter` ms (a real node
   * controller takes 40 s): the node is not Ready then, and its pods leave their EndpointSlices.
   */
  async fail(name: string, notReadyAfter = 3_000): Promise<void> {
    const node = this.node(name);
    await cable(this.sandbox, node.name, 'down');
    await Promise.all([this.speakers.get(name)?.kill(), this.#agents.get(name)?.kill(), this.pods.get(name)?.kill()]);
    this.speakers.delete(name);
    this.#agents.delete(name);
    clearTimeout(this.#graces.get(name));
    const grace = setTimeout(() => {
      this.#setReady(node, false).catch((error: unknown) => this.#options.log?.(`${name}: ${String(error)}`));
    }, notReadyAfter);
    this.#graces.set(name, grace);
  }

  /** Powers a failed node on again. */
  async heal(name: string): Promise<void> {
    const node = this.node(name);
    clearTimeout(this.#graces.get(name));
    await cable(this.sandbox, node.name, 'up');
    await this.pods.get(name)?.restart();
    await this.#setReady(node, true);
    if (!this.#agents.get(name)?.running) await this.#startAgent(node);
    if (this.#options.herald !== false && !this.speakers.get(name)?.running) await this.startSpeaker(node);
  }

  /** Starts FRR on the LAN's router (or another host), which takes routes from every node; as an operator of a network would have it run already. */
  startRouter(options: RouterOptions = {}): Promise<FrrRouter> {
    const host = options.host ?? 'router';
    let router = this.#routers.get(host);
    if (router === undefined) {
      const directory = join(this.directory, host === 'router' ? 'frr' : `frr-${host}`);
      router = FrrRouter.start(this.sandbox, this.topology, { ...options, host }, directory, name => this.#log(name));
      this.#routers.set(host, router);
    }
    return router;
  }

  /** Cuts the nodes' way to the API server, as if the control plane were gone; established watches break at once. */
  async blockApi(): Promise<void> {
    await this.#apiRelay?.close();
    this.#apiRelay = undefined;
  }

  async unblockApi(): Promise<void> {
    if (this.#apiRelay) return;
    const path = join(this.directory, 'api.sock');
    await rm(path, { force: true });
    const { hostname, port } = new URL(this.server.url);
    this.#apiRelay = await Relay.start({ path }, { host: hostname, port: Number(port) });
  }

  /** Stops everything, in the order in which an operator would: speakers and controllers get to say goodbye. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const grace of this.#graces.values()) clearTimeout(grace);
    await Promise.all([...[...this.speakers.values(), ...this.controllers].map(program => program.stop(5_000)), this.#kubelet.stop()]);
    this.client.close();
    await this.#apiRelay?.close();
    await this.sandbox.stop();
    await this.server.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #bringUp(log: (line: string) => void): Promise<void> {
    await mkdir(join(this.directory, 'logs'));
    await Promise.all([layOut(this.sandbox, this.topology), this.unblockApi(), this.#install(), this.#build()]);
    for (const node of this.topology.nodes) {
      await this.client.create(nodeResource, nodeObject(node));
      await this.client.patch(nodeResource, { name: node.name }, { status: nodeStatus(node) }, { type: 'merge', subresource: 'status' });
      this.pods.set(node.name, new NodePods(this.sandbox, node, this.#log(`pods-${node.name}`)));
    }
    log(
      `${this.topology.nodes.length} nodes: Service forwarding on each${this.#options.herald === false ? '' : ', herald speaker on each, herald controller'}`,
    );
    const programs = this.topology.nodes.map(node => this.#startAgent(node));
    if (this.#options.herald !== false) programs.push(this.startController(), ...this.topology.nodes.map(node => this.startSpeaker(node)));
    await Promise.all(programs);
    this.#kubelet.start();
  }

  /** What a user does first: the kinds, and the namespace for pools and advertisements. */
  async #install(): Promise<void> {
    await this.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'herald-system' } });
    await applyFiles(this.client, this.server.url, [join(repository, 'crds')]);
  }

  /** A bundle starts in a fraction of the time that the sources take, and is what the image runs. */
  async #build(): Promise<void> {
    if (this.#options.heraldCommand !== undefined) return;
    const words = [process.execPath, '--import', 'tsx', 'scripts/bundle.ts', join(this.directory, 'herald')];
    const { code, stderr } = await run(words, { cwd: repository, timeout: 120_000 });
    if (code !== 0) throw new PlaygroundError('ECOMMAND', `could not bundle herald: ${stderr.trim()}`);
  }

  async #startAgent(node: PlaygroundNode): Promise<Program> {
    const script = fileURLToPath(new URL('./forwarding/agent.ts', import.meta.url));
    const argv = [process.execPath, '--import', 'tsx', script, '--node', node.name, '--kube-proxy', this.#options.kubeProxy ?? 'nftables'];
    const child = this.sandbox.spawn(
      node.name,
      [...argv, '--api', join(this.directory, 'api.sock'), ...POD_CIDRS.flatMap(cidr => ['--pod-cidr', cidr])],
      { cwd: repository },
    );
    const name = `agent-${node.name}`;
    const program = await Program.start(child, { name, logFile: this.#log(name), ready: /^ready$/ });
    this.#agents.set(node.name, program);
    return program;
  }

  /** Starts a herald process and waits until it says that it is ready. */
  #herald(namespace: string | undefined, name: string, address: string, args: readonly string[]): Promise<Program> {
    const [command = '', ...words] = args;
    const argv = [...this.heraldCommand, command, '--http-address', address, ...words];
    // The controller runs beside the API server, outside the LAN; a speaker on its node.
    const child = namespace === undefined ? this.sandbox.spawnOutside(argv, { cwd: repository }) : this.sandbox.spawn(namespace, argv);
    return Program.start(child, { name, logFile: this.#log(name), ready: /"msg":"ready"/ });
  }

  /** What the node controller does: the node's Ready condition, and with it that of its pods. */
  async #setReady(node: PlaygroundNode, ready: boolean): Promise<void> {
    const status = nodeStatus(node, ready);
    await this.client.patch(nodeResource, { name: node.name }, { status }, { type: 'merge', subresource: 'status' });
    await this.pods.get(node.name)?.setReady(this.client, ready);
  }

  /** The ends of all logs, for an error message. */
  logTails(): string {
    return [...this.controllers, ...this.speakers.values()].map(program => `\n--- ${program.name}\n${program.tail(8)}`).join('');
  }

  #log(name: string): string {
    return join(this.directory, 'logs', `${name}.log`);
  }
}

/** Where a playground keeps its kubeconfig, logs and sockets: one directory, gone with it. */
export function runDirectory(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,40}$/.test(name))
    throw new PlaygroundError('EUNKNOWN', `a playground's name is lower case letters, digits and dashes, not ${JSON.stringify(name)}`);
  return join(tmpdir(), `herald-playground-${userInfo().uid}-${name}`);
}

async function freshDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  // Others may pass through: the router's daemons run as a user of their own. What is secret in it has a mode of its own.
  await mkdir(directory, { mode: 0o711 });
}

function nodeObject(node: PlaygroundNode): Wire<V1Node> {
  const labels = {
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': 'linux',
    ...(node.name === 'dn0' ? { 'node-role.kubernetes.io/control-plane': 'true' } : {}),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels },
    spec: { podCIDR: node.podCidr4, podCIDRs: [node.podCidr4, node.podCidr6] },
  };
}

function nodeStatus(node: PlaygroundNode, ready = true): Wire<V1Node>['status'] {
  return {
    addresses: [
      { type: 'InternalIP', address: node.ipv4 },
      { type: 'InternalIP', address: node.ipv6 },
      { type: 'Hostname', address: node.name },
    ],
    conditions: [
      ready
        ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'the node is a network namespace' }
        : { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'the node has no power' },
    ],
  };
}

/** A TCP port that nobody listens on right now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}
