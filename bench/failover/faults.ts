import { setTimeout as sleep } from 'node:timers/promises';
import { nodes } from '@herald/kube';
import { cable, type Playground, type PlaygroundNode } from '@herald/playground';

/** One way to lose an owner, and the way back. */
export interface Fault {
  name: string;
  /** `holdSeconds` of the advertisement; its default unless told. */
  hold?: number;
  act: (playground: Playground, owner: PlaygroundNode) => Promise<void>;
  restore: (playground: Playground, owner: PlaygroundNode) => Promise<void>;
  /** Watched so long at least: until everything that may happen has happened (ms). */
  watch: number;
}

/** Longer than the detection time, the claim and its announcement take (ms). */
const UNPLANNED = 1_200;

const startSpeaker = async (playground: Playground, owner: PlaygroundNode): Promise<void> => {
  if (!playground.speakers.get(owner.name)?.running) await playground.startSpeaker(owner);
};
const nothing = async (): Promise<void> => undefined;

const kill = async (playground: Playground, owner: PlaygroundNode): Promise<void> => playground.speakers.get(owner.name)?.kill();
const freeze = async (playground: Playground, owner: PlaygroundNode): Promise<void> => {
  const speaker = playground.speakers.get(owner.name);
  speaker?.signal('SIGSTOP');
  await sleep(2_000);
  speaker?.signal('SIGCONT');
};
const restart = async (playground: Playground, owner: PlaygroundNode): Promise<void> => {
  await playground.speakers.get(owner.name)?.stop();
  await playground.startSpeaker(owner);
};

export const FAULTS: readonly Fault[] = [
  { name: 'control: nothing happens', act: nothing, restore: nothing, watch: UNPLANNED },
  {
    name: 'power-off',
    act: (playground, owner) => playground.fail(owner.name, 600_000),
    restore: (playground, owner) => playground.heal(owner.name),
    watch: UNPLANNED,
  },
  {
    name: 'cable out',
    act: async ({ sandbox }, owner) => void (await cable(sandbox, owner.name, 'down')),
    restore: async ({ sandbox }, owner) => void (await cable(sandbox, owner.name, 'up')),
    watch: UNPLANNED,
  },
  { name: 'link down', act: linkDown, restore: linkUp, watch: UNPLANNED },
  {
    name: 'one-way loss: the node hears nothing',
    act: (playground, owner) => drop(playground, [`oifname ${port(owner)} drop`]),
    restore: heal,
    watch: 2_000,
  },
  {
    name: 'one-way loss: nobody hears the node',
    act: (playground, owner) => drop(playground, [`iifname ${port(owner)} drop`]),
    restore: heal,
    watch: 2_000,
  },
  { name: 'switch partition', act: partition, restore: heal, watch: 2_000 },
  { name: 'speaker SIGKILL, no hold', hold: 0, act: kill, restore: startSpeaker, watch: UNPLANNED },
  { name: 'speaker SIGSTOP 2 s, no hold', hold: 0, act: freeze, restore: nothing, watch: 2_500 },
  { name: 'speaker SIGKILL', act: kill, restore: startSpeaker, watch: UNPLANNED },
  { name: 'speaker SIGSTOP 2 s', act: freeze, restore: nothing, watch: 2_500 },
  { name: 'speaker restart', act: restart, restore: nothing, watch: 500 },
  {
    name: 'restart of all speakers',
    act: async playground => void (await Promise.all(playground.topology.nodes.map(node => restart(playground, node)))),
    restore: nothing,
    watch: 1_000,
  },
  {
    name: 'drain of the node',
    act: (playground, owner) => drain(playground, owner, '1s'),
    restore: (playground, owner) => drain(playground, owner, null),
    watch: 3_000,
  },
];

/** Losing a link takes addresses and routes along, other than a cable. */
const lostRoutes = new Map<string, string[][]>();

async function linkDown({ sandbox, topology }: Playground, owner: PlaygroundNode): Promise<void> {
  const kept: string[][] = [];
  for (const family of ['-4', '-6']) {
    const text = await sandbox.must(owner.name, ['ip', family, 'route', 'show', 'dev', topology.interface]);
    for (const line of text.trim().split('\n'))
      if (line.includes(' via ')) kept.push([family, 'route', 'replace', ...line.trim().split(/\s+/), 'dev', topology.interface]);
  }
  lostRoutes.set(owner.name, kept);
  await sandbox.must(owner.name, ['sysctl', '-qw', `net.ipv6.conf.${topology.interface}.keep_addr_on_down=1`]);
  await sandbox.must(owner.name, ['ip', 'link', 'set', topology.interface, 'down']);
}

async function linkUp({ sandbox, topology }: Playground, owner: PlaygroundNode): Promise<void> {
  await sandbox.must(owner.name, ['ip', 'link', 'set', topology.interface, 'up']);
  for (const words of lostRoutes.get(owner.name) ?? [])
    await sandbox.must(owner.name, ['ip', ...words.filter(word => word !== 'linkdown' && word !== 'dead')]);
}

function port({ name }: PlaygroundNode): string {
  return `"p-${name}"`;
}

/** Frames vanish in the switch, as on a cable with one broken wire: all links stay up. */
async function drop({ sandbox }: Playground, rules: readonly string[]): Promise<void> {
  const lines = ['table bridge fault {', 'chain forward {', 'type filter hook forward priority 0;', ...rules, '}', '}'];
  const input = `${lines.join('\n')}\n`;
  await sandbox.must(undefined, ['nft', '-f', '-'], { input });
}

async function heal({ sandbox }: Playground): Promise<void> {
  await sandbox.must(undefined, ['nft', 'delete', 'table', 'bridge', 'fault']);
}

/** The owner and another node on one side; the clients, the router and the rest on the other. */
async function partition(playground: Playground, owner: PlaygroundNode): Promise<void> {
  const other = playground.topology.nodes.find(node => node !== owner);
  const side = `{ ${[owner, ...(other ? [other] : [])].map(port).join(', ')} }`;
  await drop(playground, [`iifname ${side} oifname != ${side} drop`, `iifname != ${side} oifname ${side} drop`]);
}

async function drain(playground: Playground, owner: PlaygroundNode, value: string | null): Promise<void> {
  const annotations = { 'heraldlb.io/drain': value };
  await playground.client.patch(nodes, { name: owner.name }, { metadata: { annotations } }, { type: 'merge' });
}
