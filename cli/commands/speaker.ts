import { hostname } from 'node:os';
import { createLogger } from '@herald/process';
import type { MeshProfile } from '@herald/speaker';
import { type Command, Option } from 'commander';
import { flag } from '../flag.ts';
import { runProcess } from '../run-process.ts';
import { version } from '../version.ts';
import { addCommonFlags, booleanFlag, type CommonFlags, durationFlag, integerFlag } from './common.ts';

interface Flags extends CommonFlags {
  nodeName: string;
  node?: string;
  daemonSet?: string;
  meshPort: number;
  meshProfile: MeshProfile;
  meshKeyFile?: string;
  meshSecret: string;
  snapshotDir?: string;
  excludeInterfaces?: string[];
  responder: 'auto' | 'packet';
  pinDirectory?: string;
  caretaker: boolean;
  holdTime: number;
  drainTime: number;
  countFlows: boolean;
  leaveDeadline: number;
  nodeForwarding: boolean;
  bgpListenPort: number;
  bgpDrainTime: number;
  ignoreExcludeLabel: boolean;
}

const profiles: readonly MeshProfile[] = ['aggressive', 'default', 'relaxed'];

/** For the last writes and the goodbye, after the addresses and routes were handed over (ms). */
const FAREWELL = 8_000;

/** How long the speaker may take to end (ms): the chart holds the pod's terminationGracePeriodSeconds above it. */
export function speakerGrace({ leaveDeadline, bgpDrainTime }: Pick<Flags, 'leaveDeadline' | 'bgpDrainTime'>): number {
  return Math.max(leaveDeadline, bgpDrainTime) + FAREWELL;
}

/** `herald speaker`: announces this node's share of the addresses. */
export function registerSpeaker(program: Command): void {
  const command = program.command('speaker').description("announces this node's share of the addresses by ARP, NDP and BGP");
  addCommonFlags(command, { httpAddress: ':9125', qps: 20 });
  flag(command, '--node-name <name>', 'name of the Node object of this machine', hostname());
  command.addOption(new Option('--node <name>', 'short for --node-name'));
  flag(command, '--daemon-set <name>', 'DaemonSet that runs this speaker: when it is deleted, nothing is left behind for a restart');
  integerFlag(command, '--mesh-port <port>', 'UDP port of the heartbeats', 7947, 1, 65_535);
  command.addOption(
    new Option('--mesh-profile <profile>', 'how fast a lost node is noticed: within 200 ms, 400 ms or 1.2 s')
      .choices(profiles)
      .default('default')
      .env('HERALD_MESH_PROFILE'),
  );
  flag(command, '--mesh-key-file <file>', 'file with the key of the heartbeats, in place of the Secret');
  flag(command, '--mesh-secret <name>', 'Secret with the key of the heartbeats', 'herald-mesh');
  flag(command, '--snapshot-dir <folder>', 'where the last configuration is kept, for a start without the API server');
  flag<string[]>(
    command,
    '--exclude-interfaces <patterns>',
    'interfaces never used: regular expressions, separated by commas; replaces the built-in list',
    undefined,
    text => text.split(',').filter(pattern => pattern !== ''),
  );
  command.addOption(
    new Option('--responder <kind>', 'auto: answer in the kernel (eBPF) where that is permitted; packet: never')
      .choices(['auto', 'packet'])
      .default('auto')
      .env('HERALD_RESPONDER'),
  );
  flag(
    command,
    '--pin-directory <folder>',
    'folder on a BPF file system, such as /sys/fs/bpf/herald: what the kernel answers goes on while the speaker restarts',
  );
  booleanFlag(
    command,
    '--caretaker <boolean>',
    "answer new clients of a node whose speaker is away with that node's MAC; false where ARP inspection refuses it",
    true,
  );
  durationFlag(
    command,
    '--hold-time <duration>',
    'how long the addresses of a silent speaker are held while its kernel answers, where the L2Advertisement does not say; 0: not at all',
    30_000,
  );
  durationFlag(
    command,
    '--drain-time <duration>',
    'how long a planned move goes on for established connections, where the L2Advertisement does not say; 0: they break',
    60_000,
  );
  booleanFlag(
    command,
    '--count-flows <boolean>',
    "end planned moves with the last established connection, by the kernel's connection tracking; false where another data path keeps them",
    true,
  );
  durationFlag(
    command,
    '--leave-deadline <duration>',
    'longest time to hand addresses over on SIGTERM, and to wait for established connections',
    20_000,
  );
  booleanFlag(
    command,
    '--node-forwarding <true|false>',
    'forward for Services of class heraldlb.io/node by nftables rules of this node, where kube-proxy works in IPVS mode; needs NET_ADMIN',
    false,
  );
  integerFlag(
    command,
    '--bgp-listen-port <port>',
    'accept BGP connections on this port, which passive peers need; 0: only open them',
    0,
    0,
    65_535,
  );
  durationFlag(command, '--bgp-drain-time <duration>', 'how long routes stay on leaving, marked for graceful shutdown', 2_000);
  booleanFlag(
    command,
    '--ignore-exclude-label <true|false>',
    'announce although the node is labelled node.kubernetes.io/exclude-from-external-load-balancers; as the controller is told',
    false,
  );
  command.action(async (flags: Flags) => {
    const logger = createLogger({ component: 'speaker', level: flags.logLevel });
    const part = async (signal: AbortSignal): Promise<void> => {
      const { runSpeaker } = await import('@herald/speaker');
      await runSpeaker(
        {
          logger,
          version,
          env: process.env,
          kubeconfig: flags.kubeconfig,
          context: flags.context,
          namespace: flags.namespace,
          metallb: flags.readMetallb ? { namespace: flags.metallbNamespace } : undefined,
          listen: flags.httpAddress,
          qps: flags.kubeApiQps,
          burst: flags.kubeApiBurst,
          nodeName: flags.node ?? flags.nodeName,
          daemonSet: flags.daemonSet,
          meshPort: flags.meshPort,
          meshProfile: flags.meshProfile,
          meshKeyFile: flags.meshKeyFile,
          meshSecret: flags.meshSecret,
          snapshotDir: flags.snapshotDir,
          excludeInterfaces: flags.excludeInterfaces,
          responder: flags.responder,
          pinDirectory: flags.pinDirectory,
          caretaker: flags.caretaker,
          holdTimeMs: flags.holdTime,
          drainTimeMs: flags.drainTime,
          countFlows: flags.countFlows,
          leaveDeadlineMs: flags.leaveDeadline,
          nodeForwarding: flags.nodeForwarding,
          bgpListen: flags.bgpListenPort === 0 ? undefined : { port: flags.bgpListenPort },
          bgpDrainTimeMs: flags.bgpDrainTime,
          ignoreExcludeLabel: flags.ignoreExcludeLabel,
        },
        signal,
      );
    };
    await runProcess(logger, part, { graceMs: speakerGrace(flags) });
  });
}
