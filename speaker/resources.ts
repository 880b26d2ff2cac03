import * as crds from '@herald/crds';
import { type KubeObject, type Resource, resource } from '@herald/kube';

function of<T extends KubeObject>(kind: crds.AnyKind): Resource<T> {
  const { group, version, plural, kind: name, namespaced } = kind;
  return resource<T>({ group, version, plural, kind: name, namespaced });
}

export const announcements = of<crds.Announcement>(crds.announcement);
export const speakers = of<crds.Speaker>(crds.speaker);
