import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type LogCall, logCalls } from './logs.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const FOLDERS = { controller: ['controller'], speaker: ['speaker'], both: ['cli', 'packages/process/src'] };

function callsOf(folders: readonly string[]): LogCall[] {
  const files = folders.flatMap(folder =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map(file => `${root}${folder}/${file}`),
  );
  const sources = files.filter(file => file.endsWith('.ts') && !/\.test\.ts$|node_modules|\/testing/.test(file));
  return sources.flatMap(file => logCalls(readFileSync(file, 'utf8')));
}

describe('logCalls', () => {
  it.each<{ title: string; source: string; calls: LogCall[] }>([
    { title: 'text alone', source: "logger.info('done')", calls: [{ level: 'info', message: 'done', keys: [] }] },
    {
      title: 'keys, short and long',
      source: "this.#logger.warn({ ip, error: String(error), at: f({ x: 1 }, ',') }, 'it isn\\'t');",
      calls: [{ level: 'warn', message: "it isn't", keys: ['ip', 'error', 'at'] }],
    },
    {
      title: 'keys that are there at times',
      source: "log('warn', 'failure', { peer, ...(x === undefined ? {} : { text, code }) })",
      calls: [{ level: 'warn', message: 'failure', keys: ['peer', 'text', 'code'] }],
    },
    {
      title: 'one of two texts',
      source: "logger.info({ n }, here ? 'stays, for now' : 'goes')",
      calls: [
        { level: 'info', message: 'stays, for now', keys: ['n'] },
        { level: 'info', message: 'goes', keys: ['n'] },
      ],
    },
    { title: 'the text of something else', source: 'logger.info({ a }, message); logger.info(`b ${c}`)', calls: [] },
  ])('reads $title', ({ source, calls }) => expect(logCalls(source)).toEqual(calls));
});

describe('docs/logs.md', () => {
  const rows = [...readFileSync(`${root}docs/logs.md`, 'utf8').matchAll(/^\| (controller|speaker|both) \| (\w+) \| (.+) \| (.*) \|$/gm)];
  const known = Object.fromEntries(Object.entries(FOLDERS).map(([component, folders]) => [component, callsOf(folders)]));

  it('has a table', () => expect(rows.length).toBeGreaterThan(30));

  it('leaves no line out', () => {
    const told = new Set(rows.map(([, component, level, message]) => `${component} ${level} ${message}`));
    const written = Object.entries(known).flatMap(([component, calls]) =>
      calls.map(({ level, message }) => `${component} ${level} ${message}`),
    );
    expect(written.filter(line => !told.has(line))).toEqual([]);
  });

  it.each(rows.map(([, component = '', level = '', message = '', keys = '']) => ({ component, level, message, keys })))(
    'promises nothing that is not written: $component, $message',
    ({ component, level, message, keys }) => {
      const calls = (known[component] ?? []).filter(call => call.message === message && call.level === level);
      expect(calls.length, 'calls with that level and text').toBeGreaterThan(0);
      const promised = [...keys.matchAll(/`(\w+)`/g)].map(([, key]) => key);
      expect(
        calls.some(call => promised.every(key => call.keys.includes(key ?? ''))),
        'one with these keys',
      ).toBe(true);
    },
  );
});
