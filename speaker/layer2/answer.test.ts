import { expect, it } from 'vitest';
import { type AnswerTable, answerWith, type Requester, type Standing } from './answer.ts';

const OURS = '02:00:00:00:00:01';
const OWNER = '02:00:00:00:00:02';
const CLIENT = '02:00:00:00:00:99';
const standings = new Map<string, Standing>([
  ['192.0.2.1', { mode: 'own' }],
  ['192.0.2.2', { mode: 'lame-duck' }],
  ['192.0.2.3', { mode: 'caretaker', mac: OWNER }],
  ['192.0.2.4', { mode: 'silent' }],
]);
const table: AnswerTable = { mac: OURS, standings };
const asker: Requester = { mac: CLIENT, ip: '192.0.2.99', delivery: 'group' };

it.each<[string, Partial<Requester>, string, ReturnType<typeof answerWith>]>([
  ['an address we own', {}, '192.0.2.1', { mac: OURS }],
  ['the same, asked by unicast (neighbour unreachability detection)', { delivery: 'unicast' }, '192.0.2.1', { mac: OURS }],
  ['the same, probed for a duplicate', { ip: '0.0.0.0' }, '192.0.2.1', { mac: OURS }],
  ['an address nobody told us of', {}, '192.0.2.5', 'unknown-address'],
  ['our own frame come back', { mac: OURS }, '192.0.2.1', 'own-frame'],
  ['an announcement by somebody else', { ip: '192.0.2.1' }, '192.0.2.1', 'claims-address'],
  ['an address that moves away: new askers go to the new owner', {}, '192.0.2.2', 'new-asker'],
  ['an address that moves away: those who use it are still answered', { delivery: 'unicast' }, '192.0.2.2', { mac: OURS }],
  ['an address held for a node whose speaker restarts', {}, '192.0.2.3', { mac: OWNER }],
  ['an address being probed', {}, '192.0.2.4', 'silent'],
])('%s', (_, requester, target, expected) => {
  expect(answerWith(table, { ...asker, ...requester }, target)).toEqual(expected);
});
