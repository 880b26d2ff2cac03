import { describe, expect, it } from 'vitest';
import { SilentNodes, type SilentPeer } from './silent-nodes.ts';

const peer = (heard: boolean, name = 'dn1'): SilentPeer => ({ name, address: 'fe80::1%eth0', mac: '02:00:00:00:00:01', heard });

describe('nodes with a silent speaker', () => {
  const cases: { desc: string; peers: (second: number) => SilentPeer[]; answers: readonly number[]; answering: readonly boolean[] }[] = [
    { desc: 'a heard one is none of them', peers: () => [peer(true)], answers: [], answering: [false, false, false] },
    {
      desc: 'one without an answer is dead after two questions',
      peers: () => [peer(false)],
      answers: [],
      answering: [true, true, false, false],
    },
    {
      desc: 'one that answers is alive, also when the mesh has forgotten it',
      peers: second => (second < 3 ? [peer(false)] : []),
      answers: [0, 1, 2, 3, 4],
      answering: [true, true, true, true, true, true],
    },
    {
      desc: 'one that answers again is alive again',
      peers: () => [peer(false)],
      answers: [3],
      answering: [true, true, false, false, true],
    },
    {
      desc: 'one whose speaker is heard again is none of them, and begins anew',
      peers: second => [peer(second === 2)],
      answers: [],
      answering: [true, true, false, true, true, false],
    },
    { desc: 'one that never said its name is nobody', peers: () => [peer(false, '')], answers: [], answering: [false] },
  ];
  it.each(cases)('$desc', ({ peers, answers, answering }) => {
    const silent = new SilentNodes();
    const seen = answering.map((_, second) => {
      const { answering: names } = silent.look(peers(second), second * 1000);
      if (answers.includes(second)) silent.answered('fe80::1', second * 1000 + 5);
      return names.includes('dn1');
    });
    expect(seen).toEqual(answering);
  });

  it('asks each of them once, and forgets those that nobody knows any more', () => {
    const silent = new SilentNodes();
    expect(silent.look([peer(false)], 0).ask).toEqual([{ address: 'fe80::1%eth0', mac: '02:00:00:00:00:01' }]);
    expect(silent.look([], 60_000).ask).toHaveLength(1);
    expect(silent.look([], 60_001).ask).toEqual([]);
  });
});
