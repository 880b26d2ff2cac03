import type { Family } from '../codec/family.ts';
import type { NamedPrefix } from '../codec/prefix.ts';
import { RefreshSubtype } from '../codec/route-refresh.ts';
import { type ExportContext, type ExportedAttributes, exportAttributes, sameExport } from './export.ts';
import { MessageBuffer, packAnnouncements, packEndOfRib, packRefresh, packWithdrawals } from './pack.ts';
import type { PathAttributes } from './route.ts';

/** What one call of {@link AdjRibOut.next} yields: whole messages, and what they say. */
export interface Burst {
  readonly bytes: Uint8Array;
  readonly messages: number;
  readonly announced: number;
  readonly withdrawn: number;
}

interface Sent {
  readonly prefix: NamedPrefix;
  /** Undefined: to be sent again whatever it was. */
  exported: ExportedAttributes | undefined;
  classic: boolean;
}

interface Group {
  readonly family: Family;
  readonly exported: ExportedAttributes;
  readonly prefixes: Uint8Array[];
}

/** Prefixes looked at for one burst: bounds the memory that waits in the socket. */
const BURST = 20_000;

/**
 * What a peer has been told on this session (RFC 4271 §3.2), and the prefixes for which that may be no longer what it should know.
 * Differences are worked out when they can be sent, so that a slow peer gets the newest state and no queue grows.
 */
export class AdjRibOut {
  readonly #sent = new Map<string, Sent>();
  readonly #dirty = new Map<string, NamedPrefix>();
  readonly #cache = new Map<string, ExportedAttributes | undefined>();
  readonly #lookup: (text: string) => PathAttributes | undefined;
  #context: ExportContext;
  readonly #maxLength: number;
  /** Closing messages owed once nothing is dirty. */
  readonly #endOfRib = new Set<Family>();
  readonly #refreshing = new Map<Family, { enhanced: boolean; begun: boolean }>();
  readonly #counts: Record<Family, number> = { 'ipv4-unicast': 0, 'ipv6-unicast': 0 };
  #urgent = false;

  constructor(context: ExportContext, maxLength: number, lookup: (text: string) => PathAttributes | undefined) {
    this.#context = context;
    this.#maxLength = maxLength;
    this.#lookup = lookup;
  }

  /** Routes the peer has. */
  get counts(): Readonly<Record<Family, number>> {
    return this.#counts;
  }

  /** Whether there may be something to send. */
  get pending(): boolean {
    return this.#dirty.size > 0 || this.#endOfRib.size > 0 || this.#refreshing.size > 0;
  }

  /** Whether a withdrawal, or the first of many announcements, waits: such must not be delayed. */
  get urgent(): boolean {
    return this.#urgent;
  }

  /** The route of a prefix may have changed. */
  mark(prefix: NamedPrefix): void {
    this.#dirty.set(prefix.text, prefix);
    if (!this.#urgent && this.#sent.has(prefix.text) && !this.#lookup(prefix.text)) this.#urgent = true;
  }

  /** Everything there is, and the End-of-RIB of each family behind it: also when there is nothing, a helper waits for it (RFC 4724 §4.1). */
  begin(prefixes: Iterable<NamedPrefix>): void {
    for (const prefix of prefixes) this.#dirty.set(prefix.text, prefix);
    for (const family of this.#context.families) this.#endOfRib.add(family);
    this.#urgent = true;
  }

  /** Sends a family again as it is now (RFC 2918 §4); with `enhanced` between its brackets (RFC 7313 §4). Asked twice at once, answered once. */
  refresh(family: Family, enhanced: boolean): void {
    if (!this.#context.families.includes(family) || this.#refreshing.has(family)) return;
    this.#refreshing.set(family, { enhanced, begun: false });
    for (const [text, sent] of this.#sent) {
      if (sent.prefix.family !== family) continue;
      sent.exported = undefined;
      this.#dirty.set(text, sent.prefix);
    }
    this.#urgent = true;
  }

  /** Next hops, graceful shutdown and the like are different from now on: what that changes will be sent. */
  update(context: ExportContext, prefixes: Iterable<NamedPrefix>): void {
    this.#context = context;
    this.#cache.clear();
    for (const sent of this.#sent.values()) this.#dirty.set(sent.prefix.text, sent.prefix);
    for (const prefix of prefixes) this.#dirty.set(prefix.text, prefix);
    this.#urgent = true;
  }

  /** The next messages: withdrawals first, then announcements by attribute set, then what closes a table. Undefined: nothing to send. */
  next(): Burst | undefined {
    if (!this.pending) return undefined;
    const buffer = new MessageBuffer();
    for (const [family, refresh] of this.#refreshing) {
      if (refresh.enhanced && !refresh.begun) packRefresh(buffer, family, RefreshSubtype.BEGIN);
      refresh.begun = true;
    }
    const { announced, withdrawn } = this.#differences(buffer);
    if (this.#dirty.size === 0) this.#close(buffer);
    return { bytes: buffer.finish(), messages: buffer.messages, announced, withdrawn };
  }

  #differences(buffer: MessageBuffer): { announced: number; withdrawn: number } {
    const groups = new Map<ExportedAttributes, Group[]>();
    const withdrawals = { 'ipv4-unicast': [] as Uint8Array[], 'ipv6-unicast': [] as Uint8Array[], mp4: [] as Uint8Array[] };
    let announced = 0;
    let withdrawn = 0;
    let looked = 0;
    for (const [text, prefix] of this.#dirty) {
      if (++looked > BURST) break;
      this.#dirty.delete(text);
      const sent = this.#sent.get(text);
      const exported = this.#export(prefix);
      if (exported) {
        if (sent?.exported && sameExport(sent.exported, exported)) continue;
        this.#remember(prefix, sent, exported);
        this.#group(groups, prefix.family, exported).prefixes.push(prefix.wire);
        announced++;
      } else if (sent) {
        this.#sent.delete(text);
        this.#counts[prefix.family]--;
        withdrawals[prefix.family === 'ipv4-unicast' && !sent.classic ? 'mp4' : prefix.family].push(prefix.wire);
        withdrawn++;
      }
    }
    if (this.#dirty.size === 0) this.#urgent = false;
    packWithdrawals(buffer, 'ipv4-unicast', withdrawals['ipv4-unicast'], true, this.#maxLength);
    packWithdrawals(buffer, 'ipv4-unicast', withdrawals.mp4, false, this.#maxLength);
    packWithdrawals(buffer, 'ipv6-unicast', withdrawals['ipv6-unicast'], false, this.#maxLength);
    for (const sets of groups.values())
      for (const { family, prefixes, exported } of sets) packAnnouncements(buffer, family, prefixes, exported, this.#maxLength);
    return { announced, withdrawn };
  }

  #close(buffer: MessageBuffer): void {
    for (const [family, { enhanced }] of this.#refreshing) if (enhanced) packRefresh(buffer, family, RefreshSubtype.END);
    for (const family of this.#endOfRib) packEndOfRib(buffer, family);
    this.#refreshing.clear();
    this.#endOfRib.clear();
  }

  #remember(prefix: NamedPrefix, sent: Sent | undefined, exported: ExportedAttributes): void {
    const classic = exported.mpNextHop === undefined;
    if (sent) {
      sent.exported = exported;
      sent.classic = classic;
      return;
    }
    this.#sent.set(prefix.text, { prefix, exported, classic });
    this.#counts[prefix.family]++;
  }

  #group(groups: Map<ExportedAttributes, Group[]>, family: Family, exported: ExportedAttributes): Group {
    const sets = groups.get(exported);
    const known = sets?.find(group => group.family === family);
    if (known) return known;
    const group: Group = { family, exported, prefixes: [] };
    if (sets) sets.push(group);
    else groups.set(exported, [group]);
    return group;
  }

  #export(prefix: NamedPrefix): ExportedAttributes | undefined {
    const attributes = this.#lookup(prefix.text);
    if (!attributes) return undefined;
    const key = `${prefix.family}|${attributes.key}`;
    if (this.#cache.has(key)) return this.#cache.get(key);
    const exported = exportAttributes(attributes, prefix.family, this.#context);
    if (this.#cache.size >= 1024) this.#cache.clear();
    this.#cache.set(key, exported);
    return exported;
  }
}
