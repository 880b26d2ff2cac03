import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { RawSocketError } from '../error.ts';
import { formatIp } from '../inet.ts';
import { close } from '../libc.ts';
import { solicitedNodeGroup } from '../membership.ts';
import { leaveInKernel } from '../netlink/kernel-groups.ts';
import { links } from '../netlink/tables.ts';
import { networkNamespace } from '../netns.ts';
import { LAYOUT, shapes } from './layout.ts';
import { detachLink, getObject, mapKeys } from './syscall.ts';
import { detachFilterProgram } from './traffic-control.ts';

const BPF_FS_MAGIC = 0xcafe4a11;
const OURS = /^v\d+-\d+$/;

/**
 * Where the maps and links of one network namespace are pinned: `DIRECTORY/LAYOUT-NAMESPACE/`. The namespace is part of the path because
 * interface indexes mean something only inside it, the layout because another version must not read maps that it does not know.
 */
export class PinDirectory {
  readonly path: string;
  readonly #parent: string;
  readonly #namespace: string;

  private constructor(parent: string, namespace: string) {
    this.#parent = parent;
    this.#namespace = namespace;
    this.path = join(parent, `${LAYOUT}-${namespace}`);
  }

  /** The directory (made if need be), or why nothing can be pinned there. */
  static open(parent: string): PinDirectory | string {
    try {
      // A directory may be made on a BPF file system only, so what exists of the path must lie on one.
      if (!existsSync(parent)) mkdirSync(parent, { mode: 0o700 });
      if (statfsSync(parent).type !== BPF_FS_MAGIC) {
        return `${parent} is not on a BPF file system: mount one there (mount -t bpf bpf ${parent}), or pass a directory of /sys/fs/bpf`;
      }
      const directory = new PinDirectory(parent, networkNamespace());
      mkdirSync(directory.path, { recursive: true, mode: 0o700 });
      return directory;
    } catch (error) {
      return `cannot use ${parent}: ${(error as Error).message}`;
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  linkFile(ifindex: number): string {
    return this.file(`link-${ifindex}`);
  }

  /** Interfaces that have a pinned link. */
  linkedInterfaces(): number[] {
    return readdirSync(this.path)
      .map(name => /^link-(\d+)$/.exec(name)?.[1])
      .filter(index => index !== undefined)
      .map(Number);
  }

  unpin(file: string): void {
    try {
      unlinkSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** Pinned by processes with another layout, in this namespace. */
  others(): string[] {
    return readdirSync(this.#parent)
      .filter(name => OURS.test(name) && name.endsWith(`-${this.#namespace}`) && join(this.#parent, name) !== this.path)
      .map(name => join(this.#parent, name));
  }

  remove(): void {
    removeTree(this.path);
  }
}

/** Unlinks what is pinned in one of our directories, links first: without its link a program does not run. */
export function removeTree(path: string): void {
  // Somebody else may be cleaning up at the same time.
  if (!existsSync(path)) return;
  const names = readdirSync(path).sort((a, b) => Number(b.startsWith('link-')) - Number(a.startsWith('link-')));
  for (const name of names) {
    if (name.startsWith('link-')) silence(join(path, name));
    rmSync(join(path, name), { force: true });
  }
  rmdirQuietly(path);
}

/** Programs attached by traffic control are no pins, and outlive their process all the same. */
function removeFilters(): void {
  try {
    for (const { index } of links()) detachFilterProgram(index);
  } catch (error) {
    if (!(error instanceof RawSocketError)) throw error;
  }
}

/** The memberships that `holdGroups` left with the kernel, as far as the pinned entries tell. */
function leaveGroups(path: string): void {
  try {
    const map = path.includes(`/${LAYOUT}-`) ? getObject(join(path, 'vips6')) : undefined;
    if (map === undefined) return;
    for (const key of mapKeys(map, shapes.vips6.keySize, shapes.vips6.maxEntries)) {
      leaveInKernel(key.readUInt32LE(0), solicitedNodeGroup(formatIp(key.subarray(4))).group);
    }
    close(map);
  } catch (error) {
    if (!(error instanceof RawSocketError)) throw error;
  }
}

/** Takes a pinned link off its interface at once; without permission for bpf(2) the removal of the pin does it later. */
function silence(file: string): void {
  try {
    const link = getObject(file);
    if (link === undefined) return;
    detachLink(link);
    close(link);
  } catch (error) {
    if (!(error instanceof RawSocketError)) throw error;
  }
}

/**
 * Removes everything that responders have pinned under `directory`, of all versions and network namespaces, and their traffic control
 * filters in this one; silences it at once, also where a process still runs. For uninstalling.
 * @returns the paths removed
 */
export function cleanupPins(directory: string): string[] {
  return cleanup(directory, () => true);
}

/** The same for the network namespace of the caller: where its next process answers by other means, for one. */
export function cleanupOwnPins(directory: string): string[] {
  return cleanup(directory, name => name.endsWith(`-${networkNamespace()}`));
}

function cleanup(directory: string, isWanted: (name: string) => boolean): string[] {
  removeFilters();
  if (!existsSync(directory)) return [];
  const paths = readdirSync(directory)
    .filter(name => OURS.test(name) && isWanted(name))
    .map(name => join(directory, name));
  for (const path of paths) {
    if (path.endsWith(`-${networkNamespace()}`)) leaveGroups(path);
    removeTree(path);
  }
  if (paths.length > 0 && readdirSync(directory).length === 0) rmdirQuietly(directory);
  return paths;
}

/** It may be a mount point, or gone already. */
function rmdirQuietly(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Nothing of ours is left in it.
  }
}
