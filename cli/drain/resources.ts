import * as crds from '@herald/crds';
import { type KubeObject, type Resource, resource } from '@herald/kube';

/** The coordinates of a kind, without its schemas. */
function of<T extends KubeObject>({ group, version, plural, kind, namespaced }: crds.AnyKind): Resource<T> {
  return resource<T>({ group, version, plural, kind, namespaced });
}

export const announcements = of<crds.Announcement>(crds.announcement);
export const speakers = of<crds.Speaker>(crds.speaker);
