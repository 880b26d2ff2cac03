import { hostname } from 'node:os';
import { createLogger } from '@herald/process';
import type { Command } from 'commander';
import { flag } from '../flag.ts';
import { runProcess } from '../run-process.ts';
import { version } from '../version.ts';
import { addCommonFlags, booleanFlag, type CommonFlags, durationFlag, integerFlag } from './common.ts';
import { leaseTimes } from './lease-times.ts';

interface Flags extends CommonFlags {
  loadBalancerClass: string;
  ignoreExcludeLabel: boolean;
  leaderElect: boolean;
  leaderElectName: string;
  leaderElectLeaseDuration: number;
  leaderElectRenewDeadline?: number;
  leaderElectRetryPeriod?: number;
  identity: string;
  nodeName?: string;
  conflictQuarantine: number;
  nodeModeDefault: boolean;
  nodeModeMaxNodes: number;
  nodeModeProtectedPorts?: string;
  nodeModeIgnoreExcludeLabel: boolean;
}

/** `herald controller`: assigns addresses and plans their announcement. */
export function registerController(program: Command): void {
  const command = program.command('controller').description('assigns addresses to Services and plans who announces them');
  addCommonFlags(command, { httpAddress: ':9120', qps: 1000 });
  flag(command, '--load-balancer-class <class>', 'serve Services of this spec.loadBalancerClass instead of those without one', '');
  booleanFlag(
    command,
    '--ignore-exclude-label <true|false>',
    'announce also from nodes labelled node.kubernetes.io/exclude-from-external-load-balancers',
    false,
  );
  durationFlag(
    command,
    '--conflict-quarantine <duration>',
    'an address that another machine was found on before its first use is given to nobody for so long, unless asked for by name; 0s: the Service that holds it keeps it',
    600_000,
  );
  booleanFlag(
    command,
    '--node-mode-default <true|false>',
    'give Services without spec.loadBalancerClass the addresses of nodes, as ServiceLB of k3s does, instead of addresses of pools',
    false,
  );
  integerFlag(
    command,
    '--node-mode-max-nodes <number>',
    'list at most so many nodes per Service of class heraldlb.io/node, unless it is annotated heraldlb.io/max-nodes; 0: all',
    0,
    0,
    9999,
  );
  flag(
    command,
    '--node-mode-protected-ports <ports>',
    'ports that no Service may take on nodes, such as 22,6443/TCP,10248-10260/TCP; empty: none. Default: those of SSH, BGP, etcd, the API server, kubelet, overlays and Herald',
    undefined,
  );
  booleanFlag(
    command,
    '--node-mode-ignore-exclude-label <true|false>',
    'list also nodes labelled node.kubernetes.io/exclude-from-external-load-balancers, as ServiceLB does',
    false,
  );
  booleanFlag(command, '--leader-elect <true|false>', 'false: work without a lease, which only ever a single replica may', true);
  flag(command, '--leader-elect-name <name>', 'name of the Lease', 'herald-controller');
  durationFlag(command, '--leader-elect-lease-duration <duration>', 'others take over so long after the last renewal', 15_000);
  durationFlag(
    command,
    '--leader-elect-renew-deadline <duration>',
    'stop leading when the lease could not be renewed for so long; default: 10s, with a shorter lease two thirds of it',
  );
  durationFlag(
    command,
    '--leader-elect-retry-period <duration>',
    'time between renewals; default: 2s, with a shorter deadline a fifth of it',
  );
  flag(command, '--node-name <name>', 'node this replica runs on: when the speakers find it dead, another replica takes over at once');
  flag(command, '--identity <name>', 'name of this replica, unique among them', hostname());
  command.action(async (flags: Flags) => {
    const logger = createLogger({ component: 'controller', level: flags.logLevel });
    await runProcess(logger, async signal => {
      const [controller, { connect }] = await Promise.all([import('@herald/controller'), import('@herald/kube')]);
      const { identityOn, runController, parseProtectedPorts } = controller;
      await runController(
        {
          logger,
          version,
          connect: more => connect({ ...more, kubeconfig: flags.kubeconfig, context: flags.context, env: process.env }),
          namespace: flags.namespace,
          metallb: flags.readMetallb ? { namespace: flags.metallbNamespace } : undefined,
          listen: flags.httpAddress,
          qps: flags.kubeApiQps,
          burst: flags.kubeApiBurst,
          loadBalancerClass: flags.loadBalancerClass === '' ? null : flags.loadBalancerClass,
          ignoreExcludeLabel: flags.ignoreExcludeLabel,
          conflictQuarantineMs: flags.conflictQuarantine,
          nodeMode: {
            classless: flags.nodeModeDefault,
            maxNodes: flags.nodeModeMaxNodes,
            ignoreExcludeLabel: flags.nodeModeIgnoreExcludeLabel,
            ...(flags.nodeModeProtectedPorts !== undefined && { protectedPorts: parseProtectedPorts(flags.nodeModeProtectedPorts) }),
          },
          identity: identityOn(`${flags.identity}_${process.pid}`, flags.nodeName),
          leaderElection: flags.leaderElect
            ? {
                name: flags.leaderElectName,
                ...leaseTimes(flags.leaderElectLeaseDuration, flags.leaderElectRenewDeadline, flags.leaderElectRetryPeriod),
              }
            : undefined,
        },
        signal,
      );
    });
  });
}
