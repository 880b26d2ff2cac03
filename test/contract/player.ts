import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { at, differences, fill, fillText, normal, settled, type Value, type Vars, without } from './normalise.ts';

/** Plays recorded conversations against an API server and compares its answers with those of a real one. */

interface Step {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: Value;
  /** Milliseconds before the request. */
  wait?: number;
  /** Keeps the answer for `${…}` in later steps. */
  save?: string;
  /** The answer is not compared. */
  silent?: boolean;
  /** Only these paths of the answer are compared. */
  pick?: string[];
  /** These paths are not compared. */
  ignore?: string[];
}

export interface Play {
  name: string;
  desc?: string;
  steps: Step[];
  /** Requests that clean up what the play's namespace does not hold. */
  after?: Step[];
}

/** Where to send requests: plain HTTP, with all rights. */
export interface Target {
  url: string;
}

interface Answer {
  status: number;
  type: string;
  warning: string | undefined;
  body: Value;
}

const FOLDER = new URL('plays/', import.meta.url);
const TIMEOUT_MS = 30_000;

/** All plays, in the order of their files. */
export async function loadPlays(): Promise<Play[]> {
  const files = readdirSync(FOLDER)
    .filter(file => file.endsWith('.cases.mjs'))
    .toSorted();
  const modules = await Promise.all(files.map(file => import(new URL(file, FOLDER).href) as Promise<{ default: Play[] }>));
  return modules.flatMap(module => module.default);
}

/** The real server's answers by play. */
export const loadRecord = (): Record<string, Value[]> =>
  JSON.parse(readFileSync(new URL('record.json', FOLDER), 'utf8')) as Record<string, Value[]>;

/** Where a play's answers differ from the recorded ones; empty when they are the same. */
export async function check(target: Target, play: Play, expected: Value[] | undefined): Promise<string[]> {
  if (expected === undefined) return ['the play is not in record.json'];
  const answers = settled(await perform(target, play)) as Value[];
  const wanted = settled(expected) as Value[];
  const lines: string[] = [];
  for (let i = 0; i < Math.max(wanted.length, answers.length); i++) {
    for (const line of differences(wanted[i], answers[i])) lines.push(`answer ${i}: ${line}`);
  }
  return lines;
}

/** Runs `work` on every item, at most `width` at a time. */
export async function pool<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

async function perform(target: Target, play: Play): Promise<Value[]> {
  const run = Math.random().toString(36).slice(2, 8).padEnd(6, '0');
  const vars: Vars = { run, ns: `contract-${run}` };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `contract-${run}` } };
  const made = await send(target, { method: 'POST', path: '/api/v1/namespaces', body: namespace });
  if (made.status !== 201) throw new Error(`no namespace for the play: ${made.status} ${JSON.stringify(made.body).slice(0, 200)}`);
  const answers: Value[] = [];
  try {
    for (const step of play.steps) {
      if (step.wait !== undefined) await sleep(step.wait);
      const answer = await send(target, filled(step, vars));
      if (step.save !== undefined) vars[step.save] = answer.body;
      if (step.silent !== true) answers.push(comparable(step, answer, vars));
    }
  } finally {
    for (const step of play.after ?? []) await send(target, filled(step, vars));
    await send(target, { method: 'DELETE', path: `/api/v1/namespaces/contract-${run}` });
  }
  return answers;
}

function filled(step: Step, vars: Vars): Step {
  return {
    path: fillText(step.path, vars),
    ...(step.method === undefined ? {} : { method: step.method }),
    ...(step.headers === undefined ? {} : { headers: fill(step.headers, vars) as Record<string, string> }),
    // A body is what JSON makes of it: members that are undefined are not sent.
    ...(step.body === undefined ? {} : { body: fill(JSON.parse(JSON.stringify(step.body)) as Value, vars) }),
  };
}

function comparable(step: Step, { status, type, warning, body }: Answer, vars: Vars): Value {
  const shown = step.pick === undefined ? body : picked(body, step.pick);
  const answer = { status, type, ...(warning === undefined ? {} : { warning }), body: shown };
  return normal(without(answer, step.ignore ?? []), vars) ?? null;
}

function picked(body: Value, paths: readonly string[]): Value {
  const entries = paths.map(path => [path, at(body, path)] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Value] => entry[1] !== undefined));
}

/** One request; a watch is read until the server ends it. */
function send({ url }: Target, { method = 'GET', path, headers = {}, body }: Step): Promise<Answer> {
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const content = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
  const options = { method, headers: { accept: 'application/json', 'user-agent': 'contract/1', ...content, ...headers } };
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, url), options, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: (response.headers['content-type'] ?? '').split(';')[0] ?? '',
          warning: response.headers.warning,
          body: parsed(Buffer.concat(chunks).toString()),
        }),
      );
    });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s: ${method} ${path}`)));
    request.on('error', reject);
    if (payload !== undefined) request.write(payload);
    request.end();
  });
}

/** JSON, a list of JSON lines, or the text as it is. */
function parsed(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    try {
      return text.trim() === ''
        ? ''
        : text
            .trim()
            .split('\n')
            .map(line => JSON.parse(line) as Value);
    } catch {
      return text;
    }
  }
}
