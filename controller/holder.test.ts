import { type Client, connectTo } from '@herald/kube';
import { ScriptedServer, sendJson } from '@herald/kube/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holderIsDead, identityOn } from './holder.ts';
import { speaker } from './node-mode/fixtures.ts';

let status = 200;
const server = new ScriptedServer((_, response) =>
  sendJson(response, status, { kind: 'SpeakerList', metadata: {}, items: [speaker('dn0', 1, ['dn1']), speaker('dn1', 12, [])] }),
);
let client: Client;
beforeEach(async () => {
  status = 200;
  await server.listen();
  client = connectTo(server.url, { qps: 0 });
});
afterEach(async () => {
  client.close();
  await server.kill();
});

describe('the holder of the Lease', () => {
  it.each([
    { desc: 'is dead with its node', holder: identityOn('pod_7', 'dn0'), code: 200, dead: true },
    { desc: 'lives on another node', holder: identityOn('pod_7', 'dn1'), code: 200, dead: false },
    {
      desc: 'lives as far as anybody knows where it does not say where it runs',
      holder: identityOn('pod_7', undefined),
      code: 200,
      dead: false,
    },
    { desc: 'lives as far as anybody knows where the API server refuses', holder: identityOn('pod_7', 'dn0'), code: 403, dead: false },
  ])('$desc', async ({ holder, code, dead }) => {
    status = code;
    expect(await holderIsDead(client, holder, new AbortController().signal)).toBe(dead);
  });
});
