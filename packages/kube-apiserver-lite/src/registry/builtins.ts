import { builtinSchema } from '../schema/index.ts';
import { coreEvent, newEvent } from '../strategies/events.ts';
import type { Strategy } from '../strategies/strategy.ts';
import * as tables from '../table/index.ts';
import { BUILTIN_KINDS, type BuiltinKind } from './builtin.ts';
import { ALL_VERBS, type Resource, STATUS_VERBS, type Subresource } from './resource.ts';

/** Kinds that have a `status` which main verbs leave alone, though they have no entry for it in the table of kinds. */
const SUBRESOURCES: Record<string, Omit<Subresource, 'name'>> = {
  status: { verbs: STATUS_VERBS },
  finalize: { verbs: ['update'] },
  binding: { verbs: ['create'], speaks: { group: '', version: 'v1', kind: 'Binding' } },
  eviction: { verbs: ['create'], speaks: { group: 'policy', version: 'v1', kind: 'Eviction' } },
  token: { verbs: ['create'], speaks: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } },
  scale: {
    verbs: STATUS_VERBS,
    speaks: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    scale: { specReplicas: ['spec', 'replicas'], statusReplicas: ['status', 'replicas'], labelSelector: ['spec', 'selector'] },
  },
};

const BUILTIN_EXTRAS: Readonly<Record<string, Partial<Resource>>> = {
  '/endpoints': { deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice' },
  'events.k8s.io/events': { errorGroup: '', fromStorage: newEvent, toStorage: coreEvent },
};

/** The built-in kinds with what serves them. */
export function builtinResources(strategyOf: (kind: BuiltinKind) => Strategy): Resource[] {
  return BUILTIN_KINDS.map(kind => builtinResource(kind, strategyOf(kind)));
}

function builtinResource(kind: BuiltinKind, strategy: Strategy): Resource {
  const { group, version, plural } = kind;
  return {
    group,
    version,
    plural,
    singular: kind.singular ?? kind.kind.toLowerCase(),
    kind: kind.kind,
    listKind: kind.listKind ?? `${kind.kind}List`,
    namespaced: kind.namespaced,
    verbs: kind.verbs ?? ALL_VERBS,
    shortNames: kind.shortNames ?? [],
    categories: kind.categories ?? [],
    subresources: (kind.subresources ?? []).map(name => ({ name, ...(SUBRESOURCES[name] ?? { verbs: ['get'] }) })),
    ...BUILTIN_EXTRAS[`${group}/${plural}`],
    storage: kind.storage ?? (group === '' ? plural : `${plural}.${group}`),
    strategy,
    schema: () => builtinSchema({ group, version, kind: kind.kind }),
    table: () => tables.builtinTable({ group, version, kind: kind.kind }),
  };
}
