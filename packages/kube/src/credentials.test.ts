import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from './client.ts';
import { inClusterCredentials, kubeConfigCredentials } from './credentials.ts';
import { nodes } from './resource.ts';
import { ScriptedServer, sendJson } from './testing.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kube-credentials-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function kubeconfig(server: string, user: string): string {
  const file = join(folder, 'config');
  writeFileSync(
    file,
    `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: '${server}'}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
users: ${user}
`,
  );
  return file;
}

describe('credentials', () => {
  it.each([
    ['a token', '[{name: u, user: {token: abc}}]', 'Bearer abc'],
    ['name and password', '[{name: u, user: {username: a, password: b}}]', `Basic ${Buffer.from('a:b').toString('base64')}`],
    ['nothing', '[]', undefined],
    [
      'an exec plugin',
      `[{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: echo, interactiveMode: Never,
        args: ['{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-exec"}}']}}}]`,
      'Bearer from-exec',
    ],
  ])('a kubeconfig with %s works over plain HTTP', async (_, user, authorization) => {
    const server = await new ScriptedServer((_, response) => sendJson(response, 200, { metadata: { name: 'n1' } })).listen();
    const client = await connect({ kubeconfig: kubeconfig(server.url, user), qps: 0 });
    try {
      await client.get(nodes, { name: 'n1' });
      expect(server.seen[0]?.headers.authorization).toBe(authorization);
    } finally {
      client.close();
      await server.kill();
    }
  });

  it('a 401 reads the kubeconfig again: a rotated token heals without a restart', async () => {
    const server = await new ScriptedServer((request, response) =>
      sendJson(response, request.headers.authorization === 'Bearer new' ? 200 : 401, { metadata: { name: 'n1' } }),
    ).listen();
    const client = await connect({ kubeconfig: kubeconfig(server.url, '[{name: u, user: {token: old}}]'), qps: 0 });
    try {
      kubeconfig(server.url, '[{name: u, user: {token: new}}]');
      await client.get(nodes, { name: 'n1' });
      expect(server.seen.map(request => request.headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    } finally {
      client.close();
      await server.kill();
    }
  });

  it('the service account token is read again each time', async () => {
    writeFileSync(join(folder, 'ca.crt'), 'ca');
    writeFileSync(join(folder, 'token'), 'one\n');
    const credentials = inClusterCredentials({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }, folder);
    expect(credentials.server).toBe('https://[fd00::1]:443');
    expect((await credentials.identity(false)).headers).toEqual({ authorization: 'Bearer one' });
    writeFileSync(join(folder, 'token'), 'two\n');
    expect((await credentials.identity(false)).headers).toEqual({ authorization: 'Bearer two' });
    rmSync(join(folder, 'token'));
    await expect(credentials.identity(false)).rejects.toMatchObject({ code: 'config' });
  });

  it.each([
    ['no file', () => join(folder, 'missing'), 'cannot read the kubeconfig'],
    [
      'no cluster',
      () => (writeFileSync(join(folder, 'c'), 'clusters: []\nusers: []\ncontexts: []\n'), join(folder, 'c')),
      'set current-context',
    ],
    ['a server that is no URL', () => kubeconfig('not a url', '[]'), 'is not a URL'],
    ['a server of another scheme', () => kubeconfig('ftp://x', '[]'), 'must begin with https://'],
  ])('%s is a clear error', async (_, file, message) => {
    await expect(kubeConfigCredentials({ kubeconfig: file() })).rejects.toThrow(message);
  });

  it('outside a cluster says what is missing', () => {
    expect(() => inClusterCredentials({})).toThrow('KUBERNETES_SERVICE_HOST');
  });
});
