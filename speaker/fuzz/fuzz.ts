import { isDeepStrictEqual } from 'node:util';
import { type AnswerTable, answerWith } from '../layer2/answer.ts';
import { ARP_REQUEST, type ArpPacket, arpReply, decodeArp, encodeArp, gratuitousArp } from '../layer2/arp.ts';
import { isGroupMac } from '../layer2/ethernet.ts';
import { mutate } from '../layer2/fuzz.ts';
import {
  decodeNdp,
  detectionSolicitation,
  directedSolicitation,
  encodeNdp,
  NEIGHBOUR_SOLICITATION,
  repairChecksum,
  solicitedAdvertisement,
  unsolicitedAdvertisement,
} from '../layer2/ndp.ts';
import { keyring, nodeIdOf, seal, segmentIdOf, unseal } from '../mesh/authentication.ts';
import { decodePacket, encodePacket } from '../mesh/codec.ts';
import { setDesired } from '../mesh/desired.ts';
import type { Packet } from '../mesh/packet.ts';
import { seededRandom } from '../mesh/random.ts';
import { onPacket } from '../mesh/receive.ts';
import { createMesh, type MeshState } from '../mesh/state.ts';
import { BEACON } from '../mesh/testing.ts';
import { tick } from '../mesh/tick.ts';
import { MESH_PROFILES } from '../mesh/timers.ts';

const ours = '02:00:00:00:00:01';
const theirs = '02:00:00:00:00:99';
const vip4 = '192.168.150.240';
const vip6 = 'fd00:150::240';
const neighbour = { ip: '192.168.150.10', mac: theirs };

const request: ArpPacket = {
  destination: 'ff:ff:ff:ff:ff:ff',
  source: theirs,
  operation: ARP_REQUEST,
  senderMac: theirs,
  senderIp: neighbour.ip,
  targetMac: '00:00:00:00:00:00',
  targetIp: vip4,
};
const frames = {
  arp: [request, arpReply(request, ours, ours), gratuitousArp(vip4, theirs)].map(encodeArp),
  ndp: [
    directedSolicitation('fd00:150::10', theirs, { ip: vip6 }),
    detectionSolicitation(vip6, theirs),
    unsolicitedAdvertisement(vip6, theirs, 'ff02::1'),
  ].map(encodeNdp),
};
const ring = keyring([Buffer.alloc(32, 1)], 'uid');
const segment = segmentIdOf('192.168.150.0/24');
const beacon: Packet = {
  ...BEACON,
  sender: nodeIdOf('node-2'),
  nonce: 1n,
  claimsDigest: 1n,
  claims: [
    { vip: vip4, epoch: 5, rank: 0 },
    { vip: vip6, epoch: 6, rank: 1 },
  ],
  name: 'node-2',
  macs: [theirs],
};
const datagram = seal(beacon, ring, segment, true);
const unsigned = encodePacket(beacon, { clusterId: ring.clusterId, segmentId: segment, keyId: 0 });

const table: AnswerTable = {
  mac: ours,
  standings: new Map([
    [vip4, { mode: 'own' }],
    [vip6, { mode: 'own' }],
  ]),
};

export interface FuzzResult {
  runs: number;
  /** What a decoder read. */
  read: number;
  /** ARP and NDP requests that would have been answered. */
  answered: number;
}

/**
 * Gives mutated frames and datagrams to the decoders and to what follows them: nothing throws, what is read says what is in the frame, an
 * answer is for one of our addresses, and the mesh stays within its bounds. Throws at the first that is otherwise, with the frame.
 */
export function fuzz(runs: number, seed: number): FuzzResult {
  const random = seededRandom(seed);
  const mesh = createMesh({ me: nodeIdOf('node-1'), name: 'node-1', nonce: 2n, timers: MESH_PROFILES.default, random }, 0);
  for (const vip of [vip4, vip6]) setDesired(mesh, vip, { order: [mesh.me, beacon.sender], hold: 30_000, epoch: 0 }, 0);
  const result: FuzzResult = { runs, read: 0, answered: 0 };
  const steps = [arp, ndp, sealed, (octets: Buffer, into: FuzzResult) => packet(octets, into, mesh)];
  const corpus = [frames.arp, frames.ndp, [datagram], [unsigned]];
  for (let run = 0; run < runs; run++) {
    const kind = run % steps.length;
    const samples = corpus[kind] as readonly Buffer[];
    let octets = mutate(samples[Math.floor(random() * samples.length)] as Buffer, random);
    // Nearly every change breaks the checksum; half of the runs repair it to get behind it.
    if (kind === 1 && random() < 0.5) octets = repairChecksum(octets);
    try {
      steps[kind]?.(octets, result);
      if (run % 64 === 0) tick(mesh, run);
    } catch (cause) {
      throw new Error(`seed ${seed}, run ${run}, octets ${octets.toString('hex')}`, { cause });
    }
  }
  return result;
}

function arp(frame: Buffer, result: FuzzResult): void {
  const read = decodeArp(frame);
  if (typeof read === 'string') return;
  result.read += 1;
  must(frame.subarray(0, 42).equals(encodeArp(read)), 'what was read is not what is in the frame');
  if (read.operation !== ARP_REQUEST) return;
  const delivery = isGroupMac(read.destination) ? 'group' : 'unicast';
  const answer = answerWith(table, { mac: read.senderMac, ip: read.senderIp, delivery }, read.targetIp);
  if (typeof answer === 'string') return;
  result.answered += 1;
  const reply = arpReply(read, answer.mac, ours);
  must(reply.senderIp === vip4 && reply.senderMac === ours && reply.source === ours, 'a wrong answer');
  must(isDeepStrictEqual(decodeArp(encodeArp(reply)), reply), 'an answer that is not ARP');
}

function ndp(frame: Buffer, result: FuzzResult): void {
  const read = decodeNdp(frame);
  if (typeof read === 'string') return;
  result.read += 1;
  must(isDeepStrictEqual(decodeNdp(encodeNdp(read)), read), 'what was read is not read again');
  if (read.type !== NEIGHBOUR_SOLICITATION) return;
  const delivery = isGroupMac(read.destination) ? 'group' : 'unicast';
  const answer = answerWith(table, { mac: read.linkLayer ?? read.source, ip: read.sourceIp, delivery }, read.target);
  if (typeof answer === 'string') return;
  result.answered += 1;
  const reply = decodeNdp(encodeNdp(solicitedAdvertisement(read, answer.mac, ours)));
  must(typeof reply === 'object' && reply.target === vip6 && reply.linkLayer === ours && reply.source === ours, 'a wrong answer');
}

/** Only what was signed is read. */
function sealed(octets: Buffer, result: FuzzResult): void {
  if (typeof unseal(octets, ring, [segment]) === 'string') return;
  result.read += 1;
  must(octets.equals(datagram), 'a datagram that nobody signed was read');
}

/** Who has the key may be mad all the same. */
function packet(octets: Buffer, result: FuzzResult, mesh: MeshState): void {
  const read = decodePacket(octets);
  if (typeof read === 'string') return;
  result.read += 1;
  onPacket(mesh, read.packet, { address: '192.168.150.11', group: false }, result.read);
  must(mesh.peers.size <= 4_096, 'peers without bound');
  for (const peer of mesh.peers.values()) must(peer.claims.size <= 65_536, 'claims without bound');
  must(mesh.claimants.size <= 65_536 && mesh.repeats.length <= 65_536, 'memory without bound');
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
