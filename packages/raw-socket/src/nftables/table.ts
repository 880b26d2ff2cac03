import { ENOENT } from '../errno.ts';
import { RawSocketError, systemError } from '../error.ts';
import { attribute, encodeMessage, NLM_F_ACK, NLM_F_REQUEST } from '../netlink/codec.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../netlink/socket.ts';
import { type NftExpression, nested, string, word } from './expressions.ts';

/** A rule: all its steps must match for the last one to act. */
export interface NftRule {
  readonly expressions: readonly NftExpression[];
  /** Shown by `nft list ruleset`; at most 120 bytes. */
  readonly comment?: string;
}

export interface NftChain {
  readonly name: string;
  /** Where the kernel enters the chain for the first packet of a connection; undefined: only by jumps. */
  readonly hook?: { readonly at: 'prerouting' | 'output' | 'postrouting'; readonly priority: number };
  readonly rules: readonly NftRule[];
}

/** A table of the family `inet`: both IPv4 and IPv6. */
export interface NftTable {
  readonly name: string;
  readonly chains: readonly NftChain[];
}

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFPROTO_INET = 1;
const NEWTABLE = 0;
const DELTABLE = 2;
const NEWCHAIN = 3;
const NEWRULE = 6;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const HOOKS = { prerouting: 0, output: 3, postrouting: 4 } as const;

interface Message {
  type: number;
  flags: number;
  payload: Buffer;
}

/** struct nfgenmsg {u8 family · u8 version 0 · be16 resource}, then attributes. */
const message = (type: number, flags: number, ...attributes: readonly Uint8Array[]): Message => ({
  type: (NFNL_SUBSYS_NFTABLES << 8) | type,
  flags,
  payload: Buffer.concat([Buffer.from([NFPROTO_INET, 0, 0, 0]), ...attributes]),
});

const newTable = (name: string) => message(NEWTABLE, NLM_F_CREATE, string(1, name));
const deleteOf = (name: string) => message(DELTABLE, 0, string(1, name));

/** NFTA_CHAIN_TABLE, _NAME; of a base chain _HOOK (number, priority), _POLICY (accept) and _TYPE as well. */
function newChain(table: string, { name, hook }: NftChain): Message {
  const base = hook === undefined ? [] : [nested(4, word(1, HOOKS[hook.at]), word(2, hook.priority)), word(5, 1), string(7, 'nat')];
  return message(NEWCHAIN, NLM_F_CREATE, string(1, table), string(3, name), ...base);
}

/** NFTA_RULE_TABLE, _CHAIN, _EXPRESSIONS (a list of NFTA_LIST_ELEM), _USERDATA (type 0, length, text: a comment). */
function newRule(table: string, chain: string, { expressions, comment }: NftRule): Message {
  const text = comment === undefined ? undefined : Buffer.from(`${comment}\0`);
  const userData = text === undefined ? [] : [attribute(7, Buffer.concat([Buffer.from([0, text.length]), text]))];
  return message(
    NEWRULE,
    NLM_F_CREATE | NLM_F_APPEND,
    string(1, table),
    string(2, chain),
    nested(4, ...expressions.map(expression => nested(1, expression))),
    ...userData,
  );
}

/**
 * Replaces a table of this network namespace as a whole: packets meet either all of the old rules or all of the new ones. Established
 * connections keep their translation. Needs CAP_NET_ADMIN.
 * @throws RawSocketError NotPermitted, NotSupported; InvalidArgument for names that are too long
 */
export function replaceNftTable(table: NftTable): void {
  checkName(table.name);
  for (const chain of table.chains) {
    checkName(chain.name);
    for (const { comment } of chain.rules)
      if (comment !== undefined && Buffer.byteLength(comment) > 120)
        throw new RawSocketError('InvalidArgument', 'a comment of more than 120 bytes');
  }
  commit(
    [
      // A table must be there to be deleted.
      newTable(table.name),
      deleteOf(table.name),
      newTable(table.name),
      ...table.chains.map(chain => newChain(table.name, chain)),
      ...table.chains.flatMap(({ name, rules }) => rules.map(rule => newRule(table.name, name, rule))),
    ],
    `replace the nftables table ${table.name}`,
  );
}

/** @returns whether it was there. @throws RawSocketError NotPermitted, NotSupported */
export function deleteNftTable(name: string): boolean {
  checkName(name);
  return commit([deleteOf(name)], `delete the nftables table ${name}`, ENOENT);
}

/** Whether this process may change the tables: makes one and takes it back in the same transaction. @throws RawSocketError */
export function checkNftables(): void {
  commit([newTable('herald-check'), deleteOf('herald-check')], 'use nftables');
}

/** Sends messages as one transaction. @returns false when it failed with the errno `tolerated` */
function commit(messages: readonly Message[], doing: string, tolerated?: number): boolean {
  const last = messages.length;
  const encoded = messages.map(({ type, flags, payload }, index) =>
    encodeMessage(type, NLM_F_REQUEST | flags | (index === last - 1 ? NLM_F_ACK : 0), index + 1, payload),
  );
  const edge = Buffer.from([0, 0, NFNL_SUBSYS_NFTABLES >> 8, NFNL_SUBSYS_NFTABLES & 0xff]);
  const batch = Buffer.concat([
    encodeMessage(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, 0, edge),
    ...encoded,
    encodeMessage(NFNL_MSG_BATCH_END, NLM_F_REQUEST, last + 1, edge),
  ]);
  const errno = -NetlinkSocket.transact(NETLINK_NETFILTER, 'nf_tables', batch, last);
  if (errno === 0) return true;
  if (errno === tolerated) return false;
  throw systemError('netlink', errno, doing, 'CAP_NET_ADMIN');
}

/** NFT_NAME_MAXLEN is 256 with the terminating zero; nft(8) reads no other characters without quotes. */
function checkName(name: string): void {
  if (!/^[A-Za-z][A-Za-z0-9_.\\/-]{0,254}$/.test(name))
    throw new RawSocketError('InvalidArgument', `not a name for nftables: ${JSON.stringify(name)}`);
}
