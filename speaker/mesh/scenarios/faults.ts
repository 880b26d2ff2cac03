import { cut, halves, type Scenario } from './scenario.ts';

/** What breaks by itself: nodes, links, the gateway, the network. */
export const FAULTS: readonly Scenario[] = [
  { name: 'one owner crashes', run: s => s.crash(s.node(0)), gap: 450, dual: 0, takeovers: 6 },
  {
    name: 'two crash together',
    run: s => {
      s.crash(s.node(0));
      s.crash(s.node(1));
    },
    gap: 550,
    dual: 5,
    takeovers: 10,
  },
  {
    name: 'owner frozen 2 s, resumes',
    run: s => {
      s.pause(s.node(0));
      s.run(2_000);
      s.resume(s.node(0));
    },
    gap: 5,
    dual: 1_800,
    takeovers: 6,
  },
  {
    name: 'owner stalls 250 ms',
    run: s => {
      s.pause(s.node(0));
      s.run(250);
      s.resume(s.node(0));
    },
    gap: 0,
    dual: 5,
    // Where the last beacon before it was lost as well, that is longer than the detection time.
    takeovers: 4,
  },
  {
    name: 'owner cannot receive for 5 s',
    run: s => {
      s.node(0).deaf = true;
      s.run(5_000);
      s.node(0).deaf = false;
    },
    gap: 300,
    dual: 300,
    takeovers: 8,
  },
  {
    name: 'a firewall on all nodes passes unicast of one family and multicast of the other',
    options: { dualStack: true, firewall: true },
    run: s => {
      s.run(20_000);
      s.crash(s.node(0));
    },
    gap: 450,
    dual: 0,
    takeovers: 6,
  },
  {
    name: 'two nodes, one cannot receive for 5 s',
    options: { nodes: 2 },
    run: s => {
      s.node(0).deaf = true;
      s.run(5_000);
      s.node(0).deaf = false;
    },
    gap: 300,
    dual: 300,
    takeovers: 24,
  },
  {
    name: 'owner cannot send for 5 s',
    run: s => {
      s.node(0).mute = true;
      s.run(5_000);
      s.node(0).mute = false;
    },
    gap: 300,
    dual: 60,
    takeovers: 8,
  },
  {
    name: 'link of an owner down for 5 s',
    run: s => {
      s.carrier(s.node(0), false);
      s.run(5_000);
      s.carrier(s.node(0), true);
    },
    gap: 550,
    dual: 5,
    takeovers: 8,
  },
  {
    name: 'link of the only node that may own some addresses down for 5 s',
    options: { candidates: 1 },
    run: s => {
      s.carrier(s.node(0), false);
      s.run(5_000);
      s.carrier(s.node(0), true);
    },
    gap: 650,
    dual: 0,
    takeovers: 4,
  },
  {
    name: 'partition 3|3, gateway on one side, heals',
    run: s => {
      s.split(halves(s));
      s.run(5_000);
      s.heal();
    },
    gap: 750,
    dual: 250,
    takeovers: 60,
  },
  {
    name: 'partition 3|3, clients on both sides, heals',
    run: s => {
      s.clientSides = [0, 1];
      s.split(halves(s));
      s.run(5_000);
      s.heal();
      s.clientSides = [0];
    },
    gap: 750,
    dual: 150,
    takeovers: 60,
  },
  {
    name: 'all speakers restart together',
    run: s => {
      for (const node of s.nodes) s.crash(node);
      s.run(500);
      for (const node of s.nodes) s.boot(node);
    },
    gap: 900,
    dual: 5,
    takeovers: 30,
  },
  {
    name: 'rolling crash and restart of all',
    run: s => {
      for (const node of s.nodes) {
        s.crash(node);
        s.run(1_000);
        s.boot(node);
        s.run(2_000);
      }
    },
    gap: 550,
    dual: 5,
    takeovers: 60,
  },
  {
    name: 'gateway silent 5 s for everybody',
    run: s => {
      s.gatewayUp = false;
      s.run(5_000);
      s.gatewayUp = true;
    },
    gap: 0,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'gateway silent 30 s for everybody',
    run: s => {
      s.gatewayUp = false;
      s.run(30_000 + 1_000 * s.random());
      s.gatewayUp = true;
    },
    gap: 0,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'gateway silent, and interfaces of pods come and go on a node meanwhile',
    run: s => {
      s.gatewayUp = false;
      s.run(2_000);
      for (let event = 0; event < 3; event++) {
        // Whatever changes on a node, each of its segments is told what has become of its own link.
        s.carrier(s.node(event), true);
        s.run(1_000);
      }
      s.gatewayUp = true;
    },
    gap: 0,
    dual: 0,
    takeovers: 0,
  },
  {
    name: 'gateway silent, and a speaker starts meanwhile',
    run: s => {
      s.gatewayUp = false;
      s.run(1_000);
      s.crash(s.node(0));
      s.run(1_000);
      s.boot(s.node(0));
      s.run(3_000);
      s.gatewayUp = true;
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'gateway silent, and a node leaves meanwhile',
    run: s => {
      s.gatewayUp = false;
      s.run(1_000);
      s.leave(s.node(0));
      s.run(3_000);
      s.gatewayUp = true;
    },
    gap: 0,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'gateway silent and an owner crashes',
    run: s => {
      s.gatewayUp = false;
      s.run(2_000);
      s.crash(s.node(0));
      s.run(3_000);
      s.gatewayUp = true;
    },
    gap: 450,
    dual: 5,
    takeovers: 6,
  },
  { name: 'crash with 5 % loss', options: { loss: 0.05 }, run: s => s.crash(s.node(0)), gap: 600, dual: 150, takeovers: 12 },
  { name: 'quiet 10 s, 2 % loss', options: { loss: 0.02 }, run: s => s.run(10_000), gap: 0, dual: 100, takeovers: 4 },
  {
    name: 'a node is cut off for 5 s and returns, no gateway',
    options: { gateway: false },
    run: s => cut(s, 0, 5_000),
    gap: 550,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'a node is cut off for 5 s and returns, gateway',
    run: s => cut(s, 0, 5_000),
    gap: 550,
    dual: 5,
    takeovers: 6,
  },
  {
    name: 'two nodes, one crashes, gateway present',
    options: { nodes: 2 },
    run: s => s.crash(s.node(0)),
    gap: 450,
    dual: 5,
    takeovers: 14,
  },
  {
    name: 'the only node that may have an address keeps it without uplink and without peers',
    run: s => {
      for (const vip of s.vips) s.plan(vip, [s.node(0).id]);
      s.run(1_500);
      s.observer.reset();
      cut(s, 0, 5_000);
      s.run(1_500);
    },
    gap: 0,
    dual: 0,
    takeovers: 20,
  },
  {
    name: 'every node stalls for 60 ms at random, 2 % loss, 10 s',
    options: { loss: 0.02 },
    run: s => {
      for (let round = 0; round < 40; round++) {
        const node = s.node(Math.floor(s.random() * s.nodes.length));
        s.pause(node);
        s.run(60);
        s.resume(node);
        s.run(190);
      }
    },
    gap: 0,
    dual: 100,
    takeovers: 4,
  },
  {
    name: 'a link flaps ten times in 3 s',
    run: s => {
      for (let round = 0; round < 10; round++) {
        s.carrier(s.node(0), round % 2 === 1);
        s.run(50 + s.random() * 500);
      }
      s.carrier(s.node(0), true);
    },
    gap: 550,
    dual: 5,
    takeovers: 12,
  },
  {
    name: 'a partition that comes and goes every 600 ms',
    run: s => {
      for (let round = 0; round < 5; round++) {
        s.split(halves(s));
        s.run(600);
        s.heal();
        s.run(600);
      }
    },
    gap: 750,
    dual: 400,
    takeovers: 120,
  },
];
