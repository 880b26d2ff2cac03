import * as crds from '@herald/crds';
import { type KubeObject, type Resource, resource } from '@herald/kube';

/** The coordinates of a kind, without its schemas. */
function of<T extends KubeObject>(kind: crds.AnyKind): Resource<T> {
  const { group, version, plural, kind: name, namespaced } = kind;
  return resource<T>({ group, version, plural, kind: name, namespaced });
}

export const announcements = of<crds.Announcement>(crds.announcement);
export const speakers = of<crds.Speaker>(crds.speaker);
export const reservations = of<crds.IPReservation>(crds.ipReservation);

/** An object that `resolve` reads and whose `status.conditions` tell what became of it. */
export interface ConfigObject extends KubeObject {
  spec?: unknown;
  status?: { conditions?: crds.Condition[] } & Record<string, unknown>;
}

/** A kind of the configuration, and how it is read. */
export interface ConfigKind {
  readonly resource: Resource<ConfigObject>;
  /** For a kind that the cluster may lack: versions to look for, in this order. Undefined: Herald's own, which must be there. */
  readonly versions?: readonly string[];
}

/** MetalLB's kinds, which are only read. */
export const metallbConfigKinds: readonly ConfigKind[] = crds.metallbKinds.map(({ versions, ...kind }) => ({
  resource: resource<ConfigObject>({ ...kind, version: versions[0] }),
  versions,
}));

/** Every kind that makes up the configuration. */
export const configKinds: readonly Resource<ConfigObject>[] = [
  crds.ipAddressPool,
  crds.ipReservation,
  crds.l2Advertisement,
  crds.bgpAdvertisement,
  crds.bgpPeer,
  crds.bfdProfile,
  crds.community,
].map(kind => of<ConfigObject>(kind));
