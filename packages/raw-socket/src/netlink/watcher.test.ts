import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PollLoop } from '../poll-loop.ts';
import { eventLoop } from '../poller.ts';
import { createLan, type Lan } from '../testing/lan.ts';
import { missing } from '../testing/requirements.ts';
import { diffInterfaces } from './interface-diff.ts';
import { interfaces, neighbours, routes } from './tables.ts';
import { type NetlinkEvent, NetlinkWatcher } from './watcher.ts';

const skip = missing({ capabilities: ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip'] });

function words(event: NetlinkEvent): string {
  switch (event.kind) {
    case 'link':
      return `${event.change} ${event.interface.name} ${event.interface.up ? 'up' : 'down'}${event.interface.running ? ' running' : ''}`;
    case 'address':
      return `${event.change} ${event.address.address}/${event.address.prefixLength}`;
    case 'route':
      return `${event.change} route ${event.route.destination}/${event.route.prefixLength}`;
    case 'neighbour':
      return `${event.change} neighbour ${event.neighbour.address} ${event.neighbour.mac} ${event.neighbour.state}`;
    case 'overrun':
      return 'overrun';
  }
}

describe.skipIf(skip)(`netlink${skip ? ` (${skip})` : ''}`, () => {
  let lan: Lan;
  const closers: (() => void)[] = [];
  beforeAll(() => {
    lan = createLan();
  });
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });
  afterAll(() => lan?.close());
  const ip = (...args: string[]): string => lan.host.run('ip', ...args);
  const host = <T>(body: () => T): T => lan.host.enter(body);

  const changeRoutes = (): void => {
    ip('route', 'add', '10.3.0.0/16', 'via', '10.66.0.2');
    ip('neigh', 'replace', '10.66.0.201', 'lladdr', '02:00:00:00:00:c9', 'dev', 'eth0');
    ip('route', 'del', '10.3.0.0/16');
  };

  /** Whatever `change` causes, in words. `change` may wait until the watcher has told something. */
  function watch(
    change: (until: (line: string) => void) => void,
    topics?: ConstructorParameters<typeof NetlinkWatcher>[0]['topics'],
  ): { seen: string[]; events: NetlinkEvent[] } {
    const loop = new PollLoop();
    closers.push(() => loop.close());
    const events: NetlinkEvent[] = [];
    const watcher = host(() => new NetlinkWatcher({ poller: loop, onEvent: event => events.push(event), ...(topics && { topics }) }));
    try {
      change(line => {
        const limit = performance.now() + 8000;
        while (!events.some(event => words(event) === line) && performance.now() < limit) loop.step(10);
      });
      const end = performance.now() + 150;
      while (performance.now() < end) loop.step(10);
      // What the watcher believes is what a fresh dump says.
      expect(diffInterfaces(watcher.interfaces, new Map(host(interfaces).map(info => [info.index, info])))).toEqual([]);
    } finally {
      watcher.close();
    }
    return { events, seen: events.map(words) };
  }

  test('interfaces() says what ip(8) says', () => {
    ip('link', 'add', 'br0', 'type', 'bridge');
    ip('link', 'add', 'd0', 'mtu', '1400', 'type', 'veth', 'peer', 'name', 'd0p');
    ip('link', 'set', 'd0', 'master', 'br0');
    ip('addr', 'add', '10.1.0.1/24', 'dev', 'br0');
    ip('addr', 'add', 'fd01::1/64', 'dev', 'br0', 'nodad');
    interface IpAddress {
      family: string;
      local: string;
      prefixlen: number;
    }
    const theirs = JSON.parse(ip('-d', '-j', 'addr', 'show')) as {
      ifindex: number;
      ifname: string;
      address: string;
      mtu: number;
      flags: string[];
      master?: string;
      linkinfo?: { info_kind?: string; info_slave_kind?: string };
      addr_info: IpAddress[];
    }[];
    const names = new Map(theirs.map(link => [link.ifindex, link.ifname]));
    expect(
      host(interfaces).map(info => ({
        index: info.index,
        name: info.name,
        mac: info.mac,
        mtu: info.mtu,
        up: info.up,
        master: info.master === undefined ? undefined : names.get(info.master),
        kind: info.kind,
        masterKind: info.masterKind,
        addresses: info.addresses.map(a => `${a.address}/${a.prefixLength}`).sort(),
      })),
    ).toEqual(
      theirs.map(link => ({
        index: link.ifindex,
        name: link.ifname,
        mac: link.address,
        mtu: link.mtu,
        up: link.flags.includes('UP'),
        master: link.master,
        kind: link.linkinfo?.info_kind,
        masterKind: link.linkinfo?.info_slave_kind,
        addresses: link.addr_info.map(a => `${a.local}/${a.prefixlen}`).sort(),
      })),
    );
    ip('link', 'del', 'd0');
    ip('link', 'del', 'br0');
  });

  test('routes() and neighbours() know what was added', () => {
    ip('route', 'add', '10.9.0.0/16', 'via', '10.66.0.2', 'dev', 'eth0', 'metric', '77');
    ip('neigh', 'add', '10.66.0.200', 'lladdr', '02:00:00:00:00:c8', 'dev', 'eth0');
    const index = host(interfaces).find(info => info.name === 'eth0')?.index;
    expect(host(routes)).toContainEqual(
      expect.objectContaining({
        destination: '10.9.0.0',
        prefixLength: 16,
        gateways: [{ gateway: '10.66.0.2', interfaceIndex: index }],
        priority: 77,
        table: 254,
      }),
    );
    expect(host(neighbours)).toContainEqual({
      interfaceIndex: index,
      family: 4,
      address: '10.66.0.200',
      mac: '02:00:00:00:00:c8',
      state: 'permanent',
      proxy: false,
    });
  });

  test('a route with two gateways', () => {
    ip('route', 'add', '10.8.0.0/16', 'nexthop', 'via', '10.66.0.2', 'dev', 'eth0', 'nexthop', 'via', '10.66.0.3', 'dev', 'eth0');
    const route = host(routes).find(r => r.destination === '10.8.0.0');
    expect(route?.gateways.map(g => g.gateway)).toEqual(['10.66.0.2', '10.66.0.3']);
  });

  test('an interface that comes and goes, with its addresses', () => {
    const { seen } = watch(() => {
      ip('link', 'add', 'd1', 'type', 'bridge');
      ip('addr', 'add', '10.2.0.1/24', 'dev', 'd1');
      ip('link', 'set', 'd1', 'up');
      ip('addr', 'del', '10.2.0.1/24', 'dev', 'd1');
      ip('link', 'del', 'd1');
    });
    // A bridge without ports may be seen running for a moment.
    expect(seen.filter(line => !line.includes('fe80')).map(line => line.replace(' running', ''))).toEqual([
      'added d1 down',
      'added 10.2.0.1/24',
      'changed d1 up',
      'removed 10.2.0.1/24',
      'changed d1 down',
      'removed d1 down',
    ]);
  });

  test('losing the carrier is a change of its own, and so is its return', () => {
    // The kernel tells only what has settled: a link that is back within a moment was never gone.
    const { seen } = watch(until => {
      lan.peer.run('ip', 'link', 'set', 'eth0', 'down');
      until('changed eth0 up');
      lan.peer.run('ip', 'link', 'set', 'eth0', 'up');
      until('changed eth0 up running');
    });
    const links = seen.filter(line => line.startsWith('changed eth0'));
    expect([...new Set(links)]).toEqual(['changed eth0 up', 'changed eth0 up running']);
  });

  test('routes and neighbours are told when asked for', () => {
    expect(watch(changeRoutes, ['route', 'neighbour']).seen).toEqual([
      'added route 10.3.0.0/16',
      'changed neighbour 10.66.0.201 02:00:00:00:00:c9 permanent',
      'removed route 10.3.0.0/16',
    ]);
    expect(watch(changeRoutes).seen).toEqual([]);
  });

  test('a MAC change is told with the interface as it was', () => {
    ip('link', 'add', 'd3', 'address', '02:00:00:00:03:01', 'type', 'bridge');
    const { events } = watch(() => ip('link', 'set', 'd3', 'address', '02:00:00:00:03:02'));
    expect(events.map(e => (e.kind === 'link' ? [e.previous?.mac, e.interface.mac] : e.kind))).toEqual([
      ['02:00:00:00:03:01', '02:00:00:00:03:02'],
    ]);
  });

  test('lost events: the differences are found by reading anew', () => {
    const events: NetlinkEvent[] = [];
    const loop = new PollLoop();
    closers.push(() => loop.close());
    ip('link', 'add', 'd4', 'type', 'bridge');
    const watcher = host(() => new NetlinkWatcher({ poller: loop, onEvent: event => events.push(event) }));
    closers.push(() => watcher.close());
    ip('addr', 'add', '10.4.0.1/24', 'dev', 'd4');
    ip('link', 'add', 'd5', 'type', 'bridge');
    host(() => watcher.resync());
    expect(events.map(words)).toEqual(['added 10.4.0.1/24', 'added d5 down', 'overrun']);
    // The messages themselves come later and say nothing new.
    loop.step(10);
    loop.step(10);
    expect(events).toHaveLength(3);
  });

  test('more than its buffer holds: an overrun, and the state is right again', () => {
    const loop = new PollLoop();
    closers.push(() => loop.close());
    const events: NetlinkEvent[] = [];
    const watcher = host(
      () => new NetlinkWatcher({ poller: loop, onEvent: event => events.push(event), topics: ['route'], receiveBuffer: 4096 }),
    );
    closers.push(() => watcher.close());
    const batch = Array.from({ length: 400 }, (_, i) => `route add 10.20.${i >> 8}.${i & 255}/32 dev eth0`).join('\n');
    lan.host.input(`${batch}\nlink add d6 type bridge\n`, 'ip', '-batch', '-');
    host(() => {
      for (let i = 0; i < 50; i++) loop.step(5);
    });
    expect(events.some(event => event.kind === 'overrun')).toBe(true);
    expect(watcher.byName('d6')).toBeDefined();
  });

  test('works on the event loop of a main thread', async () => {
    const event = new Promise<NetlinkEvent>(resolve => {
      const watcher = host(() => new NetlinkWatcher({ poller: eventLoop, onEvent: resolve }));
      closers.push(() => watcher.close());
    });
    ip('link', 'add', 'd7', 'type', 'bridge');
    expect(words(await event)).toBe('added d7 down');
  });
});
