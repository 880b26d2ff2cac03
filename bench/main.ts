import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A benchmark: a table for people as it goes, and its figures (units in the keys) as the value it returns. */
interface Benchmark {
  description: string;
  run(args: string[]): Promise<Record<string, unknown>>;
}

/** What benchmarks share; no benchmarks themselves. */
const HELPERS = new Set(['main.ts', 'figures.ts', 'lan.ts', 'gobgp-api.ts']);
const folder = fileURLToPath(new URL('.', import.meta.url));

/** `npm run bench -- NAME`: runs one benchmark and prints its figures as one JSON object on the last line. Without a name: the list. */
async function main([name, ...args]: string[]): Promise<number> {
  const names = readdirSync(folder)
    .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts') && !HELPERS.has(file))
    .map(file => file.slice(0, -3))
    .sort();
  if (name === undefined) {
    for (const each of names) console.log(`${each.padEnd(20)} ${(await load(each)).description}`);
    return 0;
  }
  if (!names.includes(name) || !existsSync(`${folder}${name}.ts`)) {
    console.error(`there is no benchmark ${name}; benchmarks: ${names.join(', ')}`);
    return 2;
  }
  const figures = await (await load(name)).run(args);
  console.log(JSON.stringify(figures));
  return 0;
}

function load(name: string): Promise<Benchmark> {
  return import(`./${name}.ts`) as Promise<Benchmark>;
}

process.exitCode = await main(process.argv.slice(2));
