/** A panel: its title, the PromQL of its lines with their legends, and its unit. */
interface Panel {
  readonly title: string;
  readonly queries: readonly (readonly [expression: string, legend: string])[];
  readonly unit?: 's' | 'short' | 'percentunit' | 'ops';
  readonly type?: 'timeseries' | 'stat';
}

const rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[] = [
  {
    title: 'At a glance',
    panels: [
      { title: 'Services waiting', type: 'stat', queries: [['sum(herald_services{outcome="pending"})', 'pending']] },
      { title: 'Leaders', type: 'stat', queries: [['sum(herald_leader)', 'leaders']] },
      { title: 'Addresses announced by layer 2', type: 'stat', queries: [['sum(herald_layer2_addresses_owned)', 'addresses']] },
      { title: 'Conflicts in the last hour', type: 'stat', queries: [['sum(increase(herald_layer2_conflicts_total[1h]))', 'conflicts']] },
    ],
  },
  {
    title: 'Assignment',
    panels: [
      {
        title: 'Use of the pools',
        unit: 'percentunit',
        queries: [['herald_pool_addresses_in_use / (herald_pool_addresses_total > 0)', '{{pool}} {{family}}']],
      },
      {
        title: 'Answers to Services',
        unit: 'ops',
        queries: [['sum by (outcome, reason) (rate(herald_allocation_requests_total[5m]))', '{{outcome}} {{reason}}']],
      },
      {
        title: 'Time from Service to status',
        unit: 's',
        queries: [
          ['histogram_quantile(0.5, sum by (le) (rate(herald_service_status_seconds_bucket[5m])))', 'p50'],
          ['histogram_quantile(0.99, sum by (le) (rate(herald_service_status_seconds_bucket[5m])))', 'p99'],
        ],
      },
    ],
  },
  {
    title: 'Layer 2',
    panels: [
      { title: 'Addresses per node', queries: [['herald_layer2_addresses_owned', '{{instance}}']] },
      { title: 'Takeovers by cause', queries: [['sum by (cause) (increase(herald_layer2_takeovers_total[5m]))', '{{cause}}']] },
      {
        title: 'Takeover until a neighbour confirms',
        unit: 's',
        queries: [['histogram_quantile(0.99, sum by (le) (rate(herald_layer2_confirmation_seconds_bucket[15m])))', 'p99']],
      },
      { title: 'Speakers heard', queries: [['herald_mesh_peers', '{{instance}} {{interface}}']] },
    ],
  },
  {
    title: 'BGP',
    panels: [
      { title: 'Sessions established', queries: [['sum by (peer) (herald_bgp_session_up)', '{{peer}}']] },
      { title: 'Prefixes announced', queries: [['herald_bgp_announced_prefixes', '{{instance}} {{peer}}']] },
      {
        title: 'Sessions and BFD lost',
        queries: [
          ['sum by (peer) (increase(herald_bgp_sessions_lost_total[5m]))', '{{peer}}'],
          ['sum by (peer) (increase(herald_bfd_downs_total[5m]))', 'BFD {{peer}}'],
        ],
      },
    ],
  },
  {
    title: 'API server',
    panels: [
      {
        title: 'Calls',
        unit: 'ops',
        queries: [['sum by (component, verb, code) (rate(herald_api_requests_total[5m]))', '{{component}} {{verb}} {{code}}']],
      },
      { title: 'Keys waiting', queries: [['herald_workqueue_depth', '{{instance}} {{name}}']] },
    ],
  },
];

const WIDTH = 24;
const HEIGHT = 8;

/** The Grafana dashboard, as JSON to import. */
export function dashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ type: 'row', title: row.title, collapsed: false, gridPos: { x: 0, y, w: WIDTH, h: 1 }, panels: [] });
    const width = Math.floor(WIDTH / row.panels.length);
    for (const [column, { title, queries, unit = 'short', type = 'timeseries' }] of row.panels.entries()) {
      panels.push({
        type,
        title,
        datasource: { type: 'prometheus', uid: '${datasource}' },
        gridPos: { x: column * width, y: y + 1, w: width, h: HEIGHT },
        fieldConfig: { defaults: { unit }, overrides: [] },
        targets: queries.map(([expr, legendFormat], index) => ({ refId: String.fromCodePoint(65 + index), expr, legendFormat })),
      });
    }
    y += HEIGHT + 1;
  }
  const numbered = panels.map((panel, index) => Object.assign(panel, { id: index + 1 }));
  const board = {
    title: 'Herald',
    uid: 'herald',
    schemaVersion: 39,
    tags: ['herald'],
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
    panels: numbered,
  };
  return `${JSON.stringify(board, null, 2)}\n`;
}

/** Names of the metrics that the dashboard asks for. */
export function dashboardMetrics(): Set<string> {
  const expressions = rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(([expression]) => expression)));
  return new Set(
    expressions.flatMap(expression => [...expression.matchAll(/herald_[a-z0-9_]+/g)].map(([name]) => name.replace(/_bucket$/, ''))),
  );
}
