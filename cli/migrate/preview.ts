import { Allocator, buildRequest, isOurs, type ServiceObject } from '@herald/controller/allocator';
import { resolve } from '@herald/crds';
import { formatAddress, tryParseAddress } from '@herald/ip';
import type { Migrated } from './finding.ts';

/** A Service with what the API server says it holds today. */
export interface ServiceWithStatus extends ServiceObject {
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string | undefined }[] | undefined } };
}

export interface NamespaceObject {
  readonly metadata?: { readonly name?: string | undefined; readonly labels?: Readonly<Record<string, string>> | undefined };
}

/** What would become of one Service. */
export interface PreviewRow {
  /** `namespace/name`. */
  service: string;
  before: string[];
  after: string[];
  /** Reason of the catalogue, and what it says. */
  reason: string;
  message: string;
}

/**
 * Which Service would hold which address if these objects were in force: the very decision that the controller makes at its start, with the
 * addresses that the Services hold now.
 *
 * @param now milliseconds since the epoch
 */
export function preview(
  objects: readonly Migrated[],
  services: readonly ServiceWithStatus[],
  namespaces: readonly NamespaceObject[],
  now: number,
): PreviewRow[] {
  const { config } = resolve(objects);
  const allocator = new Allocator();
  allocator.configure(config);
  const named = new Map(namespaces.map(({ metadata }) => [metadata?.name ?? '', metadata?.labels ?? {}]));
  // A Service's namespace may be missing from the list; without it the allocator would wait for it.
  for (const service of services) {
    const name = service.metadata?.namespace ?? '';
    if (!named.has(name)) named.set(name, {});
  }
  for (const [name, labels] of named) allocator.setNamespace(name, labels);
  const ours = services.filter(service => isOurs(service, { classless: true, classes: new Set() }));
  const before = new Map<string, string[]>();
  for (const service of ours) {
    const { request } = buildRequest(service);
    const held = (service.status?.loadBalancer?.ingress ?? []).flatMap(entry => tryParseAddress(entry.ip ?? '') ?? []);
    before.set(request.key, held.map(formatAddress));
    allocator.observe(
      request,
      held.map(address => ({ address })),
    );
  }
  allocator.settle(now);
  return [...before]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, addresses]) => {
      const outcome = allocator.outcome(service);
      return {
        service,
        before: addresses,
        after: (outcome?.addresses ?? []).map(({ address }) => formatAddress(address)),
        reason: outcome?.reason ?? '',
        message: outcome?.message ?? '',
      };
    });
}

/** The table for people. What would change comes first, with its reason. */
export function formatPreview(rows: readonly PreviewRow[]): string {
  if (rows.length === 0) return 'no Service of type LoadBalancer\n';
  const changed = (row: PreviewRow): boolean => row.before.join() !== row.after.join();
  const ordered = [...rows].sort((a, b) => Number(changed(b)) - Number(changed(a)));
  const table = [
    ['SERVICE', 'BEFORE', 'AFTER', ''],
    ...ordered.map(row => [
      row.service,
      text(row.before),
      text(row.after),
      changed(row) ? `CHANGES ${row.reason}: ${row.message}` : 'keeps',
    ]),
  ];
  const widths = [0, 1, 2].map(column => Math.max(...table.map(cells => (cells[column] as string).length)));
  return `${table
    .map(cells =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

function text(list: readonly string[]): string {
  return list.join(',') || '<none>';
}
