import * as crds from '@herald/crds';
import { type KubeObject, type Resource, resource } from '@herald/kube';

/** The coordinates of a kind, without its schemas. */
export function resourceOf<T extends KubeObject>(kind: crds.AnyKind): Resource<T> {
  const { group, version, plural, kind: name, namespaced } = kind;
  return resource<T>({ group, version, plural, kind: name, namespaced });
}

/** A kind of MetalLB's, at the version to ask for first. */
export function metallbResource(kind: crds.MetalLBKind): Resource {
  const { group, versions, plural, kind: name, namespaced } = kind;
  return resource({ group, version: versions[0], plural, kind: name, namespaced });
}

export const daemonSets = resource({ group: 'apps', version: 'v1', plural: 'daemonsets', kind: 'DaemonSet', namespaced: true });
export const announcements = resourceOf<crds.Announcement>(crds.announcement);
export const speakers = resourceOf<crds.Speaker>(crds.speaker);
