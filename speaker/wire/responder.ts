import {
  arpFilter,
  type ClassicFilter,
  ETH_P_ARP,
  ETH_P_IPV6,
  type FrameInfo,
  ndpFilter,
  PacketSocket,
  type PollLoop,
  RawSocketError,
} from 'raw-socket';
import { type AnswerTable, answerWith, type Requester, type Standing } from '../layer2/answer.ts';
import { ARP_REQUEST, arpReply, decodeArp, encodeArp } from '../layer2/arp.ts';
import type { Mac } from '../layer2/ethernet.ts';
import { decodeNdp, encodeNdp, NEIGHBOUR_SOLICITATION, solicitedAdvertisement, UNSPECIFIED } from '../layer2/ndp.ts';
import { familyOf } from '../layer2/octets.ts';
import type { Device } from './devices.ts';
import { type Kernel, KernelAnswers } from './kernel-answers.ts';
import { SolicitedGroups } from './solicited-groups.ts';

/** What the frames on a segment tell beyond the questions that are answered here. */
export interface FrameListener {
  /** `asker` asked everybody for an address of the table. */
  asked(ip: string, asker: string, mac: Mac): void;
  /** `mac` says that it has `ip`, or with `probe` asks whether it may have it. */
  claimed(ip: string, mac: Mac, probe: boolean): void;
  /** How long claims on an address are held while their speaker is silent (ms). */
  holdOf(ip: string): number;
  /** `neighbour` answered something sent from `ip`: ours, or the node's own. */
  replied(ip: string, neighbour: string, mac: Mac): void;
  /** The groups of `count` IPv6 addresses could not be joined: solicitations for them may not arrive. */
  unjoined(count: number, error: RawSocketError): void;
  /** Any frame of a neighbour: packets reach us. */
  heard(mac: Mac): void;
}

/** Frames longer than any ARP or ND message that matters are cut. */
const SNAP_LENGTH = 512;
const RETRY = 5;

/**
 * Answers ARP and NDP on one interface and sends our frames. The packet sockets' filter holds the addresses, so that other hosts'
 * requests cost nothing. With a kernel responder the usual requests are answered there; what it leaves (duplicate detection, unusual
 * options) is answered here, and all of it is seen here.
 */
export class Responder {
  /** Answers given since `takeAnswers`. */
  #answers = new Map<string, number>();
  /** Sends that failed for good. */
  errors = 0;
  readonly #loop: PollLoop;
  readonly #listener: FrameListener;
  readonly #device: Device;
  readonly #table: { mac: Mac; standings: Map<string, Standing> };
  readonly #arp: PacketSocket;
  readonly #ndp: PacketSocket;
  readonly #groups: SolicitedGroups;
  #kernel: KernelAnswers | undefined;
  /** Why the kernel does not answer on this interface although it could on others. */
  kernelProblem: string | undefined;
  #own: readonly string[] = [];
  #open = true;

  /** @throws RawSocketError NotPermitted without CAP_NET_RAW */
  constructor(loop: PollLoop, device: Device, listener: FrameListener, kernel: Kernel | undefined) {
    this.#loop = loop;
    this.#device = device;
    this.#listener = listener;
    this.#table = { mac: device.mac, standings: new Map() };
    const base = { interface: device.index, snapLength: SNAP_LENGTH };
    this.#arp = PacketSocket.open({
      ...base,
      protocol: ETH_P_ARP,
      filter: this.#filter(4),
      onFrame: (frame, info) => this.#onArp(frame, info),
    });
    try {
      this.#ndp = PacketSocket.open({
        ...base,
        protocol: ETH_P_IPV6,
        filter: this.#filter(6),
        onFrame: (frame, info) => this.#onNdp(frame, info),
      });
    } catch (error) {
      this.#arp.close();
      throw error;
    }
    this.#groups = new SolicitedGroups(loop, this.#ndp, device.index, (count, error) => listener.unjoined(count, error));
    loop.add(this.#arp);
    loop.add(this.#ndp);
    if (kernel !== undefined) this.#attach(kernel);
  }

  /** Who answers. */
  get kind(): 'packet' | 'kernel' {
    return this.#kernel === undefined ? 'packet' : 'kernel';
  }

  get table(): AnswerTable {
    return this.#table;
  }

  /** Addresses of the table and what becomes of requests for them; `own` are the node's own addresses on the interface. */
  setAddresses(standings: ReadonlyMap<string, Standing>, own: readonly string[]): void {
    const before = this.#table.standings;
    const added = [...standings.keys()].filter(ip => !before.has(ip));
    const removed = [...before.keys()].filter(ip => !standings.has(ip));
    const ownChanged = own.join() !== this.#own.join();
    this.#own = own;
    for (const ip of removed) before.delete(ip);
    for (const [ip, standing] of standings) before.set(ip, standing);
    const changed = [...added, ...removed];
    // The filters first: without them nothing is seen of an address, whatever else works.
    if (ownChanged || changed.some(ip => familyOf(ip) === 4)) this.#arp.setFilter(this.#filter(4));
    if (ownChanged || changed.some(ip => familyOf(ip) === 6)) this.#ndp.setFilter(this.#filter(6));
    for (const ip of removed) {
      this.#kernel?.dropAdopted(ip);
      this.#kernel?.delete(ip);
    }
    for (const [ip, standing] of standings) this.#kernel?.set(ip, standing, this.#listener.holdOf(ip));
    this.#groups.follow(new Set([...standings.keys()].filter(ip => familyOf(ip) === 6)));
  }

  setStanding(ip: string, standing: Standing): void {
    if (!this.#table.standings.has(ip)) return;
    this.#table.standings.set(ip, standing);
    this.#kernel?.set(ip, standing, this.#listener.holdOf(ip));
  }

  /** Addresses for which the kernel answers only because an earlier process left it so. */
  get adopted(): readonly string[] {
    return this.#kernel?.adopted ?? [];
  }

  /** This process does not go on with what an earlier one left. */
  dropAdopted(ip: string): void {
    this.#kernel?.dropAdopted(ip);
  }

  /** The link came back: switches may have forgotten the memberships. */
  rejoin(): void {
    this.#groups.rejoin();
  }

  send(frame: Buffer): void {
    const socket = frame.readUInt16BE(12) === ETH_P_ARP ? this.#arp : this.#ndp;
    const result = socket.send(frame);
    if (result.ok) return;
    if (!result.retry) {
      this.errors += 1;
      return;
    }
    this.#loop.after(RETRY, () => {
      if (this.#open && !socket.send(frame).ok) this.errors += 1;
    });
  }

  takeAnswers(): { ip: string; count: number }[] {
    const answers = [...this.#answers].map(([ip, count]) => ({ ip, count }));
    this.#answers = new Map();
    return [...answers, ...(this.#kernel?.takeAnswers() ?? [])];
  }

  /** @param keep the kernel is to go on for the next process */
  close(keep = false): void {
    this.#open = false;
    this.#kernel?.close(keep);
    for (const socket of [this.#arp, this.#ndp]) {
      this.#loop.remove(socket.fd);
      socket.close();
    }
    this.#groups.close();
  }

  #attach(kernel: Kernel): void {
    try {
      this.#kernel = new KernelAnswers(kernel, this.#device.index, this.#device.mac);
    } catch (error) {
      if (!(error instanceof RawSocketError)) throw error;
      this.kernelProblem = error.message;
    }
  }

  #onArp(frame: Buffer, info: Readonly<FrameInfo>): void {
    const packet = decodeArp(frame);
    if (typeof packet === 'string' || packet.senderMac === this.#table.mac) return;
    if (packet.operation === ARP_REQUEST) {
      const requester: Requester = {
        mac: packet.senderMac,
        ip: packet.senderIp,
        delivery: info.packetType === 'host' ? 'unicast' : 'group',
      };
      const answer = answerWith(this.#table, requester, packet.targetIp);
      if (typeof answer === 'object' && this.#kernel?.answers(frame) !== true) {
        this.send(encodeArp(arpReply(packet, answer.mac, this.#table.mac)));
        this.#count(packet.targetIp);
      }
      if (this.#table.standings.has(packet.targetIp)) {
        // A probe asks whether it may have the address itself (RFC 5227 §2.1.1).
        if (packet.senderIp === '0.0.0.0') this.#listener.claimed(packet.targetIp, packet.senderMac, true);
        else if (packet.senderIp !== packet.targetIp) this.#listener.asked(packet.targetIp, packet.senderIp, packet.senderMac);
      }
    } else this.#listener.replied(packet.targetIp, packet.senderIp, packet.senderMac);
    if (this.#table.standings.has(packet.senderIp)) this.#listener.claimed(packet.senderIp, packet.senderMac, false);
    this.#listener.heard(packet.senderMac);
  }

  #onNdp(frame: Buffer, info: Readonly<FrameInfo>): void {
    const packet = decodeNdp(frame);
    if (typeof packet === 'string' || packet.source === this.#table.mac) return;
    const mac = packet.linkLayer ?? packet.source;
    const known = this.#table.standings.has(packet.target);
    if (packet.type === NEIGHBOUR_SOLICITATION) {
      const requester: Requester = { mac, ip: packet.sourceIp, delivery: info.packetType === 'host' ? 'unicast' : 'group' };
      const answer = answerWith(this.#table, requester, packet.target);
      if (typeof answer === 'object' && this.#kernel?.answers(frame) !== true) {
        this.send(encodeNdp(solicitedAdvertisement(packet, answer.mac, this.#table.mac)));
        this.#count(packet.target);
      }
      if (known && packet.sourceIp === UNSPECIFIED) this.#listener.claimed(packet.target, mac, true);
      else if (known) this.#listener.asked(packet.target, packet.sourceIp, mac);
      if (this.#table.standings.has(packet.sourceIp)) this.#listener.claimed(packet.sourceIp, mac, false);
    } else if (known) this.#listener.claimed(packet.target, mac, false);
    else this.#listener.replied(packet.destinationIp, packet.target, mac);
    this.#listener.heard(mac);
  }

  #count(ip: string): void {
    this.#answers.set(ip, (this.#answers.get(ip) ?? 0) + 1);
  }

  #filter(family: 4 | 6): ClassicFilter {
    const mine = (ip: string) => familyOf(ip) === family;
    const addresses = [...this.#table.standings.keys()].filter(mine);
    const own = this.#own.filter(mine);
    const { index: interfaceIndex } = this.#device;
    // Answers to what was sent from the node's own address are wanted too: they are the uplink's sign of life.
    if (family === 4) return arpFilter({ interfaceIndex, targets: [...addresses, ...own], senders: addresses });
    return ndpFilter({ interfaceIndex, targets: addresses, destinations: [...addresses, ...own] });
  }
}
