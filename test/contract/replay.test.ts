import { type ApiServer, startApiServer, systemEnvironment } from 'kube-apiserver-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check, loadPlays, loadRecord, pool } from './player.ts';

/** Most of a play is waiting: many at a time take as long as the longest. */
const AT_A_TIME = 24;

const plays = await loadPlays();
const record = loadRecord();
const found = new Map<string, string[]>();
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer({
    network: { serviceCidrs: ['10.43.0.0/16', '2001:cafe:43::/112'], nodePorts: [30000, 32767] },
    // Node ports from the first one on, so that none meets one that a play asks for.
    environment: { ...systemEnvironment, random: () => 0 },
  });
  await pool(plays, AT_A_TIME, async play => {
    const lines = await check(server, play, record[play.name]).catch((error: unknown) => [String(error)]);
    found.set(play.name, lines);
  });
}, 120_000);

afterAll(async () => {
  await server.close();
});

describe('the embedded API server answers as a real one did', () => {
  it.each(plays.map(play => [play.name, play.desc ?? ''] as const))('%s %s', name => {
    expect(found.get(name)).toEqual([]);
  });

  it('in every recorded play', () => {
    expect(plays.map(play => play.name).toSorted()).toEqual(Object.keys(record).toSorted());
  });
});
