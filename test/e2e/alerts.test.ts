import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alerts, helmPath, template } from '@herald/charts';
import { cable, DEMO_PODS, FrrRouter, Playground, run } from '@herald/playground';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { metricOfEach } from './bgp-router.ts';
import { canMakeNamespaces, externalIp, hasKubectl, kubectl } from './cluster.ts';
import { until } from './wait.ts';

const NODES = ['dn0', 'dn1'];
const TAKEN = '192.168.150.247';
const object = (kind: string, name: string, spec: string): string =>
  `apiVersion: heraldlb.io/v1beta1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: herald-system }\nspec: ${spec}\n`;
const service = (name: string, annotations: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, annotations: ${annotations} }\nspec: { type: LoadBalancer, selector: { app: nginx }, ports: [{ port: 80 }] }\n`;

/** A fault that a user could have, the alert that tells of it, and the end of the fault. */
interface Fault {
  alerts: string[];
  begin: (playground: Playground) => Promise<unknown>;
  end: (playground: Playground) => Promise<unknown>;
}

const apply = async (playground: Playground, ...objects: string[]): Promise<void> => {
  const { stderr } = await playground.kubectl(['apply', '-f', '-'], { input: objects.join('---\n') });
  expect(stderr).toBe('');
};
const remove = (playground: Playground, ...words: string[]): Promise<string> => kubectl(playground, 'delete', ...words);

const faults: Fault[] = [
  {
    alerts: ['HeraldPoolUsage75', 'HeraldPoolUsage90', 'HeraldPoolUsage100'],
    begin: playground =>
      apply(
        playground,
        object('IPAddressPool', 'tiny', '{ addresses: [192.168.150.240/32], autoAssign: false }'),
        service('one', '{ heraldlb.io/address-pool: tiny }'),
      ),
    end: playground => remove(playground, 'svc', 'one'),
  },
  {
    alerts: ['HeraldServicesPending'],
    begin: playground => apply(playground, service('nowhere', '{ heraldlb.io/address-pool: none }')),
    end: playground => remove(playground, 'svc', 'nowhere'),
  },
  {
    alerts: ['HeraldStaleConfiguration'],
    begin: playground => apply(playground, object('IPAddressPool', 'wrong', '{ addresses: [192.168.150.250-192.168.150.249] }')),
    end: playground => remove(playground, '-n', 'herald-system', 'ipaddresspools.heraldlb.io', 'wrong'),
  },
  {
    alerts: ['HeraldNoOwner'],
    begin: playground =>
      apply(
        playground,
        object('IPAddressPool', 'lonely', '{ addresses: [192.168.150.241/32], autoAssign: false }'),
        object('L2Advertisement', 'lonely', '{ ipAddressPools: [lonely], nodeSelectors: [{ matchLabels: { no: such } }] }'),
        service('lonely', '{ heraldlb.io/address-pool: lonely }'),
      ),
    end: playground => remove(playground, 'svc', 'lonely'),
  },
  {
    alerts: ['HeraldPeersUnheard'],
    begin: async playground => {
      for (const node of NODES)
        for (const words of ['add table inet block', 'add chain inet block in { type filter hook input priority 0; }'])
          await playground.exec(node, ['nft', words]);
      for (const node of NODES) {
        const { code, stderr } = await playground.exec(node, ['nft', 'add rule inet block in udp dport 7947 drop']);
        expect(code, stderr).toBe(0);
      }
    },
    end: async playground => {
      for (const node of NODES) await playground.exec(node, ['nft', 'delete table inet block']);
    },
  },
  {
    alerts: ['HeraldBGPSessionDown'],
    begin: playground => apply(playground, object('BGPPeer', 'gone', '{ myASN: 64500, peerASN: 64501, peerAddress: 192.168.150.9 }')),
    end: playground => remove(playground, '-n', 'herald-system', 'bgppeers.heraldlb.io', 'gone'),
  },
  {
    alerts: ['HeraldAddressConflict'],
    begin: async playground => {
      await playground.exec('client', ['ip', 'address', 'add', `${TAKEN}/24`, 'dev', playground.topology.interface]);
      await apply(
        playground,
        object('IPAddressPool', 'taken', `{ addresses: [${TAKEN}/32], autoAssign: false }`),
        object('L2Advertisement', 'taken', '{ ipAddressPools: [taken] }'),
        service('taken', `{ heraldlb.io/loadBalancerIPs: ${TAKEN} }`),
      );
    },
    end: async playground => {
      await remove(playground, 'svc', 'taken');
      await playground.exec('client', ['ip', 'address', 'del', `${TAKEN}/24`, 'dev', playground.topology.interface]);
    },
  },
  {
    alerts: ['HeraldOwnershipFlapping'],
    begin: async playground => {
      const names = Array.from({ length: 6 }, (_, index) => `moved-${index}`);
      await apply(
        playground,
        object('IPAddressPool', 'moved', '{ addresses: [192.168.150.224/29], autoAssign: false }'),
        object('L2Advertisement', 'moved', '{ ipAddressPools: [moved] }'),
        ...names.map(name => service(name, '{ heraldlb.io/address-pool: moved }')),
      );
      for (const name of names) await externalIp(playground, name);
      // Whoever has its cable pulled loses what it has; the other keeps that when the cable is back.
      for (const node of ['dn0', 'dn1', 'dn0', 'dn1']) {
        await sleep(1_000);
        await cable(playground.sandbox, node, 'down');
        await sleep(1_000);
        await cable(playground.sandbox, node, 'up');
      }
    },
    end: playground => remove(playground, 'svc', ...Array.from({ length: 6 }, (_, index) => `moved-${index}`)),
  },
  {
    alerts: ['HeraldBGPSessionFlapping'],
    begin: async playground => {
      const router = await playground.startRouter();
      await apply(playground, object('BGPPeer', 'router', '{ myASN: 64500, peerASN: 64501, peerAddress: 192.168.150.1 }'));
      /** As both nodes count it: the leader tells sooner or later, and not of what is over by then. */
      const counted = async (what: 'established' | 'lost', times: number): Promise<boolean> => {
        const all = await metricOfEach(playground, `herald_bgp_sessions_${what}_total{peer="router"}`);
        return all.every(count => count >= times);
      };
      for (let times = 1; times <= 4; times++) {
        await until('both sessions', () => counted('established', times));
        // Each loss is to be scraped.
        await sleep(2_500);
        await router.vtysh('clear bgp *');
        await until('both to be lost', () => counted('lost', times));
      }
    },
    end: playground => remove(playground, '-n', 'herald-system', 'bgppeers.heraldlb.io', 'router'),
  },
  {
    alerts: ['HeraldAPIErrors'],
    begin: async ({ server }) => server.faults.add({ verb: 'update', resource: 'leases', status: 500 }),
    end: async ({ server }) => server.faults.clear(),
  },
  {
    alerts: ['HeraldNoLeader'],
    begin: playground => playground.controllers[0]?.stop() ?? Promise.resolve(),
    end: playground => playground.startController(),
  },
];

/** What a reader puts in the places that the runbooks leave. */
const PLACES: readonly [place: RegExp, value: string][] = [
  [/\bKIND NAME\b/, 'ipaddresspools lan'],
  [/\bsvc NAME\b/, 'svc web'],
  [/\bNODE\b/, 'dn0'],
  [/ …$/, ' list services'],
];

/** Every command of every runbook. */
const steps = alerts.flatMap(({ name, steps: each }) =>
  each
    .flatMap(step => [...step.matchAll(/`(kubectl [^`]+)`/g)].map(([, command = '']) => command))
    .map(command => ({ name, command: PLACES.reduce((text, [place, value]) => text.replace(place, value), command) })),
);

function hasPrometheus(): boolean {
  try {
    execFileSync('prometheus', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const able = canMakeNamespaces && hasKubectl && hasPrometheus() && helmPath() !== undefined && FrrRouter.missing() === undefined;

describe.skipIf(!able)('Prometheus with the rules of the chart (skipped without namespaces, kubectl, helm, FRR or prometheus)', () => {
  let playground: Playground;
  let relay: Server;
  let prometheus: ChildProcess;
  let url = '';
  const folder = mkdtempSync(join(tmpdir(), 'herald-prometheus-'));

  beforeAll(async () => {
    const lease = ['--leader-elect-renew-deadline', '8s', '--leader-elect-retry-period', '500ms'];
    playground = await Playground.start({ name: 'e2e-alerts', nodes: 2, controllerArguments: lease });
    await playground.addPods({ dn1: DEMO_PODS.dn1 });
    relay = await startRelay(playground);
    [prometheus, url] = await startPrometheus(folder, (relay.address() as AddressInfo).port);
  });
  afterAll(async () => {
    if (prometheus?.exitCode === null) {
      prometheus.kill('SIGKILL');
      await once(prometheus, 'exit');
    }
    relay?.close();
    await playground?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const firing = async (): Promise<Set<string>> => {
    const answer = (await (await fetch(`${url}/api/v1/alerts`)).json()) as {
      data: { alerts: { state: string; labels: { alertname: string } }[] };
    };
    return new Set(answer.data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname));
  };

  it('scrapes every program, and is quiet while all is well', async () => {
    await until('three targets up', async () => {
      const answer = (await (await fetch(`${url}/api/v1/query?query=sum(up)`)).json()) as {
        data: { result: { value: [number, string] }[] };
      };
      return answer.data.result[0]?.value[1] === '3';
    });
    await apply(playground, object('IPAddressPool', 'lan', '{ addresses: [192.168.150.242/31] }'));
    await apply(playground, object('L2Advertisement', 'lan', '{ ipAddressPools: [lan] }'), service('web', '{}'));
    await externalIp(playground, 'web');
    await until('silence', async () => (await firing()).size === 0);
  });

  // What the controller itself has to see first, at once; then what hurts the controller, one by one.
  it.each([
    { what: 'Services, configuration and sessions', together: faults.slice(0, -4) },
    { what: 'nodes that come and go', together: faults.slice(-4, -3) },
    { what: 'sessions that come and go', together: faults.slice(-3, -2) },
    { what: 'the API server', together: faults.slice(-2, -1) },
    { what: 'the controller', together: faults.slice(-1) },
  ])('each alert about $what fires at its fault and ends with it', async ({ together }) => {
    const wanted = together.flatMap(({ alerts }) => alerts);
    const fired = new Set<string>();
    for (const { begin } of together) await begin(playground);
    await until(
      `${wanted.join()} to fire; so far: ${[...fired].join()}`,
      async () => {
        for (const name of await firing()) fired.add(name);
        return wanted.every(name => fired.has(name));
      },
      60_000,
    );
    for (const { end } of together) await end(playground);
    await until(
      'all to end',
      async () => {
        const left = await firing();
        return wanted.every(name => !left.has(name));
      },
      60_000,
    );
  });

  it.each(steps)('the runbook of $name can be followed: $command', async ({ command }) => {
    const env = { ...process.env, KUBECONFIG: playground.kubeconfig };
    const { stderr } = await run(['sh', '-c', command], { env });
    // Where there is nothing to see, kubectl says so there.
    expect(stderr).toMatch(/^(No resources found.*\s*)?$/);
  });

  it('every alert of the chart was made to fire', () => {
    const made = new Set(faults.flatMap(fault => fault.alerts));
    expect(alerts.map(({ name }) => name).filter(name => !made.has(name))).toEqual([]);
  });
});

/** Metrics of the speakers, which listen inside of their nodes only, and of the controller. */
async function startRelay(playground: Playground): Promise<Server> {
  const server = createServer((request, response) => {
    const host = (request.url ?? '').split('/')[1] ?? '';
    const answer = (text: string): void => void response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
    const fail = (error: unknown): void => void response.writeHead(502).end(String(error));
    if (host === 'controller')
      fetch(`http://127.0.0.1:${controllerPort(playground)}/metrics`)
        .then(found => found.text())
        .then(answer, fail);
    else
      playground
        .exec(host, ['curl', '-sS', '-m', '2', 'http://127.0.0.1:9125/metrics'])
        .then(({ code, stdout, stderr }) => (code === 0 ? answer(stdout) : fail(stderr)), fail);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Where the newest controller serves its metrics, as its log tells. */
function controllerPort(playground: Playground): string {
  const log = readFileSync(playground.controllers.at(-1)?.logFile ?? '', 'utf8');
  return /"port":(\d+),"msg":"serving/.exec(log)?.[1] ?? '0';
}

/** Debian's Prometheus with the rules of the chart, whose minutes are seconds. */
async function startPrometheus(folder: string, target: number): Promise<[ChildProcess, string]> {
  const text = await template(['metrics.prometheusRule.enabled=true'], ['--show-only', 'templates/prometheusrule.yaml']);
  const { spec } = parse(text) as { spec: { groups: { rules: { expr: string; for?: string }[] }[] } };
  for (const rule of spec.groups.flatMap(({ rules }) => rules)) {
    rule.expr = rule.expr.replaceAll(/\[\d+m\]/g, '[15s]').replaceAll(/\[\d+h\]/g, '[25s]');
    if (rule.for !== undefined) rule.for = '2s';
  }
  writeFileSync(join(folder, 'rules.yaml'), stringify(spec));
  const job = (name: string, path: string) => ({
    job_name: name,
    metrics_path: path,
    static_configs: [{ targets: [`127.0.0.1:${target}`], labels: { instance: name } }],
  });
  const jobs = [job('controller', '/controller/metrics'), job('dn0', '/dn0/metrics'), job('dn1', '/dn1/metrics')];
  const global = { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s' };
  writeFileSync(join(folder, 'prometheus.yaml'), stringify({ global, rule_files: ['rules.yaml'], scrape_configs: jobs }));
  const port = 19_090;
  const words = [`--config.file=${join(folder, 'prometheus.yaml')}`, `--storage.tsdb.path=${join(folder, 'data')}`];
  const child = spawn('prometheus', [...words, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await until('Prometheus', async () => (await fetch(`${url}/-/ready`)).ok);
  return [child, url];
}
