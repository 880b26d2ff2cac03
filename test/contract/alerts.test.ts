import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { alerts, dashboardMetrics, helmPath, template } from '@herald/charts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

interface RenderedRule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook_url?: string };
}

function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function renderedRules(...settings: string[]): Promise<RenderedRule[]> {
  const text = await template(['metrics.prometheusRule.enabled=true', ...settings], ['--show-only', 'templates/prometheusrule.yaml']);
  const object = parseAllDocuments(text)[0]?.toJS() as { spec: { groups: { rules: RenderedRule[] }[] } };
  return object.spec.groups.flatMap(({ rules }) => rules);
}

/** Names of every metric that the daemons have, as their sources declare them. */
async function declaredMetrics(): Promise<Set<string>> {
  const files = ['controller/metrics.ts', 'speaker/metrics.ts', 'speaker/bgp/metrics.ts', 'packages/process/src/metrics.ts'];
  const texts = await Promise.all(files.map(file => readFile(root + file, 'utf8')));
  return new Set(texts.flatMap(text => [...text.matchAll(/'(herald_[a-z0-9_]+)'/g)].map(([, name]) => name ?? '')));
}

/** Series that make each alert fire, and how many minutes later it must. */
const fires: Readonly<Record<string, { series: { series: string; values: string }[]; minutes: number }>> = {
  ...Object.fromEntries([75, 90, 100].map(percent => [`HeraldPoolUsage${percent}`, { series: pool(percent), minutes: 6 }])),
  HeraldServicesPending: { series: [{ series: 'herald_services{outcome="pending",instance="a"}', values: '2x15' }], minutes: 11 },
  HeraldNoOwner: {
    series: [
      { series: 'herald_services_announced{reason="NoSpeaker",instance="a"}', values: '1x15' },
      { series: 'herald_services_announced{reason="NoReadyEndpoints",instance="a"}', values: '1x15' },
    ],
    minutes: 3,
  },
  HeraldStaleConfiguration: {
    series: [{ series: 'herald_config_rejected{kind="IPAddressPool",instance="a"}', values: '1x15' }],
    minutes: 6,
  },
  HeraldNoLeader: { series: [{ series: 'herald_leader{instance="a"}', values: '0x15' }], minutes: 3 },
  HeraldAddressConflict: {
    series: [{ series: 'herald_layer2_conflicts_total{instance="a",phase="probe"}', values: '0 0 1x10' }],
    minutes: 4,
  },
  HeraldOwnershipFlapping: {
    series: [
      { series: 'herald_layer2_takeovers_total{instance="a",cause="peer-lost"}', values: '0+5x15' },
      { series: 'herald_layer2_addresses_owned{instance="a"}', values: '20x15' },
    ],
    minutes: 10,
  },
  HeraldPeersUnheard: {
    series: [{ series: 'herald_mesh_peers_missing{instance="a",interface="eth0"}', values: '0 2x15' }],
    minutes: 7,
  },
  HeraldBGPSessionDown: { series: [{ series: 'herald_bgp_session_up{instance="a",peer="tor"}', values: '0x15' }], minutes: 3 },
  HeraldBGPSessionFlapping: {
    series: [{ series: 'herald_bgp_sessions_lost_total{instance="a",peer="tor"}', values: '0+1x30' }],
    minutes: 20,
  },
  HeraldAPIErrors: {
    series: [{ series: 'herald_api_requests_total{job="controller",code="403",instance="a"}', values: '0+60x30' }],
    minutes: 20,
  },
};

function pool(percent: number): { series: string; values: string }[] {
  const labels = 'pool="lan",family="ipv4",instance="a"';
  return [
    { series: `herald_pool_addresses_in_use{${labels}}`, values: `${percent}x15` },
    { series: `herald_pool_addresses_total{${labels}}`, values: '100x15' },
  ];
}

const taken = (instance: string, values: string, cause = 'peer-lost') => ({
  series: `herald_layer2_takeovers_total{instance="${instance}",cause="${cause}"}`,
  values,
});
const owned = (instance: string, values: string) => ({ series: `herald_layer2_addresses_owned{instance="${instance}"}`, values });

describe.skipIf(helmPath() === undefined)('the alerts of the chart', () => {
  it('are those that have a runbook', async () => {
    const rules = await renderedRules('metrics.prometheusRule.runbookURL=https://example.com/runbooks');
    expect(rules.map(({ alert, labels }) => [alert, labels.severity])).toEqual(alerts.map(({ name, severity }) => [name, severity]));
    for (const { alert, annotations } of rules) expect(annotations.runbook_url).toBe(`https://example.com/runbooks/${alert}.md`);
    expect(Object.keys(fires).toSorted(), 'each is made to fire below').toEqual(alerts.map(({ name }) => name).toSorted());
  });

  it('and the dashboard ask for metrics that exist', async () => {
    const declared = await declaredMetrics();
    const asked = (await renderedRules()).flatMap(({ expr }) => expr.match(/herald_[a-z0-9_]+/g) ?? []);
    for (const name of [...asked, ...dashboardMetrics()]) expect(declared, name).toContain(name);
  });
});

describe.skipIf(helmPath() === undefined || !hasPromtool())('promtool', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'herald-alerts-'));
    await writeFile(join(folder, 'rules.yaml'), stringify({ groups: [{ name: 'herald', rules: await renderedRules() }] }));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('takes the rules', async () => {
    const { stdout } = await run('promtool', ['check', 'rules', join(folder, 'rules.yaml')]);
    expect(stdout).toContain(`${alerts.length} rules found`);
  });

  it('takes those of deploy/, as they are', async () => {
    const { stdout } = await run('promtool', ['check', 'rules', 'deploy/prometheus-rules.yaml'], { cwd: root });
    expect(stdout).toContain(`${alerts.length} rules found`);
  });

  it.each(alerts)('sees $name fire, and not before its time', async ({ name }) => {
    const { series, minutes } = fires[name] ?? { series: [], minutes: 0 };
    const firing = `count(ALERTS{alertname="${name}",alertstate="firing"}) or vector(0)`;
    // A hundred new Services are no flapping.
    const born = { series: 'herald_layer2_takeovers_total{instance="a",cause="unclaimed"}', values: '0 100x30' };
    const quiet = name === 'HeraldNoLeader' ? [{ series: 'herald_leader{instance="a"}', values: '1x30' }] : [born];
    const at = (eval_time: string, value: number) => ({ expr: firing, eval_time, exp_samples: [{ labels: '{}', value }] });
    const file = join(folder, `${name}.yaml`);
    const tests = [
      { interval: '1m', input_series: series, promql_expr_test: [at('0m', 0), at(`${minutes}m`, 1)] },
      { interval: '1m', input_series: quiet, promql_expr_test: [at('30m', 0)] },
    ];
    // An absent leader is an alert of its own: without any series it must fire.
    if (name === 'HeraldNoLeader') tests.push({ interval: '1m', input_series: [], promql_expr_test: [at('3m', 1)] });
    await writeFile(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }));
    const { stdout } = await run('promtool', ['test', 'rules', file]);
    expect(stdout).toContain('SUCCESS');
  });

  it.each([
    {
      title: 'one node with 50 addresses is lost: quiet',
      series: [taken('b', '0x4 25x30'), taken('c', '0x4 25x30'), owned('a', '50x4 _x30'), owned('b', '0x4 25x30'), owned('c', '0x4 25x30')],
      most: 0,
    },
    {
      title: 'a node with 40 of 40 addresses is lost, and then the one that took them: quiet',
      series: [taken('b', '0x4 40x30'), taken('c', '0x9 40x25'), owned('b', '0x4 40x4 _x30'), owned('c', '0x9 40x25')],
      most: 0,
    },
    {
      title: 'two nodes with 50 addresses each are drained and come back: quiet',
      series: [taken('b', '0 50 100 150 200 250x30', 'handover'), owned('b', '50x30')],
      most: 0,
    },
    {
      title: 'a speaker that leaves, again and again: quiet',
      series: [taken('b', '0+6x30', 'peer-left'), owned('b', '6x30')],
      most: 0,
    },
    {
      title: 'six addresses go to and fro: fires',
      series: [taken('a', '0x5 6 6 12 12 12x20'), taken('b', '0x6 6 6 12x20'), owned('a', '0x5 6 0 6 0x20'), owned('b', '6x5 0 6 0 6x20')],
      most: 1,
    },
    {
      title: 'one of a thousand addresses goes to and fro: fires',
      series: [taken('a', '0 0 1 1 2 2 3 3 4 4 5 5 6x20'), owned('a', '1000x30')],
      most: 1,
    },
  ])('ownership flapping: $title', async ({ title, series, most }) => {
    const firing = 'count(ALERTS{alertname="HeraldOwnershipFlapping",alertstate="firing"}) or vector(0)';
    // A sample of each minute: what it was at most until then.
    const expr = `max_over_time((${firing})[30m:1m])`;
    const file = join(folder, `${title.replaceAll(/\W+/g, '-')}.yaml`);
    const tests = [
      {
        interval: '1m',
        input_series: series,
        promql_expr_test: [{ expr, eval_time: '30m', exp_samples: [{ labels: '{}', value: most }] }],
      },
    ];
    await writeFile(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }));
    const { stdout } = await run('promtool', ['test', 'rules', file]);
    expect(stdout).toContain('SUCCESS');
  });
});
