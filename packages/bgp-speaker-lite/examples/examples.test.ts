import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../src/errors.ts';

const run = promisify(execFile);
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

describe('the examples', () => {
  it.each([
    { name: 'announce.ts', says: ['router: Established', "{ 'ipv4-unicast': 1, 'ipv6-unicast': 1 }"] },
    {
      name: 'drain.ts',
      says: ['withdrawn: 1', 'the router hears: the peer sent Cease: Administrative Shutdown ("node-1 is being drained")'],
    },
    { name: 'read-messages.ts', says: ['AS 65002, hold time 9 s', 'message type 9 is unknown 1 3'] },
  ])('$name runs and says what it should', async ({ name, says }) => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', path(name)], { timeout: 15_000 });
    for (const line of says) expect(stdout).toContain(line);
  });

  it('are the ones the README shows, and every error code is explained there', () => {
    const readme = readFileSync(path('../README.md'), 'utf8');
    for (const name of ['announce.ts', 'drain.ts', 'read-messages.ts']) expect(readme).toContain(`examples/${name}`);
    for (const code of Object.keys(ERROR_CODES)) expect(readme).toContain(code);
    // The first snippet is a part of the first example, word for word.
    const [, snippet = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    const example = readFileSync(path('announce.ts'), 'utf8');
    for (const line of snippet.split('\n').filter(line => /^speaker\.(on|announce)/.test(line))) expect(example).toContain(line);
  });
});
