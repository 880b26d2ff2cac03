import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8').replaceAll('\\\n', ' ');

/** The instructions of the Dockerfile, such as `['RUN', 'npm ci …']`, in order. */
export const instructions: readonly (readonly [keyword: string, words: string])[] = text
  .split('\n')
  .filter(line => line.trim() !== '' && !line.startsWith('#'))
  .map(line => {
    const [keyword = '', ...words] = line.trim().split(/\s+/);
    return [keyword, words.join(' ')];
  });

/** The words of the last instruction of a kind. */
export function instruction(keyword: string): string {
  const found = instructions.findLast(([each]) => each === keyword);
  if (found === undefined) throw new Error(`the Dockerfile has no ${keyword}`);
  return found[1];
}

/** What the image runs, with another node and another folder in the place of its own. */
export function imageCommand(node: string, folder: string): string[] {
  const [, ...flags] = JSON.parse(instruction('ENTRYPOINT')) as string[];
  return [node, ...flags.map(word => word.replace(/^\/herald\//, `${folder}/`))];
}

/** The user of the image: `uid:gid`. */
export function imageUser(): { uid: number; gid: number } {
  const [uid, gid] = instruction('USER').split(':').map(Number);
  return { uid: uid ?? 0, gid: gid ?? 0 };
}
