import http from 'node:http';
import net from 'node:net';
import { type ApiServer, startApiServer } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPlays } from './player.ts';

/** Bad input: whatever is sent, the answer is one of the API's, the process lives, and nothing is stored half. */

const MUTATIONS = 10_000;
const AT_A_TIME = 16;
const SEED = 20_240_817;

let server: ApiServer;
const agent = new http.Agent({ keepAlive: true, maxSockets: AT_A_TIME });
const failures: string[] = [];

beforeAll(async () => {
  server = await startApiServer({ onError: (error, where) => failures.push(`${where}: ${String(error)}`) });
  await send('POST', '/api/v1/namespaces', { 'content-type': 'application/json' }, JSON.stringify({ metadata: { name: 'fuzz' } }));
});

afterAll(async () => {
  agent.destroy();
  await server.close();
});

interface Answer {
  status: number;
  body: string;
}

function send(method: string, path: string, headers: Record<string, string>, body: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sized = { ...headers, 'content-length': String(Buffer.byteLength(body)) };
    const request = http.request(new URL(path, server.url), { agent, method, headers: sized }, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Numbers that are the same in every run (mulberry32). */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return bound => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound) | 0;
  };
}

const ODD = [
  'null',
  '[]',
  '{}',
  '-1',
  '1e400',
  '""',
  'true',
  '{"a":{"b":{}}}',
  '"\\u0000"',
  '99999999999999999999',
  '[[[]]]',
  '"__proto__"',
];

/** A body with something wrong in it: a value swapped, a byte changed, a piece cut out or doubled. */
function mutate(text: string, random: (bound: number) => number): Buffer {
  const values = [...text.matchAll(/:("[^"]*"|-?\d+|true|false|null|\[[^\]]*\])/g)];
  const chosen = values[random(values.length)];
  const start = random(text.length);
  switch (random(6)) {
    case 0:
    case 1:
    case 2: {
      if (chosen === undefined) return Buffer.from(text);
      const odd = ODD[random(ODD.length)] ?? 'null';
      return Buffer.from(`${text.slice(0, chosen.index + 1)}${odd}${text.slice(chosen.index + chosen[0].length)}`);
    }
    case 3: {
      const bytes = Buffer.from(text);
      if (bytes.length > 0) bytes[random(bytes.length)] = random(256);
      return bytes;
    }
    case 4:
      return Buffer.from(text.slice(0, start));
    default:
      return Buffer.from(text.slice(0, start) + text.slice(start, start + random(40)).repeat(2) + text.slice(start));
  }
}

/** What every error of the API looks like; the plain 404 is the one that is none. */
function isApiAnswer({ status, body }: Answer): boolean {
  if (status < 400) return true;
  if (status === 404 && body === '404 page not found\n') return true;
  if (!body.startsWith('{')) return false;
  const parsed = JSON.parse(body) as { kind?: string; status?: string; code?: number; message?: string };
  return parsed.kind === 'Status' && parsed.status === 'Failure' && parsed.code === status && parsed.message !== undefined;
}

describe('bad input', () => {
  it(`answers ${MUTATIONS} mutated requests of the plays as an API server does`, async () => {
    const random = generator(SEED);
    const steps = (await loadPlays()).flatMap(play => play.steps).filter(step => step.body !== undefined && !/dryRun=Some/.test(step.path));
    const wrong: string[] = [];
    const internal: string[] = [];
    let left = MUTATIONS;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const step = steps[random(steps.length)];
        if (step === undefined) continue;
        const text = (typeof step.body === 'string' ? step.body : JSON.stringify(step.body))
          .replaceAll('${ns}', 'fuzz')
          .replaceAll('${run}', 'r');
        const path = step.path
          .replaceAll('${ns}', 'fuzz')
          .replaceAll('${run}', 'r')
          .replace(/\$\{[^}]*\}/g, '1');
        const body = mutate(text, random);
        const headers = { 'content-type': 'application/json', ...step.headers };
        const answer = await send(step.method ?? 'GET', path, headers, body);
        const told = `${step.method} ${path} ${body.toString().slice(0, 300)} -> ${answer.status} ${answer.body.slice(0, 300)}`;
        if (!isApiAnswer(answer)) wrong.push(told);
        // The real server answers 500 without a reason now and then; one with it is a failure inside this one.
        else if (answer.body.includes('"InternalError"')) internal.push(told);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(internal.slice(0, 5)).toEqual([]);
    expect(failures).toEqual([]);
  });

  it('keeps only objects that can be read and listed', async () => {
    for (const path of [
      '/api/v1/services',
      '/api/v1/configmaps',
      '/api/v1/secrets',
      '/api/v1/nodes',
      '/apis/discovery.k8s.io/v1/endpointslices',
    ]) {
      const list = JSON.parse((await send('GET', path, {}, '')).body) as {
        items: { metadata: { name: string; namespace?: string; uid: string } }[];
      };
      for (const { metadata } of list.items) expect(metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      const table = await send('GET', path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }, '');
      expect(table.status).toBe(200);
    }
  });

  it.each<[string, string | Buffer, number]>([
    ['JSON that ends in the middle', '{"metadata":{"name":"a"', 400],
    ['no JSON', 'hello', 400],
    ['nothing', '', 400],
    ['a list', '[]', 400],
    ['nesting without end', `{"data":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`, 400],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400],
    ['more than 3 MiB', JSON.stringify({ metadata: { name: 'big' }, data: { a: 'x'.repeat(3 * 1024 * 1024) } }), 413],
    ['more than etcd takes', JSON.stringify({ metadata: { name: 'big' }, data: { a: 'x'.repeat(1024 * 1024 + 1) } }), 422],
  ])('refuses %s', async (_what, body, status) => {
    const answer = await send('POST', '/api/v1/namespaces/fuzz/configmaps', { 'content-type': 'application/json' }, body);
    expect(answer.status).toBe(status);
    expect(isApiAnswer(answer)).toBe(true);
  });

  it.each([
    ['YAML that does not parse', 'a: [1', 400],
    [
      'YAML aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((k, i) => `${k}: &${k} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[i]}`).join(',')}]`)
        .join('\n')}\n`,
      400,
    ],
  ])('refuses %s', async (_what, body, status) => {
    const answer = await send('POST', '/api/v1/namespaces/fuzz/configmaps', { 'content-type': 'application/yaml' }, body);
    expect(answer.status).toBe(status);
  });

  it('outlives half a request and bytes that are no HTTP', async () => {
    const { hostname, port } = new URL(server.url);
    for (const bytes of [
      'POST /api/v1/namespaces/fuzz/configmaps HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"meta',
      '\x00\x01\x02\xff\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: x\r\nX-\x00: \x01\r\n\r\n',
    ]) {
      await new Promise<void>((resolve, reject) => {
        const socket = net.connect(Number(port), hostname, () => socket.end(bytes));
        socket.on('error', reject);
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    expect((await send('GET', '/livez', {}, '')).body).toBe('ok');
    expect((await send('GET', '/api/v1/namespaces/fuzz/configmaps/meta', {}, '')).status).toBe(404);
  });
});
