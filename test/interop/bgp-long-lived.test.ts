import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bird } from './peers/bird.ts';
import { Frr } from './peers/frr.ts';
import { Gobgp } from './peers/gobgp.ts';
import { type Host, Lan } from './peers/lan.ts';
import { RemoteSpeaker } from './peers/remote-speaker.ts';
import { until, watch } from './peers/run.ts';

const FRR = `
router bgp 65001
 bgp router-id 10.77.0.1
 no bgp ebgp-requires-policy
 bgp graceful-restart
 bgp long-lived-graceful-restart stale-time 60
 neighbor 10.77.0.2 remote-as 65002
 neighbor 10.77.0.2 timers connect 1
`;
const BIRD = `
router id 10.77.0.11;
protocol device { scan time 2; }
protocol bgp node {
  local 10.77.0.11 as 65001; neighbor 10.77.0.2 as 65002; passive on; connect delay time 0; error wait time 1, 4;
  graceful restart on; long lived graceful restart on;
  ipv4 { import all; export none; };
}
`;
const GOBGP = `
[global.config]
  as = 65001
  router-id = "10.77.0.12"
  local-address-list = ["10.77.0.12"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "10.77.0.2"
    peer-as = 65002
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = 20
    long-lived-enabled = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
    [neighbors.afi-safis.long-lived-graceful-restart.config]
      enabled = true
      restart-time = 60
`;
const PREFIX = '198.51.100.10/32';
const RESTART = { restartTime: 2, longLivedStaleTime: 60 };

const missing = (await Frr.missing()) ?? (await Bird.missing()) ?? (await Gobgp.missing());
if (missing !== undefined) console.warn(`skipped: ${missing}`);

interface Router {
  readonly name: string;
  readonly address: string;
  /** Whether the route is there, and how. */
  readonly look: () => Promise<'none' | 'fresh' | 'stale' | 'long-lived stale'>;
}

/** What a router's text about the route says. */
function read(answer: string, longLived: RegExp, stale: RegExp): 'none' | 'fresh' | 'stale' | 'long-lived stale' {
  if (answer === '') return 'none';
  if (longLived.test(answer)) return 'long-lived stale';
  return stale.test(answer) ? 'stale' : 'fresh';
}

describe.skipIf(missing !== undefined)('routers while our process is away for longer than the restart time', () => {
  let lan: Lan;
  let node: Host;
  let speaker: RemoteSpeaker;
  const routers: Router[] = [];

  const start = async () => {
    speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    await speaker.announce({ prefix: PREFIX, communities: ['65002:7'] });
    for (const { name, address } of routers)
      await speaker.addPeer({ name, address, remoteAs: 65001, families: ['ipv4-unicast'], gracefulRestart: RESTART });
  };
  const all = (what: Awaited<ReturnType<Router['look']>>, timeout = 30_000) =>
    Promise.all(
      routers.map(({ name, look }) =>
        until(`${name} has the route: ${what}`, async () => (await look()) === what, { timeout, interval: 100, explain: look }),
      ),
    );

  beforeAll(async () => {
    lan = await Lan.create();
    node = await lan.host('n1', { addresses: ['10.77.0.2/24'] });
    const [frr, bird, gobgp] = await Promise.all([
      lan.host('frr', { addresses: ['10.77.0.1/24'] }).then(host => Frr.start(host, { bgpd: FRR })),
      lan.host('bird', { addresses: ['10.77.0.11/24'] }).then(host => Bird.start(host, BIRD)),
      lan.host('gobgp', { addresses: ['10.77.0.12/24'] }).then(host => Gobgp.start(host, GOBGP)),
    ]);
    routers.push(
      {
        name: 'frr',
        address: '10.77.0.1',
        look: async () => {
          const path = (await frr.route(PREFIX))?.paths[0];
          if (path?.community?.list.some(community => /llgr-?stale/i.test(community))) return 'long-lived stale';
          return path ? (path.stale ? 'stale' : 'fresh') : 'none';
        },
      },
      { name: 'bird', address: '10.77.0.11', look: async () => read(await bird.route(PREFIX), /\(65535,6\)/, /\(stale\)/) },
      { name: 'gobgp', address: '10.77.0.12', look: async () => read(await gobgp.route(PREFIX), /llgr-stale/i, /^S/m) },
    );
    await start();
    await all('fresh');
  });

  afterAll(async () => {
    await lan?.close();
  });

  it('keep the routes as a last resort, and take the new ones when it is back', async () => {
    const watching = routers.map(({ look }) => watch(async () => (await look()) !== 'none'));
    await speaker.daemon.kill();
    await all('long-lived stale');
    await start();
    await all('fresh');
    for (const { stop } of watching) {
      const { asked, no } = await stop();
      expect(asked).toBeGreaterThan(10);
      expect(no).toBe(0);
    }
  });

  it('drop what is not announced again', async () => {
    await speaker.daemon.kill();
    await all('long-lived stale');
    speaker = await RemoteSpeaker.start(node, { asn: 65002, routerId: '10.77.0.2' });
    for (const { name, address } of routers)
      await speaker.addPeer({ name, address, remoteAs: 65001, families: ['ipv4-unicast'], gracefulRestart: RESTART });
    await all('none');
  });
});
