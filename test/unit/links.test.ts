import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = pagesIn('');

function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : pagesIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** GitHub's anchor of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[`*_]|\[|\]\([^)]*\)/g, '')
    .replaceAll(/[^\p{L}\p{N} -]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const withoutCode = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '').replaceAll(/`[^`\n]*`/g, '');

function broken(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = '', fragment] = link.split('#', 2);
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(root, target))) return [`${link}: there is no ${target}`];
    if (fragment === undefined || !target.endsWith('.md')) return [];
    const headings = [...readFileSync(join(root, target), 'utf8').matchAll(/^#+ +(.*)$/gm)].map(([, heading = '']) => anchor(heading));
    return headings.includes(fragment) ? [] : [`${link}: ${target} has no such heading`];
  });
}

describe('every link between pages leads somewhere', () => {
  it('there are pages', () => expect(pages.length).toBeGreaterThan(100));

  it.each(pages)('%s', page => {
    expect(broken(page)).toEqual([]);
  });
});
