import { existsSync } from 'node:fs';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PlaygroundError } from './errors.ts';
import { Program } from './program.ts';
import { run, type Sandbox } from './sandbox.ts';
import type { Topology } from './topology.ts';

const FRR = '/usr/lib/frr';
/** AS numbers of the router and of the nodes, as the examples have them. */
export const ROUTER_ASN = 64501;

export interface RouterOptions {
  /** The host it runs on: the LAN's router, or the client, which then only learns routes and does not install them. */
  host?: 'router' | 'client';
  /** Its AS; 64501 unless told. */
  asn?: number;
  /** TCP MD5 password of every session. */
  password?: string;
}

/** FRR on the playground's router: takes routes from every node of the LAN, spreads flows over all of them, answers BFD. */
export class FrrRouter {
  readonly #directory: string;
  readonly daemons: readonly Program[];

  private constructor(directory: string, daemons: readonly Program[]) {
    this.#directory = directory;
    this.daemons = daemons;
  }

  /** What this machine lacks for it, or undefined. */
  static missing(): string | undefined {
    if (!existsSync(`${FRR}/bgpd`)) return 'FRR is not installed (apt-get install frr)';
    return process.getuid?.() === 0 ? undefined : 'FRR drops to a user of its own, which only root can let it do';
  }

  static async start(
    sandbox: Sandbox,
    net: Topology,
    options: Required<Pick<RouterOptions, 'host'>> & RouterOptions,
    directory: string,
    log: (name: string) => string,
  ): Promise<FrrRouter> {
    const missing = FrrRouter.missing();
    if (missing !== undefined) throw new PlaygroundError('EMISSING', missing);
    const owner = Number((await run(['id', '-u', 'frr'])).stdout);
    const group = Number((await run(['id', '-g', 'frr'])).stdout);
    await mkdir(directory);
    await chown(directory, owner, group);
    await writeFile(join(directory, 'vtysh.conf'), '');
    const daemons: Program[] = [];
    const router = new FrrRouter(directory, daemons);
    const host = net[options.host];
    const configuration = bgpdConfiguration(host.ipv4, options);
    for (const [name, text] of Object.entries({ zebra: '', bgpd: configuration, bfdd: '' })) {
      const file = join(directory, `${name}.conf`);
      await writeFile(file, text, { mode: 0o640 });
      await chown(file, owner, group);
      const common = [
        '-f',
        file,
        '-i',
        join(directory, `${name}.pid`),
        '--vty_socket',
        directory,
        '-z',
        join(directory, 'zserv.api'),
        '-P',
        '0',
      ];
      const own = name === 'bfdd' ? ['--bfdctl', join(directory, 'bfdd.sock')] : name === 'bgpd' && options.host === 'client' ? ['-n'] : [];
      const child = sandbox.spawn(host.name, [`${FRR}/${name}`, ...common, ...own]);
      const ready = async (): Promise<boolean> => (await router.#ask(['-d', name], 'show version')).code === 0;
      daemons.push(await Program.start(child, { name: `frr ${name}`, logFile: log(`${basename(directory)}-${name}`), ready }));
    }
    return router;
  }

  /** Commands of FRR's shell, one after the other; their output. */
  async vtysh(...commands: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#ask([], ...commands);
    if (code !== 0) throw new PlaygroundError('ECOMMAND', `vtysh ${commands.join('; ')}: ${stderr.trim() || stdout.trim()}`);
    return stdout;
  }

  /** The answer to a `show … json` command. */
  async json<T>(command: string): Promise<T> {
    return JSON.parse(await this.vtysh(command)) as T;
  }

  #ask(words: readonly string[], ...commands: string[]): ReturnType<typeof run> {
    const asked = commands.flatMap(command => ['-c', command]);
    return run(['vtysh', '--vty_socket', this.#directory, '--config_dir', this.#directory, ...words, ...asked]);
  }
}

function bgpdConfiguration(routerId: string, { asn = ROUTER_ASN, password }: RouterOptions): string {
  return `log timestamp precision 3
bfd
 profile fast
  transmit-interval 100
  receive-interval 100
 !
!
router bgp ${asn}
 bgp router-id ${routerId}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp bestpath as-path multipath-relax
 bgp graceful-restart
 neighbor NODES peer-group
 neighbor NODES remote-as external
${password === undefined ? '' : ` neighbor NODES password ${password}\n`} neighbor NODES timers connect 1
 neighbor NODES timers 3 9
 neighbor NODES advertisement-interval 0
 neighbor NODES bfd profile fast
 bgp listen range 192.168.150.0/24 peer-group NODES
 bgp listen range fd00:150::/64 peer-group NODES
 address-family ipv4 unicast
  neighbor NODES activate
  maximum-paths 64
 exit-address-family
 address-family ipv6 unicast
  neighbor NODES activate
  maximum-paths 64
 exit-address-family
`;
}
