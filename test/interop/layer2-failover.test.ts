import { ARP_REPLY, NEIGHBOUR_ADVERTISEMENT } from '@herald/speaker/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameClient } from './layer2-client.ts';
import { planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP4 = '10.66.0.240';
const VIP6 = 'fd66::240';
const VIPS = [VIP4, VIP6];

const skip = process.getuid?.() === 0 ? undefined : 'network namespaces need root';

describe.skipIf(skip !== undefined)('three nodes on a LAN', () => {
  let lan: SpeakerLan;
  let client: FrameClient;

  beforeEach(async () => {
    lan = new SpeakerLan(3);
    for (const node of lan.nodes) node.start();
    // Nobody takes anything before it has listened; by then all hear each other.
    await until('all nodes to hear each other', () => lan.nodes.every(node => node.hears().length === 2));
    lan.plan(VIPS.map(ip => planned(ip, lan.nodes)));
    await until('an owner of each address', () => VIPS.every(ip => lan.owner(ip) !== undefined));
    client = new FrameClient(lan.client);
  });

  afterEach(async () => {
    client?.close();
    await lan?.close();
  });

  /** MACs that answer now, each once per question. */
  async function answering(): Promise<string[]> {
    client.clear();
    client.ask(VIP4);
    await new Promise(resolve => {
      setTimeout(resolve, 100);
    });
    return client.arp.filter(packet => packet.operation === ARP_REPLY && packet.senderIp === VIP4).map(packet => packet.senderMac);
  }

  /** The MAC that the client's kernel has for an address. */
  function neighbour(ip: string): string | undefined {
    return /lladdr (\S+)/.exec(lan.client.run('ip', 'neigh', 'show', ip, 'dev', 'eth0'))?.[1];
  }

  it('the first in the order owns both families, and only it answers', async () => {
    expect(VIPS.map(ip => lan.owner(ip)?.name)).toEqual(['node-1', 'node-1']);
    expect(await answering()).toEqual([lan.node(0).host.mac]);
  });

  it('takes over from a crashed speaker and corrects the caches of its clients', async () => {
    // The client's kernel knows the owner; gratuitous announcements must change that without a new question.
    for (const ip of VIPS) lan.client.run('ip', 'neigh', 'replace', ip, 'lladdr', lan.node(0).host.mac, 'dev', 'eth0', 'nud', 'reachable');
    await lan.node(0).stop();
    await until('the second node to own both', () => VIPS.every(ip => lan.owner(ip)?.name === 'node-2'));
    await until('the caches to follow', () => VIPS.every(ip => neighbour(ip) === lan.node(1).host.mac));
    expect(await answering()).toEqual([lan.node(1).host.mac]);
    expect(lan.node(1).about('acquired', VIP4)).toMatchObject([{ cause: 'peer-lost', epoch: 3 }]);
  });

  it('tells who asked lately first, and their answers confirm', async () => {
    // A question of the client's kernel makes it an asker that will answer.
    lan.client.try('ping', '-c', '1', '-W', '1', VIP4);
    await lan.node(0).stop();
    const [confirmed] = await until('a confirmation', () => {
      const events = lan.node(1).about('confirmed', VIP4);
      return events.length > 0 && events;
    });
    expect(confirmed).toMatchObject({ neighbour: '10.66.0.9' });
  });

  it('a cut node gives up, and takes nothing back when it returns', async () => {
    lan.cable(0, false);
    await until('the second node to own both', () => VIPS.every(ip => lan.node(1).owns(ip)));
    await until('the cut node to give up', () => VIPS.every(ip => !lan.node(0).owns(ip)));
    lan.cable(0, true);
    await until('all to hear each other again', () => lan.nodes.every(node => node.hears().length === 2));
    await new Promise(resolve => {
      setTimeout(resolve, 1_000);
    });
    expect(VIPS.map(ip => lan.owner(ip)?.name)).toEqual(['node-2', 'node-2']);
    expect(await answering()).toEqual([lan.node(1).host.mac]);
  });

  it('a link that goes down silences its node at once, and is used again when it is up', async () => {
    lan.node(0).host.run('ip', 'link', 'set', 'eth0', 'down');
    await until('the release', () => lan.node(0).about('released', VIP4).length > 0);
    expect(lan.node(0).about('released', VIP4)).toMatchObject([{ cause: 'no-carrier' }]);
    await until('the second node to own both', () => VIPS.every(ip => lan.node(1).owns(ip)));
    lan.node(0).host.run('ip', 'link', 'set', 'eth0', 'up');
    await until('all to hear each other again', () => lan.nodes.every(node => node.hears().length === 2));
    expect(VIPS.map(ip => lan.owner(ip)?.name)).toEqual(['node-2', 'node-2']);
  });

  it('hands over without a question unanswered', async () => {
    const questions = 100;
    client.clear();
    let leaving: Promise<void> | undefined;
    for (let question = 0; question < questions; question++) {
      client.ask(VIP4);
      if (question === 20) leaving = lan.node(0).thread?.leave(5_000);
      await new Promise(resolve => {
        setTimeout(resolve, 5);
      });
    }
    await leaving;
    await new Promise(resolve => {
      setTimeout(resolve, 100);
    });
    const answers = client.arp.filter(packet => packet.operation === ARP_REPLY && packet.senderIp === VIP4);
    expect(lan.node(0).about('released', VIP4)).toMatchObject([{ cause: 'handover', to: 'node-2' }]);
    expect(answers.length).toBeGreaterThanOrEqual(questions);
    expect(answers.at(-1)?.senderMac).toBe(lan.node(1).host.mac);
  });

  it('announces anew with the new MAC of its interface', async () => {
    for (const ip of VIPS) lan.client.run('ip', 'neigh', 'replace', ip, 'lladdr', lan.node(0).host.mac, 'dev', 'eth0', 'nud', 'reachable');
    lan.node(0).host.run('ip', 'link', 'set', 'eth0', 'address', '02:66:00:00:00:77');
    await until('the caches to follow', () => VIPS.every(ip => neighbour(ip) === '02:66:00:00:00:77'));
    expect(await answering()).toEqual(['02:66:00:00:00:77']);
  });

  it('holds the addresses of a speaker that restarts: others answer with its MAC, and it takes them up again', async () => {
    const held = VIPS.map(ip => planned(ip, lan.nodes, { hold: 30_000 }));
    lan.plan(held);
    const { mac } = lan.node(0).host;
    for (const crash of [true, false]) {
      const { thread } = lan.node(0);
      if (!crash) await thread?.leave(1_000, true);
      await lan.node(0).stop();
      await until('an answer on its behalf', async () => (await answering()).join() === mac);
      lan.node(0).start({ addresses: held.map(address => ({ ...address, restored: [{ segment: '10.66.0.0/24', epoch: 2 }] })) });
      await until('both addresses to be taken up again', () => VIPS.every(ip => lan.node(0).owns(ip)));
      expect(lan.node(0).about('acquired', VIP4)).toMatchObject([{ cause: 'restored', epoch: 2 }]);
      await until('one answer, its own', async () => (await answering()).join() === mac);
    }
    expect([1, 2].flatMap(index => lan.node(index).about('acquired', VIP4))).toEqual([]);
  });

  it('a speaker that has said goodbye and takes its time to end is answered for without a gap', async () => {
    lan.plan(VIPS.map(ip => planned(ip, lan.nodes, { hold: 30_000 })));
    const { mac } = lan.node(0).host;
    await lan.node(0).thread?.leave(1_000, true);
    const answers: string[][] = [];
    // For half a second it still answers itself; others may do so with its MAC already.
    for (let times = 0; times < 5; times++) answers.push(await answering());
    await lan.node(0).stop();
    for (let times = 0; times < 5; times++) answers.push(await answering());
    expect(answers.map(found => [...new Set(found)])).toEqual(answers.map(() => [mac]));
  });

  it('what is not held is taken over with the goodbye, and answered no more by a process that takes its time to end', async () => {
    await lan.node(0).thread?.leave(1_000, true);
    await until('the second node to own both', () => VIPS.every(ip => lan.node(1).owns(ip)));
    expect(await answering()).toEqual([lan.node(1).host.mac]);
  });

  it('a node that cannot open its sockets for ARP gives up, says so, and is back when it can', async () => {
    const { host } = lan.node(0);
    lan.plan(VIPS.map(ip => planned(ip, lan.nodes, { hold: 30_000 })));
    // No room for a filter.
    host.run('sysctl', '-q', '-w', 'net.core.optmem_max=100');
    host.run('ip', 'link', 'set', 'eth0', 'address', '02:66:00:00:00:77');
    // As for a link that is down, although what it owns is to be held while its speaker restarts.
    await until('the second node to own both', () => VIPS.every(ip => lan.node(1).owns(ip)));
    expect(await answering()).toEqual([lan.node(1).host.mac]);
    expect(lan.node(1).hears()).toHaveLength(2);
    const segment = () => lan.node(0).events.findLast(event => event.kind === 'report')?.segments[0];
    await until('the report', () => segment()?.responder === 'none');
    expect(segment()).toMatchObject({ fit: false, unfitReason: 'no socket for ARP and NDP could be opened' });
    host.run('sysctl', '-q', '-w', 'net.core.optmem_max=131072');
    await until('the responder', () => segment()?.responder === 'packet');
    for (const index of [1, 2]) lan.cable(index, false);
    // Without a gateway, whoever asks shows that it is not this node that is cut off.
    await until('the node to take over again', async () => (await answering()).join() === '02:66:00:00:00:77');
    await until('both', () => VIPS.every(ip => lan.node(0).owns(ip)));
  });

  it('takes over at once from a node that dies while it is held', async () => {
    lan.plan(VIPS.map(ip => planned(ip, lan.nodes, { hold: 30_000 })));
    await lan.node(0).stop();
    await until('an answer on its behalf', async () => (await answering()).join() === lan.node(0).host.mac);
    lan.cable(0, false);
    await until('the second node to own both', () => VIPS.every(ip => lan.node(1).owns(ip)));
    expect(await answering()).toEqual([lan.node(1).host.mac]);
  });

  it('without a caretaker nobody answers new questions while it is held, until its speaker is back or the hold is over', async () => {
    for (const index of [1, 2]) await lan.node(index).stop();
    for (const index of [1, 2]) lan.node(index).start({ caretaker: false });
    await until('all to hear each other again', () => lan.nodes.every(node => node.hears().length === 2));
    const held = VIPS.map(ip => planned(ip, lan.nodes, { hold: 12_000 }));
    lan.plan(held);
    const { mac } = lan.node(0).host;
    // Who uses the address already keeps the way: its packets go to the node, and nobody tells it otherwise.
    for (const ip of VIPS) lan.client.run('ip', 'neigh', 'replace', ip, 'lladdr', mac, 'dev', 'eth0', 'nud', 'reachable');
    await lan.node(0).stop();
    const end = performance.now() + 1_500;
    while (performance.now() < end) expect(await answering()).toEqual([]);
    expect(VIPS.map(neighbour)).toEqual([mac, mac]);
    lan.node(0).start({ addresses: held.map(address => ({ ...address, restored: [{ segment: '10.66.0.0/24', epoch: 2 }] })) });
    await until('its own answer', async () => (await answering()).join() === mac);
    expect([1, 2].flatMap(index => lan.node(index).about('acquired', VIP4))).toEqual([]);
    await until('all to hear each other', () => lan.nodes.every(node => node.hears().length === 2));
    await lan.node(0).stop();
    await until('the next in line, when the hold is over', () => VIPS.every(ip => lan.node(1).owns(ip)));
    expect(await answering()).toEqual([lan.node(1).host.mac]);
  });

  it('an address that leaves the plan is not answered any more', async () => {
    for (const node of lan.nodes) node.thread?.command({ kind: 'addresses', set: [], remove: [VIP4] });
    await until('the release', () => lan.node(0).about('released', VIP4).length > 0);
    expect(await answering()).toEqual([]);
    expect(lan.owner(VIP6)?.name).toBe('node-1');
  });
});

describe.skipIf(skip !== undefined)('an address that a stranger uses', () => {
  it('is reported and not announced before its first use', async () => {
    const lan = new SpeakerLan(1);
    try {
      lan.client.run('ip', 'addr', 'add', `${VIP4}/32`, 'dev', 'eth0');
      const node = lan.node(0);
      node.start();
      const client = new FrameClient(lan.client);
      try {
        lan.plan([planned(VIP4, [node], { epoch: 0 })]);
        await until('the conflict', () => node.about('conflict', VIP4).length > 0);
        expect(node.about('conflict', VIP4)).toMatchObject([{ phase: 'probe', mac: lan.client.mac }]);
        expect(client.arp.filter(packet => packet.senderIp === VIP4)).toEqual([]);
      } finally {
        client.close();
      }
    } finally {
      await lan.close();
    }
  });
});

describe.skipIf(skip !== undefined)('an address that another program on a node of ours answers for', () => {
  it('is given to that node, which announces the same MAC, by ARP and by NDP', async () => {
    const lan = new SpeakerLan(2);
    const client = new FrameClient(lan.client);
    try {
      const [first, second] = [lan.node(0), lan.node(1)];
      // As another load balancer would: with the MAC of its node.
      second.host.run('ip', 'addr', 'add', `${VIP4}/24`, 'dev', 'eth0');
      second.host.run('ip', 'addr', 'add', `${VIP6}/64`, 'dev', 'eth0', 'nodad');
      for (const node of lan.nodes) node.start();
      await until('both nodes to hear each other', () => lan.nodes.every(node => node.hears().length === 1));
      client.clear();
      lan.plan(VIPS.map(ip => planned(ip, lan.nodes, { epoch: 0 })));
      await until('the second to own both', () => VIPS.every(ip => lan.owner(ip) === second));
      for (const ip of VIPS) {
        expect(first.about('acquired', ip)).toEqual([]);
        expect(lan.nodes.flatMap(node => node.about('conflict', ip))).toEqual([]);
      }
      const announced = () => [
        ...client.arp.flatMap(packet => (packet.senderIp === VIP4 ? [packet.senderMac] : [])),
        ...client.ndp.flatMap(packet =>
          packet.type === NEIGHBOUR_ADVERTISEMENT && packet.target === VIP6 ? [packet.linkLayer ?? packet.source] : [],
        ),
      ];
      await until('announcements of both families', () => announced().length >= 2);
      expect(new Set(announced())).toEqual(new Set([second.host.mac]));
    } finally {
      client.close();
      await lan.close();
    }
  });
});
