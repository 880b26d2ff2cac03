import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { instructions } from '../pods/dockerfile.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
const chart = parse(readFileSync(`${root}charts/herald/Chart.yaml`, 'utf8')) as { version: string; appVersion: string };
const values = parse(readFileSync(`${root}charts/herald/values.yaml`, 'utf8')) as { image: { repository: string; tag: string } };

const cleanup = parse(readFileSync(`${root}examples/operations/cleanup.yaml`, 'utf8')) as { spec: { containers: { image: string }[] } };

/** ARG of the Dockerfile → its default. */
const dockerArguments = new Map(
  instructions
    .filter(([keyword]) => keyword === 'ARG')
    .map(([, words]) => words.split('=', 2))
    .map(([name = '', value]) => [name, value] as const),
);

/** The words that `make image` would run an engine with. */
function engineCommand(...settings: string[]): string[] {
  const env = { ...process.env };
  // A `make` that runs this test hands its own flags on.
  for (const name of ['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'IMAGE', 'PLATFORMS', 'PUSH', 'BUILDX']) delete env[name];
  const told = execFileSync('make', ['-n', '--no-print-directory', 'image', ...settings], { cwd: root, env, encoding: 'utf8' });
  const command = told
    .replaceAll('\\\n', ' ')
    .split('\n')
    .find(line => line.includes(' build '));
  return (command ?? '').trim().split(/\s+/);
}

const valuesOf = (words: readonly string[], flag: string): string[] =>
  words.flatMap((word, index) => (words[index - 1] === flag ? [word] : []));

describe('versions', () => {
  it.each([
    ['the chart', chart.version],
    ['the image that the chart asks for', chart.appVersion],
    ['the label of the image', dockerArguments.get('VERSION')],
    ['the pod that cleans up', cleanup.spec.containers[0]?.image.split(':')[1]],
  ])('%s: that of package.json', (_, told) => expect(told).toBe(version));
});

describe('make image', () => {
  const words = engineCommand();

  it('builds the Dockerfile for x64 and arm64, as docker buildx takes it', () => {
    expect(words.slice(0, 3)).toEqual(['docker', 'buildx', 'build']);
    expect(valuesOf(words, '--platform')).toEqual(['linux/amd64,linux/arm64']);
    expect(words.at(-1), 'the folder of the Dockerfile').toBe('.');
  });

  it('gives each argument that the Dockerfile has a value, and no other', () => {
    const given = new Map(valuesOf(words, '--build-arg').map(word => word.split('=', 2) as [string, string]));
    expect([...given.keys()].toSorted()).toEqual([...dockerArguments.keys()].toSorted());
    expect(given.get('VERSION')).toBe(version);
    expect(given.get('REVISION')).toMatch(/^([0-9a-f]{40}|unknown)$/);
    expect(given.get('SOURCE_DATE_EPOCH')).toMatch(/^\d+$/);
  });

  it('names it as the chart asks for it', () => {
    const { repository, tag } = values.image;
    expect(valuesOf(words, '--tag')).toEqual([`${repository}:${tag === '' ? chart.appVersion : tag}`]);
  });

  it.each([
    { title: 'as a file by default', settings: [], output: `type=oci,dest=dist/herald-${version}.oci.tar`, name: 'herald' },
    { title: 'to a registry by PUSH', settings: ['IMAGE=r.example.com/lb', 'PUSH=1'], output: 'type=registry', name: 'r.example.com/lb' },
  ])('leaves it $title', ({ settings, output, name }) => {
    const told = engineCommand(...settings);
    expect(valuesOf(told, '--output')).toEqual([output]);
    expect(valuesOf(told, '--tag')).toEqual([`${name}:${version}`]);
  });
});
