import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Playground, Program, Relay } from '@herald/playground';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Another cluster on the same LAN: an API server and a controller of its own, and one node, for which the LAN's client stands. */
export class SecondCluster {
  readonly speaker: Program;
  readonly #playground: Playground;
  readonly #server: ApiServer;
  readonly #relay: Relay;
  readonly #programs: readonly Program[];

  private constructor(playground: Playground, server: ApiServer, relay: Relay, programs: readonly Program[], speaker: Program) {
    this.#playground = playground;
    this.#server = server;
    this.#relay = relay;
    this.#programs = programs;
    this.speaker = speaker;
  }

  static async start(playground: Playground, node: object, yaml: string): Promise<SecondCluster> {
    const server = await startApiServer({ network: { serviceCidrs: ['10.44.0.0/16'] } });
    const programs: Program[] = [];
    let relay: Relay | undefined;
    const start = async (name: string, child: ReturnType<Playground['sandbox']['spawn']>, ready: RegExp): Promise<Program> => {
      const program = await Program.start(child, { name, logFile: join(playground.directory, 'logs', `second-${name}.log`), ready });
      programs.push(program);
      return program;
    };
    try {
      const { client } = playground.topology;
      const kubectl = async (args: readonly string[], input?: string): Promise<void> => {
        const result = await playground.kubectl(['--server', server.url, ...args], input === undefined ? {} : { input });
        if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}`);
      };
      await kubectl(['apply', '-f', 'crds']);
      await kubectl(['create', 'namespace', 'herald-system']);
      await kubectl(['apply', '-f', '-'], JSON.stringify(node));
      await kubectl(['apply', '-f', '-'], yaml);
      const kubeconfig = join(playground.directory, 'kubeconfig-second');
      await writeFile(
        kubeconfig,
        `apiVersion: v1\nkind: Config\nclusters: [{ name: c, cluster: { server: "${server.url}" } }]\ncontexts: [{ name: c, context: { cluster: c, user: u } }]\nusers: [{ name: u, user: {} }]\ncurrent-context: c\n`,
        { mode: 0o600 },
      );
      const herald = [...playground.heraldCommand];
      await start(
        'controller',
        playground.sandbox.spawnOutside([...herald, 'controller', '--kubeconfig', kubeconfig, '--http-address', 'off']),
        /"msg":"ready"/,
      );
      // What a node has besides: its way to the API server, and Service forwarding.
      const socket = join(playground.directory, 'second.sock');
      const { hostname, port } = new URL(server.url);
      relay = await Relay.start({ path: socket }, { host: hostname, port: Number(port) });
      const agent = [process.execPath, '--import', 'tsx', 'playground/forwarding/agent.ts', '--node', 'second-0', '--api', socket];
      await start('agent', playground.sandbox.spawn(client.name, agent, { cwd: repository }), /^ready$/);
      const words = [
        'speaker',
        '--node-name',
        'second-0',
        '--kubeconfig',
        join(playground.directory, 'kubeconfig-node'),
        '--http-address',
        'off',
      ];
      const speaker = await start('speaker', playground.sandbox.spawn(client.name, [...herald, ...words]), /"msg":"speaker is running"/);
      return new SecondCluster(playground, server, relay, programs, speaker);
    } catch (error) {
      for (const program of programs) await program.kill();
      await relay?.close();
      await server.close();
      throw error;
    }
  }

  /** What kubectl prints against this cluster. */
  async kubectl(...args: string[]): Promise<string> {
    return (await this.#playground.kubectl(['--server', this.#server.url, ...args])).stdout;
  }

  async stop(): Promise<void> {
    for (const program of this.#programs) await program.stop(5_000);
    await this.#relay.close();
    await this.#server.close();
  }
}
