import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LanNode, planned, SpeakerLan, until } from './layer2-lan.ts';

const VIP = '10.66.0.240';

const skip = process.getuid?.() === 0 ? undefined : 'network namespaces need root';

const told = ({ events }: LanNode) => {
  const report = events.findLast(event => event.kind === 'report');
  return report && { used: report.segments.map(segment => segment.interface), excluded: report.excluded };
};

describe.skipIf(skip !== undefined)('interfaces that are excluded by name', () => {
  let lan: SpeakerLan;

  beforeEach(() => {
    lan = new SpeakerLan(2);
    for (const node of lan.nodes) node.start({ excludeInterfaces: ['lo', 'eth.*'] });
  });
  afterEach(async () => {
    await lan?.close();
  });

  it('are told of, used while an address names them, and left alone afterwards', async () => {
    await until('the first reports', () => lan.nodes.every(node => told(node) !== undefined));
    expect(lan.nodes.map(told)).toEqual(lan.nodes.map(() => ({ used: [], excluded: ['eth0'] })));

    lan.plan([planned(VIP, lan.nodes, { interfaces: ['eth0'] })]);
    await until('an owner', () => lan.owner(VIP));
    await until('the reports', () => lan.nodes.every(node => told(node)?.used.length === 1));
    expect(lan.nodes.map(told)).toEqual(lan.nodes.map(() => ({ used: ['eth0'], excluded: [] })));

    for (const { thread } of lan.nodes) thread?.command({ kind: 'addresses', set: [], remove: [VIP] });
    await until('the reports', () => lan.nodes.every(node => told(node)?.used.length === 0));
    expect(lan.nodes.map(told)).toEqual(lan.nodes.map(() => ({ used: [], excluded: ['eth0'] })));
    expect(lan.owner(VIP)).toBeUndefined();
  });
});
